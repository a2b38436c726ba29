"""Reading long logs fast: events of kinds that the reader does not want are told by their first bytes, undecoded.

100,000 events are walked in about a second, where decoding all of them takes three.
"""

from collections.abc import Collection, Iterator

import pygit2

from agentroom_git.core.escape import one_line
from agentroom_git.core.event_line import VERSION, EventError
from agentroom_git.core.events import Recorded
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.git.log import Unreadable, read_event, readable, unreadable
from agentroom_git.git.refs import Refs


def scan(
    refs: Refs, ref: str, writer: AgentName, stop: Oid | None, passed_over: Collection[str]
) -> Iterator[Recorded | Unreadable | None]:
    """Yield the log's events like `log.read`, with None for each that says it is of a kind in `passed_over`."""
    passed = tuple(f'{{"v":{VERSION},"type":"{kind}","agent":"{writer}",'.encode() for kind in passed_over)
    for commit in readable(refs, ref, stop):
        if isinstance(commit, Unreadable):
            yield commit
        elif passed and commit.raw_message.partition(b"\n\n")[2].startswith(passed):
            yield None
        else:
            yield _read(commit, ref, writer)


def _read(commit: pygit2.Commit, ref: str, writer: AgentName) -> Recorded | Unreadable:
    try:
        recorded = read_event(commit)
    except EventError as error:
        return unreadable(commit, ref, error)
    if recorded.event.agent != writer:
        name = one_line(recorded.event.agent, 40)
        return Unreadable(recorded.id, ref, f"an event by {name!r} in the log of {writer}", "it was ignored")
    return recorded


def read_one(refs: Refs, id: Oid, ref: str, writer: AgentName) -> Recorded | Unreadable | None:
    """Return the event that this commit carries, or None where there is no such commit."""
    try:
        found = refs.handle[id]
    except KeyError:
        return None
    if not isinstance(found, pygit2.Commit):
        return None
    return _read(found, ref, writer)


def is_continued(refs: Refs, tip: Oid, seen: Oid) -> bool:
    """Return whether a log grew from `seen` to `tip`; False where an object in between is missing."""
    handle = refs.handle
    if seen not in handle or tip not in handle:
        return False
    try:
        return tip == seen or handle.descendant_of(tip, seen)
    except (KeyError, pygit2.GitError):
        return False
