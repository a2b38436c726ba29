"""Blocks of lines that several sides inserted at one place: all of them, what they share once.

Developers keep both in nearly half of such conflicts. Shared lines are dropped only at the two ends, and only where a
statement begins: never by content alone, since equal lines inside different blocks each belong to their block.
"""

from collections.abc import Iterable, Sequence


def join_blocks(blocks: Iterable[Sequence[bytes]]) -> list[bytes]:
    """Return the lines of all blocks in the given order, each different block once.

    A block that begins or ends another is part of it. Lines with which two blocks begin, or end, appear once when what
    is next to them begins at the left margin of the blocks; blank lines alone are kept, as they keep blocks apart.
    """
    joined: tuple[bytes, ...] = ()
    for block in dict.fromkeys(tuple(block) for block in blocks):
        joined = _join(joined, block)
    return list(joined)


def _join(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> tuple[bytes, ...]:
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    if shorter in (longer[: len(shorter)], longer[len(longer) - len(shorter) :]):
        return longer
    margin = min((_indent(line) for line in one + other if line.strip()), default=0)
    head = _shared_head(one, other, margin)
    tail = _shared_tail(one[head:], other[head:], margin)
    return one[: len(one) - tail] + other[head:]


def _shared_head(one: Sequence[bytes], other: Sequence[bytes], margin: int) -> int:
    count = _count_equal(one, other)
    while count and not (_begins_statement(one[count:], margin) and _begins_statement(other[count:], margin)):
        count -= 1
    return count if any(line.strip() for line in one[:count]) else 0


def _shared_tail(one: Sequence[bytes], other: Sequence[bytes], margin: int) -> int:
    count = _count_equal(one[::-1], other[::-1])
    while count and not _begins_statement(one[len(one) - count :], margin):
        count -= 1
    return count if any(line.strip() for line in one[len(one) - count :]) else 0


def _count_equal(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    pairs = zip(one, other, strict=False)
    return next((count for count, (line, its) in enumerate(pairs) if line != its), min(len(one), len(other)))


def _begins_statement(lines: Sequence[bytes], margin: int) -> bool:
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        return True
    # A closing bracket at the margin ends a statement instead.
    return _indent(first) <= margin and first.lstrip()[:1] not in b")]}"


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip())
