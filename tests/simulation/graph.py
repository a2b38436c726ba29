"""What the commits say of each token: where it was added and where it was deleted.

Only what integration reaches counts. Merges (folds, joins, merges by hand) add or delete nothing of their own unless no
parent has it, or every parent does.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from agentroom_git.core import trailers
from agentroom_git.core.ids import Oid
from agentroom_git.git.diff import line_diff
from agentroom_git.git.objects import GitHistory
from agentroom_git.room.rewriting import own_commits
from agentroom_git.room.room import Room
from simulation.account import Books
from simulation.seeds import Violation
from simulation.words import all_tokens, listed, tokens


class Commits(Protocol):
    """What is asked of a commit graph, be it git's or one in memory."""

    def reaches(self, descendant: Oid, ancestor: Oid) -> bool: ...

    def parents(self, commit: Oid) -> tuple[Oid, ...]: ...

    def files_at(self, commit: Oid) -> Mapping[bytes, bytes]: ...


class GitCommits:
    """The commits of a repository, with the files that each has."""

    def __init__(self, history: GitHistory) -> None:
        self.history = history
        self._found: dict[str, bytes] = {}

    def reaches(self, descendant: Oid, ancestor: Oid) -> bool:
        return self.history.reaches(descendant, ancestor)

    def parents(self, commit: Oid) -> tuple[Oid, ...]:
        return self.history.parents(commit)

    def files_at(self, commit: Oid) -> Mapping[bytes, bytes]:
        changes = self.history.changes(None, self.history.tree_of(commit))
        return {path: self._read(entry.id) for path, (_, entry) in changes.items() if entry is not None}

    def _read(self, id: Oid) -> bytes:
        if id not in self._found:
            self._found[id] = self.history.blob(id)
        return self._found[id]


@dataclass(frozen=True)
class Rewrite:
    """A branch that was rewritten: the commit that stands for it now, and which of the agent's own it took back."""

    join: Oid
    new: Oid
    own: frozenset[Oid]


Moves = dict[bytes, tuple[list[Oid], list[Oid]]]


@dataclass
class Graph:
    """The commits that integration reaches; `recorded` are the tokens that contested records keep."""

    source: Commits
    commits: list[Oid]
    recorded: set[bytes]
    rewrites: list[Rewrite]

    @cached_property
    def moves(self) -> Moves:
        """By token: the commits that put it somewhere, and those that deleted it; each as far as it was not taken back.

        Who takes back a commit deletes what that added, puts back what that deleted, and moves back what that moved:
        also what another agent had done alike, as nothing tells the two apart.
        """
        withdrawn = frozenset[Oid]().union(*(rewrite.own for rewrite in self.standing))
        found = {token: (added[:], [one for one in gone if one not in withdrawn]) for token, (added, gone) in self.ever}
        for rewrite in self.standing:
            present = all_tokens(self.source.files_at(rewrite.join).values())
            for token, (added, gone) in self.ever:
                if token not in present and rewrite.own.intersection(added):
                    found[token][1].append(rewrite.join)
                if token in present and rewrite.own.intersection((*gone, *added)):
                    found[token][0].append(rewrite.join)
        return found

    @cached_property
    def standing(self) -> list[Rewrite]:
        """The rewrites that no later one has taken back."""
        return [rewrite for rewrite in self.rewrites if self._stands(rewrite)]

    def _stands(self, rewrite: Rewrite) -> bool:
        return not any(rewrite.join in other.own and self._stands(other) for other in self.rewrites)

    @cached_property
    def ever(self) -> list[tuple[bytes, tuple[list[Oid], list[Oid]]]]:
        """Every token with the commits that put it somewhere and those that deleted it, whatever was taken back."""
        found: Moves = {}
        for commit in self.commits:
            added, gone = self._changes(commit)
            for token in added:
                found.setdefault(token, ([], []))[0].append(commit)
            for token in gone:
                found.setdefault(token, ([], []))[1].append(commit)
        return list(found.items())

    def _changes(self, commit: Oid) -> tuple[set[bytes], set[bytes]]:
        """Return what the commit put somewhere, also by moving it, and what it deleted, as against every parent."""
        now = self.source.files_at(commit)
        present = all_tokens(now.values())
        parents = [self.source.files_at(parent) for parent in self.source.parents(commit)]
        if not parents:
            return present, set()
        added = [{token for path in now for token in _inserted(files.get(path, b""), now[path])} for files in parents]
        return set.intersection(*added), set.intersection(*(all_tokens(files.values()) for files in parents)) - present

    def left_out(self, tip: Oid) -> set[bytes]:
        """Tokens that are not at the tip, though nobody deleted them and no author took them back."""
        own = frozenset[Oid]().union(*(rewrite.own for rewrite in self.rewrites))
        there = all_tokens(self.source.files_at(tip).values()) | self.let_go(tip)
        return {token for token, (added, gone) in self.ever if not gone and not own.intersection(added)} - there

    def let_go(self, tip: Oid) -> set[bytes]:
        """What merges by hand lack that a parent has: an agent may have decided so."""
        return {token for _, had, has in self._by_hand(tip) for token in had - has}

    def taken_up(self, tip: Oid) -> set[bytes]:
        """What merges by hand have that was deleted on the way to a parent: an agent may have decided so."""
        ends = {token: gone for token, (_, gone) in self.ever}
        return {
            token
            for parent, had, has in self._by_hand(tip)
            for token in has - had
            if any(self.source.reaches(parent, end) for end in ends.get(token, ()))
        }

    def _by_hand(self, tip: Oid) -> Iterator[tuple[Oid, set[bytes], set[bytes]]]:
        """Yield each parent of the merges that agents made, or made anew, what it had and what the merge has."""
        for commit in {*self.commits}.difference(self._folds(tip), (rewrite.join for rewrite in self.rewrites)):
            parents = self.source.parents(commit)
            for parent in parents if len(parents) > 1 else ():
                yield (
                    parent,
                    all_tokens(self.source.files_at(parent).values()),
                    all_tokens(self.source.files_at(commit).values()),
                )

    def _folds(self, tip: Oid) -> Iterator[Oid]:
        while parents := self.source.parents(tip):
            yield tip
            tip = parents[0]

    def added_twice(self) -> set[bytes]:
        return {token for token, (added, _) in self.moves.items() if len(added) > 1}

    def gone(self) -> set[bytes]:
        """Tokens that some commit deleted."""
        return {token for token, (_, gone) in self.moves.items() if gone}

    def deleted(self) -> set[bytes]:
        """Tokens that somebody deleted who had them, and that nobody else put anywhere meanwhile or later."""
        return {
            token
            for token, (added, gone) in self.moves.items()
            if any(all(self.source.reaches(end, one) and end != one for one in added) for end in gone)
        }

    def moved_meanwhile(self, wanted: set[bytes]) -> set[bytes]:
        """Those of the tokens that one side of a merge moved, as against the merge's base, while another deleted them.

        Over several commits a line can come to stand elsewhere though each of them, by a line diff, moved its
        neighbour. A merge compares with the base, and so keeps what one side moved and the other deleted.
        """
        ends = {token: gone for token, (_, gone) in self.moves.items()}
        return {
            token
            for side, base in self._sides_of_merges()
            for token in wanted & self._moved(base, side)
            if not all(self.source.reaches(end, side) for end in ends[token])
        }

    def _sides_of_merges(self) -> Iterator[tuple[Oid, Oid]]:
        for commit in self.commits:
            parents = self.source.parents(commit)
            shared = [one for one in self.commits if all(self.source.reaches(parent, one) for parent in parents)]
            for base in shared if len(parents) > 1 else ():
                if not any(self.source.reaches(one, base) for one in shared if one != base):
                    yield from ((parent, base) for parent in parents)

    def _moved(self, base: Oid, side: Oid) -> set[bytes]:
        old, new = self.source.files_at(base), self.source.files_at(side)
        put = {token for path in new for token in _inserted(old.get(path, b""), new[path])}
        return put & all_tokens(old.values())


