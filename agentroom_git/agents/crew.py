"""Starting and stopping all agents of the roster: each is an `agentroom run` of its own, in tmux or with a log.

Nothing is kept here: who runs is what the run locks say, and each run records its own end.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentroom_git.agents import tmux
from agentroom_git.agents.clients import parse_client
from agentroom_git.core.escape import one_line
from agentroom_git.core.ids import AgentName, parse_agent
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.room import running, trust
from agentroom_git.room.config import FILE_NAME
from agentroom_git.room.room import Room
from agentroom_git.system.files import read_json
from agentroom_git.system.pids import is_alive
from agentroom_git.system.process import own_command, start_detached, terminate

START_SECONDS = 60.0
GRACE_SECONDS = 10.0
"""How long an agent has to end after it was asked; then it is asked again, which kills its command."""
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Member:
    """One agent of the roster and the words that `agentroom run` gets for it."""

    agent: AgentName
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """`where` is the log of an agent in the background, or its window."""

    agent: AgentName
    state: Literal["started", "running already", "ended already", "not started"]
    where: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    agent: AgentName
    was_running: bool
    is_running: bool


def read_crew(room: Room, names: Sequence[str] = ()) -> list[Member]:
    """Return the agents of the roster that the user trusted, or those named; raise `UsageError` where it is wrong."""
    lines = [tuple(shlex.split(line)) for line in trust.commands(room).agents]
    crew = [Member(parse_agent(words[0]), words) for words in lines]
    for member in crew:
        if "--cli" in member.words[:2]:
            parse_client(member.words[2])
    if not crew:
        _refuse_untrusted(room)
        raise UsageError(f"{FILE_NAME} names no agents", hint="agents: {alice: {cli: claude, task: posting rules}}")
    unknown = sorted(set(names) - {member.agent for member in crew})
    if unknown:
        _refuse_untrusted(room, unknown[0])
        hint = f"it names {', '.join(member.agent for member in crew)}"
        raise UsageError(f"{FILE_NAME} names no agent {one_line(unknown[0], 40)!r}", hint=hint)
    return [member for member in crew if not names or member.agent in names]


def _refuse_untrusted(room: Room, name: str = "") -> None:
    """Raise `UsageError` where the file names agents, or the one, of which the user has not said that they may run."""
    named = [shlex.split(line)[0] for line in room.config.agents]
    if name in named if name else named:
        which = f"the agent {name}" if name else "the agents"
        raise UsageError(f"{which} of {FILE_NAME} may not run yet", hint="look at it, then: agentroom trust")


def start_in_background(room: Room, crew: Sequence[Member]) -> list[Started]:
    """Start each that does not run yet, and wait until it does or has failed."""
    logs = {member.agent: room.private / "run" / f"{member.agent}.log" for member in crew}
    pids: dict[AgentName, int] = {}
    for member in crew:
        if not running.is_running(room, member.agent):
            logs[member.agent].parent.mkdir(parents=True, exist_ok=True)
            command = [*own_command(), "run", *member.words]
            pids[member.agent] = start_detached(command, cwd=room.checkout, log=logs[member.agent])
    return [_await_start(room, member.agent, logs[member.agent], pids.get(member.agent)) for member in crew]


def _await_start(room: Room, agent: AgentName, log: Path, pid: int | None) -> Started:
    if pid is None:
        return Started(agent, "running already")
    deadline = room.clock.monotonic() + START_SECONDS
    while is_alive(str(pid)) and not running.run_record(room, agent).exists():
        if room.clock.monotonic() > deadline:
            return Started(agent, "not started", str(log))
        room.clock.sleep(LOOK_SECONDS)
    return Started(agent, "started" if is_alive(str(pid)) else "ended already", str(log))


def start_in_tmux(room: Room, crew: Sequence[Member]) -> list[Started]:
    """Start each that does not run yet in a window of its own, beside one that shows the room."""
    server = tmux.server_name(room)
    watching = f"while :; do clear; {shlex.join([*own_command(), 'status'])}; sleep 2; done"
    tmux.open_window(room, server, "status", ["/bin/sh", "-c", watching])
    started = []
    for member in crew:
        if running.is_running(room, member.agent):
            started.append(Started(member.agent, "running already"))
            continue
        tmux.open_window(room, server, member.agent, [*own_command(), "run", *member.words])
        started.append(Started(member.agent, "started", f"window {member.agent}"))
    return started


def stop(room: Room, agents: Sequence[AgentName]) -> list[Stopped]:
    """Ask each to end and wait for it; the second time its command is killed, and its end is recorded all the same."""
    asked = [agent for agent in agents if running.is_running(room, agent)]
    left = asked
    for _ in range(2):
        for agent in left:
            terminate(_pid(room, agent))
        left = _wait_for(room, left)
    if not left and not any(running.is_running(room, agent) for agent in room.worktrees()):
        tmux.close(room, tmux.server_name(room))
    return [Stopped(agent, agent in asked, agent in left) for agent in agents]


def _pid(room: Room, agent: AgentName) -> int:
    pid = read_json(running.run_record(room, agent)).get("pid")
    if not isinstance(pid, int) or pid <= 1:
        raise AgentroomError(f"{agent} runs, but nobody knows in which process", hint="end it where it was started")
    return pid


def _wait_for(room: Room, agents: Sequence[AgentName]) -> list[AgentName]:
    deadline = room.clock.monotonic() + GRACE_SECONDS
    left = list(agents)
    while left and room.clock.monotonic() < deadline:
        left = [agent for agent in left if running.is_running(room, agent)]
        room.clock.sleep(LOOK_SECONDS if left else 0)
    return left
