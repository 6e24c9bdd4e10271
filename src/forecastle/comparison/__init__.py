"""Comparison: finished runs of one question, held against each other."""
