"""Refs of the room that only ever grow: integration, the claims and the logs.

Somebody's `git branch -D`, `update-ref -d` or `push --mirror` can remove one, and `branch -f` move one back, but all
that these name is still in the object store: a ref that is gone or behind what was known of it is put back. What was
known is what the sidecar last saw; when it starts, what the notes were last written from.
"""

from collections.abc import Mapping

from agentroom_git.core.events import Notice
from agentroom_git.core.ids import HUMAN, SIDECAR, Oid, is_oid
from agentroom_git.git import notes
from agentroom_git.room import logs
from agentroom_git.room.notices import fold_lock, notice_key, tell
from agentroom_git.room.room import Room


def tips(room: Room) -> dict[str, Oid]:
    """Return where these refs are."""
    names = room.names
    found = {names.log(writer): tip for writer, tip in logs.writers(room).items()}
    others = {name: room.refs.get(name) for name in (names.claims, names.integration)}
    return found | {name: tip for name, tip in others.items() if tip is not None}


def remembered(room: Room) -> dict[str, Oid]:
    """Return where they were when the notes were last written."""
    done = notes.read_projected(room.refs, room.names.notes)
    own = (room.names.logs, room.names.claims, room.names.integration)
    return {name: Oid(id) for name, id in done.sources.items() if is_oid(id) and name.startswith(own)}


def put_back(room: Room, known: Mapping[str, Oid]) -> tuple[str, ...]:
    """Put back every ref that is gone or behind what is known of it; return their names.

    An integration that was moved elsewhere is left: what was put there is folded like any commit. A log or the claims
    that were moved elsewhere are put back, since nobody but the room writes them.
    """
    return tuple(name for name, oid in known.items() if _is_put_back(room, name, oid))


def _is_put_back(room: Room, name: str, oid: Oid) -> bool:
    now = room.refs.get(name)
    if now == oid or not room.history.has_commit(oid):
        return False
    if now is not None and room.history.has_commit(now):
        is_behind = room.history.reaches(oid, now)
        if room.history.reaches(now, oid) or (name == room.names.integration and not is_behind):
            return False
    return room.refs.swap(name, oid, now, message="agentroom: put back")


def tell_put_back(room: Room, names: tuple[str, ...]) -> None:
    """Tell every agent which refs were put back."""
    agents = tuple(sorted(set(logs.writers(room)) - {HUMAN, SIDECAR}))
    if names and agents:
        text = f"{', '.join(names[:5])}: removed or moved back by force, and put back; nothing was lost"
        with fold_lock(room):
            tell(room, Notice("put-back", agents, text, ()), key=notice_key("put-back", *names, room.new_key()))
