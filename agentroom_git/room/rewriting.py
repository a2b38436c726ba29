"""Branches that moved other than forward: what stood for one until then, and which of its commits are the agent's."""

from agentroom_git.core import trailers
from agentroom_git.core.ids import BASE, AgentName, Oid
from agentroom_git.git import folds
from agentroom_git.room.landed import fold_chain
from agentroom_git.room.room import Room


def stood_for(room: Room, integration: Oid, agent: AgentName, old: Oid) -> Oid:
    """Return what stands in integration for the branch that was last folded at `old`.

    That is `old` itself, or the join that was folded for it: who rewrites once more takes that join back, too. With
    `old` alone, the earlier join would go on deleting what the agent has taken up again.
    """
    history = room.history
    for fold in fold_chain(room, integration):
        brought = history.parents(fold)[1]
        joined = folds.read_join(history, brought) if history.author_of(brought) == agent else None
        if brought == old or (joined is not None and joined[1] == old):
            return brought
    return old


def foreign_commits(room: Room, agent: AgentName, old: Oid, new: Oid) -> frozenset[Oid]:
    """Return the commits between the new tip of the agent's branch and what stood for it that are not its own."""
    between = room.history.between(frozenset({new}), old)
    return frozenset(one for one in between if not is_own(room, one, agent))


def is_own(room: Room, commit: Oid, agent: AgentName) -> bool:
    """Whether the commit is the agent's own work: not a fold, and no other agent's by its trailer."""
    history = room.history
    # A landed commit is the user's in name only: it stands for what agents did.
    if folds.is_fold(history, commit) or trailers.values(history.message(commit), trailers.COMMIT):
        return False
    return history.author_of(commit) in (agent, BASE)
