"""What stands for a branch that moved other than forward: the old state less the agent's own commits, plus the new tip.

An agent's commits lie between those of others as soon as it is synced, and others build on folds that have them. So
its own are reverted one run after the other, newest first, and what others did stays, also where it was built on them.
"""

from collections.abc import Collection, Iterator, Sequence

from agentroom_git.core.carried import carry
from agentroom_git.core.contested import Contested
from agentroom_git.core.fold import Engine, Folded, distinct
from agentroom_git.core.history import Head
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.tree import Party, Voice, merge_trees


def replace_own(engine: Engine, agent: AgentName, old: Oid, new: Oid, own: Collection[Oid]) -> Folded:
    """Return the tree at `old` with the agent's own commits taken back, merged with `new`.

    `own` are those that `old` reaches and `new` does not. A pure function of its arguments. Where others have changed
    what the agent takes back, theirs stays and is recorded.
    """
    history = engine.history
    between = list(history.between(frozenset({new}), old))
    foreign = frozenset(between).difference(own)
    others = tuple(
        Voice(history.author_of(one), one, 1, history.tree_of(one)) for one in sorted(history.maximal(foreign))
    )
    if not others:
        return Folded(history.tree_of(new), ())
    tree, contested = history.tree_of(old), tuple[Contested, ...]()
    for newest, oldest in _runs(engine, [one for one in _newest_first(engine, between) if one in own]):
        before = engine.fold(Head(one, history.author_of(one)) for one in history.parents(oldest)).tree
        mine = Party(before, (Voice(agent, newest, 0, before),))
        step = merge_trees(history, history.tree_of(newest), Party(tree, others), mine)
        contested = (*carry(history, contested, tree, step.tree), *step.contested)
        tree = step.tree
    meet = history.meet(frozenset({old}), new)
    base = engine.fold(Head(one, history.author_of(one)) for one in meet).tree if meet else None
    mine = Party(history.tree_of(new), (engine.voice(meet, Head(new, agent)),))
    step = merge_trees(history, base, Party(tree, others), mine)
    return Folded(step.tree, distinct((*carry(history, contested, tree, step.tree), *step.contested)))


def _newest_first(engine: Engine, between: Sequence[Oid]) -> list[Oid]:
    """Sort commits, children before parents, into an order that depends on the graph alone."""
    heights: dict[Oid, int] = {}
    for commit in reversed(between):
        heights[commit] = 1 + max((heights.get(one, 0) for one in engine.history.parents(commit)), default=0)
    return sorted(between, key=lambda commit: (-heights[commit], commit))


def _runs(engine: Engine, own: Sequence[Oid]) -> Iterator[tuple[Oid, Oid]]:
    """Yield the newest and the oldest commit of each stretch without a branch; what has no parent is left alone."""
    newest = None
    for index, commit in enumerate(own):
        newest = newest or commit
        parents = engine.history.parents(commit)
        if parents != tuple(own[index + 1 : index + 2]):
            if parents:
                yield newest, commit
            newest = None
