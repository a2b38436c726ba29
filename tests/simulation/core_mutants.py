"""Planted bugs in what is pure: found by the schedules on `core` alone."""

from dataclasses import replace
from typing import Any

from agentroom_git.core import claims, fold, text
from agentroom_git.core.claims import Table
from agentroom_git.core.fold import Engine, Folded
from agentroom_git.core.plan import Advance, Held, Place, Stay, Take
from agentroom_git.room import (
    folding,
    syncing,
)
from simulation import pure
from simulation.mutant import Mutant, Patches


def _heads_in_order_of_arrival() -> Patches:
    seen: dict[int, tuple[Engine, dict[Any, int]]] = {}

    def compute(self: Engine, heads: Any) -> Folded:
        _, order = seen.setdefault(id(self), (self, {}))
        for head in sorted(heads):
            order.setdefault(head, len(order))
        first, *rest = sorted(heads, key=order.__getitem__)
        folded, done = Folded(self.history.tree_of(first.id), ()), [first]
        for head in rest:
            step = self._merge(folded.tree, done, head)
            folded = Folded(step.tree, folded.contested + step.contested)
            done.append(head)
        return folded

    return [(Engine, "_compute", compute)]


def _records_dropped() -> Patches:
    real = fold.merge_trees
    return [(fold, "merge_trees", lambda *sides: replace(real(*sides), contested=()))]


def _same_edit_kept_twice() -> Patches:
    def spot(contest: Any, cluster: Any, parses: Any) -> Any:
        found = real(contest, cluster, parses)
        count = len(cluster.changes)
        if count == 1 or len(found.parties) > 1:
            return found
        (agreed,) = found.options
        return replace(found, options=(replace(agreed, text=agreed.text * count),))

    real = text._Contest._spot
    return [(text._Contest, "_spot", spot)]


def _held_branch_folded() -> Patches:
    real = pure.plan_fold

    def plan(seen: Any) -> Any:
        decision = real(seen)
        return Take() if isinstance(decision, Held) else decision

    return [(pure, "plan_fold", plan), (folding, "plan_fold", plan)]


def _rewrite_taken_for_progress() -> Patches:
    real = pure.plan_fold

    def plan(seen: Any) -> Any:
        return real(replace(seen, is_forward=True))

    return [(pure, "plan_fold", plan), (folding, "plan_fold", plan)]


def _token_given_again() -> Patches:
    real = claims.grant

    def grant(table: Table, *rest: Any, **more: Any) -> Any:
        highest = max((claim.token for claim in table.claims), default=0)
        return real(replace(table, highest=highest), *rest, **more)

    return [(claims, "grant", grant)]


def _claims_exclude_nobody() -> Patches:
    return [(claims, "_excludes", lambda *_: False)]


def _giver_keeps_its_claim() -> Patches:
    return [(claims, "_without", lambda table, gone: table)]


def _unfolded_worktree_synced() -> Patches:
    real = pure.plan_sync

    def plan(place: Place, *, asked: bool) -> Stay | Advance:
        return real(replace(place, is_folded=True), asked=asked)

    return [(pure, "plan_sync", plan), (syncing, "plan_sync", plan)]


def _uncommitted_edits_replaced() -> Patches:
    def carry(path: str, base: bytes, edited: bytes, arrived: bytes, *rest: Any) -> bytes:
        return arrived

    return [(pure, "carry_edits", carry)]


IN_CORE = [
    Mutant("heads taken in order of arrival", "pure", _heads_in_order_of_arrival),
    Mutant("contested records dropped", "pure", _records_dropped),
    Mutant("the same edit kept twice", "pure", _same_edit_kept_twice),
    Mutant("a held branch folded", "pure", _held_branch_folded),
    Mutant("a rewrite taken for progress", "pure", _rewrite_taken_for_progress),
    Mutant("a fencing token given again", "pure", _token_given_again),
    Mutant("claims exclude nobody", "pure", _claims_exclude_nobody),
    Mutant("the giver keeps its claim", "pure", _giver_keeps_its_claim),
    Mutant("a worktree with unfolded commits synced", "pure", _unfolded_worktree_synced),
    Mutant("uncommitted edits replaced", "pure", _uncommitted_edits_replaced),
]
