"""With which other fold does a fold break the check? Its change is tried on earlier folds, without what came between.

What a fold changed is the step from the fold before it. On an earlier fold it is applied as a fold itself would do it,
by a three-way merge; where that contests anything, the change builds on what came between and cannot be tried there.
"""

from bisect import bisect_left
from dataclasses import dataclass

from agentroom_git.core.checks import Tally
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.search import Alone, Run, plan_partner
from agentroom_git.git import folds
from agentroom_git.room.gate.line import Line, apply_step
from agentroom_git.room.gate.results import Results
from agentroom_git.room.room import Room

MAX_FOLDS = 200
"""How far back a partner is looked for."""
_UNTRIABLE = Tally(failed=1)


@dataclass(frozen=True, slots=True)
class Probe:
    """A tree to check, and the fold on top of which it is one change."""

    tree: Oid
    on: Oid


def find_partner(line: Line, results: Results, broken: Oid) -> Probe | Oid | None:
    """Return what to check next, the partner's fold, or None: the fold breaks the check alone."""
    room, history = line.room, line.room.history
    earlier = _folds_before(room, broken)
    trees: dict[int, Oid | None] = {}

    def tree(index: int) -> Oid | None:
        if index not in trees:
            before, after = history.tree_of(earlier[-2]), history.tree_of(broken)
            trees[index] = apply_step(room, line.tree(earlier[index]), before, after)
        return trees[index]

    def tally(index: int) -> Tally:
        found = tree(index)
        return _UNTRIABLE if found is None else results.tally(found)

    step = plan_partner(_starts(room, earlier), len(earlier) - 1, tally)
    if isinstance(step, Alone):
        return None
    partner = earlier[step.index]
    found = tree(step.index)
    if isinstance(step, Run) and found is not None:
        return Probe(found, partner)
    # Without the broken one's change the partner has to pass: otherwise it is no pair.
    alone = results.tally(line.tree(partner))
    if not alone.runs:
        return Probe(line.tree(partner), partner)
    return partner if alone.is_good else None


def _folds_before(room: Room, broken: Oid) -> list[Oid]:
    """Return the folds up to the broken one, oldest first."""
    found = [broken]
    while len(found) <= MAX_FOLDS and folds.is_fold(room.history, found[-1]):
        found.append(room.history.parents(found[-1])[0])
    return found[::-1]


def _starts(room: Room, earlier: list[Oid]) -> list[int]:
    """Return from where the change may have begun: its author's fold before it, and the newest fold it had seen."""
    history = room.history
    (own, *_) = folds.read_fold(history, earlier[-1]).folded
    before = next((index for index in range(len(earlier) - 2, 0, -1) if _is_by(room, earlier[index], own.agent)), 0)
    unseen = bisect_left(range(len(earlier) - 1), True, key=lambda index: not history.reaches(own.id, earlier[index]))
    return sorted({before, max(before, unseen - 1)})


def _is_by(room: Room, fold: Oid, agent: AgentName) -> bool:
    return any(head.agent == agent for head in folds.read_fold(room.history, fold).folded)
