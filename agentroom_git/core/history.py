"""What a fold is computed from: the heads of a set of commits, and the commit graph behind them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.objects import Objects

ENGINE = 1
"""Version of the fold: policy and diff algorithm. A fold names the version that made it."""


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """A commit of the set that no other commit of the set reaches, and who wrote it."""

    id: Oid
    agent: AgentName


class History(Objects, Protocol):
    """What the fold asks of the commit graph; every answer is a function of its arguments."""

    def tree_of(self, commit: Oid) -> Oid:
        """Return the id of the commit's tree."""
        ...

    def parents(self, commit: Oid) -> tuple[Oid, ...]:
        """Return the commit's parents, in its order."""
        ...

    def between(self, bases: frozenset[Oid], commit: Oid) -> Iterator[Oid]:
        """Yield the commits that `commit` reaches and none of `bases` does, children before parents."""
        ...

    def weight(self, bases: frozenset[Oid], commit: Oid) -> int:
        """Return how many commits `commit` adds to what `bases` reach."""
        ...

    def maximal(self, commits: frozenset[Oid]) -> frozenset[Oid]:
        """Return those of the commits that no other of them reaches."""
        ...

    def meet(self, commits: frozenset[Oid], commit: Oid) -> frozenset[Oid]:
        """Return the maximal commits reached both by one of `commits` and by `commit`."""
        ...

    def author_of(self, commit: Oid) -> AgentName:
        """Return the agent that the commit's own trailer names, or `base`."""
        ...

    def tokens(self, bases: frozenset[Oid], commit: Oid) -> Mapping[str, int]:
        """Return the highest fencing token by claimed path in the trailers of what `commit` adds to `bases`."""
        ...
