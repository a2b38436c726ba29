"""The room's story: every event and every fold as one line, in order, and the commit that each line concerns."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from agentroom_git.core.checks import Blamed, Checked, Chosen
from agentroom_git.core.escape import one_line
from agentroom_git.core.events import Claimed, Event, ReadUpTo, Recorded, Renewed, TaskAdded
from agentroom_git.core.ids import Oid, is_oid
from agentroom_git.core.tasks import task_id
from agentroom_git.git.folds import Fold
from agentroom_git.room.room import Room


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story. `commit` is the commit of integration that it concerns, empty for none."""

    at: str
    who: str
    text: str
    kind: str
    commit: str
    id: str

    def render(self) -> str:
        """Return the line as a note shows it; it begins with an ISO time, so that lines may be sorted."""
        return one_line(f"{self.at} {self.who} {self.text}", 500)


def is_told(recorded: Recorded) -> bool:
    """Return whether anybody wants to read about the event."""
    return not isinstance(recorded.event.body, ReadUpTo | Renewed)


def line_of_event(recorded: Recorded) -> Line | None:
    """Return the line of an event, or None for one that is not told."""
    event = recorded.event
    if not is_told(recorded):
        return None
    concerned = event.body.commit if isinstance(event.body, Checked | Blamed | Chosen) else event.seen
    commit = concerned if is_oid(concerned) else ""
    return Line(event.at, event.agent, _event_text(event), event.body.type, commit, recorded.id)


def _event_text(event: Event) -> str:
    body = event.body
    if isinstance(body, Claimed):
        return f"{event.subject()} (token {', '.join(body.tokens)})"
    if isinstance(body, TaskAdded):
        return f"{event.subject()} ({task_id(event)})"
    return event.subject()


def line_of_fold(room: Room, fold: Fold) -> Line:
    """Return the line of a fold, with what it contested."""
    commit = room.history.commit(fold.id)
    at = datetime.fromtimestamp(commit.commit_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    parts = [f'folded {head.agent} {head.id[:10]} "{room.history.subject(head.id)}"' for head in fold.folded]
    parts += [f"contested {text}" for text in fold.contested]
    return Line(at, "agentroom", one_line("; ".join(parts)), "fold", fold.id, fold.id)


def lines_by_commit(lines: Iterable[Line], room: Room) -> dict[Oid, set[str]]:
    """Return the rendered lines on each commit that exists."""
    found: dict[Oid, set[str]] = defaultdict(set)
    for line in lines:
        if line.commit and line.commit in room.repo.handle:
            found[Oid(line.commit)].add(line.render())
    return found


def tell(room: Room, events: Iterable[Recorded], folds: Iterable[Fold]) -> list[Line]:
    """Return the lines of events and of folds, which are given oldest first, in one order.

    Events are in their own order and folds in integration's; an event is below the fold that it had seen. Clocks decide
    only what else comes first of the two, as one of them may be wrong.
    """
    told = [line for one in sorted(events, key=lambda one: one.order) if (line := line_of_event(one)) is not None]
    made = [line_of_fold(room, fold) for fold in folds]
    return list(_weave(told, made))


def _weave(told: Sequence[Line], made: Sequence[Line]) -> Iterator[Line]:
    places = {line.commit: number for number, line in enumerate(made)}
    taken = 0
    for number, line in enumerate(told):
        # What came right after it bounds the time of an event.
        at = min(one.at for one in told[number : number + 2])
        while taken < len(made) and (made[taken].at <= at or taken <= places.get(line.commit, -1)):
            yield made[taken]
            taken += 1
        yield line
    yield from made[taken:]
