"""What is not yet where it is to go: an agent's work against integration, or integration against the user's branch."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentroom_git.core.escape import one_line
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.errors import UsageError
from agentroom_git.git.compare import Difference, compare_commits, compare_files
from agentroom_git.room import base
from agentroom_git.room.coordination import repository_path
from agentroom_git.room.room import Room


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whose work it is (empty: the room's), from which commit on, and what differs; `title` says it in words."""

    agent: str
    since: Oid
    title: str
    found: Difference


def compare(room: Room, agent: AgentName | None, paths: Sequence[str] = ()) -> Comparison:
    """Return what the agent has that integration has not, committed or not; without an agent, what `land` would bring.

    Raises `UsageError` where there is no such agent, or no branch of the user's.
    """
    wanted = [repository_path(room, path).removeprefix("./").rstrip("/") for path in paths]
    return _of_room(room, wanted) if agent is None else _of_agent(room, agent, wanted)


def _of_room(room: Room, paths: Sequence[str]) -> Comparison:
    integration = room.integration()
    name = base.base_branch(room)
    tip = room.refs.get(name) if name else None
    if tip is None:
        raise UsageError(base.missing(room), hint=base.NAME_IT)
    since = _met(room, integration, tip)
    title = f"what the room has and {one_line(name.removeprefix('refs/heads/'), 80)} has not"
    return Comparison("", since, title, compare_commits(room.repo, since, integration, paths))


def _of_agent(room: Room, agent: AgentName, paths: Sequence[str]) -> Comparison:
    integration = room.integration()
    worktree = room.worktrees().get(agent)
    title = f"what {agent} has and the others have not"
    if worktree is not None and not worktree.problem and worktree.head is not None:
        since = _met(room, integration, worktree.head)
        return Comparison(agent, since, title, compare_files(worktree, worktree.head, since, paths))
    tip = room.refs.get(room.names.branch_ref(agent))
    if tip is None:
        raise UsageError(f"no agent {agent!r} in this room", hint="agentroom status lists who is here")
    since = _met(room, integration, tip)
    return Comparison(agent, since, title, compare_commits(room.repo, since, tip, paths))


def _met(room: Room, integration: Oid, tip: Oid) -> Oid:
    """Return the newest commit that both have; of several any, but always the same."""
    return min(room.history.meet(frozenset({integration}), tip), default=integration)
