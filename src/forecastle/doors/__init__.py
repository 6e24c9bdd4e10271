"""Doors: what the commands do, one module for each."""
