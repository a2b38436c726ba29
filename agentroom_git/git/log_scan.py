"""Reading long logs fast: events of kinds that the reader does not want are told by their first bytes, undecoded.

After the newest thousand, git itself lists the rest while what it has listed is looked at: 100,000 events in a second.
What is listed counts as far as each commit names the next one as its parent; whatever looks strange is read from its
object.
"""

import os
import re
from collections.abc import Collection, Generator, Iterator
from contextlib import closing
from typing import NamedTuple

import pygit2

from agentroom_git.core.escape import one_line
from agentroom_git.core.event_line import VERSION, EventError
from agentroom_git.core.events import Recorded
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.git.log import Unreadable, parse_event, read_event, readable, unreadable
from agentroom_git.git.refs import Refs
from agentroom_git.system.stream import git_pieces

WALKED = 1000
_AS_STORED = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull}
_LIST = ("rev-list", "--first-parent", "--encoding=UTF-8", "--format=%H %P%n%B%x00")
_HEADER = re.compile(rb"\n?commit [0-9a-f]{40}\n([0-9a-f]{40}) ([0-9a-f]{40})?[^\n]*\n")
_BLANK = b"\n\n"


class _Listed(NamedTuple):
    """A commit as git lists it: `start` is where its message begins in the text, `body` where the event does."""

    id: bytes
    parent: bytes | None
    text: bytes
    start: int
    body: int


def scan(
    refs: Refs, ref: str, writer: AgentName, stop: Oid | None, passed_over: Collection[str]
) -> Iterator[Recorded | Unreadable | None]:
    """Yield the log's events like `log.read`, with None for each that says it is of a kind in `passed_over`."""
    passed = tuple(f'{{"v":{VERSION},"type":"{kind}","agent":"{writer}",'.encode() for kind in passed_over)
    for number, commit in enumerate(readable(refs, ref, stop)):
        if number == WALKED and not isinstance(commit, Unreadable):
            yield from _scan_listed(refs, ref, writer, (Oid(str(commit.id)), stop), passed)
            return
        yield _judge(commit, ref, writer, passed)


def _judge(
    commit: pygit2.Commit | Unreadable, ref: str, writer: AgentName, passed: tuple[bytes, ...]
) -> Recorded | Unreadable | None:
    if isinstance(commit, Unreadable):
        return commit
    is_passed = commit.raw_message.partition(b"\n\n")[2].startswith(passed)
    return None if is_passed else _read(commit, ref, writer)


def _scan_listed(
    refs: Refs, ref: str, writer: AgentName, span: tuple[Oid, Oid | None], passed: tuple[bytes, ...]
) -> Iterator[Recorded | Unreadable | None]:
    """Yield what `scan` does from the first commit of the span up to and without the second."""
    at: bytes | None = span[0].encode()
    stop = span[1].encode() if span[1] else None
    with closing(_list(refs, span[0])) as listed:
        for one in listed:
            if one.id == stop:
                return
            yield None if one.text.startswith(passed, one.body) else _read_listed(refs, one, ref, writer)
            at = one.parent
    if at is not None and at != stop:
        # An object is missing, or there is no git: what can be reached is walked.
        rest = readable(refs, ref, span[1], Oid(at.decode()))
        yield from (_judge(commit, ref, writer, passed) for commit in rest)


def _list(refs: Refs, tip: Oid) -> Generator[_Listed]:
    """Yield the commits from `tip` on as git lists them, as far as each is the one that the last one named."""
    expected: bytes | None = tip.encode()
    with closing(git_pieces(*_LIST, tip, "--", cwd=refs.common_dir, env=_AS_STORED, end=b"\0")) as pieces:
        for text in pieces:
            header = _HEADER.match(text)
            if header is None or header[1] != expected:
                return
            expected = header[2]
            start = header.end()
            yield _Listed(header[1], expected, text, start, text.find(_BLANK, start) + len(_BLANK))


def _read_listed(refs: Refs, one: _Listed, ref: str, writer: AgentName) -> Recorded | Unreadable | None:
    id = Oid(one.id.decode())
    try:
        recorded = parse_event(id, one.text[one.start :])
    except EventError:
        return read_one(refs, id, ref, writer)
    return _of_writer(recorded, ref, writer)


def _read(commit: pygit2.Commit, ref: str, writer: AgentName) -> Recorded | Unreadable:
    try:
        recorded = read_event(commit)
    except EventError as error:
        return unreadable(commit, ref, error)
    return _of_writer(recorded, ref, writer)


def _of_writer(recorded: Recorded, ref: str, writer: AgentName) -> Recorded | Unreadable:
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
