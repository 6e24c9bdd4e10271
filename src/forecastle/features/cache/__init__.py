"""The cache: features that were computed once, by everything that they were computed from."""
