"""Running a command as an agent: in its worktree, under its name, with a record of how it ended."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from agentroom_git.core.escape import one_line
from agentroom_git.core.events import Left
from agentroom_git.core.ids import AgentName
from agentroom_git.errors import UsageError
from agentroom_git.git.log import author_environment
from agentroom_git.room import coordination, leases, logs, notes, presence
from agentroom_git.room.folding import Folder
from agentroom_git.room.hooks import install_hooks
from agentroom_git.room.room import Room, acting_as
from agentroom_git.system.locks import try_hold
from agentroom_git.system.process import attend, environment, git_settings

# An agent's commits would set off a gc that meets the room's busy refs, and nags about it on every later commit.
GIT_SETTINGS = {"gc.auto": "0", "maintenance.auto": "false"}
SHOWN_COMMAND = 200
NOT_STARTED = 127
"""The exit code that shells give to a command that cannot be started."""


def check_command(agent: AgentName, command: Sequence[str]) -> None:
    """Raise `UsageError` where there is nothing to run, before anything is started."""
    if not command:
        raise UsageError("no command to run", hint=f"agentroom run {agent} -- COMMAND")


def run_agent(room: Room, agent: AgentName, command: Sequence[str]) -> int:
    """Run the command to its end and return its exit code; one command at a time under a name.

    Its worktree stays; its claims are given back; its commits are folded.
    """
    check_command(agent, command)
    lock = try_hold(presence.run_lock(room, agent))
    if lock is None:
        raise UsageError(f"{agent} is running already", hint="choose another name, or end that run first")
    try:
        arrival = presence.join(room, agent, command=one_line(shlex.join(command), SHOWN_COMMAND))
        me = acting_as(room, agent)
        leases.beat(me)
        env = agent_environment(me, agent, arrival.worktree.path)
        try:
            code = attend(command, cwd=arrival.worktree.path, env=env)
        except BaseException:
            _depart(room, agent, NOT_STARTED)
            raise
        _depart(room, agent, code)
    finally:
        lock.release()
    Folder(room).fold([agent])
    notes.project(room)
    return code


def _depart(room: Room, agent: AgentName, code: int) -> None:
    coordination.release_all(room, agent)
    logs.record(room, Left(code, ()), writer=agent)


def agent_environment(room: Room, agent: AgentName, worktree: Path) -> dict[str, str]:
    """Return the environment of the agent's command: the user's own, without their git variables, and the room's."""
    ours, own = install_hooks(room, worktree)
    kept = {key: value for key, value in environment().items() if not _is_bound_to_a_repository(key)}
    kept |= author_environment(agent)
    kept |= {"AGENTROOM_ROOM": room.names.room, "AGENTROOM_AGENT": agent, "AGENTROOM_HOOKS_CHAIN": str(own)}
    if room.config.push == "allow":
        kept["AGENTROOM_PUSH"] = "1"
    return kept | git_settings(kept, {**GIT_SETTINGS, "core.hooksPath": str(ours)})


def _is_bound_to_a_repository(key: str) -> bool:
    return key in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")
