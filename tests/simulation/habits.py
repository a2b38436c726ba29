"""What simulated agents do, and how often."""

import random

from simulation import bots, rewrites
from simulation.bots import Action

ACTIONS: dict[Action, float] = {
    bots.edit: 14,
    bots.edit_and_commit: 34,
    bots.commit: 12,
    bots.rewrite_from_a_stale_read: 4,
    bots.create: 5,
    bots.create_alike: 8,
    bots.delete_file: 2,
    bots.rename_file: 4,
    bots.change_mode: 2,
    bots.make_link: 1,
    bots.make_binary: 1,
    bots.stage: 2,
    rewrites.amend: 6,
    rewrites.rebase: 3,
    rewrites.squash: 3,
    rewrites.reset: 4,
    rewrites.start_over: 4,
    bots.clean_up: 1,
    bots.stash_push: 2,
    bots.stash_pop: 2,
    bots.merge_a_peer: 2,
    bots.pick_from_a_peer: 3,
    bots.end_operation: 4,
    bots.switch_away: 1,
    bots.switch_back: 3,
    bots.leave_a_lock: 1,
    bots.add_slowly: 2,
    bots.finish_adding: 3,
    bots.put_a_link_for_a_folder: 2,
    bots.take_lock_away: 3,
}


def draw_habits(rng: random.Random) -> dict[Action, float]:
    """Return what agents are given to in one schedule: some of all things more than usually, some less."""
    return {action: weight * rng.choice((0.25, 1, 1, 4)) for action, weight in ACTIONS.items()}
