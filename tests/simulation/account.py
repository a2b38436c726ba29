"""The books: which tokens exist, and who made one vanish that it had.

A token may be gone at the end only if an agent that had it in its worktree made it vanish there by something of its own
doing: an edit, a reset, a rebase, a stash. Whatever vanishes by the room's doing must be somewhere.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from simulation.world import World, tokens_in


@dataclass
class Account:
    world: World
    known: set[bytes] = field(default_factory=set)
    given_up: defaultdict[bytes, set[str]] = field(default_factory=lambda: defaultdict(set))

    @contextmanager
    def own_action(self, name: str) -> Iterator[None]:
        """Book what the agent itself makes appear and vanish in its worktree during the block."""
        top = self.world.path(name)
        before = tokens_in(top)
        try:
            yield
        finally:
            after = tokens_in(top)
            self.known |= after
            for token in before - after:
                self.given_up[token].add(name)
            for token in after - before:
                self.given_up[token].discard(name)

    def abandoned(self) -> set[bytes]:
        return {token for token, names in self.given_up.items() if names}
