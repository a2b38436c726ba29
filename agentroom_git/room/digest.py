"""What the room's state is made of, of each log: kept in a private file, so that no call walks a log that it has seen.

Broadcasts, renewals and read cursors make up most of a long log and say nothing about the state. The file names the
commit up to which the log was read; without it, or where the log was put back, the log is read again as a whole.
"""

from dataclasses import dataclass, replace
from typing import Any

from agentroom_git.core.event_line import EventError, decode, encode
from agentroom_git.core.events import (
    Joined,
    Left,
    Noted,
    ReadUpTo,
    Recorded,
    Refused,
    Reopened,
    Replaced,
    Resolved,
    TaskAdded,
    TaskDone,
    TaskDropped,
)
from agentroom_git.core.ids import AgentName, Oid, is_oid
from agentroom_git.git.log import Unreadable
from agentroom_git.git.log_scan import is_continued, scan
from agentroom_git.room import logs
from agentroom_git.room.room import Room
from agentroom_git.system.files import keep_json, read_json

VERSION = 1
MAX_PROBLEMS = 50
# Fewer new events than this are read anew each time rather than written down.
WORTH_WRITING = 16
Kept = TaskAdded | TaskDone | TaskDropped | Noted | Resolved | Reopened | Replaced
Closing = Resolved | Replaced
_PASSED_OVER = (
    "broadcast", "notice", "renewed", "claimed", "released", "rewrote", "opened",
    "landed", "undid", "checked", "blamed", "chosen", "assigned", "urged", "abandoned",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Digest:
    """Of one log: the newest of `joined` and `left`, of `read` and of `refused`, and every task, note and
    resolution, also those that did not last.

    `events` are oldest first.
    """

    tip: Oid | None = None
    move: Recorded | None = None
    read: Recorded | None = None
    refused: Recorded | None = None
    events: tuple[Recorded, ...] = ()
    problems: tuple[Unreadable, ...] = ()


def read_digests(room: Room) -> dict[AgentName, Digest]:
    """Return the digest of every log of the room."""
    return {writer: _up_to_date(room, writer, tip) for writer, tip in logs.writers(room).items()}


def read_digest(room: Room, writer: AgentName) -> Digest:
    tip = room.refs.get(room.names.log(writer))
    return _up_to_date(room, writer, tip) if tip else Digest()


def closed_contests(digests: dict[AgentName, Digest]) -> dict[str, Closing]:
    """Return what closed each contested region that has not been contested again since, by its id."""
    moves = [
        (recorded.order, body)
        for one in digests.values()
        for recorded in one.events
        if isinstance(body := recorded.event.body, Closing | Reopened)
    ]
    last = {body.contested: body for _, body in sorted(moves, key=lambda move: move[0])}
    return {id: body for id, body in last.items() if isinstance(body, Closing)}


def _up_to_date(room: Room, writer: AgentName, tip: Oid) -> Digest:
    path = room.private / "digest" / f"{writer}.json"
    ref = room.names.log(writer)
    known = _decode(read_json(path), ref)
    if known.tip == tip:
        return known
    if known.tip is None or not is_continued(room.refs, tip, known.tip):
        known = Digest()
    found, count = _walk(room, writer, tip, known)
    if count >= WORTH_WRITING or len(found.events) > len(known.events):
        keep_json(path, _encode(found))
    return found


def _walk(room: Room, writer: AgentName, tip: Oid, known: Digest) -> tuple[Digest, int]:
    """Read what is new since `known`, newest first; return it on top of `known`, and how many events there were."""
    ref = room.names.log(writer)
    events: list[Recorded] = []
    problems: list[Unreadable] = []
    newest: dict[str, Recorded] = {}
    count = 0
    for item in scan(room.refs, ref, writer, known.tip, _PASSED_OVER):
        count += 1
        if item is None:
            continue
        if isinstance(item, Unreadable):
            problems.append(item)
            continue
        body = item.event.body
        if isinstance(body, Kept):
            events.append(item)
        elif isinstance(body, Joined | Left):
            newest.setdefault("move", item)
        elif isinstance(body, ReadUpTo | Refused):
            newest.setdefault(body.type, item)
    found = replace(
        known,
        tip=tip,
        events=(*known.events, *reversed(events)),
        problems=(*known.problems, *reversed(problems))[-MAX_PROBLEMS:],
        **newest,
    )
    return found, count


def _encode(digest: Digest) -> dict[str, Any]:
    single = {name: getattr(digest, name) for name in ("move", "read", "refused")}
    return {
        "v": VERSION,
        "tip": digest.tip,
        **{name: [one.id, encode(one.event)] if one else None for name, one in single.items()},
        "events": [[one.id, encode(one.event)] for one in digest.events],
        "problems": [[one.id, one.problem, one.hint] for one in digest.problems],
    }


def _decode(record: dict[str, Any], ref: str) -> Digest:
    """Return the digest in the file; one that is damaged or of another version counts as none."""
    if record.get("v") != VERSION:
        return Digest()
    try:
        single = {name: _recorded(record[name]) for name in ("move", "read", "refused") if record[name]}
        events = tuple(_recorded(one) for one in record["events"])
        problems = tuple(Unreadable(Oid(id), ref, str(text), str(hint)) for id, text, hint in record["problems"])
        tip = Oid(str(record["tip"]))
    except (EventError, KeyError, TypeError, ValueError):
        return Digest()
    return Digest(tip=tip, events=events, problems=problems, **single) if is_oid(tip) else Digest()


def _recorded(pair: Any) -> Recorded:
    id, line = pair
    return Recorded(Oid(str(id)), decode(str(line)))
