"""Texts for a line diff in which each unit, a line or a word, is one short line: its number.

A line diff compares lines only with each other, so the hunks are those of the units themselves. It is told of units
that hold line ends this way, and reads a tenth of the bytes: libgit2 also takes the SHA-1 of all that it compares.
"""

from collections.abc import Sequence
from functools import cache


class Codes:
    """The numbers of all units that one comparison has met so far."""

    def __init__(self) -> None:
        self._numbers = _Numbers()

    def write(self, units: Sequence[bytes]) -> bytes:
        """Return the units' numbers, one a line; equal units have equal numbers, in this text and in all others."""
        known = self._numbers
        if not known:
            known.update(zip(dict.fromkeys(units), _first_numbers(1 << len(units).bit_length()), strict=False))
        return b"".join(map(known.__getitem__, units))


class _Numbers(dict[bytes, bytes]):
    def __missing__(self, unit: bytes) -> bytes:
        number = self[unit] = b"%d\n" % len(self)
        return number


@cache
def _first_numbers(count: int) -> Sequence[bytes]:
    return tuple(b"%d\n" % number for number in range(count))
