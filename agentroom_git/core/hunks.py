"""Line hunks, and the clusters of hunks that cannot be applied independently of each other.

The rule of what is independent is the one of git's own file merge (libxdiff, Davide Libenzi): hunks of different
sides belong together when they overlap or touch, so at least one unchanged line lies between two clusters.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

SNIFFED = 8000
"""How many bytes git looks at to tell binary from text."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines [old_start, old_start + old_lines) become lines [new_start, new_start + new_lines), counted from 0."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int

    @property
    def old_stop(self) -> int:
        return self.old_start + self.old_lines

    @property
    def new_stop(self) -> int:
        return self.new_start + self.new_lines


LineDiff = Callable[[bytes, bytes], Sequence[Hunk]]


@dataclass(frozen=True, slots=True)
class Change:
    """What one side makes of base lines [start, stop) of a cluster: its own lines [new_start, new_stop)."""

    side: int
    new_start: int
    new_stop: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """A maximal range of base lines whose hunks, taken together, overlap or touch."""

    start: int
    stop: int
    changes: tuple[Change, ...]


def is_binary(data: bytes) -> bool:
    """Tell whether git takes the bytes for binary: a NUL among the first 8,000."""
    return b"\0" in data[:SNIFFED]


def split_lines(text: bytes) -> list[bytes]:
    """Lines with their ends; only a line feed ends a line, and the last line may lack it."""
    if b"\r" not in text or text.count(b"\r") == text.count(b"\r\n"):
        return text.splitlines(keepends=True)
    # splitlines would also end a line at a lone carriage return.
    lines = text.split(b"\n")
    last = lines.pop()
    ended = [line + b"\n" for line in lines]
    return [*ended, last] if last else ended


def find_clusters(hunks: Sequence[Sequence[Hunk]], touching: bool = True) -> Iterator[Cluster]:
    """Yield the clusters of all sides' hunks in the order of base lines; `hunks[n]` are those of side n, in order.

    Hunks that touch belong together, as in git. With `touching` off only those do that share a base line, insert at
    the same place, or insert inside what another replaces.
    """
    pending = sorted(
        (hunk.old_start, hunk.old_stop, side, number)
        for side, owned in enumerate(hunks)
        for number, hunk in enumerate(owned)
    )
    members: list[tuple[Hunk, int]] = []
    stop = -1
    for _, old_stop, side, number in pending:
        hunk = hunks[side][number]
        if members and not _joins(hunk, members[-1][0], stop, touching):
            yield _cluster(members, stop)
            members = []
            stop = -1
        members.append((hunk, side))
        stop = max(stop, old_stop)
    if members:
        yield _cluster(members, stop)


def _joins(hunk: Hunk, last: Hunk, stop: int, touching: bool) -> bool:
    if touching:
        return hunk.old_start <= stop
    return hunk.old_start < stop or hunk.old_start == hunk.old_stop == last.old_start == stop


def _cluster(members: Sequence[tuple[Hunk, int]], stop: int) -> Cluster:
    first, alone = members[0]
    start = first.old_start
    if len(members) == 1:
        return Cluster(start, stop, (Change(alone, first.new_start, first.new_stop),))
    owned: dict[int, list[Hunk]] = {}
    for hunk, side in members:
        owned.setdefault(side, []).append(hunk)
    changes = (_change(side, owned[side], start, stop) for side in sorted(owned))
    return Cluster(start, stop, tuple(changes))


def _change(side: int, hunks: Sequence[Hunk], start: int, stop: int) -> Change:
    first, last = hunks[0], hunks[-1]
    return Change(side, first.new_start - (first.old_start - start), last.new_stop + (stop - last.old_stop))


def diff_lines(old: Sequence[bytes], new: Sequence[bytes], diff: LineDiff) -> Sequence[Hunk]:
    """Return the hunks between texts that are given as lines."""
    if set(old).isdisjoint(new):
        # What any diff says of texts that share no line, without the cost of asking: most regions are such.
        return [Hunk(0, len(old), 0, len(new))] if old or new else []
    return diff(b"".join(old), b"".join(new))
