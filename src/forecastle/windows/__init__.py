"""Targets, windows, splits and transforms: from features to folds."""
