"""Searching: trials that a sampler of Optuna proposes, in place of every combination of what is given."""
