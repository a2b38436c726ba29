"""Blocks of lines that several sides inserted at one place: all of them, what they share once.

Developers keep both in nearly half of such conflicts. Shared lines are dropped only at the two ends, and only where a
statement begins: never by content alone, since equal lines inside different blocks each belong to their block. What one
side inserted beside the other's replacement is dropped where the replacement holds it too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

_BULLETS = (b"- ", b"* ")


def order_blocks(placed: Iterable[tuple[int, list[bytes]]]) -> list[list[bytes]]:
    """Return blocks in the order of their places, then of their texts.

    Blocks of one line each are in the order of their texts alone: in code such lines are mostly members of a list, and
    most lists are sorted, Python's imports with `from` last. What begins with a bullet is prose, which is in the order
    in which it was written.
    """
    given = list(placed)
    if all(len(block) == 1 and not block[0].lstrip().startswith(_BULLETS) for _, block in given):
        given = [(block[0].lstrip().startswith(b"from "), block) for _, block in given]
    return [block for _, block in sorted(given)]


def join_blocks(blocks: Iterable[Sequence[bytes]]) -> list[bytes]:
    """Return the lines of all blocks in the given order, each different block once.

    A block that begins or ends another, or stands inside of it at its margin, is part of it. Lines with which two
    blocks begin, or end, appear once when what is next to them begins at the left margin of the blocks; blank lines
    alone are kept, as they keep blocks apart.
    """
    joined: tuple[bytes, ...] = ()
    for block in dict.fromkeys(tuple(block) for block in blocks):
        joined = _join(joined, block)
    return list(joined)


@dataclass(frozen=True, slots=True)
class Block:
    """What base lines [start, stop) become; an insertion where there are none."""

    start: int
    stop: int
    lines: Sequence[bytes]

    @property
    def is_insertion(self) -> bool:
        return self.start == self.stop


def drop_repeated(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield the blocks, in order, without those lines of an insertion that the replacement next to it has as well.

    Two sides that add the same lines seldom differ from the base in the same hunks: to one of them the lines may be the
    beginning or the end of what it made of the neighbouring ones.
    """
    for before, block, after in zip([None, *blocks[:-1]], blocks, [*blocks[1:], None], strict=True):
        lines = block.lines
        if block.is_insertion and before is not None and before.stop == block.start:
            lines = () if _is_within(lines, before.lines) else lines[_overlap(before.lines, lines) :]
        if block.is_insertion and after is not None and after.start == block.stop:
            lines = () if _is_within(lines, after.lines) else lines[: len(lines) - _overlap(lines, after.lines)]
        yield replace(block, lines=lines)


def _is_within(block: Sequence[bytes], other: Sequence[bytes]) -> bool:
    """Tell whether the lines of a block stand together in another one, at its left margin; blank ends do not count."""
    filled = [number for number, line in enumerate(block) if line.strip()]
    inner = block[filled[0] : filled[-1] + 1] if filled else ()
    if not inner or _margin(inner) > _margin(other):
        return False
    # Lines are found as bytes, which takes no longer for texts that repeat themselves.
    return b"\n" + b"".join(inner) in b"\n" + b"".join(other)


def _overlap(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    """Return how many lines, not all of them blank, end one block and begin the next."""
    # Knuth, Morris and Pratt: for each line, how many of the first ones end there. No line is empty bytes.
    lines = [*other, b"", *one[max(0, len(one) - len(other)) :]]
    counts = [0]
    for line in lines[1:]:
        count = counts[-1]
        while count and line != lines[count]:
            count = counts[count - 1]
        counts.append(count + (line == lines[count]))
    return counts[-1] if any(line.strip() for line in other[: counts[-1]]) else 0


def _join(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> tuple[bytes, ...]:
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    if shorter in (longer[: len(shorter)], longer[len(longer) - len(shorter) :]) or _is_within(shorter, longer):
        return longer
    margin = _margin(one + other)
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


def _margin(lines: Sequence[bytes]) -> int:
    return min((_indent(line) for line in lines if line.strip()), default=0)


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip())
