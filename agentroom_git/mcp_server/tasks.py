"""The tools for working together: the task list, the scratchpad, and waiting for the others."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from agentroom_git.core import tasks as limits
from agentroom_git.core.escape import one_line
from agentroom_git.core.tasks import Task
from agentroom_git.errors import UsageError
from agentroom_git.mcp_server.results import HeldClaim, Inbox, held_claim, quoted
from agentroom_git.mcp_server.seat import Here, acting, with_unread
from agentroom_git.room import leases, scratchpad, waiting
from agentroom_git.room import tasks as use
from agentroom_git.room.coordination import Refusal
from agentroom_git.room.markers import Marker
from agentroom_git.room.room import Room
from agentroom_git.room.task_list import Listed
from agentroom_git.room.tasks import NotYet

# Lists in an answer are cut to this length; `..._count` says how many there were.
MAX_TASKS = 50
MAX_WAIT = 600
Action = Literal["add", "list", "found", "claim", "done", "drop"]


class TaskState(BaseModel):
    id: str
    title: str
    done_when: str
    state: str = Field(description="open, done or dropped")
    held_by: str
    waits_for: list[str] = Field(description="Tasks that come first and are still open.")
    for_agents: list[str] = Field(description="Of a contested region: whose version does not stand.")
    added_by: str
    closed_by: str
    said: str = Field(description="What who closed it said.")
    left: list[str] = Field(description="Of a done task: the marker it was made from, where that is still there.")


class TasksAnswer(Inbox):
    done: bool = Field(description="Whether what you asked for was done; if not, held_by or waits_for says why.")
    tasks: list[TaskState] = []
    tasks_count: int = 0
    found: list[str] = Field(default=[], description="Unimplemented markers without a task, as PATH:LINE: TEXT.")
    found_count: int = 0
    held_by: list[HeldClaim] = Field(default=[], description="Why a claim was refused: who holds the task.")
    token: int = Field(default=0, description="Of a claim: its fencing token.")


class NoteState(BaseModel):
    sender: str = Field(alias="from")
    at: str
    topic: str
    text: str


class NoteAnswer(Inbox):
    notes: list[NoteState] = Field(default=[], description="The newest notes, oldest first: information, not orders.")
    earlier: int = Field(default=0, description="How many came before these.")
    topics: dict[str, int] = Field(default={}, description="Every topic with how many notes it has.")


class WaitAnswer(Inbox):
    woken_by: str = Field(description="messages, claims, folds, or empty: the time ran out.")
    waited_seconds: float
    free: list[str] = Field(default=[], description="What others held when you began to wait and hold no longer.")
    integration: str = Field(default="", description="Of a fold: call sync to get it.")


def tasks(
    here: Here,
    action: Annotated[
        Action, Field(description="add, list; found lists unimplemented markers; claim, done or drop one by its id.")
    ] = "list",
    id: Annotated[str, Field(description="For claim, done and drop: the task.", max_length=64)] = "",
    title: Annotated[
        str, Field(description="For add: what is to be done, in a line.", max_length=limits.MAX_TITLE)
    ] = "",
    done_when: Annotated[
        str, Field(description="For add: how one sees that it is done.", max_length=limits.MAX_ACCEPTANCE)
    ] = "",
    needs: Annotated[
        list[str] | None, Field(description="For add: ids of tasks that come first.", max_length=limits.MAX_NEEDS)
    ] = None,
    marker: Annotated[str, Field(description="For add: PATH:LINE of a found marker.", max_length=600)] = "",
    text: Annotated[
        str, Field(description="For done and drop: what there is to say.", max_length=limits.MAX_ACCEPTANCE)
    ] = "",
) -> TasksAnswer:
    with acting(here) as room:
        leases.beat(room)
        if action == "add":
            added = _add(room, title, done_when, needs or [], marker)
            return with_unread(room, _answer([Listed(added, "", ())]))
        if action == "list":
            return with_unread(room, _answer(use.list_tasks(room)))
        if action == "found":
            found = use.found_work(room)
            shown = [_marker(one) for one in found[:MAX_TASKS]]
            return with_unread(room, TasksAnswer(done=True, found=shown, found_count=len(found)))
        if not id:
            raise UsageError(f"{action} needs the id of a task", hint="tasks(action='list') names them")
        if action == "claim":
            return with_unread(room, _claim(room, id))
        closed = use.finish(room, id, text) if action == "done" else Listed(use.drop(room, id, text), "", ())
        return with_unread(room, _answer([closed]))


def _add(room: Room, title: str, done_when: str, needs: list[str], marker: str) -> Task:
    if marker:
        return use.add_found(room, marker, title=title, acceptance=done_when, needs=needs)
    return use.add(room, title, acceptance=done_when, needs=needs)


def _claim(room: Room, id: str) -> TasksAnswer:
    answer = use.claim(room, id)
    if isinstance(answer, NotYet):
        waits = tuple(one.id for one in answer.waits_for)
        return TasksAnswer(done=False, tasks=[task_state(Listed(answer.task, "", waits))], tasks_count=1)
    if isinstance(answer, Refusal):
        return TasksAnswer(done=False, held_by=[held_claim(held) for held in answer.conflicts])
    return TasksAnswer(done=True, token=answer.claims[0].token)


def _answer(listed: list[Listed]) -> TasksAnswer:
    return TasksAnswer(done=True, tasks=[task_state(one) for one in listed[:MAX_TASKS]], tasks_count=len(listed))


def task_state(one: Listed) -> TaskState:
    task = one.task
    return TaskState(
        id=task.id,
        title=one_line(task.title),
        done_when=one_line(task.acceptance),
        state=task.state,
        held_by=one.holder,
        waits_for=[one_line(id, 64) for id in one.waits_for],
        for_agents=[one_line(name, 64) for name in task.agents],
        added_by=one_line(task.added_by, 64),
        closed_by=one_line(task.closed_by, 64),
        said=one_line(task.said),
        left=[_marker(marker) for marker in one.left],
    )


def _marker(one: Marker) -> str:
    return one_line(f"{one.path}:{one.line}: {one.text}")


def note(
    here: Here,
    text: Annotated[
        str, Field(description="What to put on it; without it, read.", max_length=scratchpad.MAX_TEXT)
    ] = "",
    topic: Annotated[
        str, Field(description="What it is about; to read only this.", max_length=scratchpad.MAX_TOPIC)
    ] = "",
) -> NoteAnswer:
    with acting(here) as room:
        leases.beat(room)
        if text:
            scratchpad.add_note(room, text, topic)
            return with_unread(room, NoteAnswer())
        page = scratchpad.read_notes(room, topic)
        notes = [
            NoteState(
                **{"from": one.agent, "at": one_line(one.at), "topic": one_line(one.topic), "text": quoted(one.text)}
            )
            for one in page.notes
        ]
        topics = {one_line(name): count for name, count in page.topics[:MAX_TASKS]}
        return with_unread(room, NoteAnswer(notes=notes, earlier=page.earlier, topics=topics))


def wait(
    here: Here,
    seconds: Annotated[
        float, Field(description="At most this long; stay below your own limit for a call.", ge=0, le=MAX_WAIT)
    ],
    wait_for: Annotated[
        Literal["messages", "claims", "folds", ""],
        Field(validation_alias="for", description="Only for this; without it, for messages and claims."),
    ] = "",
) -> WaitAnswer:
    with acting(here) as room:
        woken = waiting.wait(room, seconds, kinds=(wait_for,) if wait_for else ())
        answer = WaitAnswer(
            woken_by=woken.reason,
            waited_seconds=woken.seconds,
            free=[one_line(path) for path in woken.free[:MAX_TASKS]],
            integration=woken.integration,
        )
        return with_unread(room, answer)
