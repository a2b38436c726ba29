"""Tasks: what the agents' verbs do with the shared list. Working on a task is a claim on `task:<id>`.

A contested region is a task of the agents whose version does not stand: derived from the record, closed with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agentroom_git.core import tasks
from agentroom_git.core.events import TaskAdded, TaskDone, TaskDropped
from agentroom_git.core.tasks import DONE, Task
from agentroom_git.errors import UsageError
from agentroom_git.room import coordination, leases, logs, saving
from agentroom_git.room.coordination import Grant, Refusal
from agentroom_git.room.digest import read_digests
from agentroom_git.room.markers import Marker, find_markers
from agentroom_git.room.room import Room
from agentroom_git.room.saying import checked
from agentroom_git.room.task_list import SETTLE, Listed, all_tasks, events_of, holders_of, read_tasks


@dataclass(frozen=True, slots=True)
class NotYet:
    """A task that cannot be begun: `waits_for` come first."""

    task: Task
    waits_for: tuple[Task, ...]


def list_tasks(room: Room, *, everything: bool = False) -> list[Listed]:
    """Return the open tasks, and done ones whose marker is still on integration; with `everything`, all."""
    room.integration()
    listed = _with_markers(room, read_tasks(room))
    return [one for one in listed if everything or one.task.is_open or one.left]


def found_work(room: Room, *, markers: Sequence[str] = ()) -> list[Marker]:
    """Return the markers on integration that no open task was made from."""
    taken = {one.task.origin for one in read_tasks(room) if one.task.is_open}
    return [marker for marker in find_markers(room, room.integration(), only=markers) if marker.origin not in taken]


def add(
    room: Room, title: str, *, acceptance: str = "", needs: Sequence[str] = (), marker: Marker | None = None
) -> Task:
    """Put a task on the list; `needs` name tasks that come first."""
    room.integration()
    title = checked(title.strip(), "a task's title", tasks.MAX_TITLE)
    acceptance = checked(acceptance.strip(), "a line of acceptance", tasks.MAX_ACCEPTANCE, may_be_empty=True)
    if len(needs) > tasks.MAX_NEEDS:
        raise UsageError(f"{len(needs)} needs in one task, at most {tasks.MAX_NEEDS}", hint="name the last of them")
    known = all_tasks(room, read_digests(room))
    ids = tuple(dict.fromkeys(tasks.find_task(known, need).id for need in needs))
    if marker is not None:
        checked(marker.origin, "a marker", tasks.MAX_ACCEPTANCE)
    leases.beat(room)
    recorded = logs.record(room, TaskAdded(title, acceptance, ids, marker.origin if marker else ""))
    return tasks.replay([recorded])[tasks.task_id(recorded.event)]


def add_found(room: Room, place: str, *, title: str = "", acceptance: str = "", needs: Sequence[str] = ()) -> Task:
    """Make a task from the marker at `PATH:LINE` of integration."""
    path, _, line = place.rpartition(":")
    found = [
        one
        for one in (find_markers(room, room.integration(), [path]) if path else [])
        if one.path == path and str(one.line) == line
    ]
    if not found:
        raise UsageError(f"no marker at {ascii(place[:200])}", hint="agentroom task list --found names them")
    (marker,) = found
    return add(room, title or marker.text[: tasks.MAX_TITLE], acceptance=acceptance, needs=needs, marker=marker)


def claim(room: Room, id: str) -> Grant | Refusal | NotYet:
    """Claim a task for the acting agent: a claim on `task:<id>`, refused while somebody else holds it."""
    room.agent()
    known = all_tasks(room, read_digests(room))
    task = tasks.find_task(known, id)
    _refuse_closed(task)
    waits = tasks.waits_for(task, known)
    if waits:
        return NotYet(task, tuple(known[one] for one in waits))
    return coordination.claim(room, [task.resource], reason=task.title)


def finish(room: Room, id: str, text: str = "") -> Listed:
    """Say that a task is done, and give back the claim on it; the answer names its marker where it is still there."""
    task = _own(room, id)
    said = checked(text.strip(), "what you say of a task", tasks.MAX_ACCEPTANCE, may_be_empty=True)
    saving.save_own(room, "at the end of a task")
    recorded = logs.record(room, TaskDone(task.id, task.title, said))
    _give_back(room, task)
    done = tasks.replay([*events_of(read_digests(room)), recorded])[task.id]
    tip = room.refs.get(room.names.branch_ref(room.me)) if room.me else None
    left = _left(find_markers(room, tip or room.integration(), [done.path]), done) if done.path else ()
    return Listed(done, "", (), left)


def drop(room: Room, id: str, text: str = "") -> Task:
    """Take a task off the list undone, for everybody."""
    task = _own(room, id)
    said = checked(text.strip(), "what you say of a task", tasks.MAX_ACCEPTANCE, may_be_empty=True)
    recorded = logs.record(room, TaskDropped(task.id, task.title, said))
    _give_back(room, task)
    return tasks.replay([*events_of(read_digests(room)), recorded])[task.id]


def _own(room: Room, id: str) -> Task:
    """Return an open task that nobody else holds, to be closed."""
    room.integration()
    leases.beat(room)
    task = tasks.find_task(all_tasks(room, read_digests(room)), id)
    _refuse_closed(task)
    if task.agents:
        raise UsageError(f"task {task.id} is a contested region: it is done when that is settled", hint=SETTLE)
    holder = holders_of(room).get(task.resource, room.me)
    if holder != room.me:
        raise UsageError(f"{holder} holds task {task.id}", hint="tell it by a broadcast, or wait until it is free")
    return task


def _refuse_closed(task: Task) -> None:
    if not task.is_open:
        by = f" by {task.closed_by}" if task.closed_by else ""
        raise UsageError(f"task {task.id} is {task.state}{by}", hint="agentroom task list shows what is open")


def _give_back(room: Room, task: Task) -> None:
    if room.me is not None and holders_of(room).get(task.resource) == room.me:
        coordination.release(room, [task.resource])


def _with_markers(room: Room, listed: list[Listed]) -> list[Listed]:
    paths = sorted({one.task.path for one in listed if one.task.state == DONE and one.task.path})
    markers = find_markers(room, room.integration(), paths) if paths else []
    return [
        Listed(one.task, one.holder, one.waits_for, _left(markers, one.task)) if one.task.state == DONE else one
        for one in listed
    ]


def _left(markers: Sequence[Marker], task: Task) -> tuple[Marker, ...]:
    return tuple(marker for marker in markers if marker.origin == task.origin)
