"""A small ledger: amounts move between accounts, in cents."""
