"""Merging three loose files as the fold would: outside any room, for the user's own merges and for measuring.

Nothing here reads a repository. With nobody's claim to decide, the fold prefers the side with more commits; loose files
have none, so the caller says which side is preferred.
"""

from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core.candidates import Candidate, find_alternatives
from agentroom_git.core.content import merge_contents
from agentroom_git.core.hunks import split_lines
from agentroom_git.core.merge import Resolved, merge_values, precedence
from agentroom_git.core.parse import guard_for
from agentroom_git.core.regions import Region, Side
from agentroom_git.git.diff import line_diff
from agentroom_git.system import process

OURS, THEIRS = "ours", "theirs"


@dataclass(frozen=True, slots=True)
class Place:
    """One region that both sides changed: lines from 1 in the merged text, who stands, and what else is possible."""

    start: int
    lines: int
    base_start: int
    base_lines: int
    step: str
    winner: str
    lost: tuple[str, ...]
    needs_look: bool
    names: tuple[str, ...]
    sides: tuple[bytes, ...]
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """The merge of three files.

    `kind` is "text", or why one side was taken whole; `winner` names that side. `parses` is None for a language that
    nothing here can judge. `is_broken` says that git would merge the files to this very text, and it does not parse
    although all three do.
    """

    kind: str
    text: bytes
    winner: str
    places: tuple[Place, ...]
    parses: bool | None
    is_broken: bool

    @property
    def is_contested(self) -> bool:
        """Whether a side's change is missing, or was combined with another without knowing that they fit."""
        return bool(self.winner) or any(place.lost or place.needs_look for place in self.places)


def merge_files(
    base: bytes,
    ours: bytes,
    theirs: bytes,
    *,
    path: str = "",
    claim: str = "",
    prefer: str = OURS,
    explain: bool = False,
) -> Merged:
    """Merge two versions of a file; `claim` names the side whose agent holds it, `prefer` who stands otherwise.

    `path` tells which guard and which rule for its kind of file apply. With `explain`, contested places come with their
    candidates.
    """
    sides = tuple(
        Side((name,), text, token=int(name == claim), generation=int(name == prefer), id=name, place=place)
        for place, (name, text) in enumerate(((OURS, ours), (THEIRS, theirs)))
    )
    parses = guard_for(path)
    settled = merge_values(base, (ours, theirs))
    if isinstance(settled, Resolved):
        return Merged("text", settled.value, "", (), parses(settled.value) if parses else None, is_broken=False)
    merged = merge_contents(path, base, sides, line_diff)
    text, winner = merged.text, ""
    if text is None:
        stands = min(sides, key=precedence)
        text, winner = stands.text, stands.agents[0]
    places = tuple(_place(region, explain) for region in merged.regions)
    return Merged(merged.kind, text, winner, places, parses(text) if parses else None, merged.is_broken)


def shows_base(folder: Path) -> bool:
    """Tell whether who merges in this folder wants conflicts with what both sides started from (diff3, zdiff3)."""
    done = process.users_git("config", "--get", "merge.conflictStyle", cwd=folder, seconds=10)
    return done.out.strip().lower() in {b"diff3", b"zdiff3"}


def mark_conflicts(merged: Merged, size: int, base: bytes | None = None) -> bytes:
    """Return the text with git's conflict markers, `size` signs long, around both versions where one is not in it.

    With `base`, the text that both started from, its part stands between them, as git's diff3 style has it.
    """
    parts: list[bytes] = []
    lines = split_lines(merged.text)
    before = None if base is None else split_lines(base)
    at = 0
    end = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
    for place in merged.places:
        if place.lost:
            texts = dict(zip(place.names, place.sides, strict=True))
            parts += [*lines[at : place.start - 1], b"<" * size, b" ours", end, _ended(texts.get(OURS, b""), end)]
            if before is not None:
                old = b"".join(before[place.base_start - 1 :][: place.base_lines])
                parts += [b"|" * size, b" base", end, _ended(old, end)]
            parts += [b"=" * size, end, _ended(texts.get(THEIRS, b""), end), b">" * size, b" theirs", end]
            at = place.start - 1 + place.lines
    return b"".join([*parts, *lines[at:]])


def _ended(text: bytes, end: bytes) -> bytes:
    return text + end if text and not text.endswith(b"\n") else text


def _place(region: Region, explain: bool) -> Place:
    names = ["+".join(agents) for agents in region.agents]
    candidates: tuple[Candidate, ...] = ()
    if explain and (region.is_contested or region.needs_look):
        candidates = find_alternatives(
            region.base_text, region.sides, region.agents, region.winner, line_diff, in_order=True
        )
    return Place(
        start=region.result_start + 1,
        lines=region.result_lines,
        base_start=region.base_start + 1,
        base_lines=region.base_lines,
        step=region.step,
        winner="" if region.winner is None else names[region.winner],
        lost=tuple(names[index] for index in region.lost),
        needs_look=region.needs_look,
        names=tuple(names),
        sides=region.sides,
        candidates=candidates,
    )
