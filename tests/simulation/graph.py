"""What the commits say of each token: where it was added and where it was deleted.

Only what integration reaches counts. Merges (folds, joins, merges by hand) add or delete nothing of their own unless no
parent has it, or every parent does.
"""

from dataclasses import dataclass
from functools import cached_property

import pygit2

from agentroom_git.core import trailers
from agentroom_git.core.ids import Oid
from agentroom_git.git.objects import GitHistory
from agentroom_git.room.room import Room
from simulation.words import tokens


@dataclass
class Graph:
    history: GitHistory
    tip: Oid
    recorded: set[bytes]

    def __post_init__(self) -> None:
        self._texts: dict[str, tuple[bytes, ...]] = {}
        self._trees: dict[str, tuple[bytes, ...]] = {}

    @cached_property
    def commits(self) -> list[Oid]:
        return list(self.history.between(frozenset(), self.tip))

    def tokens_at(self, commit: Oid) -> tuple[bytes, ...]:
        return self._tokens_in(self.history.tree_of(commit))

    def _tokens_in(self, tree: Oid) -> tuple[bytes, ...]:
        if tree not in self._trees:
            found: list[bytes] = []
            for entry in self.history.handle[tree]:
                if isinstance(entry, pygit2.Tree):
                    found += self._tokens_in(Oid(str(entry.id)))
                elif isinstance(entry, pygit2.Blob):
                    if str(entry.id) not in self._texts:
                        self._texts[str(entry.id)] = tuple(tokens(entry.data))
                    found += self._texts[str(entry.id)]
            self._trees[tree] = tuple(found)
        return self._trees[tree]

    @cached_property
    def moves(self) -> dict[bytes, tuple[list[Oid], list[Oid]]]:
        """By token: the commits that added it, and those that deleted it and were not withdrawn."""
        found: dict[bytes, tuple[list[Oid], list[Oid]]] = {}
        for commit in self.commits:
            now = set(self.tokens_at(commit))
            parents = [set(self.tokens_at(parent)) for parent in self.history.parents(commit)]
            had_any = set().union(*parents)
            had_all = set.intersection(*parents) if parents else set()
            for token in now - had_any:
                found.setdefault(token, ([], []))[0].append(commit)
            for token in had_all - now if commit not in self.withdrawn else ():
                found.setdefault(token, ([], []))[1].append(commit)
        return found

    @cached_property
    def withdrawn(self) -> set[Oid]:
        """The commits that their agents have taken back by rewriting their branches."""
        found: set[Oid] = set()
        for commit in self.commits:
            for value in trailers.values(self.history.message(commit), trailers.REWROTE):
                old, _, new = value.partition(" ")
                found |= set(self.history.between(frozenset({Oid(new)}), Oid(old)))
        return found

    def added_twice(self) -> set[bytes]:
        return {token for token, (added, _) in self.moves.items() if len(added) > 1}

    def deleted(self) -> set[bytes]:
        """Tokens that somebody deleted who had them, and that nobody added without having seen that, or later."""
        return {
            token
            for token, (added, gone) in self.moves.items()
            if any(all(self.history.reaches(end, one) and end != one for one in added) for end in gone)
        }


def read(room: Room) -> Graph:
    """Read the graph below integration, and what the contested records keep."""
    graph = Graph(room.history, room.integration(), set())
    for tip in room.refs.listed(room.names.contested).values():
        graph.recorded |= set(graph.tokens_at(tip))
    return graph
