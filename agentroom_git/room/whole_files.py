"""Paths that were contested as a whole: taking one side's file, link or name.

A record has the contents of the sides. What else a side was, a link or a program, and under which name, is read from
the two trees that the fold merged.
"""

from collections.abc import Iterator

from agentroom_git.core.contested import TWO_NAMES, Entry
from agentroom_git.core.ids import Oid
from agentroom_git.core.objects import FILE, SUBMODULE
from agentroom_git.errors import AgentroomError
from agentroom_git.git.contested_refs import Stored
from agentroom_git.git.folds import Fold, find_place
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.room import Room


class UnresolvableError(AgentroomError):
    """A contested region that cannot be closed in the way asked for."""


def tree_with_version(room: Room, now: Oid, fold: Fold, record: Stored, side: int | None) -> Oid:
    """Return the tree `now` with one side's version, or the base's for None, and nothing else of the contest.

    Raises `UnresolvableError` where the file was changed or moved since the fold, or nobody can tell whose name is
    which.
    """
    history = room.history
    path = record.raw_path
    edits: dict[bytes, Entry | None] = {}
    if record.kind in TWO_NAMES:
        names = rival_names(room, fold, record)
        if any(history.entry(now, name) != entry for name, entry in names.items()):
            raise UnresolvableError(f"a version of {record.path} was changed since", hint="settle it in a worktree")
        kept = None if side is None else _name_of(room, fold, record, names, side)
        edits = {name: None for name in names if name != kept}
        if kept is not None:
            return history.write_tree(now, edits)
    elif history.entry(now, path) is None and history.entry(history.tree_of(fold.id), path) is not None:
        raise UnresolvableError(f"{record.path} is not on integration any more", hint="edit it in a worktree")
    chosen = record.base if side is None else record.sides[side]
    edits[path] = None if chosen is None else _as_it_was(room, record.id, path, chosen)
    return history.write_tree(now, edits)


def rival_names(room: Room, fold: Fold, record: Stored) -> dict[bytes, Entry]:
    """Return the names under which the fold has the versions, with what is there."""
    if record.raw_names:
        tree = room.history.tree_of(fold.id)
        there = {name: room.history.entry(tree, name) for name in record.raw_names}
        return {name: entry for name, entry in there.items() if entry is not None}
    return {name: entry for number in (0, 1) for name, entry in _brought(room, fold, record, number)}


def _brought(room: Room, fold: Fold, record: Stored, number: int) -> Iterator[tuple[bytes, Entry]]:
    """Yield what the fold has of the versions and this parent of it has not."""
    history = room.history
    changes = history.changes(history.tree_of(history.parents(fold.id)[number]), history.tree_of(fold.id))
    for name, (old, new) in sorted(changes.items()):
        if old is None and new is not None and _content(room, new) in record.sides:
            yield name, new


def _name_of(room: Room, fold: Fold, record: Stored, names: dict[bytes, Entry], side: int) -> bytes:
    if record.raw_names:
        return record.raw_names[side]
    folded = {head.agent for head in fold.folded}
    speaks = [not folded.isdisjoint(agents) for agents in record.agents]
    if len(names) == 2 and speaks.count(True) == 1:
        # What integration had not before is the folded agent's.
        its = [name for name, _ in _brought(room, fold, record, 0 if speaks[side] else 1)]
        if len(its) == 1:
            return its[0]
    raise UnresolvableError(f"nobody can tell whose name of {record.path} is which", hint="git rm the other ones")


def _as_it_was(room: Room, record: str, path: bytes, chosen: bytes) -> Entry:
    """Return the entry with this content that one of the merged trees or their base has at the path."""
    history = room.history
    for commit in _merged(room, record):
        entry = history.entry(history.tree_of(commit), path)
        if entry is not None and _content(room, entry) == chosen:
            return entry
    return Entry(history.write_blob(chosen), FILE)


def _merged(room: Room, record: str) -> Iterator[Oid]:
    """Yield what was merged, with its bases, by the folds that name the record, or one that it took over."""
    history, ids = room.history, {record}
    for fold in read_folds(room):
        ids.update(old for old, new in fold.replaced if new in ids)
        if all(find_place(fold, id) is None for id in ids):
            continue
        before, *brought = history.parents(fold.id)
        bases = history.meet(frozenset({before}), brought[0]) if brought else frozenset[Oid]()
        yield from (before, *brought, *sorted(bases))


def _content(room: Room, entry: Entry) -> bytes:
    """Return the content as a record keeps it."""
    return f"submodule {entry.id}\n".encode() if entry.mode == SUBMODULE else room.history.blob(entry.id)
