"""Secrets in what is said: refused before any git object is written, as what a log has once can't be taken back."""


def refuse_secrets(text: str, what: str = "the text") -> None:
    """Raise `UsageError` where the text looks as if it held a secret."""
