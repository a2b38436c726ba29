"""Logs: append-only chains of events, one ref a writer, one commit an event.

The subject reads as a sentence, so that `git log refs/agentroom/main/log/alice` tells the story; the body is the event
as one JSON line, the only part that is read back. An append that is repeated with the same key adds nothing.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import pygit2

from agentroom_git.core.escape import one_line
from agentroom_git.core.event_line import EventError, decode, encode
from agentroom_git.core.events import Event, Recorded
from agentroom_git.core.ids import NULL, AgentName, Oid
from agentroom_git.git.objects import empty_tree
from agentroom_git.git.refs import RefError, Refs, chain
from agentroom_git.git.writing import writing

_SCAN_FOR_KEY = 64


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A commit in a log that this program cannot read, and why; the rest of the log still counts."""

    id: Oid
    ref: str
    problem: str
    hint: str


def signature(name: str, at: datetime) -> pygit2.Signature:
    """Return who a commit of the room is by; `.invalid` can never be somebody's real address (RFC 2606)."""
    return pygit2.Signature(name, f"{name}@agentroom.invalid", int(at.timestamp()), 0)


def author_environment(name: str) -> dict[str, str]:
    """Return the variables that make the git command commit as `name`, like `signature`."""
    parts = {"NAME": name, "EMAIL": f"{name}@agentroom.invalid"}
    return {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in parts.items()}


def message_of(event: Event) -> str:
    return f"{event.agent} {event.subject()}\n\n{encode(event)}\n"


def read_event(commit: pygit2.Commit) -> Recorded:
    """Return the event that the commit carries; raise `EventError` where it carries none that can be read."""
    return parse_event(Oid(str(commit.id)), commit.raw_message)


def parse_event(id: Oid, message: bytes) -> Recorded:
    """Return the event of a commit's message; raise `EventError` where it is none that can be read."""
    lines = message.decode("utf-8", "replace").rstrip("\n").split("\n")
    if len(lines) != 3 or lines[1]:
        raise EventError("a commit in a log is not one event")
    return Recorded(id, decode(lines[2]))


def append(refs: Refs, ref: str, event: Event, at: datetime) -> Recorded:
    """Add the event to the log, with a Lamport time above that of the log's tip, unless its key is there already."""
    handle = refs.handle

    def add(tip: Oid | None) -> tuple[Oid | None, Recorded]:
        recent = list(islice(_events(handle, tip), _SCAN_FOR_KEY))
        for recorded in recent:
            if recorded.event.key == event.key:
                return tip, recorded
        newest = max((recorded.event.lamport for recorded in recent), default=0)
        timed = replace(event, lamport=max(event.lamport, newest + 1))
        who = signature(event.agent, at)
        parents = [pygit2.Oid(hex=tip)] if tip else []
        tree = pygit2.Oid(hex=empty_tree(handle))
        with writing():
            id = Oid(str(handle.create_commit(None, who, who, message_of(timed), tree, parents)))
        return id, Recorded(id, timed)

    return refs.update(ref, add)


def _events(handle: pygit2.Repository, tip: Oid | None) -> Iterator[Recorded]:
    for commit in chain(handle, tip):
        try:
            yield read_event(commit)
        except EventError:
            continue


def read(
    refs: Refs, ref: str, *, writer: AgentName | None = None, stop: Oid | None = None
) -> Iterator[Recorded | Unreadable]:
    """Yield the events of a log, newest first, up to and without `stop`.

    A record that cannot be read, or that names another writer than the log's own, is yielded as `Unreadable`.
    """
    for commit in readable(refs, ref, stop):
        if isinstance(commit, Unreadable):
            yield commit
            continue
        try:
            recorded = read_event(commit)
        except EventError as error:
            yield unreadable(commit, ref, error)
            continue
        if writer is not None and recorded.event.agent != writer:
            name = one_line(recorded.event.agent, 40)
            yield Unreadable(recorded.id, ref, f"an event by {name!r} in the log of {writer}", "it was ignored")
            continue
        yield recorded


def readable(refs: Refs, ref: str, stop: Oid | None, tip: Oid | None = None) -> Iterator[pygit2.Commit | Unreadable]:
    """Yield the commits of a chain, newest first, from `tip` or the ref's own; where an object is missing, it ends with
    an `Unreadable`."""
    try:
        yield from chain(refs.handle, tip or refs.get(ref), stop)
    except RefError as error:
        yield Unreadable(refs.get(ref) or NULL, ref, error.message, error.hint)


def unreadable(commit: pygit2.Commit, ref: str, error: EventError) -> Unreadable:
    hint = error.hint or "it was ignored; git show shows it"
    return Unreadable(Oid(str(commit.id)), ref, error.message, hint)


def newest_lamport(refs: Refs, names: Iterator[str]) -> int:
    """Return the highest Lamport time at the tips of these logs."""
    tips = (_newest(refs, name) for name in names)
    return max((tip.event.lamport for tip in tips if tip is not None), default=0)


def _newest(refs: Refs, name: str) -> Recorded | None:
    # A log that is damaged must not keep everybody else from writing theirs.
    with suppress(RefError):
        return next(_events(refs.handle, refs.get(name)), None)
    return None
