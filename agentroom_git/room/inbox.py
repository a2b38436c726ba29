"""An agent's inbox: which messages wait for it, without their texts, and which of its own nobody has read.

It is kept in a private file with how far each log was scanned, so that a turn costs what is new and not what is in the
logs. The file follows from the logs, but for when a message was first seen: without it the logs are scanned again from
the reader's cursor. A file whose cursor is not the one in the reader's log counts as lost.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeGuard

from agentroom_git.core.events import Broadcast, Joined, ReadUpTo, Recorded, Withdrawn
from agentroom_git.core.ids import HUMAN, SIDECAR, AgentName, Oid, is_oid
from agentroom_git.git.log import Unreadable
from agentroom_git.git.log_scan import is_continued, read_one, scan
from agentroom_git.room import logs
from agentroom_git.room.concern import SILENT, Concerns, concerns, concerns_of, is_addressed
from agentroom_git.room.digest import read_digest, read_digests
from agentroom_git.room.room import Room
from agentroom_git.system.files import keep_json, read_json

VERSION = 2
UNREAD_AFTER = 600.0
"""Seconds after which a message that nobody has read is shown to its sender."""
# Fewer new events than this are scanned anew each time rather than written down.
_WORTH_WRITING = 16
_END = object()
Cursor = dict[AgentName, Oid]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that is not read yet; `to` is its one reader, `since` when it was first seen by the monotonic clock.

    `ends` is the message that it withdraws.
    """

    lamport: int
    writer: AgentName
    id: Oid
    topic: str
    to: str = ""
    since: float = 0.0
    ends: str = ""

    @property
    def order(self) -> tuple[int, str, str]:
        return (self.lamport, self.writer, self.id)


@dataclass(slots=True)
class Inbox:
    """`waiting` is what others said, in order; `sent` what the reader said itself and nobody is known to have read."""

    reader: AgentName
    boot: str
    cursor: Cursor
    scanned: Cursor = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    sent: list[Waiting] = field(default_factory=list)


def cursor_of(room: Room, reader: AgentName) -> Cursor:
    """Return how far the reader has read each log, by its newest event that says so."""
    newest = read_digest(room, reader).read
    return _cursor_in(newest)


def _cursor_in(recorded: Recorded | None) -> Cursor:
    if recorded is None or not isinstance(recorded.event.body, ReadUpTo):
        return {}
    pairs = (entry.partition(" ") for entry in recorded.event.body.cursor)
    return {AgentName(writer): Oid(id) for writer, _, id in pairs if is_oid(id)}


def open_inbox(room: Room, reader: AgentName) -> Inbox:
    """Return the reader's inbox as the logs are now."""
    path = file_of(room, reader)
    now, boot = room.clock.monotonic(), room.clock.boot_id()
    cursor = cursor_of(room, reader)
    inbox = _load(path, reader, boot, now)
    if inbox is None or inbox.cursor != cursor:
        inbox = Inbox(reader, boot, cursor)
    before = (len(inbox.waiting), len(inbox.sent))
    count = _scan_logs(room, inbox, now)[0]
    if inbox.sent:
        read_to = _read_to(room, reader)
        inbox.sent = [one for one in inbox.sent if not _is_read(one, read_to)]
    if count >= _WORTH_WRITING or (len(inbox.waiting), len(inbox.sent)) != before:
        save(room, inbox)
    return inbox


def look_at_newest(room: Room, reader: AgentName, most: int) -> Inbox | None:
    """Return an inbox that knows the newest events of each log alone, to look at and not to keep; None where no log has
    more than so many since the reader's cursor."""
    now = room.clock.monotonic()
    inbox = Inbox(reader, room.clock.boot_id(), cursor_of(room, reader))
    _, is_all = _scan_logs(room, inbox, now, most)
    return None if is_all else inbox


def file_of(room: Room, reader: AgentName) -> Path:
    return room.private / "inbox" / f"{reader}.json"


def _scan_logs(room: Room, inbox: Inbox, now: float, most: int | None = None) -> tuple[int, bool]:
    """Add what is new in every log, or the newest of it; return how much work that was, in events, and whether it was
    everything."""
    judge = _Judge(room, inbox.reader)
    is_all = True
    for writer, tip in logs.writers(room).items():
        seen = inbox.scanned.get(writer)
        if seen == tip:
            continue
        if seen is None or not is_continued(room.refs, tip, seen):
            _forget(inbox, writer)
            seen = inbox.cursor.get(writer)
        items = scan(room.refs, room.names.log(writer), writer, seen, SILENT)
        found = [_waiting(one, now) for one in islice(items, most) if judge.is_message(one, writer)]
        is_all = is_all and (most is None or next(items, _END) is _END)
        inbox.scanned[writer] = tip
        if writer == inbox.reader:
            inbox.sent += reversed(found)
        else:
            inbox.waiting += reversed(found)
    if judge.work:
        inbox.waiting = _not_withdrawn(_not_superseded(inbox.waiting))
        inbox.sent = _not_superseded(inbox.sent)
    return judge.work, is_all


