"""Whose work is what: the commits that each agent made, as they came in with its folds, and the paths they changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from agentroom_git.core.ids import BASE, AgentName, Oid
from agentroom_git.git.folds import Fold
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.room import Room


@dataclass(frozen=True, slots=True)
class Contribution:
    """One commit of an agent's own. Merges are nobody's: they carry what others changed."""

    agent: AgentName
    commit: Oid
    parent: Oid


def folds_since(room: Room, since: Oid | None) -> Iterator[Fold]:
    """Yield the folds after `since`, newest first."""
    return takewhile(lambda fold: fold.id != since, read_folds(room))


def of_fold(room: Room, fold: Fold) -> Iterator[Contribution]:
    """Yield the commits that this fold brought in."""
    previous = room.history.parents(fold.id)[0]
    for head in fold.folded:
        yield from _own(room, head.agent, previous, head.id)


def unfolded(room: Room, agent: AgentName, head: Oid) -> Iterator[Contribution]:
    """Yield what the agent committed and no fold has brought in yet."""
    yield from _own(room, agent, room.integration(), head)


def _own(room: Room, agent: AgentName, base: Oid, tip: Oid) -> Iterator[Contribution]:
    history = room.history
    for commit in history.between(frozenset({base}), tip):
        parents = history.parents(commit)
        # A commit without our trailer is by whoever's worktree it came from.
        if len(parents) == 1 and history.author_of(commit) in (agent, BASE):
            yield Contribution(agent, commit, parents[0])


def changed_paths(room: Room, one: Contribution) -> list[bytes]:
    """Return the paths that the commit changed, in order."""
    history = room.history
    return sorted(history.changes(history.tree_of(one.parent), history.tree_of(one.commit)))
