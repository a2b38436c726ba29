"""Statements: what an account's owner gets to read."""


def amount(cents):
    """Return cents as an amount with two decimals, such as -12.05."""
    raise NotImplementedError("amount")


def statement(entries, account):
    """Return one line for each entry of the account: its amount and its text."""
    raise NotImplementedError("statement")
