"""Which regions of a file two agents would contest if both committed what they have: a forecast, nothing is decided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentroom_git.core.attributes import Attributes
from agentroom_git.core.clash import Clash
from agentroom_git.core.content import TEXT, merge_contents
from agentroom_git.core.hunks import LineDiff
from agentroom_git.core.regions import Side

MAX_REGIONS = 3
"""More clashes in one file are told as one over all of their lines."""


@dataclass(frozen=True, slots=True)
class Version:
    """One agent's version of a file; without a text it is deleted, or nothing that lines could be merged of."""

    agent: str
    text: bytes | None


def find_clashes(
    path: str, base: bytes | None, one: Version, other: Version, diff: LineDiff, attributes: Attributes
) -> tuple[Clash, ...]:
    """Return what the two versions of a file would contest; `base` is None where the file is new to both."""
    pair = (min(one.agent, other.agent), max(one.agent, other.agent))
    if one.text == other.text or base is not None and base in (one.text, other.text):
        return ()
    whole = (Clash(path, pair, 0, 0),)
    if one.text is None or other.text is None:
        return whole
    sides = [Side((version.agent,), version.text or b"") for version in (one, other)]
    merged = merge_contents(path, base or b"", sides, diff, attributes)
    if merged.kind != TEXT or merged.is_broken:
        return whole
    found = [region for region in merged.regions if region.is_contested or region.needs_look]
    spans = [(region.base_start + 1, region.base_lines) for region in found]
    return tuple(Clash(path, pair, start, lines) for start, lines in _few(spans))


def _few(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    if len(spans) <= MAX_REGIONS:
        yield from spans
    else:
        yield spans[0][0], spans[-1][0] + spans[-1][1] - spans[0][0]
