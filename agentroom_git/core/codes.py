"""Texts for a line diff in which each unit, a line or a word, is one short line: its number.

A line diff compares lines only with each other, so the hunks are those of the units themselves. It is told of units
that hold line ends this way, and reads a tenth of the bytes: libgit2 also takes the SHA-1 of all that it compares.
"""

from collections.abc import Sequence
from functools import cache
from itertools import count


class Codes(dict[bytes, bytes]):
    """The code of every unit that was met: its number, as a line.

    The number of a unit of the first text is the last place at which it stands there; other units have higher ones,
    from `start` on at least.
    """

    def __init__(self, first: Sequence[bytes], start: int = 0) -> None:
        super().__init__(zip(first, _numbers(1 << len(first).bit_length()), strict=False))
        self._further = count(max(start, len(first)))

    def __missing__(self, unit: bytes) -> bytes:
        code = self[unit] = b"%d\n" % next(self._further)
        return code

    def read(self, units: Sequence[bytes]) -> list[bytes]:
        """Return the codes of the units of a text; equal units have equal codes, in this text and in all others."""
        return list(map(self.__getitem__, units))


@cache
def _numbers(below: int) -> Sequence[bytes]:
    return tuple(b"%d\n" % number for number in range(below))
