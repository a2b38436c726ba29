"""What the gate found out, read from the room's refs alone: green, and the newest result on a commit.

The truth is the sidecar's log: the gate writes there under the fold lock, whoever runs it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import get_args

from agentroom_git.core.checks import PASSED, Blamed, Checked, Chosen
from agentroom_git.core.events import Body, Recorded
from agentroom_git.core.ids import SIDECAR, Oid
from agentroom_git.git.log_scan import scan
from agentroom_git.room.room import Room

# A room that is checked at every fold has a result among the last few events; one that is not need not be read far.
_SEARCHED = 20_000


@dataclass(frozen=True, slots=True)
class Check:
    """One result: the commit, how the check ended (`core/checks.py`), how long it took, when, the end of its output."""

    commit: Oid
    result: str
    seconds: int
    at: str
    tail: str

    @property
    def has_passed(self) -> bool:
        return self.result == PASSED


def read_green(room: Room) -> Oid | None:
    """Return the newest fold that passed the check, or None where none has."""
    return room.refs.get(room.names.green)


def last_check(room: Room, commit: Oid | None = None) -> Check | None:
    """Return the newest result on the commit, or on any where none is given; None where there is none."""
    for recorded in _newest_first(room, Checked):
        body = recorded.event.body
        if isinstance(body, Checked) and commit in (None, body.commit):
            return Check(Oid(body.commit), body.result, body.seconds, recorded.event.at, body.tail)
    return None


def last_blame(room: Room, since: Oid | None = None) -> Blamed | None:
    """Return whom the gate blamed last; with `since` (a green commit) only for a fold that this one does not reach."""
    for recorded in _newest_first(room, Blamed):
        body = recorded.event.body
        if isinstance(body, Blamed):
            is_over = since is not None and (
                not room.history.has_commit(Oid(body.commit)) or room.history.reaches(since, Oid(body.commit))
            )
            return None if is_over else body
    return None


def explained_folds(room: Room) -> frozenset[Oid]:
    """Return the folds of which it is known that they broke the check."""
    bodies = [recorded.event.body for recorded in _newest_first(room, Blamed, Chosen)]
    blamed = [body.commit for body in bodies if isinstance(body, Blamed)]
    return frozenset(map(Oid, blamed + [body.broken for body in bodies if isinstance(body, Chosen)]))


def last_results(room: Room) -> dict[str, str]:
    """Return the newest result on each commit that has one."""
    found: dict[str, str] = {}
    for recorded in _newest_first(room, Checked):
        body = recorded.event.body
        if isinstance(body, Checked):
            found.setdefault(body.commit, body.result)
    return found


def chosen_folds(room: Room) -> frozenset[Oid]:
    """Return the folds of what the check chose."""
    bodies = [recorded.event.body for recorded in _newest_first(room, Chosen)]
    return frozenset(Oid(body.commit) for body in bodies if isinstance(body, Chosen))


def _newest_first(room: Room, *kinds: type) -> Iterator[Recorded]:
    passed_over = [body.type for body in get_args(Body) if body not in kinds]
    for item in islice(scan(room.refs, room.names.log(SIDECAR), SIDECAR, None, passed_over), _SEARCHED):
        if isinstance(item, Recorded):
            yield item
