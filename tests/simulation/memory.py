"""A commit graph in memory: what the fold asks of a history, answered from dictionaries.

Ids are hashes of what they name, so that they do not depend on the order of events; trees are flat.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agentroom_git.core.contested import Entry
from agentroom_git.core.history import History
from agentroom_git.core.hunks import LineDiff
from agentroom_git.core.ids import BASE, AgentName, Oid
from agentroom_git.core.objects import Changes
from agentroom_git.git.diff import line_diff

SIMILAR = 0.5
Tree = dict[bytes, Entry]


@dataclass(frozen=True)
class Commit:
    tree: Oid
    parents: tuple[Oid, ...]
    agent: AgentName
    claims: tuple[tuple[str, int], ...] = ()
    is_fold: bool = False
    rewrote: tuple[Oid, Oid] | None = None


@dataclass
class Memory(History):
    blobs: dict[Oid, bytes] = field(default_factory=dict)
    trees: dict[Oid, Tree] = field(default_factory=dict)
    commits: dict[Oid, Commit] = field(default_factory=dict)
    _reached: dict[Oid, frozenset[Oid]] = field(default_factory=dict)

    @property
    def line_diff(self) -> LineDiff:
        return line_diff

    def add(self, commit: Commit, salt: str) -> Oid:
        id = _hash(f"{commit} {salt}".encode())
        self.commits[id] = commit
        below = (self._reached[parent] for parent in commit.parents)
        self._reached[id] = frozenset({id}).union(*below)
        return id

    def put_tree(self, entries: Tree) -> Oid:
        text = "\n".join(f"{path.hex()} {entry.id} {entry.mode}" for path, entry in sorted(entries.items()))
        id = _hash(text.encode())
        self.trees[id] = entries
        return id

    def reached(self, commit: Oid) -> frozenset[Oid]:
        return self._reached[commit]

    def reaches(self, descendant: Oid, ancestor: Oid) -> bool:
        return ancestor in self._reached[descendant]

    def parents(self, commit: Oid) -> tuple[Oid, ...]:
        return self.commits[commit].parents

    def between(self, bases: frozenset[Oid], commit: Oid) -> Iterator[Oid]:
        hidden = frozenset[Oid]().union(*(self._reached[base] for base in bases))
        yield from sorted(self._reached[commit] - hidden, key=lambda one: (-len(self._reached[one]), one))

    def tree_of(self, commit: Oid) -> Oid:
        return self.commits[commit].tree

    def weight(self, bases: frozenset[Oid], commit: Oid) -> int:
        return sum(1 for _ in self.between(bases, commit))

    def maximal(self, commits: frozenset[Oid]) -> frozenset[Oid]:
        return frozenset(
            one for one in commits if not any(one != other and self.reaches(other, one) for other in commits)
        )

    def meet(self, commits: frozenset[Oid], commit: Oid) -> frozenset[Oid]:
        theirs = frozenset[Oid]().union(*(self._reached[one] for one in commits))
        return self.maximal(theirs & self._reached[commit])

    def author_of(self, commit: Oid) -> AgentName:
        return self.commits[commit].agent if not self.commits[commit].is_fold else BASE

    def tokens(self, bases: frozenset[Oid], commit: Oid) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for one in self.between(bases, commit):
            for path, token in self.commits[one].claims:
                found[path] = max(found.get(path, 0), token)
        return found

    def changes(self, old: Oid | None, new: Oid | None) -> Changes:
        before: Tree = self.trees[old] if old else {}
        after: Tree = self.trees[new] if new else {}
        paths = (path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        return {path: (before.get(path), after.get(path)) for path in paths}

    def renames(self, old: Oid | None, new: Oid | None) -> Mapping[bytes, bytes]:
        if old is None or new is None:
            return {}
        changes = self.changes(old, new)
        gone = {path: old_entry for path, (old_entry, now) in sorted(changes.items()) if old_entry and not now}
        come = {path: now for path, (old_entry, now) in sorted(changes.items()) if now and not old_entry}
        found: dict[bytes, bytes] = {}
        for path, entry in gone.items():
            likeness = {other: self._likeness(entry, now) for other, now in come.items() if other not in found.values()}
            best = max(likeness, key=lambda other: (likeness[other], other), default=None)
            if best is not None and likeness[best] >= SIMILAR:
                found[path] = best
        return found

    def _likeness(self, one: Entry, other: Entry) -> float:
        if one.id == other.id:
            return 1.0
        lines, others = (Counter(self.blobs[entry.id].splitlines()) for entry in (one, other))
        return (lines & others).total() / max(lines.total(), others.total(), 1)

    def blob(self, id: Oid) -> bytes:
        return self.blobs[id]

    def blob_size(self, id: Oid) -> int:
        return len(self.blobs[id])

    def lines(self, id: Oid) -> frozenset[bytes]:
        return frozenset(self.blobs[id].splitlines())

    def write_blob(self, data: bytes) -> Oid:
        id = _hash(b"blob " + data)
        self.blobs[id] = data
        return id

    def entry(self, tree: Oid, path: bytes) -> Entry | None:
        return self.trees[tree].get(path)

    def write_tree(self, tree: Oid, edits: Mapping[bytes, Entry | None]) -> Oid:
        entries = {path: entry for path, entry in self.trees[tree].items() if path not in edits}
        for path, entry in sorted(edits.items()):
            if entry is not None:
                entries = {one: found for one, found in entries.items() if not _collide(one, path)}
                entries[path] = entry
        return self.put_tree(entries)

    def files(self, tree: Oid) -> dict[bytes, bytes]:
        return {path: self.blobs[entry.id] for path, entry in self.trees[tree].items()}

    def files_at(self, commit: Oid) -> Mapping[bytes, bytes]:
        return self.files(self.commits[commit].tree)


def _collide(one: bytes, other: bytes) -> bool:
    """Return whether one of the paths would be a folder of the other."""
    return one.startswith(other + b"/") or other.startswith(one + b"/")


def _hash(data: bytes) -> Oid:
    return Oid(hashlib.sha1(data, usedforsecurity=False).hexdigest())
