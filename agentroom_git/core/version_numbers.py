"""Lines that sides made alike but for version numbers: of each the one with the highest.

Two agents that raise the same dependency, or the project's own version, mean the same line; neither text as a whole
need have the higher number everywhere.
"""

import re
from collections.abc import Sequence

from agentroom_git.core.hunks import split_lines

# From a run of digits' first one only and without going back, or a line of digits takes the square of its length.
_NUMBER = re.compile(rb"(?<!\d)\d++(?:\.\d++)+(?:[-.]?(?:alpha|beta|rc|a|b|dev|pre)[-.]?\d*)?")
_PART = re.compile(rb"\d+")
_LONGEST = 1_000
"""Numbers of more digits are no versions, and slow to read."""


def take_highest(texts: Sequence[bytes]) -> bytes | None:
    """Return line for line the one with the highest version numbers; None where anything else differs.

    Of numbers that say the same, as 1.0 and 1.00, the higher text. A release is higher than what goes before it, as
    1.0rc1.
    """
    sides = [split_lines(text) for text in texts]
    if len({len(lines) for lines in sides}) > 1 or _without(texts[0]) != _without(texts[-1]):
        return None
    found = [_highest(set(lines)) for lines in zip(*sides, strict=True)]
    return None if None in found else b"".join(line for line in found if line is not None)


def _highest(lines: set[bytes]) -> bytes | None:
    if len(lines) == 1:
        return next(iter(lines))
    if len(set(map(_without, lines))) > 1:
        return None
    return max(lines, key=lambda line: ([_rank(number) for number in _NUMBER.findall(line)], line))


def _without(text: bytes) -> bytes:
    return _NUMBER.sub(b"0.0", text)


def _rank(number: bytes) -> tuple[list[int], bool, list[int]]:
    release, *before = re.split(rb"[-.]?[a-z]+[-.]?", number, maxsplit=1)
    return (_parts(release), not before, _parts(b"".join(before)))


def _parts(text: bytes) -> list[int]:
    return [int(part[:_LONGEST]) for part in _PART.findall(text)]