def _inserted(old: bytes, new: bytes) -> Iterator[bytes]:
    """Yield the tokens on the lines that are new in a file, or stand elsewhere than they did."""
    if old != new:
        lines = new.splitlines(keepends=True)
        for hunk in line_diff(old, new):
            yield from tokens(b"".join(lines[hunk.new_start : hunk.new_start + hunk.new_lines]))


def read(room: Room) -> Graph:
    """Read the graph below integration, and what the contested records keep."""
    history = room.history
    source = GitCommits(history)
    commits = list(history.between(frozenset(), room.integration()))
    records = room.refs.listed(room.names.contested).values()
    recorded = {token for tip in records for token in all_tokens(source.files_at(tip).values())}
    rewrites = []
    for commit in commits:
        for value in trailers.values(history.message(commit), trailers.REWROTE):
            old, _, new = value.partition(" ")
            own = own_commits(room, history.author_of(commit), Oid(old), Oid(new))
            rewrites.append(Rewrite(commit, Oid(new), own))
    return Graph(source, commits, recorded, rewrites)


def check(graph: Graph, tip: Oid, books: Books, elsewhere: set[bytes]) -> None:
    """Nothing is lost, nothing comes back, nothing is there twice; `elsewhere` are tokens kept outside of git.

    An agent that deletes a line, has that folded, and then steps back with its branch has deleted it all the same.
    """
    present = Counter(token for text in graph.source.files_at(tip).values() for token in tokens(text))
    lost = books.known - present.keys() - graph.recorded - elsewhere - books.abandoned()
    lost -= (graph.gone() | graph.let_go(tip)) & books.ever_given_up
    if lost:
        raise Violation("I1", f"lost: {listed(lost)}")
    withdrawn = graph.left_out(tip) - graph.recorded - elsewhere
    if withdrawn:
        raise Violation("I1", f"it was there, and no commit deletes it: {listed(withdrawn)}")
    twice = {token for token, count in present.items() if count > 1} - graph.recorded - graph.added_twice()
    if twice:
        raise Violation("I2", f"more than once: {listed(twice)}")
    check_rewritten(graph, tip, books)
    back = (graph.deleted() & present.keys()) - graph.recorded - graph.taken_up(tip)
    back -= graph.moved_meanwhile(back) if back else set()
    if back:
        raise Violation("I2", f"deleted and there again: {listed(back)}")


def check_rewritten(graph: Graph, tip: Oid, books: Books) -> None:
    """What an agent took back by rewriting its branch is not there (P9).

    Unless somebody else put it there, too, or the agent took it up again, as by merging what a peer has built on it.
    """
    present = all_tokens(graph.source.files_at(tip).values()) & books.abandoned() - graph.recorded
    for rewrite in graph.standing:
        kept = all_tokens(graph.source.files_at(rewrite.new).values())
        back = {token for token, (added, _) in graph.ever if rewrite.own.issuperset(added)} & present - kept
        if back:
            raise Violation("I2", f"taken back by {rewrite.new[:10]} and there again: {listed(back)}")
