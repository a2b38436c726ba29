"""Messages: what an agent is told of, each delivered to its reader once.

The reader's cursor is an event in its own log, shared by every front end. It is moved after the messages were handed
over, so that a kill in between shows them again and never loses one; front ends take turns by a lock.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from agentroom_git.core.escape import one_line
from agentroom_git.core.events import Broadcast, ReadUpTo, Recorded
from agentroom_git.core.ids import AgentName, parse_agent
from agentroom_git.errors import UsageError
from agentroom_git.git.log_scan import read_one
from agentroom_git.room import inbox as inboxes
from agentroom_git.room import leases, logs
from agentroom_git.room.concern import Message as Message
from agentroom_git.room.concern import message_of
from agentroom_git.room.inbox import Inbox, Waiting
from agentroom_git.room.room import Room
from agentroom_git.room.saying import checked
from agentroom_git.system.locks import held

MAX_TEXT = 2000
MAX_TOPIC = 80
DEFAULT_LIMIT = 20
MAX_BYTES = 8 * 1024
LOCK_SECONDS = 10.0
UNHEARD = "undelivered"
_AROUND_TEXT = 100
"""Bytes that a message takes beside its text and topic: its sender, its time and the names of its fields."""


@dataclass(frozen=True, slots=True)
class Unread:
    """The oldest unread messages, and how many more wait."""

    messages: tuple[Message, ...]
    more: int


def broadcast(room: Room, text: str, *, topic: str = "", to: str = "") -> Recorded:
    """Say something to the room or to one agent; raise `UsageError` for what is too long, a secret, or for nobody."""
    room.integration()
    text = checked(text, "a broadcast", MAX_TEXT)
    topic = checked(topic, "a topic", MAX_TOPIC, may_be_empty=True)
    reader = parse_agent(to) if to else None
    if reader is not None:
        logs.refuse_stranger(room, reader)
    if reader is not None and reader == room.me:
        raise UsageError(f"you are {reader!r} yourself", hint="name another agent of agentroom status, or none")
    leases.beat(room)
    return logs.record(room, Broadcast(text, topic, reader or ""))


def size_of(message: Message) -> int:
    """Return how many bytes the message takes as it is shown, with what others wrote escaped."""
    return len(one_line(message.text + message.topic).encode("utf-8", "replace")) + _AROUND_TEXT


def unread(room: Room, *, limit: int = DEFAULT_LIMIT, max_bytes: int = MAX_BYTES) -> Unread:
    """Return the acting agent's oldest unread messages within the budget, at least one where there is any."""
    found = inboxes.open_inbox(room, room.agent())
    unheard = inboxes.unheard(room, found)
    waiting = sorted([*found.waiting, *unheard], key=lambda one: one.order)
    chosen: list[Message] = []
    size = passed = 0
    for one in waiting:
        if len(chosen) >= max(1, limit):
            break
        message = _message(room, one, found)
        if message is not None:
            size += size_of(message)
            if chosen and size > max_bytes:
                break
            chosen.append(message)
        passed += 1
    return Unread(tuple(chosen), len(waiting) - passed)


def _message(room: Room, one: Waiting, found: Inbox) -> Message | None:
    recorded = read_one(room.refs, one.id, room.names.log(one.writer), one.writer)
    if not isinstance(recorded, Recorded):
        return None
    message = message_of(recorded)
    if one.writer != found.reader:
        return message
    if inboxes.readers(room, found.reader, one.to):
        who = f"{one.to} has not read" if one.to else "nobody has read"
    else:
        who = f"{one.to} is not in the room to read" if one.to else "nobody is in the room to read"
    return replace(message, kind=UNHEARD, text=f"{who} what you said at {message.at}: {message.text}")


def count_unread(room: Room, reader: AgentName) -> int:
    return len(inboxes.open_inbox(room, reader).waiting)


def mark_read(room: Room, messages: Sequence[Message]) -> None:
    """Move the acting agent's cursor past these messages; those that it has passed already move nothing."""
    if not messages:
        return
    found = inboxes.open_inbox(room, room.agent())
    lamports = {one.id: one.lamport for one in [*found.waiting, *found.sent]}
    read = {message.sender: message.id for message in messages if message.id in lamports}
    if not read:
        return
    last = {sender: lamports[id] for sender, id in read.items()}
    found.waiting = [one for one in found.waiting if one.lamport > last.get(one.writer, -1)]
    found.sent = [one for one in found.sent if one.lamport > last.get(one.writer, -1)]
    found.cursor = inboxes.passed(found, read)
    logs.record(room, ReadUpTo(tuple(f"{writer} {id}" for writer, id in sorted(found.cursor.items()))))
    # A kill before this makes the next call scan the logs again, from the cursor that is in the log.
    inboxes.save(room, found)


@contextmanager
def taking(room: Room, *, limit: int = DEFAULT_LIMIT, max_bytes: int = MAX_BYTES) -> Iterator[Unread]:
    """Hand over unread messages to the block and mark them as read after it; not where the block raises.

    One at a time for each reader, over all its processes, so that none is shown by two of them.
    """
    lock = room.private / "inbox" / f"{room.agent()}.lock"
    room.integration()
    leases.beat(room)
    with held(lock, seconds=LOCK_SECONDS, what="the inbox"):
        found = unread(room, limit=limit, max_bytes=max_bytes)
        yield found
        mark_read(room, found.messages)


def read(room: Room, *, limit: int = DEFAULT_LIMIT, peek: bool = False) -> Unread:
    """Return the oldest unread messages and mark them as read unless told to peek."""
    if peek:
        room.integration()
        return unread(room, limit=limit)
    with taking(room, limit=limit) as found:
        return found
