"""Contested records whose refs are gone while the contest is open: a fold names them, and folding again gives them."""

from collections.abc import Iterator

from agentroom_git.core.contested import Contested, describe_contested
from agentroom_git.core.fold import Engine
from agentroom_git.core.ids import Oid
from agentroom_git.git import contested_refs
from agentroom_git.git.folds import Fold
from agentroom_git.room.digest import closed_contests, read_digests
from agentroom_git.room.doctor.finding import Finding
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.room import Room


def examine_contested(room: Room, *, fix: bool) -> Iterator[Finding]:
    if room.refs.get(room.names.integration) is None:
        return
    engine = Engine(room.history)
    for id, fold in _missing(room).items():
        yield _examine(room, id, fold.id, _found_again(engine, id, fold), fix=fix)


def _missing(room: Room) -> dict[str, Fold]:
    """Return the open contests without a record, each with the newest fold that names it."""
    kept = room.refs.listed(room.names.contested)
    closed = closed_contests(read_digests(room))
    found: dict[str, Fold] = {}
    for fold in read_folds(room):
        for id in (text.partition(" ")[0] for text in fold.contested):
            if room.names.contested + id not in kept and id not in closed:
                found.setdefault(id, fold)
    return found


def _found_again(engine: Engine, id: str, fold: Fold) -> Contested | None:
    folded = engine.fold(fold.heads)
    return next((record for record in (*folded.gathered, *folded.contested) if record.id == id), None)


def _examine(room: Room, id: str, fold: Oid, record: Contested | None, *, fix: bool) -> Finding:
    text = f"{room.names.contested}{id} is gone, with the versions of what is contested"
    if record is None:
        return Finding("problem", text, f"git show {fold[:10]} says what it was; settle it by editing those lines")
    if not fix:
        remedy = "agentroom doctor --fix folds it once more and puts it back"
        return Finding("problem", f"{text}: {describe_contested(record)}", remedy)
    contested_refs.store(room.refs, room.names.contested, record, room.clock.now())
    return Finding("ok", f"put back {room.names.contested}{id}")
