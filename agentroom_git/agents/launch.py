"""Running a command or a client as an agent: in its worktree, under its name, with a record of how it ended."""

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core.escape import one_line
from agentroom_git.core.events import Left
from agentroom_git.core.ids import AgentName
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.git.log import author_environment
from agentroom_git.room import abandonment, coordination, leases, logs, notes, presence, running
from agentroom_git.room.assignment import assign
from agentroom_git.room.folding import Folder
from agentroom_git.room.hooks import install_hooks
from agentroom_git.room.room import Room, acting_as
from agentroom_git.system.files import read_json, write_json
from agentroom_git.system.locks import try_hold
from agentroom_git.system.process import attend, environment, git_settings

# An agent's commits would set off a gc that meets the room's busy refs, and nags about it on every later commit.
GIT_SETTINGS = {"gc.auto": "0", "maintenance.auto": "false"}
SHOWN_COMMAND = 200
NOT_STARTED = 127
"""The exit code that shells give to a command that cannot be started."""


@dataclass(frozen=True, slots=True)
class Command:
    """What is run; `has_input` is whether it reads what the user types."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    has_input: bool = True


Prepare = Callable[[Path, Mapping[str, str], str], Command]
"""From the worktree, the agent's environment, and what an earlier try left undone (at first empty) to what is run."""

START_SECONDS = 30.0
"""A command that fails within this time has died at its start: trying again changes nothing."""
KILLED = 128
"""Exit codes from here on are those of a command that somebody ended on purpose."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended, and after how many seconds."""

    code: int
    lasted: float

    @property
    def died_at_its_start(self) -> bool:
        return 0 < self.code < KILLED and self.lasted < START_SECONDS

    @property
    def may_be_repeated(self) -> bool:
        return self.code < KILLED and not self.died_at_its_start


def check_command(agent: AgentName, command: Sequence[str]) -> None:
    """Raise `UsageError` where there is nothing to run, before anything is started."""
    if not command:
        raise UsageError("no command to run", hint=f"agentroom run {agent} -- COMMAND, or: --cli claude")


def run_agent(room: Room, agent: AgentName, command: Sequence[str]) -> int:
    """Run the command to its end and return its exit code; one command at a time under a name.

    Its worktree stays; its claims are given back; its commits are folded.
    """
    check_command(agent, command)
    return run_prepared(room, agent, command, lambda _, env, left: Command(command, env)).code


def run_prepared(
    room: Room, agent: AgentName, shown: Sequence[str], prepare: Prepare, *, task: str = "", retries: int = 0
) -> Outcome:
    """Run what `prepare` returns as `run_agent` does; `shown` is what the room's story calls it.

    The task goes on the room's list, held by the agent. While it leaves work behind, what is left goes to `prepare`
    again, at most `retries` times.
    """
    lock = try_hold(running.run_lock(room, agent))
    if lock is None:
        raise UsageError(f"{agent} is running already{_who(room, agent)}", hint="choose another name, or end that run")
    try:
        title = one_line(shlex.join(shown), SHOWN_COMMAND)
        write_json(running.run_record(room, agent), {"pid": os.getpid(), "since": logs.stamp(room), "command": title})
        arrival = presence.join(room, agent, command=title)
        me = acting_as(room, agent)
        leases.beat(me)
        try:
            if task:
                assign(me, task)
            outcome = _run_to_the_end(me, arrival.worktree.path, prepare, retries)
        except BaseException:
            _depart(room, agent, NOT_STARTED)
            raise
        _depart(room, agent, outcome.code)
    finally:
        running.run_record(room, agent).unlink(missing_ok=True)
        lock.release()
    Folder(room).fold([agent])
    notes.project(room)
    return outcome


def _run_to_the_end(me: Room, place: Path, prepare: Prepare, retries: int) -> Outcome:
    env = agent_environment(me, me.agent(), place)
    left = ""
    for restarts_left in range(retries, -1, -1):
        todo = prepare(place, env, left)
        begun = me.clock.monotonic()
        code = attend(todo.arguments, cwd=place, env=todo.environment, has_input=todo.has_input)
        outcome = Outcome(code, me.clock.monotonic() - begun)
        left = _left_behind(me, code, restarts_left if outcome.may_be_repeated else 0)
        if not left:
            break
    return outcome


def _left_behind(me: Room, code: int, restarts_left: int) -> str:
    """Return what the agent is to be started again with; whatever cannot be told ends its run."""
    try:
        return abandonment.after_exit(me, code, restarts_left=restarts_left)
    except AgentroomError:
        return ""


def _who(room: Room, agent: AgentName) -> str:
    record = read_json(running.run_record(room, agent))
    if not record:
        return ""
    return one_line(f": {record.get('command')} (pid {record.get('pid')}, since {record.get('since')})")


def _depart(room: Room, agent: AgentName, code: int) -> None:
    coordination.release_all(room, agent)
    logs.record(room, Left(code, ()), writer=agent)


def agent_environment(room: Room, agent: AgentName, worktree: Path) -> dict[str, str]:
    """Return the environment of the agent's command: the user's own, without their git variables, and the room's.

    The git hooks that it names are put in place.
    """
    return environment_with(room, agent, *install_hooks(room, worktree))


def environment_with(room: Room, agent: AgentName, ours: Path, own: Path) -> dict[str, str]:
    """Return that environment for hooks of ours in one folder and the repository's own in another."""
    kept = {key: value for key, value in environment().items() if not _is_bound_to_a_repository(key)}
    kept |= author_environment(agent)
    kept |= {"AGENTROOM_ROOM": room.names.room, "AGENTROOM_AGENT": agent, "AGENTROOM_HOOKS_CHAIN": str(own)}
    if room.config.push == "allow":
        kept["AGENTROOM_PUSH"] = "1"
    return kept | git_settings(kept, {**GIT_SETTINGS, "core.hooksPath": str(ours)})


def _is_bound_to_a_repository(key: str) -> bool:
    return key in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")
