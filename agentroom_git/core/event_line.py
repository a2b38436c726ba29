"""Events as text: one canonical JSON line each.

`v` comes first and is read first, so that a record of a later version is refused before anything of it is believed.
"""

import json
from dataclasses import fields
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from agentroom_git.core.escape import one_line
from agentroom_git.core.events import Body, Event
from agentroom_git.core.ids import AgentName
from agentroom_git.errors import AgentroomError

VERSION = 1
MAX_LINE = 64 * 1024
MAX_LAMPORT = 2**62


class EventError(AgentroomError):
    """A record in a log that this program cannot read."""


def encode(event: Event) -> str:
    """Return the event as one line of ASCII JSON, the same for equal events."""
    body = {f.name: getattr(event.body, f.name) for f in fields(event.body)}
    record = {
        "v": VERSION,
        "type": event.body.type,
        "agent": event.agent,
        "lamport": event.lamport,
        "at": event.at,
        "seen": event.seen,
        "key": event.key,
        "body": dict(sorted(body.items())),
    }
    return json.dumps(record, ensure_ascii=True, separators=(",", ":"))


_BODIES: dict[str, type[Body]] = {body.type: body for body in get_args(Body)}


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise EventError("a record names a key twice")
    return record


_DECODER = json.JSONDecoder(object_pairs_hook=_refuse_duplicates)


def _typed(record: dict[str, Any], name: str, kind: type) -> Any:
    value = record.get(name)
    if type(value) is kind:
        return value
    if kind is tuple and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise EventError(f"a record's {name!r} is not {'a list of texts' if kind is tuple else kind.__name__}")


def _decode_body(kind: str, record: dict[str, Any]) -> Body:
    body = _BODIES.get(kind)
    if body is None:
        raise EventError(f"unknown event type {one_line(kind, 40)!r}", hint="upgrade agentroom in this checkout")
    return body(*[_typed(record, name, wanted) for name, wanted in _shape(body.type)])


@cache
def _shape(kind: str) -> tuple[tuple[str, type], ...]:
    """Return the fields of such a body in order, with the types that their values have (a tuple is one of texts)."""
    body = _BODIES[kind]
    hints = get_type_hints(body)
    return tuple((f.name, get_origin(hints[f.name]) or hints[f.name]) for f in fields(body))


def decode(line: str) -> Event:
    """Return the event of one JSON line; raise `EventError` with the remedy for one of another version or shape."""
    if len(line) > MAX_LINE:
        raise EventError(f"a record is longer than {MAX_LINE} bytes")
    try:
        record = _DECODER.decode(line)
    except (ValueError, RecursionError) as error:
        raise EventError("a record is not JSON") from error
    if not isinstance(record, dict):
        raise EventError("a record is not a JSON object")
    version = record.get("v")
    if type(version) is not int or version != VERSION:
        raise EventError(
            f"a record has version {one_line(repr(version), 20)}, this agentroom reads version {VERSION}",
            hint="upgrade agentroom; the rest of the room keeps working",
        )
    body = record.get("body")
    if not isinstance(body, dict):
        raise EventError("a record has no body")
    lamport: int = _typed(record, "lamport", int)
    if not 0 <= lamport <= MAX_LAMPORT:
        # Every later event would be later still: one such record would grow all that follow.
        raise EventError("a record's 'lamport' is out of range")
    return Event(
        agent=AgentName(_typed(record, "agent", str)),
        lamport=lamport,
        at=_typed(record, "at", str),
        seen=_typed(record, "seen", str),
        key=_typed(record, "key", str),
        body=_decode_body(_typed(record, "type", str), body),
    )