class _Judge:
    """Tells which events are messages for a reader; `work` grows with how many it was asked about."""

    def __init__(self, room: Room, reader: AgentName) -> None:
        self._room = room
        self._reader = reader
        self._concerns: Concerns | None = None
        self.work = 0

    def is_message(self, item: Recorded | Unreadable | None, writer: AgentName) -> TypeGuard[Recorded]:
        self.work += 1
        if not isinstance(item, Recorded):
            return False
        if writer == self._reader:
            return _is_sent(item)
        said = is_addressed(item, self._reader)
        if said is not None:
            return said
        # Judged once, by what the reader does now: written down, so that it stays judged.
        self.work += _WORTH_WRITING
        self._concerns = self._concerns or concerns_of(self._room, self._reader)
        return concerns(item, self._reader, self._concerns)


def _forget(inbox: Inbox, writer: AgentName) -> None:
    inbox.waiting = [one for one in inbox.waiting if one.writer != writer]
    inbox.sent = [one for one in inbox.sent if one.writer != writer]


def _is_sent(recorded: Recorded) -> bool:
    return isinstance(recorded.event.body, Broadcast)


def _waiting(recorded: Recorded, now: float) -> Waiting:
    body = recorded.event.body
    topic, to = (body.topic, body.to) if isinstance(body, Broadcast) else ("", "")
    ends = body.notice if isinstance(body, Withdrawn) else ""
    return Waiting(recorded.event.lamport, recorded.event.agent, recorded.id, topic, to, now, ends)


def _not_superseded(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Return the messages in order, without those whose sender said something later on the same topic."""
    kept: list[Waiting] = []
    said: set[tuple[str, str]] = set()
    for one in sorted(waiting, key=lambda one: one.order, reverse=True):
        if one.topic and (one.writer, one.topic) in said:
            continue
        said.add((one.writer, one.topic))
        kept.append(one)
    return kept[::-1]


def _not_withdrawn(waiting: list[Waiting]) -> list[Waiting]:
    """Return the messages without those that were withdrawn before they were read, and what withdrew them."""
    over = {one.ends for one in waiting if one.ends} & {one.id for one in waiting}
    return [one for one in waiting if one.id not in over and one.ends not in over] if over else waiting


def readers(room: Room, sender: AgentName, to: str = "") -> list[AgentName]:
    """Return the agents of the room that a message is for: those who have joined and not left."""
    here = [
        agent
        for agent, digest in read_digests(room).items()
        if digest.move is not None and isinstance(digest.move.event.body, Joined)
    ]
    return [agent for agent in here if agent not in (sender, SIDECAR, HUMAN) and to in ("", agent)]


def _read_to(room: Room, sender: AgentName) -> dict[AgentName, int]:
    """Return up to which of the sender's events each other agent has read, as Lamport times."""
    found: dict[AgentName, int] = {}
    for reader, digest in read_digests(room).items():
        id = _cursor_in(digest.read).get(sender)
        recorded = read_one(room.refs, id, room.names.log(sender), sender) if id and reader != sender else None
        if isinstance(recorded, Recorded):
            found[reader] = recorded.event.lamport
    return found


def _is_read(one: Waiting, read_to: dict[AgentName, int]) -> bool:
    return any(lamport >= one.lamport for reader, lamport in read_to.items() if one.to in ("", reader))


def unheard(room: Room, inbox: Inbox) -> list[Waiting]:
    """Return the reader's own messages that are to be shown to it: nobody is there to read them, or nobody did."""
    found: list[Waiting] = []
    now = room.clock.monotonic()
    present = set(readers(room, inbox.reader)) if inbox.sent else set()
    for one in inbox.sent:
        has_readers = one.to in present if one.to else bool(present)
        if now - one.since < UNREAD_AFTER and has_readers:
            break
        found.append(one)
    return found


def passed(inbox: Inbox, read: Cursor) -> Cursor:
    """Return the cursor after these messages were read, at the end of each log in which nothing waits any more."""
    cursor = inbox.cursor | read
    waits = {one.writer for one in [*inbox.waiting, *inbox.sent]}
    return cursor | {writer: tip for writer, tip in inbox.scanned.items() if writer not in waits}


def save(room: Room, inbox: Inbox) -> None:
    record = {
        "v": VERSION,
        "boot": inbox.boot,
        "cursor": inbox.cursor,
        "scanned": inbox.scanned,
        "waiting": [_row(one) for one in inbox.waiting],
        "sent": [_row(one) for one in inbox.sent],
    }
    keep_json(file_of(room, inbox.reader), record)


def _load(path: Path, reader: AgentName, boot: str, now: float) -> Inbox | None:
    record = read_json(path)
    if record.get("v") != VERSION:
        return None
    # After a restart of the machine the clock counts anew: nobody has had time to read yet.
    same_boot = record.get("boot") == boot
    try:
        return Inbox(
            reader,
            boot,
            {AgentName(str(name)): Oid(str(id)) for name, id in record["cursor"].items()},
            {AgentName(str(name)): Oid(str(id)) for name, id in record["scanned"].items()},
            [_parse(one, None if same_boot else now) for one in record["waiting"]],
            [_parse(one, None if same_boot else now) for one in record["sent"]],
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _row(one: Waiting) -> list[object]:
    return [one.lamport, one.writer, one.id, one.topic, one.to, one.since, one.ends]


def _parse(row: Any, now: float | None) -> Waiting:
    lamport, writer, id, topic, to, since, ends = row
    at = float(since) if now is None else now
    return Waiting(int(lamport), AgentName(str(writer)), Oid(str(id)), str(topic), str(to), at, str(ends))
