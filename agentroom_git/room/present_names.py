"""What the files of contested records are called now: a record keeps the name under which its file was contested."""

from collections.abc import Iterable
from dataclasses import replace

from agentroom_git.core.contested import TWO_NAMES
from agentroom_git.core.escape import path_text
from agentroom_git.core.patterns import has
from agentroom_git.git.contested_refs import Stored
from agentroom_git.git.folds import find_place
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.room import Room
from agentroom_git.room.settled import name_in


def as_named_now(room: Room, records: Iterable[Stored]) -> list[Stored]:
    """Return the records for people: where integration has the file under another name since, that one, with `was`.

    What both versions have a name of their own for stays as it is. To settle a contest takes the record as it is kept.
    """
    found = list(records)
    now = room.history.tree_of(room.integration())
    absent = {one.id for one in found if one.kind not in TWO_NAMES and room.history.entry(now, one.raw_path) is None}
    names = _names_now(room, absent)
    return [_renamed(one, names.get(one.id, one.raw_path)) for one in found]


def _names_now(room: Room, ids: set[str]) -> dict[str, bytes]:
    history, now = room.history, room.history.tree_of(room.integration())
    names: dict[str, bytes] = {}
    for fold in read_folds(room) if ids else ():
        for id in ids.intersection(text.partition(" ")[0] for text in fold.contested) - names.keys():
            place = find_place(fold, id)
            if place is not None:
                names[id] = name_in(history, place.path, history.tree_of(fold.id), now)
        if len(names) == len(ids):
            break
    return names


def _renamed(record: Stored, name: bytes) -> Stored:
    if name == record.raw_path:
        return record
    return replace(record, path=path_text(name), raw_path=name, was=record.path)


def is_about(record: Stored, pattern: str) -> bool:
    """Return whether the record's file is the pattern's: by its exact name, as it is shown, or by its former one."""
    exact = record.raw_path.decode("utf-8", "surrogateescape")
    return any(name == pattern or has(pattern, name) for name in {exact, record.path, record.was} - {""})
