"""Identity, folder and ledger of runs."""
