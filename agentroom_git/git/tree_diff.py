"""What differs between two trees, path by path, without renames and without reading any file.

Shared by the fold and by sync. Names stay raw bytes: git does not promise that they are text.
"""

from dataclasses import dataclass
from typing import TypeAlias

import pygit2

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
        for name in old.keys() | new.keys():
            before, after = old.get(name), new.get(name)
            if before == after:
                continue
            path = prefix + name
            waiting.append((path + b"/", _subtree_id(before), _subtree_id(after)))
            change = (_leaf(before), _leaf(after))
            if change != (None, None):
                changes[path] = change
    return changes


def _read_tree(repo: pygit2.Repository, tree_id: str | None) -> dict[bytes, Entry]:
    if tree_id is None:
        return {}
    tree = repo[tree_id]
    if not isinstance(tree, pygit2.Tree):
        raise KeyError(tree_id)
    return {_raw_name(item): Entry(str(item.id), int(item.filemode)) for item in tree}


def _raw_name(item: pygit2.Object) -> bytes:
    name = item.raw_name
    assert name is not None, "an item of a tree has a name"
    return name


def _leaf(entry: Entry | None) -> Entry | None:
    return None if entry is None or entry.mode == TREE else entry


def _subtree_id(entry: Entry | None) -> str | None:
    return entry.id if entry is not None and entry.mode == TREE else None
