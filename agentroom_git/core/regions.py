"""One region of a text that several sides changed: who they are, what each made of it, and what becomes of it.

A region is decided over all of its sides at once and by nothing but their values, so the order in which sides are
given cannot matter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentroom_git.core.authors import Author


@dataclass(frozen=True, slots=True)
class Side:
    """One version of a text, and what it weighs in a contest."""

    agents: tuple[str, ...]
    """Who wrote it, sorted."""
    text: bytes
    token: int = 0
    """Fencing token of the claim under which it was made; 0 without one."""
    support: int = 0
    """How many other agents built on it."""
    generation: int = 0
    id: str = ""
    """Commit id: the last tie-break but for the text, lower wins."""
    place: int = 0
    """Whose insertions come first where several insert at one place; of equal places, the lower text's."""
    authors: tuple["Author", ...] = field(default=(), compare=False)
    """The heads behind a side that is itself merged; of one head alone none."""


@dataclass(frozen=True, slots=True)
class Region:
    """What several sides made of the same base lines, and what the merge took. Lines are counted from 0.

    `sides` holds each distinct text of the region once, `agents` in the same order who wrote it. `step` is one of
    "equal", "whitespace", "disjoint", "tokens", "imports", "insertions", "versions", "claim", "both" and "side".
    `winner` is the side that the result equals, None where it combines several; `lost` are the sides whose change is
    not in the result.
    """

    base_start: int
    base_lines: int
    result_start: int
    result_lines: int
    base_text: bytes
    sides: tuple[bytes, ...]
    agents: tuple[tuple[str, ...], ...]
    step: str
    winner: int | None
    lost: tuple[int, ...] = ()

    @property
    def is_contested(self) -> bool:
        """Whether the change of some side is missing from the result."""
        return bool(self.lost)

    @property
    def needs_look(self) -> bool:
        """Whether all changes were kept without knowing that they fit together."""
        return self.step == "both"


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a region becomes, by which step; `winner` and `lost` as in `Region`."""

    text: bytes
    step: str
    winner: int | None = None
    lost: tuple[int, ...] = ()


def canonical_order(side: Side) -> tuple[tuple[str, ...], str, bytes, int, int, int]:
    """Sort key for display and for texts that hold several sides: by agent, then id, then text."""
    return (side.agents, side.id, side.text, side.token, side.support, side.generation)


def unite_sides(sides: Iterable[Side]) -> list[Side]:
    """Let the sides that have the same text speak as one, with the best standing of any; in canonical order."""
    by_text: dict[bytes, list[Side]] = {}
    for side in sides:
        by_text.setdefault(side.text, []).append(side)
    return sorted((_unite(text, group) for text, group in by_text.items()), key=canonical_order)


def _unite(text: bytes, group: Sequence[Side]) -> Side:
    if len(group) == len(group[0].agents) == 1:
        return group[0]
    return Side(
        agents=tuple(sorted({agent for side in group for agent in side.agents})),
        text=text,
        token=max(side.token for side in group),
        support=max(side.support for side in group),
        generation=max(side.generation for side in group),
        id=min(side.id for side in group),
        place=min(side.place for side in group),
    )
