"""Candles from the world: sources, quality, bars."""
