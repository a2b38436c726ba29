"""Giving an agent its task when it is started, so that whether it is open means something at the end."""

from agentroom_git.core.events import Assigned
from agentroom_git.core.tasks import MAX_ACCEPTANCE, MAX_TITLE, Task
from agentroom_git.errors import UsageError
from agentroom_git.room import coordination, logs, scratchpad, task_list, tasks
from agentroom_git.room.coordination import Refusal
from agentroom_git.room.room import Room

MAX_TEXT = 40_000


def assign(room: Room, text: str) -> str:
    """Put the text on the room's task list, claim it for the acting agent, and return the task's id.

    The first line is the title; what fits into no title and no line of acceptance becomes notes under `task:ID`. An
    open task of the same words that is free, or the agent's own, is taken up again. Raises `UsageError` for an empty
    text, one that is too long, or one that holds a secret.
    """
    agent = room.agent()
    title, acceptance, rest = _split(text)
    known = [one for one in task_list.read_tasks(room) if _is_same(one.task, title, acceptance)]
    mine = next((one.task for one in known if one.holder in ("", agent)), None)
    task = mine or tasks.add(room, title, acceptance=acceptance)
    logs.record(room, Assigned(task.id, task.title))
    answer = coordination.claim(room, [task.resource], reason=task.title)
    if isinstance(answer, Refusal):
        # Somebody was faster with the same words: this agent gets a task of its own.
        task = tasks.add(room, title, acceptance=acceptance)
        logs.record(room, Assigned(task.id, task.title))
        coordination.claim(room, [task.resource], reason=task.title)
    if rest and task is not mine:
        for start in range(0, len(rest), scratchpad.MAX_TEXT):
            scratchpad.add_note(room, rest[start : start + scratchpad.MAX_TEXT], task.resource)
    return task.id


def _is_same(task: Task, title: str, acceptance: str) -> bool:
    return task.is_open and not task.agents and (task.title, task.acceptance) == (title, acceptance)


def _split(text: str) -> tuple[str, str, str]:
    """Return the title, the line of acceptance, and the whole text where those two do not hold all of it."""
    words = text.strip()
    if not words:
        raise UsageError("the task is empty", hint="say what is to be done")
    if len(words) > MAX_TEXT:
        raise UsageError(f"the task has {len(words)} characters, at most {MAX_TEXT}", hint="put the rest into a file")
    first, _, after = words.partition("\n")
    title, more = _cut(" ".join(first.split()), MAX_TITLE)
    acceptance, cut = _cut(" ".join(after.split()), MAX_ACCEPTANCE)
    return title, acceptance, words if more or cut else ""


def _cut(text: str, limit: int) -> tuple[str, bool]:
    return (text, False) if len(text) <= limit else (f"{text[: limit - 4].rstrip()} ...", True)
