"""The commit graph and its objects, as the fold asks for them.

Every answer is a function of object ids, so all of it may be remembered for ever. Trees are compared and rewritten
folder by folder: a change of one file among 20,000 touches the few trees above it, where an index would be built in
full.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import pygit2
from pygit2.enums import SortMode

from agentroom_git.core import trailers
from agentroom_git.core.contested import Entry
from agentroom_git.core.history import History
from agentroom_git.core.hunks import LineDiff
from agentroom_git.core.ids import BASE, AgentName, Oid
from agentroom_git.core.objects import Changes
from agentroom_git.core.recent import Recent
from agentroom_git.git.ancestry import Ancestry
from agentroom_git.git.diff import line_diff
from agentroom_git.git.renames import find_renames
from agentroom_git.git.repo import CorruptError
from agentroom_git.git.tree_diff import diff_trees
from agentroom_git.git.tree_write import edit_tree, find_entry
from agentroom_git.git.writing import writing

MAX_TOUCHED = 1000
_MOST_KNOWN, _MOST_CHANGES, _MOST_BETWEEN, _LARGE, _NEAR, _FEW = 50_000, 64, 256, 1000, 16, 8
# Bytes; a line costs about a hundred beside its own. Many agents' folds ask for the same few hundred files.
_MOST_BLOBS, _MOST_LINES, _LINE = 8 << 20, 16 << 20, 100
_MOST_BLOB = _MOST_BLOBS // 16


@dataclass(slots=True)
class GitHistory(History):
    """The history of one repository, read through one handle."""

    handle: pygit2.Repository
    _places: dict[Oid, tuple[Oid, tuple[Oid, ...]]] = field(default_factory=dict)
    _reaches: dict[tuple[Oid, Oid], bool] = field(default_factory=dict)
    _touched: dict[tuple[Oid, Oid], frozenset[bytes]] = field(default_factory=dict)
    _entries: dict[tuple[Oid, bytes], Entry | None] = field(default_factory=dict)
    _between: dict[tuple[frozenset[Oid], Oid], list[Oid]] = field(default_factory=dict)
    _independent: deque[frozenset[Oid]] = field(default_factory=lambda: deque(maxlen=8))
    _changes: dict[tuple[Oid | None, Oid | None], Changes] = field(default_factory=dict)
    _tip: Oid | None = None
    _ancestries: deque[Ancestry] = field(default_factory=lambda: deque(maxlen=4))  # one for each room
    _blobs: Recent[Oid, bytes] = field(default_factory=lambda: Recent(_MOST_BLOBS))
    _lines: Recent[Oid, frozenset[bytes]] = field(default_factory=lambda: Recent(_MOST_LINES))

    @property
    def line_diff(self) -> LineDiff:
        return line_diff

    def follow(self, tip: Oid) -> None:
        """Learn where integration is: most that is asked for is about commits around it."""
        self._tip = tip

    def _ancestry(self) -> Ancestry | None:
        if self._tip is None:
            return None
        found = next((one for one in self._ancestries if one.grow(self._tip)), None)
        if found is None:
            found = Ancestry(self._parents_if_there)
            found.grow(self._tip)
            self._ancestries.appendleft(found)
        return found

    def _parents_if_there(self, commit: Oid) -> tuple[Oid, ...] | None:
        """Return the commit's parents, or None where it is missing, as where a clone is shallow."""
        return self.parents(commit) if commit in self._places or self.has_commit(commit) else None

    def commit(self, id: Oid) -> pygit2.Commit:
        try:
            found = self.handle[id]
        except KeyError as error:
            raise CorruptError(f"commit {id} is missing", hint="run: git fsck") from error
        if not isinstance(found, pygit2.Commit):
            raise CorruptError(f"{id} is not a commit", hint="run: git fsck")
        return found

    def has_commit(self, id: Oid) -> bool:
        """Return whether the id names a commit that is there."""
        return isinstance(self.handle.get(id), pygit2.Commit)

    def tree_of(self, commit: Oid) -> Oid:
        return self._place(commit)[0]

    def parents(self, commit: Oid) -> tuple[Oid, ...]:
        return self._place(commit)[1]

    def _place(self, commit: Oid) -> tuple[Oid, tuple[Oid, ...]]:
        """Return the commit's tree and its parents."""
        known = self._places.get(commit)
        if known is None:
            found = self.commit(commit)
            known = Oid(str(found.tree_id)), tuple(Oid(str(parent)) for parent in found.parent_ids)
            if len(self._places) >= _MOST_KNOWN:
                self._places.clear()
            self._places[commit] = known
        return known

    def message(self, commit: Oid) -> str:
        return self.commit(commit).raw_message.decode("utf-8", "replace")

    def subject(self, commit: Oid) -> str:
        return self.message(commit).split("\n", 1)[0]

    def reaches(self, descendant: Oid, ancestor: Oid) -> bool:
        """Return whether `ancestor` is `descendant` or one of its ancestors."""
        if descendant == ancestor:
            return True
        pair = (descendant, ancestor)
        if pair not in self._reaches:
            if len(self._reaches) >= _MOST_KNOWN:
                self._reaches.clear()
            self._reaches[pair] = self._reaches_afar(descendant, ancestor)
        return self._reaches[pair]

    def _reaches_afar(self, descendant: Oid, ancestor: Oid) -> bool:
        """Look at the nearest commits first: a walk goes by dates, and may take all of history if clocks differ."""
        told = self._told_nearby(descendant, ancestor)
        ancestry = self._ancestry() if told is None else None
        if ancestry is not None:
            told = ancestry.reaches(descendant, ancestor)
        return self.handle.descendant_of(descendant, ancestor) if told is None else told

    def _told_nearby(self, descendant: Oid, ancestor: Oid) -> bool | None:
        """Return whether the one reaches the other, as far as what is known or near tells."""
        if descendant == ancestor:
            return True
        known = self._reaches.get((descendant, ancestor))
        if known is not None:
            return known
        # Nothing reaches what was made on top of it. Which of the two it is shows mostly in the first steps.
        below, above = deque(self.parents(descendant)), deque(self._parents_if_there(ancestor) or ())
        for _ in range(_NEAR):
            if self._steps_to(ancestor, below):
                return True
            if self._steps_to(descendant, above):
                return False
        return None

    def _steps_to(self, wanted: Oid, waiting: deque[Oid]) -> bool:
        """Look at the next of the commits that wait: return whether it is the wanted one, or known to reach it."""
        if not waiting:
            return False
        one = waiting.popleft()
        waiting.extend(self._parents_if_there(one) or ())
        return one == wanted or self._reaches.get((one, wanted), False)

    def resolve(self, name: str) -> Oid | None:
        """Return the commit that git would understand by this name, or None."""
        try:
            return Oid(str(self.handle.revparse_single(name).peel(pygit2.Commit).id))
        except (KeyError, ValueError, pygit2.GitError):
            return None

    def between(self, bases: frozenset[Oid], commit: Oid) -> Iterator[Oid]:
        """Yield the commits that `commit` reaches and none of `bases` does, children before parents."""
        if (bases, commit) not in self._between:
            if len(self._between) >= _MOST_BETWEEN:
                self._between.clear()
            found = self._walk(bases, commit)
            if len(found) > _LARGE:
                return iter(found)
            self._between[bases, commit] = found
        return iter(self._between[bases, commit])

    def _walk(self, bases: frozenset[Oid], commit: Oid) -> list[Oid]:
        """Return what `between` yields: without a walk of libgit2's where it is a few commits on top of what is known,
        as nearly all is that agents hand in."""
        few = self._find_few(bases, commit)
        if few is None:
            ancestry = self._ancestry()
            few = None if ancestry is None else ancestry.between(bases, commit)
        return self._walk_all(bases, commit) if few is None else self._in_order(few)

    def _find_few(self, bases: frozenset[Oid], commit: Oid) -> set[Oid] | None:
        if not 0 < len(bases) <= _FEW:
            # To look around each of many takes long.
            return None
        few: set[Oid] = set()
        waiting = {commit}
        while waiting:
            one = waiting.pop()
            told = [self._told_nearby(base, one) for base in bases]
            if True in told:
                continue
            if None in told or len(few) == _FEW:
                return None
            few.add(one)
            waiting.update(set(self.parents(one)) - few)
        return few

    def _in_order(self, commits: set[Oid]) -> list[Oid]:
        """Return the commits, children before parents."""
        children: dict[Oid, int] = defaultdict(int)
        for one in commits:
            for parent in set(self.parents(one)):
                children[parent] += 1
        found: list[Oid] = []
        ready = sorted(one for one in commits if not children[one])
        while ready:
            found += ready
            below: list[Oid] = []
            for parent in (parent for one in ready for parent in set(self.parents(one)) & commits):
                children[parent] -= 1
                below += [] if children[parent] else [parent]
            ready = sorted(below)
        return found

    def _walk_all(self, bases: frozenset[Oid], commit: Oid) -> list[Oid]:
        walker = self.handle.walk(pygit2.Oid(hex=commit), SortMode.TOPOLOGICAL)
        for base in bases:
            walker.hide(pygit2.Oid(hex=base))
        found = [Oid(str(one.id)) for one in walker]
        if self._walked_too_far(bases, found):
            return [one for one in found if not any(self.reaches(base, one) for base in bases)]
        return found

    def _walked_too_far(self, bases: frozenset[Oid], found: list[Oid]) -> bool:
        """Return whether a base reaches a commit that the walk gave: it goes by dates, and clocks differ.

        Whatever a base reaches of them, it reaches one of those that they end at.
        """
        given = set(found)
        ends = (one for one in found if given.isdisjoint(self.parents(one)))
        return bool(bases) and any(self.handle.merge_base_many([end, *bases]) == end for end in ends)

    def weight(self, bases: frozenset[Oid], commit: Oid) -> int:
        return sum(1 for _ in self.between(bases, commit))

    def maximal(self, commits: frozenset[Oid]) -> frozenset[Oid]:
        if len(commits) < 2:
            return commits
        # The heads of a room grow by one with each fold, and those before are known to reach none of each other.
        known = next((one for one in self._independent if one <= commits and len(commits - one) < 2), None)
        found = self._compare_all(commits) if known is None else self._add(known, *commits - known)
        if found not in self._independent:
            self._independent.append(found)
        return found

    def _compare_all(self, commits: frozenset[Oid]) -> frozenset[Oid]:
        ancestry = self._ancestry() if len(commits) > _FEW else None
        found = None if ancestry is None else ancestry.maximal(commits)
        return (
            found
            if found is not None
            else frozenset(
                one for one in commits if not any(one != other and self.reaches(other, one) for other in commits)
            )
        )

    def _add(self, independent: frozenset[Oid], *more: Oid) -> frozenset[Oid]:
        """Return the maximal ones of commits that reach none of each other, and one more or none."""
        found = independent
        for commit in more:
            alone = set(self.between(independent, commit))
            # Whoever the commit reaches among them it reaches first where its own work ends.
            found = independent - self._border(alone) | {commit} if alone else independent
        return found

    def _border(self, alone: Collection[Oid]) -> set[Oid]:
        """Return the parents, of commits that one commit alone reaches, that others reach, too."""
        return {parent for one in alone for parent in self.parents(one)}.difference(alone)

    def meet(self, commits: frozenset[Oid], commit: Oid) -> frozenset[Oid]:
        # What `commit` alone reaches ends at commits that the others reach too: those include the maximal ones.
        alone = set(self.between(commits, commit))
        return self.maximal(frozenset(self._border(alone))) if alone else frozenset({commit})

    def author_of(self, commit: Oid) -> AgentName:
        named = trailers.values(self.message(commit), trailers.AGENT)
        return AgentName(named[-1]) if named else BASE

    def tokens(self, bases: frozenset[Oid], commit: Oid) -> Mapping[str, int]:
        found: dict[str, int] = defaultdict(int)
        for one in self.between(bases, commit):
            for value in trailers.values(self.message(one), trailers.CLAIM):
                token, _, path = value.partition(" ")
                if token.isascii() and token.isdigit() and len(token) < 12 and path:
                    found[path] = max(found[path], int(token))
        return found

    def changes(self, old: Oid | None, new: Oid | None) -> Changes:
        known = self._changes.get((old, new))
        if known is not None:
            return known
        found = diff_trees(self.handle, old, new)
        # One fold asks for the same pair several times; what is older is not asked for again.
        if len(self._changes) >= _MOST_CHANGES:
            self._changes.clear()
        if len(found) <= _LARGE:
            self._changes[old, new] = found
        return found

    def touched(self, old: Oid, new: Oid) -> frozenset[bytes]:
        """Return the paths that differ between two commits. Remembered: syncs are asked for again with every write."""
        if (old, new) not in self._touched:
            if len(self._touched) >= MAX_TOUCHED:
                self._touched.clear()
            self._touched[old, new] = frozenset(self.changes(self.tree_of(old), self.tree_of(new)))
        return self._touched[old, new]

    def renames(self, old: Oid | None, new: Oid | None) -> Mapping[bytes, bytes]:
        return find_renames(self.handle, old, new)

    def blob(self, id: Oid) -> bytes:
        found = self._blobs.get(id)
        if found is None:
            blob = self.handle[id]
            if not isinstance(blob, pygit2.Blob):
                raise CorruptError(f"{id} is not a file", hint="run: git fsck")
            found = self._blobs.put(id, blob.data, blob.size)
        return found

    def blob_size(self, id: Oid) -> int:
        # libgit2 tells the size of a loose object only when it has read all of it: it is asked for again right after.
        known = self._blobs.get(id)
        if known is not None:
            return len(known)
        found = self.handle[id]
        if not isinstance(found, pygit2.Blob):
            return 0
        if found.size <= _MOST_BLOB:
            self._blobs.put(id, found.data, found.size)
        return found.size

    def lines(self, id: Oid) -> frozenset[bytes]:
        found = self._lines.get(id)
        if found is None:
            found = frozenset(self.blob(id).splitlines())
            self._lines.put(id, found, _LINE * len(found) + sum(map(len, found)))
        return found

    def write_blob(self, data: bytes) -> Oid:
        with writing():
            return Oid(str(self.handle.create_blob(data)))

    def entry(self, tree: Oid, path: bytes) -> Entry | None:
        if (tree, path) not in self._entries:
            if len(self._entries) >= _MOST_KNOWN:
                self._entries.clear()
            self._entries[tree, path] = find_entry(self.handle, tree, path)
        return self._entries[tree, path]

    def write_tree(self, tree: Oid, edits: Mapping[bytes, Entry | None]) -> Oid:
        return edit_tree(self.handle, tree, edits)


def empty_tree(handle: pygit2.Repository) -> Oid:
    """Return the id of the empty tree, written if need be."""
    return Oid(str(handle.TreeBuilder().write()))
