"""A hundred and fifty schedules on real git with four worktrees; `make soak` goes on with fresh seeds."""

import os

import pytest

from simulation import schedule
from simulation.seeds import seeds

SCHEDULES = int(os.environ.get("SIM_REAL", "150"))
BATCH = 5
# A schedule takes a second, or ten on a machine that is busy with other things.
pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("first", range(0, SCHEDULES, BATCH))
def test_nothing_is_lost_and_everything_converges_whatever_happens_to_four_worktrees(first: int) -> None:
    for seed in seeds(first, BATCH):
        schedule.run(seed)
