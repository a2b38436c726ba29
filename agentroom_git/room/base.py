"""The user's own branch, over which the room was opened: it is folded like an agent's and never synced to."""

from agentroom_git.core.escape import one_line
from agentroom_git.core.events import Notice, Opened, Recorded
from agentroom_git.core.ids import HUMAN, Oid
from agentroom_git.room.logs import read_log
from agentroom_git.room.room import Room

NAME_IT = "say which branch is yours, in .agentroom.yaml: `base: NAME`"


def base_branch(room: Room) -> str:
    """Return the full name of the user's branch: as configured, or the one on which the room was opened; else empty.

    In a copy it is where the room's branches are, too.
    """
    opened = None if room.config.base else opening(room)
    name = room.config.base or (opened.base if opened else "")
    return f"{room.names.heads}{name}" if name else ""


# What opened the room as of a commit of the log: a function of that commit, asked for with every event.
_KNOWN: dict[Oid, Opened | None] = {}
_MOST_KNOWN = 256


def opening(room: Room) -> Opened | None:
    """Return the newest event that opened the room."""
    tip = room.refs.get(room.names.log(HUMAN))
    if tip is None:
        return None
    if tip not in _KNOWN:
        found = _newest_opening(room)
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[tip] = found
    return _KNOWN[tip]


def _newest_opening(room: Room) -> Opened | None:
    for item in read_log(room, HUMAN):
        if item.id in _KNOWN:
            return _KNOWN[item.id]
        if isinstance(item, Recorded) and isinstance(item.event.body, Opened):
            return item.event.body
    return None


def short_name(room: Room) -> str:
    """Return the name of the user's branch as people know it."""
    return one_line(base_branch(room).removeprefix("refs/heads/").removeprefix("refs/remotes/"), 80)


def rewritten(room: Room, old: Oid, new: Oid) -> Notice:
    """Return what everybody is told when the user's branch was rebased, amended or moved by force."""
    text = (
        f"the user rewrote {short_name(room)} from {old[:10]} to {new[:10]}: what the user dropped there is dropped"
        " here, what agents did stays, and sync brings it to your worktree"
    )
    return Notice("rewrote", tuple(sorted(room.worktrees())), text, ())


def stepped_back(room: Room, old: Oid, new: Oid) -> Notice:
    """Return what everybody is told when the user's branch was put back and nothing new is on it."""
    text = (
        f"the user put {short_name(room)} back from {old[:10]} to {new[:10]}: nothing is taken away here until"
        " something new is committed there, or the user undoes the fold"
    )
    return Notice("held", tuple(sorted(room.worktrees())), text, ())


def missing(room: Room) -> str:
    """Return what is wrong where the user's branch is not there, or an empty text."""
    name = base_branch(room)
    if not name:
        return "the room knows no branch of yours"
    return "" if room.refs.get(name) is not None else f"your branch {short_name(room)!r} is not there any more"
