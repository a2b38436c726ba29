"""Three thousand schedules on `core` alone, over a commit graph in memory."""

import os

import pytest

from simulation import pure
from simulation.seeds import seeds

SCHEDULES = int(os.environ.get("SIM_PURE", "3000"))
BATCH = 100
pytestmark = pytest.mark.timeout(900)  # three seconds, but for a busy machine


@pytest.mark.parametrize("first", range(0, SCHEDULES, BATCH))
def test_no_order_of_edits_folds_and_syncs_loses_a_line_or_gives_another_tree(first: int) -> None:
    for seed in seeds(first, BATCH):
        pure.run(seed)
