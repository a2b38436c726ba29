"""The books: which tokens exist, and who made one vanish that it had.

A token may be gone at the end only if an agent that had it in its worktree made it vanish there by something of its own
doing: an edit, a reset, a rebase, a stash. Whatever vanishes by the room's doing must be somewhere.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from simulation.world import World, tokens_in


@dataclass
class Books:
    """`given_up`: by token, who has made it vanish and not taken it up again; `ever_given_up`: whatever came of it."""

    known: set[bytes] = field(default_factory=set)
    given_up: defaultdict[bytes, set[str]] = field(default_factory=lambda: defaultdict(set))
    ever_given_up: set[bytes] = field(default_factory=set)

    def book(self, name: str, before: Iterable[bytes], after: Iterable[bytes]) -> None:
        """Book what an agent's own doing has made of what it sees; of a token that is there twice each counts."""
        had, has = Counter(before), Counter(after)
        self.known |= has.keys()
        self.ever_given_up |= (had - has).keys()
        for token in had - has:
            self.given_up[token].add(name)
        for token in has - had:
            self.given_up[token].discard(name)

    def abandoned(self) -> set[bytes]:
        return {token for token, names in self.given_up.items() if names}


@dataclass
class Account:
    world: World
    books: Books = field(default_factory=Books)

    @contextmanager
    def own_action(self, name: str) -> Iterator[None]:
        """Book what the agent itself makes appear and vanish in its worktree during the block."""
        top = self.world.path(name)
        before = tokens_in(top)
        try:
            yield
        finally:
            self.books.book(name, before, tokens_in(top))
