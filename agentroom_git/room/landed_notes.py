"""What the notes of a landed commit say: the lines of the folds that it stands for, copied, as a squash carries none.

Copies follow from the event of the landing and from the other notes, so that notes made anew have them, too.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from agentroom_git.core import trailers
from agentroom_git.core.events import Recorded
from agentroom_git.core.ids import HUMAN, Oid, is_oid
from agentroom_git.core.landings import Landed
from agentroom_git.git.folds import is_fold, read_fold
from agentroom_git.room.landed import agents_of, fold_chain
from agentroom_git.room.room import Room
from agentroom_git.room.story import line_of_event

MAX_LINES = 500
_ROOM = "agentroom"
# A fold's line has its time in whole seconds, an event's has milliseconds.
_SECONDS = len("2026-01-01T00:00:00")


def copied(room: Room, events: Iterable[Recorded], lines_on: Callable[[Oid], set[str]]) -> dict[Oid, set[str]]:
    """Return the lines for the commits of these landings; `lines_on` tells what other notes say of a commit."""
    found: dict[Oid, set[str]] = defaultdict(set)
    for recorded in events:
        body = recorded.event.body
        if not isinstance(body, Landed) or not room.history.has_commit(Oid(body.fold)):
            continue
        own = line_of_event(recorded)
        for commit in body.commits:
            if is_oid(commit) and room.history.has_commit(Oid(commit)):
                lines = sorted(_lines(room, recorded, body, Oid(commit), lines_on))[-MAX_LINES:]
                found[Oid(commit)].update(lines, [own.render()] if own else [])
    return found


def _lines(
    room: Room, recorded: Recorded, body: Landed, commit: Oid, lines_on: Callable[[Oid], set[str]]
) -> Iterator[str]:
    agents = set(agents_of(room, commit)) or {HUMAN}
    is_everyones = not trailers.values(room.history.message(commit), trailers.ROOM)
    for place, folder in _places(room, body):
        speakers = agents | ({_ROOM} if is_everyones or folder in agents else set())
        for line in lines_on(place):
            at, _, rest = line.partition(" ")
            who = rest.partition(" ")[0]
            if at[:_SECONDS] <= recorded.event.at[:_SECONDS] and (is_everyones or who in speakers):
                yield line


def _places(room: Room, body: Landed) -> Iterator[tuple[Oid, str]]:
    """Yield the folds that landed, each with whose it is, and the commit on which they began, which is nobody's."""
    for fold in fold_chain(room, Oid(body.fold)):
        if fold == body.since:
            break
        yield fold, read_fold(room.history, fold).folded[0].agent
        before = room.history.parents(fold)[0]
        if not is_fold(room.history, before) or before == body.since:
            yield before, ""
