"""Who of the agents behind a side that is itself merged speaks for one region of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from agentroom_git.core.regions import Side


@dataclass(frozen=True, slots=True)
class Author:
    """One agent's head behind a merged side: its version's lines, without their ends, and what it weighs."""

    agent: str
    id: str
    generation: int
    token: int
    lines: Callable[[], frozenset[bytes]]


def narrow(side: Side, base: bytes, text: bytes) -> Side:
    """Return the side with its text of a region, speaking for those who made it.

    These are the authors whose version of the file has a line that the region's text adds, or lacks one that it
    removes. So neither the claim nor the commits of somebody who changed other lines of the file weigh in what these
    become. All speak where that tells nothing.
    """
    if len(side.authors) < 2:
        return replace(side, text=text)
    before, after = frozenset(base.splitlines()), frozenset(text.splitlines())
    added, removed = after - before, before - after
    made = [one for one in side.authors if added & one.lines() or removed - one.lines()] or side.authors
    last = max(made, key=lambda one: (one.generation, one.id))
    return replace(
        side,
        agents=tuple(sorted({one.agent for one in made})),
        text=text,
        token=max(one.token for one in made),
        generation=last.generation,
        id=last.id,
    )
