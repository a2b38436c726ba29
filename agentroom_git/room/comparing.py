"""What is not yet where it is to go: an agent's work against integration, or integration against the user's branch."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentroom_git.core.fold import Engine
from agentroom_git.core.history import Head
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.errors import UsageError
from agentroom_git.git.commit import Seen
from agentroom_git.git.compare import CompareError, Difference, Wanted, compare_files, compare_trees
from agentroom_git.git.objects import empty_tree
from agentroom_git.git.worktree_lock import is_taken
from agentroom_git.room import base
from agentroom_git.room.coordination import repository_path
from agentroom_git.room.room import Room

_ATTEMPTS, _PAUSE_SECONDS = 20, 0.1


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whose work it is (empty: the room's), from which tree on, and what differs; `title` says it in words."""

    agent: str
    since: Oid
    title: str
    found: Difference


def compare(room: Room, agent: AgentName | None, paths: Sequence[str] = (), *, patch: bool = True) -> Comparison:
    """Return what the agent has that integration has not, committed or not; without an agent, what `land` would bring.

    Raises `UsageError` where there is no such agent, or no branch of the user's, and `CompareError` where git fails or
    the worktree does not come to rest for two seconds.
    """
    asked = (repository_path(room, path).removeprefix("./").rstrip("/") for path in paths)
    wanted = Wanted(tuple(asked), patch)
    return _of_room(room, wanted) if agent is None else _of_agent(room, agent, wanted)


def _of_room(room: Room, wanted: Wanted) -> Comparison:
    integration = room.integration()
    name = base.base_branch(room)
    tip = room.refs.get(name) if name else None
    if tip is None:
        raise UsageError(base.missing(room), hint=base.NAME_IT)
    since = _shared(room, integration, tip)
    title = f"what the room has and {base.short_name(room)} has not"
    return Comparison("", since, title, compare_trees(room.repo, since, integration, wanted))


def _of_agent(room: Room, agent: AgentName, wanted: Wanted) -> Comparison:
    title = f"what {agent} has and the others have not"
    for _ in range(_ATTEMPTS):
        worktree = room.worktrees().get(agent)
        if worktree is None or worktree.problem or worktree.head is None:
            break
        # A sync in between would make others' work the agent's.
        seen = Seen.look(worktree)
        since = _shared(room, room.integration(), worktree.head)
        if not is_taken(worktree.git_dir):
            found = compare_files(worktree, worktree.head, since, wanted)
            is_same = room.worktrees().get(agent) == worktree and seen.is_current()
            if is_same and not is_taken(worktree.git_dir):
                return Comparison(agent, since, title, found)
        room.clock.sleep(_PAUSE_SECONDS)
    else:
        raise CompareError(f"{agent}'s worktree does not come to rest", hint="try again")
    tip = room.refs.get(room.names.branch_ref(agent))
    if tip is None:
        raise UsageError(f"no agent {agent!r} in this room", hint="agentroom status lists who is here")
    since = _shared(room, room.integration(), tip)
    return Comparison(agent, since, title, compare_trees(room.repo, since, tip, wanted))


def _shared(room: Room, integration: Oid, tip: Oid) -> Oid:
    """Return the tree of what both have: where they met more than once, what the fold makes of it."""
    history = room.history
    met = history.meet(frozenset({integration}), tip)
    if not met:
        return Oid(empty_tree(room.repo.handle))
    if len(met) == 1:
        return history.tree_of(min(met))
    return Engine(history).fold(Head(one, history.author_of(one)) for one in met).tree
