"""Keeping an agent from giving up: what it would leave behind, and asking it to go on, so many times and no more.

Every time is an event in the agent's log, written before the agent is asked: what cannot be counted is not asked.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentroom_git.core.abandonment import MAX_IN_ALL, KeepOn, LetGo, Work, decide, left_undone
from agentroom_git.core.escape import one_line
from agentroom_git.core.events import Abandoned, Assigned, Joined, ReadUpTo, Recorded, Renewed, Urged
from agentroom_git.core.ids import Oid, is_oid
from agentroom_git.core.tasks import RESOURCE, Task
from agentroom_git.git.claims_ref import read_table
from agentroom_git.git.uncommitted import dirty_files
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room import coordination, logs, running, saving, stubs, task_list
from agentroom_git.room.room import Room

STOP, RESTART = "stop", "restart"
MAX_LEFT = 200
NOT_STARTED = (126, 127)
"""Exit codes of a command that could not be started: starting it again changes nothing."""


@dataclass(slots=True)
class Run:
    """What the agent's log says since it joined last; `urges` are oldest first."""

    seen: Oid | None = None
    assigned: list[str] = field(default_factory=list)
    urges: list[Urged] = field(default_factory=list)
    abandoned: Abandoned | None = None
    newest: Oid | None = None
    """The newest event by which the agent did something."""


def at_stop(room: Room, session: str, *, is_again: bool) -> str:
    """Return what an agent that is about to stop is told so that it goes on, or an empty text to let it stop."""
    if not room.config.urge:
        return ""
    run = _read_run(room)
    left = _left(room, run)
    if not left:
        return ""
    progress = _progress(room, run)
    urges = (
        run.urges if running.is_running(room, room.agent()) else [one for one in run.urges if one.session == session]
    )
    answer = decide([one.progress for one in urges], progress, is_again=is_again)
    if isinstance(answer, LetGo):
        _record_end(room, run, answer.reason, session, progress, left)
        return ""
    logs.record(room, Urged(STOP, session, progress, left))
    return _urge(room, run, left, answer)


def after_exit(room: Room, code: int, *, restarts_left: int) -> str:
    """Return the summary that an agent whose command ended is to be started again with, or an empty text.

    To be called before its claims are given back. It is not started again after its hook has asked it in vain, nor
    where nothing is left. Its edits are saved first, as at the end of any turn.
    """
    saving.save_own(room, "at the end of its command")
    run = _read_run(room)
    left = _left(room, run)
    if not left:
        return ""
    progress = _progress(room, run)
    is_asked_in_vain = run.abandoned is not None and run.abandoned.progress == progress
    may_start = restarts_left > 0 and code not in NOT_STARTED and len(run.urges) < MAX_IN_ALL
    if not room.config.urge or not may_start or is_asked_in_vain:
        _record_end(room, run, f"its command ended, exit {code}", "", progress, left)
        return ""
    logs.record(room, Urged(RESTART, "", progress, left))
    return f"You began this before and ended with work left.\n{_urge(room, run, left, KeepOn(len(run.urges)))}"


def after_kill(room: Room) -> None:
    """Record what an agent leaves behind whose run was killed, so that nobody could ask it to go on."""
    run = _read_run(room)
    left = _left(room, run)
    if left:
        _record_end(room, run, "its run was killed", "", _progress(room, run), left)


def at_end(room: Room) -> None:
    """Record what the agent of a session that ended leaves behind, and give back what it holds.

    Where `agentroom run` looks after the agent, that does it, and knows whether the agent is started again.
    """
    agent = room.agent()
    if running.is_running(room, agent):
        return
    run = _read_run(room)
    left = _left(room, run)
    if left:
        _record_end(room, run, "its session ended", "", _progress(room, run), left)
    coordination.release_all(room, agent)


def own_tasks(room: Room) -> list[Task]:
    """Return the open tasks that are the acting agent's: it holds them, or was given them and nobody else does."""
    return [task for task in _own_tasks(room, _read_run(room)) if task.is_open]


def _own_tasks(room: Room, run: Run) -> list[Task]:
    held = {claim.path for claim in read_table(room.refs, room.names.claims).table.of(room.agent())}
    return [
        one.task
        for one in task_list.read_tasks(room)
        if one.task.resource in held or (one.task.id in run.assigned and one.holder in ("", room.me))
    ]


def _read_run(room: Room) -> Run:
    run = Run()
    for item in logs.read_log(room, room.agent()):
        if not isinstance(item, Recorded):
            continue
        body = item.event.body
        if isinstance(body, Joined):
            run.seen = Oid(item.event.seen) if is_oid(item.event.seen) else None
            break
        if isinstance(body, Urged):
            run.urges.insert(0, body)
        elif isinstance(body, Abandoned):
            run.abandoned = run.abandoned or body
        elif isinstance(body, Assigned):
            run.assigned.append(body.task)
        elif not isinstance(body, ReadUpTo | Renewed):
            run.newest = run.newest or item.id
    return run


def _left(room: Room, run: Run) -> tuple[str, ...]:
    own = _own_tasks(room, run)
    claims = read_table(room.refs, room.names.claims).table.of(room.agent())
    worktree = _own_worktree(room)
    changed, markers = stubs.find_own(room, worktree, run.seen) if worktree else ((), ())
    work = Work(
        tasks=tuple(f'{task.id} "{one_line(task.title, 80)}"' for task in own if task.is_open),
        held=tuple(one_line(one.path, 80) for one in claims if not one.auto and not one.path.startswith(RESOURCE)),
        wanted="\n".join(f"{task.title}\n{task.acceptance}" for task in own),
        changed=changed,
        markers=markers,
    )
    return tuple(one_line(text, MAX_LEFT) for text in left_undone(work))


def _own_worktree(room: Room) -> Worktree | None:
    found = room.worktrees().get(room.agent())
    return None if found is None or found.problem else found


def _progress(room: Room, run: Run) -> str:
    """Return what changes whenever the agent commits, edits, claims, or says something."""
    found = _own_worktree(room)
    dirty = sorted(dirty_files(Path(found.path)).items()) if found else []
    claims = read_table(room.refs, room.names.claims).table.of(room.agent())
    parts = [run.newest, found.head if found else None, dirty, [(one.token, one.path) for one in claims]]
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _record_end(room: Room, run: Run, reason: str, session: str, progress: str, left: tuple[str, ...]) -> None:
    """Record that the agent ended with work left, once for the same state."""
    if run.abandoned is None or run.abandoned.progress != progress:
        ids = tuple(task.id for task in _own_tasks(room, run) if task.is_open)
        logs.record(room, Abandoned(reason, session, progress, left, ids))


def _urge(room: Room, run: Run, left: Sequence[str], answer: KeepOn) -> str:
    ids = [task.id for task in _own_tasks(room, run) if task.is_open]
    close = f"close the task (tasks, action done, id {ids[0]}), " if ids else ""
    return "\n".join(
        [
            f"[agentroom] This is not done yet (asked {answer.count + 1} of at most {MAX_IN_ALL} times):",
            *(f"- {text}" for text in left),
            f"Go on with it now. When it is done: call sync, {close}release what you hold. If you can't go on, say why"
            " with broadcast, and give it up: handoff or release, for a task also the action drop.",
        ]
    )
