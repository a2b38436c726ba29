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


def own_commits(room: Room, agent: AgentName, old: Oid, new: Oid) -> frozenset[Oid]:
    """Return the agent's own commits among those that `old` reaches and `new` does not: never a fold.

    A commit that names nobody is the work of the agent whose branch had it when a fold first brought it in.
    """
    history = room.history
    between = list(history.between(frozenset({new}), old))
    made = [one for one in between if folds.is_fold(history, one)]
    # A landed commit is the user's in name only: it stands for what agents did.
    landed = (one for one in between if trailers.values(history.message(one), trailers.COMMIT))
    own = {one for one in between if history.author_of(one) in (agent, BASE)}.difference(made, landed)
    for fold in made:
        folded, parents = folds.read_fold(history, fold).folded, history.parents(fold)
        # An agent may have made it up: then it says nothing of anybody's work.
        if folded and len(parents) == 2 and folded[0].agent != agent:
            came = history.between(frozenset(parents[:1]), parents[1])
            own.difference_update(one for one in came if BASE in (agent, history.author_of(one)))
    return frozenset(own)
