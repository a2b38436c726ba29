"""Failpoints: the steps of an operation by name, so that a test can stop, fail or interleave it between any two.

A failpoint is called before each step that changes something which outlives the process. What it raises is what the
step would have raised. In production it does nothing.
"""

from collections.abc import Callable

Failpoint = Callable[[str], None]


def silent(step: str) -> None:
    """Do nothing."""
