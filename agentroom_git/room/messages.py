"""Messages: broadcasts and notices, each delivered to its reader once.

The reader's cursor is an event in its own log, shared by every front end. It is moved after the messages were handed
over, so that a kill in between shows them again and never loses one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agentroom_git.core.events import Broadcast, Notice, ReadUpTo, Recorded
from agentroom_git.core.ids import SIDECAR, AgentName, Oid, is_oid, parse_agent
from agentroom_git.errors import UsageError
from agentroom_git.room import leases, logs
from agentroom_git.room.room import Room

MAX_TEXT = 2000
MAX_TOPIC = 80
DEFAULT_LIMIT = 20
MAX_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """What a peer or the sidecar said; `text` is theirs, to be shown as a quotation."""

    id: Oid
    sender: AgentName
    at: str
    kind: str
    topic: str
    text: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unread:
    """The oldest unread messages, and how many more wait."""

    messages: tuple[Message, ...]
    more: int


def broadcast(room: Room, text: str, *, topic: str = "", to: str = "") -> Recorded:
    """Say something to the room or to one agent; raise `UsageError` for what is too long or for nobody."""
    room.integration()
    if not text.strip():
        raise UsageError("an empty broadcast", hint="say what the others need to know")
    if len(text) > MAX_TEXT or len(topic) > MAX_TOPIC:
        raise UsageError(
            f"a broadcast has at most {MAX_TEXT} characters, its topic {MAX_TOPIC}", hint="put the rest into a file"
        )
    reader = parse_agent(to) if to else None
    if reader is not None and reader not in logs.writers(room):
        raise UsageError(f"no agent {reader!r} has joined this room", hint="agentroom status lists who is here")
    leases.beat(room)
    return logs.record(room, Broadcast(text, topic, reader or ""))


def unread(room: Room, *, limit: int = DEFAULT_LIMIT, max_bytes: int = MAX_BYTES) -> Unread:
    """Return the acting agent's oldest unread messages within the budget, at least one where there is any."""
    waiting = _waiting(room, room.agent(), _cursor(room))
    chosen: list[Message] = []
    size = 0
    for message in waiting[: max(1, limit)]:
        size += len(message.text.encode("utf-8", "replace")) + 120
        if chosen and size > max_bytes:
            break
        chosen.append(message)
    return Unread(tuple(chosen), len(waiting) - len(chosen))


def count_unread(room: Room, reader: AgentName) -> int:
    return len(_waiting(room, reader, _cursor(room, reader)))


def mark_read(room: Room, messages: Sequence[Message]) -> None:
    """Move the acting agent's cursor past these messages."""
    if not messages:
        return
    cursor = _cursor(room) | {message.sender: message.id for message in messages}
    logs.record(room, ReadUpTo(tuple(f"{writer} {id}" for writer, id in sorted(cursor.items()))))


def read(room: Room, *, limit: int = DEFAULT_LIMIT, peek: bool = False) -> Unread:
    """Return the oldest unread messages and mark them as read unless told to peek."""
    room.integration()
    leases.beat(room)
    found = unread(room, limit=limit)
    if not peek:
        mark_read(room, found.messages)
    return found


def _cursor(room: Room, reader: AgentName | None = None) -> dict[AgentName, Oid]:
    for item in logs.read_log(room, reader or room.agent()):
        if isinstance(item, Recorded) and isinstance(item.event.body, ReadUpTo):
            pairs = (entry.partition(" ") for entry in item.event.body.cursor)
            return {AgentName(writer): Oid(id) for writer, _, id in pairs if is_oid(id)}
    return {}


def _waiting(room: Room, reader: AgentName, cursor: dict[AgentName, Oid]) -> list[Message]:
    found: list[tuple[tuple[int, str, str], Message]] = []
    for writer in logs.writers(room):
        if writer == reader:
            continue
        for item in logs.read_log(room, writer, stop=cursor.get(writer)):
            message = _message(item, reader) if isinstance(item, Recorded) else None
            if message is not None and isinstance(item, Recorded):
                found.append((item.order, message))
    return [message for _, message in sorted(found, key=lambda pair: pair[0])]


def _message(recorded: Recorded, reader: AgentName) -> Message | None:
    """Return the event as a message to the reader, or None where it is not one."""
    event, body = recorded.event, recorded.event.body
    if isinstance(body, Broadcast) and body.to in ("", reader):
        return Message(recorded.id, event.agent, event.at, "broadcast", body.topic, body.text, ())
    if isinstance(body, Notice) and reader in body.to and event.agent == SIDECAR:
        return Message(recorded.id, event.agent, event.at, body.kind, "", body.text, body.paths)
    return None
