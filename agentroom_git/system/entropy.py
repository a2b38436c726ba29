"""Randomness: a seam, so that a test can replay a run."""

import secrets


def random_key() -> str:
    """Return sixteen hexadecimal digits that nobody has drawn before."""
    return secrets.token_hex(8)
