"""The open records that a fold's own take over: of each contested region one record is open, with every version.

The fold names them in its trailers, and the events that close them follow the swap, so that a fold that never came
about closes nothing. Whoever is killed in between leaves both open: the next look at folds closes the older one.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from agentroom_git.core.carried import carry
from agentroom_git.core.contested import Contested
from agentroom_git.core.escape import path_text
from agentroom_git.core.events import Replaced
from agentroom_git.core.gathered import Gathered, gather, tell_apart
from agentroom_git.core.ids import SIDECAR, Oid
from agentroom_git.git import contested_refs, folds, log
from agentroom_git.git.folds import Fold, find_place
from agentroom_git.room.digest import closed_contests, read_digests
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.notices import keyed, notice_key
from agentroom_git.room.room import Room


def gather_open(room: Room, previous: Fold, tree: Oid, records: Sequence[Contested]) -> list[Gathered]:
    """Return the records of a fold on top of `previous` that makes `tree`, with the versions of open ones before it."""
    if not records:
        return []
    before = room.history.tree_of(previous.id)
    closed = closed_contests(read_digests(room))
    earlier = list(_open_before(room, (before, tree), records, closed))
    moved = carry(room.history, earlier, before, tree)
    pairs = list(zip(earlier, moved, strict=True))
    # One that comes again after it was closed is kept as it was, so that which version stands has to be the same.
    again = [tell_apart(one) if one.id in closed and _stood_otherwise(room, one) else one for one in records]
    return gather(room.history, before, pairs, tree, again, is_followed=True)


def _stood_otherwise(room: Room, record: Contested) -> bool:
    found = contested_refs.find(room.refs, room.names.contested, record.id)
    kept = contested_refs.as_contested(room.refs, room.names.contested, found) if found else None
    return kept is not None and kept.standing != record.standing


def _open_before(
    room: Room, trees: tuple[Oid, Oid], records: Sequence[Contested], closed: Collection[str]
) -> Iterator[Contested]:
    """Yield the open records that may be of the same regions, with their places in the first tree, before the fold."""
    kinds, paths = {one.kind for one in records}, {one.path for one in records}
    waiting: dict[str, Contested] = {}
    for stored in contested_refs.read_all(room.refs, room.names.contested, but=closed):
        is_near = stored.raw_path in paths or any(room.history.entry(tree, stored.raw_path) is None for tree in trees)
        if is_near and stored.kind in kinds:
            record = contested_refs.as_contested(room.refs, room.names.contested, stored)
            waiting |= {stored.id: record} if record is not None else {}
    for fold in read_folds(room) if waiting else ():
        for id in [text.partition(" ")[0] for text in fold.contested]:
            place = find_place(fold, id) if id in waiting else None
            if place is not None:
                there = replace(waiting.pop(id), path=place.path, start=place.start, lines=place.lines)
                yield from carry(room.history, [there], room.history.tree_of(fold.id), trees[0])
        if not waiting:
            return


def close_replaced(room: Room, fold: Oid) -> None:
    """Close the records whose versions those of the fold took over, once; the caller holds the fold lock."""
    made = folds.read_fold(room.history, fold)
    if made.replaced:
        room.failpoint("close what was replaced")
    for old, new in made.replaced:
        place = find_place(made, new)
        body = Replaced(old, path_text(place.path) if place else "", new)
        key = notice_key("replaced", old, new, fold)
        log.append(room.refs, room.names.log(SIDECAR), keyed(room, body, key), room.clock.now())
