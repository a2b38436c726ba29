"""What differs between two trees, path by path, without renames and without reading any file.

Shared by the fold and by sync. Names stay raw bytes: git does not promise that they are text.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

import pygit2
from pygit2.enums import ObjectType

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
        old, new = _read_tree(repo, old_id), _read_tree(repo, new_id)
        before_of, after_of = _entries(old - new), _entries(new - old)
        for name in before_of.keys() | after_of.keys():
            before, after = before_of.get(name), after_of.get(name)
            if before == after:
                continue
            path = prefix + name
            waiting.append((path + b"/", _subtree_id(before), _subtree_id(after)))
            change = (_leaf(before), _leaf(after))
            if change != (None, None):
                changes[path] = change
    return changes


_RawEntry: TypeAlias = tuple[bytes, bytes, bytes]
# Mode, name and id as git stores them, taken apart in one call: most entries of two trees are equal and not looked at.
_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
_SOUND = re.compile(rb"(?:[0-7]+ [^\0]+\0.{20})*+", re.DOTALL)


def _read_tree(repo: pygit2.Repository, tree_id: str | None) -> set[_RawEntry]:
    if tree_id is None:
        return set()
    kind, data = repo.read(pygit2.Oid(hex=tree_id))
    if kind != ObjectType.TREE:
        raise KeyError(tree_id)
    if not _SOUND.fullmatch(data):
        raise KeyError(f"{tree_id} is no sound tree")
    return set(_ENTRY.findall(data))


def _entries(raw: set[_RawEntry]) -> dict[bytes, Entry]:
    return {name: Entry(id.hex(), _mode(int(mode, 8))) for mode, name, id in raw}


def _mode(stored: int) -> int:
    """Return the mode of a file as git writes it today; old trees have others, such as 100664."""
    if stored & 0o170000 != 0o100000:
        return stored
    return EXECUTABLE if stored & 0o100 else FILE


def _leaf(entry: Entry | None) -> Entry | None:
    return None if entry is None or entry.mode == TREE else entry


def _subtree_id(entry: Entry | None) -> str | None:
    return entry.id if entry is not None and entry.mode == TREE else None
