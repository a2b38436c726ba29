"""Whole-file writes from a version that others have changed since: found out, and re-based where that is safe.

An agent that writes a whole file from memory deletes what arrived after it read the file, without ever having seen it.
Such a write lacks exactly what arrived. One that lacks only some of it was made by somebody who saw the rest, and what
such a writer took out was meant.
"""

import enum
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agentroom_git.core.content import merge_contents
from agentroom_git.core.edits import carry_edits
from agentroom_git.core.hunks import Change, LineDiff, find_clusters, split_lines
from agentroom_git.core.parse import guard_for
from agentroom_git.core.regions import Region, Side

_WRITER, _ARRIVED = "writer", "arrived"
_WORD = re.compile(rb"\w{3,}")


class Verdict(enum.Enum):
    FRESH = "fresh"  # everything that arrived is there
    MIXED = "mixed"  # some of it is: the writer has seen it
    STALE = "stale"  # nothing of it is


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one sync put in place of what: two versions of a file."""

    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class Judgement:
    """`missing` are the lines that arrived and that the written text has not."""

    verdict: Verdict
    missing: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Rebased:
    """The written text with what arrived; `lost` are the lines that had to give way to the writer's own."""

    text: bytes
    lost: tuple[bytes, ...] = ()


def known_text(arrivals: Sequence[Arrival], path: str, diff: LineDiff) -> bytes:
    """Return the file as a writer knows it who has seen nothing of these arrivals, oldest first.

    What the writer changed and committed between two of them is its own, and part of what it knows.
    """
    known = arrivals[0].before
    for earlier, later in zip(arrivals, arrivals[1:], strict=False):
        if later.before != earlier.after:
            carried = carry_edits(path, earlier.after, known, later.before, diff)
            known = later.before if carried is None else carried
    return known


def judge_write(known: bytes, current: bytes, written: bytes, diff: LineDiff) -> Judgement:
    """Judge a text written over `current` by somebody who may have seen no more than `known`."""
    if current in (known, written):
        return Judgement(Verdict.FRESH)
    lines = [split_lines(text) for text in (known, current, written)]
    added, removed, kept, gone = (Counter[bytes]() for _ in range(4))
    for cluster in find_clusters([diff(known, current), diff(known, written)]):
        changes = {change.side: change for change in cluster.changes}
        if 0 not in changes:
            continue
        base = Counter(lines[0][cluster.start : cluster.stop])
        arrived = Counter(_made(lines[1], changes[0]))
        own = Counter(_made(lines[2], changes[1])) if 1 in changes else base
        added += arrived - base
        removed += base - arrived
        kept += (arrived - base) & own
        gone += (base - arrived) - own
    missing = tuple((added - kept).elements())
    # Two writers may well add the same blank line or closing bracket; only lines of its own tell what one has seen.
    telling = {line for line in added if _WORD.search(line)} - set(lines[0])
    if telling and kept != added:
        kept = Counter({line: count for line, count in kept.items() if line in telling})
    return Judgement(_verdict(added.total(), kept.total(), removed.total(), gone.total()), missing)


def _made(lines: Sequence[bytes], change: Change) -> Sequence[bytes]:
    return lines[change.new_start : change.new_stop]


def _verdict(added: int, kept: int, removed: int, gone: int) -> Verdict:
    """Judge by the lines that were added: two writers may well remove the same ones, but seldom write the same."""
    if kept == added and gone == removed:
        return Verdict.FRESH
    return Verdict.MIXED if (kept if added else gone) else Verdict.STALE


def has_seen(arrival: Arrival, written: bytes) -> bool:
    """Tell whether a text uses a word that only came with the arrival: its writer has seen it, and changed it."""
    new = set(_WORD.findall(arrival.after)) - set(_WORD.findall(arrival.before))
    return not new.isdisjoint(_WORD.findall(written))


def rebase_write(path: str, known: bytes, current: bytes, written: bytes, diff: LineDiff) -> Rebased | None:
    """Merge a stale write with what arrived; None where there is no merge by lines, or one that does not parse.

    Where both changed the same lines the writer's stand: it is its file to write, and what arrived is committed.
    """
    sides = (Side((_WRITER,), written, token=1), Side((_ARRIVED,), current))
    merged = merge_contents(path, known, sides, diff)
    if merged.text is None:
        return None
    parses = guard_for(path)
    if parses is not None and not parses(merged.text) and parses(written) and parses(current):
        return None
    return Rebased(merged.text, tuple(_lost(merged.regions)))


def _lost(regions: Iterable[Region]) -> Iterator[bytes]:
    for region in regions:
        for index in region.lost:
            if _ARRIVED in region.agents[index]:
                yield from split_lines(region.sides[index])
