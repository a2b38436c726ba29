"""Which files of a worktree have to change between two commits, found out by reading only.

Git's rule of what is clean applies: a file counts as unmodified if adding it would give the blob that the commit has.
A file with edits is to hold the new commit's text with the edits on top, where the two do not meet.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pygit2

from agentroom_git.core.contested import Entry
from agentroom_git.core.edits import carry_edits
from agentroom_git.core.paths import is_safe_path
from agentroom_git.core.recent import Recent
from agentroom_git.git.attributes import (
    FILE_NAME,
    for_merging,
    is_clean,
    is_plain,
    needs_git,
    read_attributes,
    read_blob,
    to_worktree,
    with_attributes_of,
    without_index,
)
from agentroom_git.git.checkout_outcome import Reason, Waits
from agentroom_git.git.diff import line_diff
from agentroom_git.git.displacement import NOTHING, Act, digest
from agentroom_git.git.tree_diff import EXECUTABLE, FILE, GITLINK, SYMLINK, Change, diff_trees
from agentroom_git.git.twins import has_twin
from agentroom_git.system.exchange import Content, Folder, Kind, Mark


@dataclass(frozen=True, slots=True)
class Action:
    """A step before its new file was made. `before` is the digest of what stood at the path.

    `edited` is what the file is to hold where it has uncommitted edits; otherwise it gets the new commit's content.
    """

    act: Act
    path: bytes
    before: str = NOTHING
    edited: Content | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """`actions` in the order in which they are taken; `settled` are files that already hold the new content."""

    changes: Mapping[bytes, Change]
    actions: tuple[Action, ...]
    settled: Mapping[bytes, Mark]


class Planner:
    """Reads one worktree. `is_indexed` tells whether the index has a path; in `scratch` directories may be made."""

    def __init__(
        self,
        repo: pygit2.Repository,
        tree: Folder,
        old: str,
        new: str,
        is_indexed: Callable[[bytes], bool],
        scratch: Path,
    ) -> None:
        old_tree, new_tree = repo[old].peel(pygit2.Tree), repo[new].peel(pygit2.Tree)
        self._tree = tree
        self._has_symlinks = _is_on(repo, "core.symlinks")
        self._ignores_case = "core.ignorecase" in repo.config and repo.config.get_bool("core.ignorecase")
        self._old_tree, self._new_tree = str(old_tree.id), str(new_tree.id)
        self.changes = _diff(repo, self._old_tree, self._new_tree)
        is_changed = any(path.rpartition(b"/")[2] == FILE_NAME for path in self.changes)
        self._before = self._after = repo
        self._is_plain = not is_changed and is_plain(repo, self.changes, is_indexed)
        if not self._is_plain:
            self._before = self._after = without_index(repo, self.changes, is_indexed, scratch / "before")
        if is_changed:
            self._after = with_attributes_of(repo, new_tree, self.changes, scratch / "after")
        # Without submodules: git keeps their files, we keep only their index entries.
        self._leaves = [(path, (_leaf(one), _leaf(other))) for path, (one, other) in sorted(self.changes.items())]
        self._removals = {path for path, (_, after) in self._leaves if after is None}

    def plan(self) -> Plan | Waits:
        unfit = self._unfit()
        if unfit is not None:
            return unfit
        actions: list[Action] = []
        settled: dict[bytes, Mark] = {}
        refused: dict[Reason, list[bytes]] = {}
        for path, (before, after) in self._leaves:
            found = self._plan_path(path, before, after)
            if isinstance(found, Action):
                actions.append(found)
            elif isinstance(found, Mark):
                settled[path] = found
            elif found is not None:
                refused.setdefault(found, []).append(path)
        for reason, paths in refused.items():
            return Waits(reason, tuple(paths))
        return Plan(self.changes, tuple(sorted((*actions, *self._directories()), key=_order)), settled)

    def _unfit(self) -> Waits | None:
        """What rules a path out whatever its file holds."""
        unsafe = tuple(path for path in sorted(self.changes) if not is_safe_path(path))
        if unsafe:
            return Waits("unsafe", unsafe)
        links = tuple(path for path, (_, after) in self._leaves if after is not None and after.mode == SYMLINK)
        if links and not self._has_symlinks:
            return Waits("exchange", links, "core.symlinks is off")
        twins = tuple(self._twins()) if self._ignores_case else ()
        if twins:
            return Waits("case", twins)
        filtered = tuple(path for path, change in self._leaves if self._needs_git(path, change))
        return Waits("filter", filtered) if filtered else None

    def _twins(self) -> Iterator[bytes]:
        """New paths that the worktree's file system takes for others, which either commit has."""
        for path, (before, after) in self._leaves:
            if before is None and after is not None:
                trees = (self._old_tree, self._new_tree)
                if any(has_twin(self._before, tree, path) for tree in trees):
                    yield path

    def _needs_git(self, path: bytes, change: Change) -> bool:
        sides = zip((self._before, self._after), change, strict=True)
        return not self._is_plain and any(
            needs_git(repo, path) for repo in {repo for repo, entry in sides if _is_file(entry)}
        )

    def _plan_path(self, path: bytes, before: Entry | None, after: Entry | None) -> Action | Mark | Reason | None:
        seen, mark = self._tree.look(path)
        if after is None:
            return self._plan_removal(path, before, seen)
        if seen.kind in (Kind.MISSING, Kind.BLOCKED, Kind.DIRECTORY):
            return self._plan_addition(path, before, seen)
        clean = before and self._digest_of_clean(path, before, seen)
        if clean:
            return Action(Act.SWAP, path, clean)
        if mark is not None and seen == self.content(path):
            return mark
        if before is None:
            return "untracked"
        carried = self._carry_edits(path, before, after, seen)
        return "dirty" if carried is None else Action(Act.SWAP, path, digest(seen), carried)

    def _carry_edits(self, path: bytes, before: Entry, after: Entry, seen: Content) -> Content | None:
        """The edited file as it shall stand on the new commit; None where that would decide a contest."""
        if seen.kind not in _REGULAR or not {before.mode, after.mode} <= {FILE, EXECUTABLE}:
            return None
        base, arrived = Content(self._kind(before), to_worktree(self._before, path, before.id)), self.content(path)
        attributes = for_merging(read_attributes(self._after, path))
        name = path.decode("utf-8", "replace")
        text = carry_edits(name, base.data, seen.data, arrived.data, line_diff, attributes)
        # Of two values that differ from a third at least two are the same: modes are never contested.
        kind = seen.kind if arrived.kind is base.kind else arrived.kind
        return None if text is None else Content(kind, text)

    def _plan_removal(self, path: bytes, before: Entry | None, seen: Content) -> Action | Reason | None:
        if before is None or seen.kind in (Kind.MISSING, Kind.BLOCKED, Kind.DIRECTORY):
            return None
        clean = self._digest_of_clean(path, before, seen)
        return Action(Act.REMOVE, path, clean) if clean else "dirty"

    def _plan_addition(self, path: bytes, before: Entry | None, seen: Content) -> Action | Reason:
        if before is not None:
            return "dirty"
        if seen.kind is Kind.BLOCKED and not self._removals & set(_parents(path)):
            return "untracked"
        if seen.kind is Kind.DIRECTORY and not all(leaf in self._removals for leaf in self._tree.leaves(path)):
            return "submodule" if _is_gitlink(self.changes[path][0]) else "untracked"
        return Action(Act.ADD, path)

    def _directories(self) -> list[Action]:
        """Empty directories where submodules come to be, and where they were."""
        wanted = []
        for path, (before, after) in sorted(self.changes.items()):
            if _is_gitlink(before) and not _is_gitlink(after):
                wanted.append(Action(Act.REMOVE_DIRECTORY, path))
            if _is_gitlink(after) and not _is_gitlink(before) and self._tree.read(path).kind is not Kind.DIRECTORY:
                wanted.append(Action(Act.MAKE_DIRECTORY, path))
        return wanted

    def _digest_of_clean(self, path: bytes, entry: Entry, seen: Content) -> str:
        """The digest of a file that git would see as unmodified, or nothing."""
        if seen.kind is not self._kind(entry):
            return ""
        if seen.kind is not Kind.SYMLINK and not self._is_plain:
            return digest(seen) if is_clean(self._before, path, seen.data, entry.id) else ""
        known = _PLAIN.get((entry.id, seen.kind))
        if known is not None:
            return known[1] if known[0] == seen else ""
        if str(pygit2.hash(seen.data)) != entry.id:
            return ""
        return _remember(entry.id, seen)[1]

    def result(self, action: Action) -> tuple[Content, str]:
        """What the action puts in place, and its digest."""
        if action.edited is not None:
            return action.edited, digest(action.edited)
        entry = self.changes[action.path][1]
        assert entry is not None, "only what the new commit has is written"
        kind = self._kind(entry)
        if kind is Kind.SYMLINK or self._is_plain:
            return _PLAIN.get((entry.id, kind)) or _remember(entry.id, self.content(action.path))
        content = self.content(action.path)
        return content, digest(content)

    def content(self, path: bytes) -> Content:
        """What the new commit has at a path, as the worktree shall hold it."""
        entry = self.changes[path][1]
        assert entry is not None, "only what the new commit has is written"
        kind = self._kind(entry)
        if kind is Kind.SYMLINK or self._is_plain:
            known = _PLAIN.get((entry.id, kind))
            return known[0] if known is not None else Content(kind, read_blob(self._after, entry.id).data)
        return Content(kind, to_worktree(self._after, path, entry.id))

    def _kind(self, entry: Entry) -> Kind:
        if entry.mode == SYMLINK:
            return Kind.SYMLINK
        return Kind.EXECUTABLE if entry.mode == EXECUTABLE and self._tree.has_modes else Kind.FILE


