"""What differs between two trees, path by path, without renames and without reading any file.

Shared by the fold and by sync. Names stay raw bytes: git does not promise that they are text.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

import pygit2
from pygit2.enums import ObjectType

from agentroom_git.core.contested import Entry
from agentroom_git.core.ids import Oid
from agentroom_git.core.recent import Recent

TREE = 0o040000
FILE = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
GITLINK = 0o160000


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
        before_of, after_of = _differing(_read(repo, old_id), _read(repo, new_id))
        for name in before_of.keys() | after_of.keys():
            before, after = _entry(before_of.get(name)), _entry(after_of.get(name))
            if before == after:
                continue
            path = prefix + name
            below = (_subtree_id(before), _subtree_id(after))
            if below != (None, None):
                waiting.append((path + b"/", *below))
                before, after = _leaf(before), _leaf(after)
            if before is not None or after is not None:
                changes[path] = (before, after)
    return changes


RawEntry: TypeAlias = tuple[bytes, bytes]
"""Mode and id as git stores them: most entries of two trees are equal and need not be decoded."""

_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
_SOUND = re.compile(rb"(?:[0-7]+ [^\0]+\0.{20})*+", re.DOTALL)
_EMPTY: Mapping[bytes, RawEntry] = {}
# By id, so for every repository: as they are stored, and taken apart. A fold begins where the one before it ended, and
# each of many worktrees asks for the same trees.
_DATA: Recent[str, bytes] = Recent(2 << 20)
_TREES: Recent[str, Mapping[bytes, RawEntry]] = Recent(8 << 20)
_ENTRY_BYTES, _FEW = 250, 16


def _read(repo: pygit2.Repository, tree_id: str | None) -> bytes:
    """Return a tree as it is stored; raise KeyError where there is no such sound tree."""
    if tree_id is None:
        return b""
    known = _DATA.get(tree_id)
    if known is not None:
        return known
    kind, data = repo.read(pygit2.Oid(hex=tree_id))
    if kind != ObjectType.TREE:
        raise KeyError(tree_id)
    if not _SOUND.fullmatch(data):
        raise KeyError(f"{tree_id} is no sound tree")
    return _DATA.put(tree_id, data, len(data))


def raw_tree(repo: pygit2.Repository, tree_id: str | None) -> Mapping[bytes, RawEntry]:
    """Return what a tree holds by name, not to be changed; raise KeyError where there is no such sound tree."""
    if tree_id is None:
        return _EMPTY
    known = _TREES.get(tree_id)
    if known is not None:
        return known
    found = _by_name(_ENTRY.findall(_read(repo, tree_id)))
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


def _differing(old: bytes, new: bytes) -> tuple[Mapping[bytes, RawEntry], Mapping[bytes, RawEntry]]:
    """Return the entries of two sound trees that may differ, by name: those that only one of them has are among them.

    Most of two trees is equal, and mostly at both ends: only what is between is taken apart.
    """
    start = _common_start(old, new)
    rest = _common_end(old, new, start)
    before, after = _ENTRY.findall(old, start, len(old) - rest), _ENTRY.findall(new, start, len(new) - rest)
    if len(before) + len(after) > _FEW or any(_is_twice(name, old, new) for _, name, _ in (*before, *after)):
        before, after = _ENTRY.findall(old), _ENTRY.findall(new)
        one, other = set(before), set(after)
        before = [entry for entry in before if entry not in other]
        after = [entry for entry in after if entry not in one]
    return _by_name(before), _by_name(after)


def _by_name(entries: list[tuple[bytes, bytes, bytes]]) -> dict[bytes, RawEntry]:
    return {name: (mode, id) for mode, name, id in entries}


def _common_start(old: bytes, new: bytes) -> int:
    """Return where the entries end with which both begin."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if old[low:middle] == new[low:middle] else (low, middle - 1)
    return _last_end(old, 0, low)


def _common_end(old: bytes, new: bytes, start: int) -> int:
    """Return how many bytes the entries have with which both end, from `start` on."""
    ends, others = len(old), len(new)
    low, high = 0, min(ends, others) - start
    while low < high:
        middle = (low + high + 1) // 2
        is_same = old[ends - middle : ends - low] == new[others - middle : others - low]
        low, high = (middle, high) if is_same else (low, middle - 1)
    place = _last_end(old, start, ends - low)
    if place < ends - low:
        # In the middle of an entry: what is common begins with the next one.
        entry = _ENTRY.match(old, place)
        place = entry.end() if entry else ends
    rest = ends - place
    return rest if _last_end(new, start, others - rest) == others - rest else 0


def _last_end(tree: bytes, start: int, end: int) -> int:
    """Return where the last entry from `start` on ends that is whole before `end`."""
    found = _SOUND.match(tree, start, end)
    return found.end() if found else start


def _is_twice(name: bytes, *trees: bytes) -> bool:
    """Return whether one of the trees may have two entries of this name, as no git makes them."""
    return any(tree.count(b" %s\0" % name) > 1 for tree in trees)


@lru_cache(16_384)
def _entry(raw: RawEntry | None) -> Entry | None:
    return None if raw is None else Entry(Oid(raw[1].hex()), _mode(int(raw[0], 8)))


def _mode(stored: int) -> int:
    """Return the mode of a file as git writes it today; old trees have others, such as 100664."""
    if stored & 0o170000 != 0o100000:
        return stored
    return EXECUTABLE if stored & 0o100 else FILE


def _leaf(entry: Entry | None) -> Entry | None:
    return None if entry is None or entry.mode == TREE else entry


def _subtree_id(entry: Entry | None) -> Oid | None:
    return entry.id if entry is not None and entry.mode == TREE else None
