"""Where a run's curves, metrics and files are sent."""
