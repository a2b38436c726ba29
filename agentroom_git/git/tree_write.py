"""Trees read and written as git stores them, with names as raw bytes.

libgit2's tree builder takes names as text only, and git does not promise that they are. Only the folders on the way to
an edited path are read and written.
"""

from collections import defaultdict
from collections.abc import Mapping

import pygit2
from pygit2.enums import ObjectType

from agentroom_git.core.contested import Entry
from agentroom_git.core.ids import Oid
from agentroom_git.git.tree_diff import find_leaf
from agentroom_git.git.writing import writing

FOLDER = 0o040000
_Edits = Mapping[tuple[bytes, ...], Entry | None]


def read_tree(handle: pygit2.Repository, tree: Oid) -> dict[bytes, Entry]:
    """Return what the tree holds by name, folders among it; raise KeyError where there is no such tree."""
    kind, data = handle.read(pygit2.Oid(hex=tree))
    if kind != ObjectType.TREE:
        raise KeyError(tree)
    found: dict[bytes, Entry] = {}
    place = 0
    while place < len(data):
        space, end = data.index(b" ", place), data.index(b"\0", place)
        found[data[space + 1 : end]] = Entry(Oid(data[end + 1 : end + 21].hex()), int(data[place:space], 8))
        place = end + 21
    return found


def find_entry(handle: pygit2.Repository, tree: Oid, path: bytes) -> Entry | None:
    """Return what the tree holds at the path, or None for nothing or a folder."""
    return find_leaf(handle, tree, path)


def edit_tree(handle: pygit2.Repository, tree: Oid, edits: Mapping[bytes, Entry | None]) -> Oid:
    """Return the tree with these paths put or (None) removed; removals come first, empty folders go."""
    return _write(handle, _edit(handle, tree, {tuple(path.split(b"/")): entry for path, entry in edits.items()}))


def _edit(handle: pygit2.Repository, tree: Oid | None, edits: _Edits) -> dict[bytes, Entry]:
    items = read_tree(handle, tree) if tree is not None else {}
    files = {path[0]: entry for path, entry in edits.items() if len(path) == 1}
    folders: dict[bytes, dict[tuple[bytes, ...], Entry | None]] = defaultdict(dict)
    for path, entry in edits.items():
        if len(path) > 1:
            folders[path[0]][path[1:]] = entry
    for name in files:
        if name in items and items[name].mode != FOLDER:
            del items[name]
    for name, below in folders.items():
        _edit_folder(handle, items, name, below)
    items.update({name: entry for name, entry in files.items() if entry is not None})
    return items


def _edit_folder(handle: pygit2.Repository, items: dict[bytes, Entry], name: bytes, below: _Edits) -> None:
    present = items.get(name)
    folder = present.id if present is not None and present.mode == FOLDER else None
    if folder is None and all(entry is None for entry in below.values()):
        return
    left = _edit(handle, folder, below)
    if left:
        items[name] = Entry(_write(handle, left), FOLDER)
    else:
        items.pop(name, None)


def _write(handle: pygit2.Repository, items: Mapping[bytes, Entry]) -> Oid:
    # git sorts a folder as if its name ended with a slash.
    ordered = sorted(items.items(), key=lambda item: item[0] + b"/" if item[1].mode == FOLDER else item[0])
    data = b"".join(b"%o %s\0%s" % (entry.mode, name, bytes.fromhex(entry.id)) for name, entry in ordered)
    with writing():
        return Oid(str(handle.write(ObjectType.TREE, data)))
