"""What others do at a step that must be safe from just that: move the very ref, or begin a git command there."""

from typing import TYPE_CHECKING

from simulation import bots, operations
from simulation.world import NAMES

if TYPE_CHECKING:
    from simulation.schedule import Schedule

LOG = "refs/agentroom/main/log/"
IN_A_WORKTREE = frozenset({"begin", "lock branch", "write index", "move branch", "finish", "save index", "save branch"})
FILE_ACTS = frozenset({"swap", "add", "remove"})


def act(schedule: "Schedule", step: str) -> bool:
    """Do what competes with the step; return whether anything does."""
    ref = step.rpartition(" ")[2]
    name = schedule.rng.choice([one for one in NAMES if one != schedule.busy])
    if ref.endswith("/claims"):
        schedule.perform(schedule.draw_claim(name))
    elif ref.startswith(LOG) and ref.removeprefix(LOG) in NAMES:
        # Of an agent that several processes act for: its server and its hook.
        schedule.perform(schedule.say_something(ref.removeprefix(LOG)))
    elif ref.endswith("/integration") and schedule.rng.random() < 0.5:
        # What the sync that follows finds in its way.
        schedule.let(name, bots.create_alike)
    elif ref.endswith(("/integration", "/sidecar")):
        schedule.perform(operations.fold)
    elif ref.endswith(("/green", "green")):
        # Newer folds, checked by another gate.
        for operation in (operations.fold, operations.gate):
            schedule.perform(operation)
    elif step in ("look once more", "remove worktree"):
        schedule.let(name, bots.edit)
    elif step in IN_A_WORKTREE or step.split(" ")[0] in FILE_ACTS:
        schedule.let(schedule.rng.choice(NAMES), schedule.rng.choice((bots.add_slowly, bots.edit, bots.create_alike)))
    else:
        return False
    return True
