"""How many messages wait for an agent, as `status` says it: counted to the last one where that costs little.

An agent that reads has an inbox, which is brought up to date. For one that has none although much was said, or lets a
long one lie, the newest events alone are looked at: that at least so many wait is what anybody needs to know.
"""

from dataclasses import dataclass

from agentroom_git.core.ids import AgentName
from agentroom_git.room import inbox as inboxes
from agentroom_git.room import logs
from agentroom_git.room.room import Room
from agentroom_git.system.files import keep_json, read_json

VERSION = 1
NEWEST = 100
"""Events of each log that are looked at where there are more."""
LONG_BYTES = 500_000


@dataclass(frozen=True, slots=True)
class Glance:
    """`count` messages wait, or more where not `is_all`."""

    count: int
    is_all: bool


def glance_at(room: Room, reader: AgentName) -> Glance:
    """Return how many messages wait for the reader.

    What was told the last time stands, in a file of its own, while neither the cursor nor any log has moved.
    """
    path = room.private / "inbox" / f"{reader}.count.json"
    now: dict[str, object] = {"v": VERSION, "cursor": inboxes.cursor_of(room, reader), "logs": logs.writers(room)}
    known = read_json(path)
    count, is_all = known.pop("count", None), known.pop("is_all", None)
    if isinstance(count, int) and isinstance(is_all, bool) and known == now:
        return Glance(count, is_all)
    found = _look(room, reader)
    keep_json(path, now | {"count": found.count, "is_all": found.is_all})
    return found


def _look(room: Room, reader: AgentName) -> Glance:
    newest = None if _has_short_inbox(room, reader) else inboxes.look_at_newest(room, reader, NEWEST)
    if newest is None:
        return Glance(len(inboxes.open_inbox(room, reader).waiting), True)
    # What withdraws an older message counts as much as that one: nothing.
    return Glance(sum(1 for one in newest.waiting if not one.ends), False)


def _has_short_inbox(room: Room, reader: AgentName) -> bool:
    try:
        return inboxes.file_of(room, reader).stat().st_size <= LONG_BYTES
    except OSError:
        return False
