"""Forecasters of every kind behind one contract."""