# Most worktrees of a room are brought from one tree to another together.
_DIFFS: OrderedDict[tuple[str, str], Mapping[bytes, Change]] = OrderedDict()
_MOST_DIFFS, _LARGE = 8, 1000


# What holds a blob's own bytes, with its digest, by blob and kind: most worktrees have the same and get the same.
_PLAIN: Recent[tuple[str, Kind], tuple[Content, str]] = Recent(16 << 20)
_OVERHEAD = 400


def _remember(blob_id: str, content: Content) -> tuple[Content, str]:
    return _PLAIN.put((blob_id, content.kind), (content, digest(content)), len(content.data) + _OVERHEAD)


def _diff(repo: pygit2.Repository, old_tree: str, new_tree: str) -> Mapping[bytes, Change]:
    found = _DIFFS.get((old_tree, new_tree))
    if found is None:
        found = diff_trees(repo, old_tree, new_tree)
        if len(found) <= _LARGE:
            _DIFFS[old_tree, new_tree] = found
        while len(_DIFFS) > _MOST_DIFFS:
            _DIFFS.popitem(last=False)
    return found


_REGULAR = frozenset({Kind.FILE, Kind.EXECUTABLE})
_ORDER = (Act.REMOVE, Act.REMOVE_DIRECTORY, Act.SWAP, Act.ADD, Act.MAKE_DIRECTORY)


def _order(action: Action) -> int:
    """Removals first: a file may become a directory, and a directory a file."""
    return _ORDER.index(action.act)


def _leaf(entry: Entry | None) -> Entry | None:
    return None if _is_gitlink(entry) else entry


def _is_gitlink(entry: Entry | None) -> bool:
    return entry is not None and entry.mode == GITLINK


def _is_file(entry: Entry | None) -> bool:
    return entry is not None and entry.mode != SYMLINK


def _parents(path: bytes) -> list[bytes]:
    parts = path.split(b"/")
    return [b"/".join(parts[:count]) for count in range(1, len(parts))]


def has_modes(repo: pygit2.Repository) -> bool:
    """Whether the worktree's file system can tell executables."""
    return _is_on(repo, "core.filemode")


def _is_on(repo: pygit2.Repository, key: str) -> bool:
    return key not in repo.config or repo.config.get_bool(key)
