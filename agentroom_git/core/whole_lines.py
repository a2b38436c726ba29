"""Merges for files whose lines stand for themselves: a union, where git's attribute asks for one, and a sorted set."""

from collections.abc import Sequence

from agentroom_git.core.hunks import LineDiff, find_clusters, split_lines
from agentroom_git.core.regions import Side, canonical_order

LF = b"\n"


def merge_union(base: bytes, sides: Sequence[Side], diff: LineDiff) -> bytes:
    """Apply all sides' changes; where they meet, all of them in the order of the agents' names, equal ones once."""
    ordered = sorted(sides, key=canonical_order)
    lines = [split_lines(side.text) for side in ordered]
    base_lines = split_lines(base)
    parts: list[bytes] = []
    at = 0
    for cluster in find_clusters([diff(base, side.text) for side in ordered]):
        parts += base_lines[at : cluster.start]
        made = [tuple(lines[one.side][one.new_start : one.new_stop]) for one in cluster.changes]
        texts = [b"".join(text) for text in dict.fromkeys(made) if text]
        parts += [text if text.endswith(LF) or text is texts[-1] else text + LF for text in texts]
        at = cluster.stop
    return b"".join(parts + base_lines[at:])


def merge_set(base: bytes, sides: Sequence[Side]) -> bytes | None:
    """Merge files that are sorted sets of lines, as go.sum is; None where a line is no entry or two contradict.

    An entry is a module, a version and a hash: of one module's version there can be one hash.
    """
    before = set(split_lines(base))
    found = set(before)
    for side in sides:
        found -= before - set(split_lines(side.text))
    for side in sides:
        found |= set(split_lines(side.text)) - before
    entries = [line.split() for line in found]
    if any(len(entry) != 3 for entry in entries) or any(not line.endswith(LF) for line in found):
        return None
    if len({(module, version) for module, version, _ in entries}) < len(entries):
        return None
    return b"".join(sorted(found))
