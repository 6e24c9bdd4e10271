"""Sweeps: many runs from one command, begun, shared among workers, searched for and gone on with."""
