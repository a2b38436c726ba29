"""Posting: how amounts get into the ledger."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    debit: str
    credit: str
    cents: int
    text: str = ""


def post(entries, entry):
    """Return the entries with one more; raise ValueError for an amount that is not positive."""
    raise NotImplementedError("post")


def balance(entries, account):
    """Return what the account has, in cents."""
    raise NotImplementedError("balance")


def reverse(entries, number):
    """Return the entries with one more, which takes back the entry of that number."""
    raise NotImplementedError("reverse")
