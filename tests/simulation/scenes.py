"""Scenes: what has to come together, in an order, for a promise to be put to the test; parts of each are left out."""

from typing import TYPE_CHECKING

from simulation import bots, operations, rewrites, tools
from simulation.bots import Action
from simulation.operations import Operation
from simulation.world import NAMES

if TYPE_CHECKING:
    from simulation.schedule import Schedule

LEASES = (5, 120, 900)
HAPPENS = 0.85


def agents_contend(schedule: "Schedule") -> None:
    """Let a lease run for a while, its holder at work or not, and somebody else ask for what is held."""
    rng, held = schedule.rng, schedule.claims.table.claims
    if not held:
        schedule.perform(operations.claim(rng.choice(NAMES), ["dir"], shared=False, ttl=rng.choice(LEASES)))
        return
    claim = rng.choice(held)
    for _ in range(rng.randint(1, 4)):
        if rng.random() < 0.5:
            schedule.pass_time(claim.ttl * rng.choice((0.1, 0.6)), jumps=0.5)
            continue
        schedule.perform(schedule.draw_sign_of_life(claim.agent))
        schedule.world.clock.sleep(1)
        schedule.claims.look()
    other = rng.choice([name for name in NAMES if name != claim.agent])
    schedule.perform(operations.claim(other, [claim.path], shared=False, ttl=rng.choice(LEASES)))


def agent_thinks_again(schedule: "Schedule") -> None:
    """Let an agent rewrite its branch when others have what it did, and it has what they did."""
    name, peer = schedule.rng.sample(NAMES, 2)
    rewrite = schedule.rng.choice(
        (rewrites.amend, rewrites.squash, rewrites.rebase, rewrites.reset, rewrites.start_over)
    )
    story: list[tuple[str, Action] | Operation] = [
        (peer, bots.edit_and_commit),
        operations.round_of_the_sidecar,
        (name, bots.edit_and_commit),
        operations.fold,
        (name, rewrite),
        operations.fold,
    ]
    for part in story:
        if schedule.rng.random() >= HAPPENS:
            continue
        if isinstance(part, tuple):
            tools.forget(schedule.bots[part[0]])
            schedule.let(*part)
        else:
            schedule.perform(part)
        schedule.world.clock.sleep(1)
        schedule.folds.look()
