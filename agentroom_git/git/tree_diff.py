"""What differs between two trees, path by path, without renames and without reading any file.

Shared by the fold and by sync. Names stay raw bytes: git does not promise that they are text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import pygit2
from pygit2.enums import ObjectType

from agentroom_git.core.recent import Recent

TREE = 0o040000
FILE = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
GITLINK = 0o160000


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf of a tree: a file, a symbolic link or a gitlink."""

    id: str
    mode: int


Change: TypeAlias = tuple[Entry | None, Entry | None]


def diff_trees(repo: pygit2.Repository, old_tree_id: str | None, new_tree_id: str | None) -> dict[bytes, Change]:
    """Every path whose leaf differs, with the leaf before and after; None where there is none.

    `None` for a tree id is the empty tree. Only subtrees that differ are opened. A file that became a directory is a
    removal of its path and additions below it. Raises KeyError when a tree is not in the object store.
    """
    changes: dict[bytes, Change] = {}
    # A list and not recursion: a tree may be deeper than Python's stack.
    waiting = [(b"", old_tree_id, new_tree_id)]
    while waiting:
        prefix, old_id, new_id = waiting.pop()
        if old_id == new_id:
            continue
        old, new = raw_tree(repo, old_id), raw_tree(repo, new_id)
        for name in _differing(old, new):
            before, after = _entry(old.get(name)), _entry(new.get(name))
            path = prefix + name
            waiting.append((path + b"/", _subtree_id(before), _subtree_id(after)))
            change = (_leaf(before), _leaf(after))
            if change != (None, None) and before != after:
                changes[path] = change
    return changes


RawEntry: TypeAlias = tuple[bytes, bytes]
"""Mode and id as git stores them: most entries of two trees are equal and need not be decoded."""

_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
_SOUND = re.compile(rb"(?:[0-7]+ [^\0]+\0.{20})*+", re.DOTALL)
_EMPTY: Mapping[bytes, RawEntry] = {}
# By id, so for every repository. A fold asks for the same trees a dozen times, and each of many worktrees for its own.
_TREES: Recent[str, Mapping[bytes, RawEntry]] = Recent(8 << 20)
_ENTRY_BYTES = 250


def raw_tree(repo: pygit2.Repository, tree_id: str | None) -> Mapping[bytes, RawEntry]:
    """Return what a tree holds by name, not to be changed; raise KeyError where there is no such sound tree."""
    if tree_id is None:
        return _EMPTY
    known = _TREES.get(tree_id)
    if known is not None:
        return known
    kind, data = repo.read(pygit2.Oid(hex=tree_id))
    if kind != ObjectType.TREE:
        raise KeyError(tree_id)
    if not _SOUND.fullmatch(data):
        raise KeyError(f"{tree_id} is no sound tree")
    found = {name: (mode, id) for mode, name, id in _ENTRY.findall(data)}
    return _TREES.put(tree_id, found, _ENTRY_BYTES * len(found))


def find_leaf(repo: pygit2.Repository, tree_id: str, path: bytes) -> Entry | None:
    """Return what the tree holds at the path, or None for nothing or a folder."""
    *folders, name = path.split(b"/")
    folder: str | None = tree_id
    for part in folders:
        folder = _subtree_id(_entry(raw_tree(repo, folder).get(part)))
        if folder is None:
            return None
    return _leaf(_entry(raw_tree(repo, folder).get(name)))


def _differing(old: Mapping[bytes, RawEntry], new: Mapping[bytes, RawEntry]) -> list[bytes]:
    changed = [name for name, entry in old.items() if new.get(name) != entry]
    return changed + [name for name in new if name not in old]


def _entry(raw: RawEntry | None) -> Entry | None:
    return None if raw is None else Entry(raw[1].hex(), _mode(int(raw[0], 8)))


def _mode(stored: int) -> int:
    """Return the mode of a file as git writes it today; old trees have others, such as 100664."""
    if stored & 0o170000 != 0o100000:
        return stored
    return EXECUTABLE if stored & 0o100 else FILE


def _leaf(entry: Entry | None) -> Entry | None:
    return None if entry is None or entry.mode == TREE else entry


def _subtree_id(entry: Entry | None) -> str | None:
    return entry.id if entry is not None and entry.mode == TREE else None
