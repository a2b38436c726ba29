"""The room's tasks: the list is the replay of its events, in any order of arrival.

A task's id is derived from the event that added it, so that two agents never draw the same number; a task that was made
from a marker is named by that marker, so that two agents who add the same one have one task. Who works on it is not
said here: that is a claim on `task:<id>`.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from agentroom_git.core.events import Event, Recorded, TaskAdded, TaskDone, TaskDropped
from agentroom_git.core.ids import AgentName
from agentroom_git.errors import UsageError

OPEN, DONE, DROPPED = "open", "done", "dropped"
RESOURCE = "task:"
MAX_TITLE = 200
MAX_ACCEPTANCE = 500
MAX_NEEDS = 32
ID_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Task:
    """`closed_by` and `said` are of who did or dropped it; `agents` are those whom a contest asks to settle it."""

    id: str
    title: str
    acceptance: str
    needs: tuple[str, ...]
    origin: str
    added_by: str
    at: str
    state: str = OPEN
    closed_by: str = ""
    said: str = ""
    agents: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.state == OPEN

    @property
    def resource(self) -> str:
        """What a claim on the task names."""
        return RESOURCE + self.id

    @property
    def path(self) -> str:
        """The file whose marker the task was made from, or empty."""
        return self.origin.partition(": ")[0]


def task_id(event: Event) -> str:
    """Return the id of the task that the event added: eight letters and digits, 40 bits of a hash."""
    body = event.body
    origin = body.origin if isinstance(body, TaskAdded) else ""
    source = f"marker {origin}" if origin else f"event {event.agent} {event.key}"
    return (
        base64.b32encode(hashlib.sha256(source.encode("utf-8", "surrogatepass")).digest()).decode().lower()[:ID_LENGTH]
    )


def replay(events: Iterable[Recorded]) -> dict[str, Task]:
    """Return the tasks by id, oldest first. Depends on the set of events only, not on the order they come in.

    Events count in their order (Lamport time, writer, commit). A task that is closed is opened again by being added
    anew; what was done stays done when somebody drops it.
    """
    found: dict[str, Task] = {}
    for recorded in sorted(events, key=lambda one: one.order):
        event, body = recorded.event, recorded.event.body
        if isinstance(body, TaskAdded):
            id = task_id(event)
            if id not in found or not found[id].is_open:
                found[id] = Task(id, body.title, body.acceptance, body.needs, body.origin, event.agent, event.at)
        elif isinstance(body, TaskDone | TaskDropped) and body.task in found:
            found[body.task] = _closed(found[body.task], event.agent, body)
    return found


def _closed(task: Task, agent: AgentName, body: TaskDone | TaskDropped) -> Task:
    if task.state == DONE or (task.state == DROPPED and isinstance(body, TaskDropped)):
        return task
    state = DONE if isinstance(body, TaskDone) else DROPPED
    return replace(task, state=state, closed_by=agent, said=body.text)


def waits_for(task: Task, tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """Return the ids of the tasks that come before this one and are still open. Tasks that wait for each other do so
    until one is done: nothing is refused on that account."""
    return tuple(id for id in task.needs if id in tasks and tasks[id].is_open)


def find_task(tasks: Mapping[str, Task], id: str) -> Task:
    """Return the task with this id, beginning of one, or `task:<id>`; raise `UsageError` for none or several."""
    wanted = id.strip().lower().removeprefix(RESOURCE)
    if wanted in tasks:
        return tasks[wanted]
    found = [task for name, task in tasks.items() if wanted and name.startswith(wanted)]
    if len(found) != 1:
        problem = "no task" if not found else f"{len(found)} tasks begin with"
        raise UsageError(f"{problem} {ascii(id[:40])}", hint="agentroom task list names them")
    return found[0]
