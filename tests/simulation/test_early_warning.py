"""Schedules of uncommitted edits: who is warned of what, how often, and when it is withdrawn."""

import pytest

from simulation import warned
from simulation.seeds import seeds

pytestmark = pytest.mark.timeout(900)  # two seconds each, but for a busy machine


@pytest.mark.parametrize("first", range(0, 12, 3))
def test_two_agents_are_warned_once_of_what_their_edits_would_contest_and_told_when_it_passes(
    first: int,
) -> None:
    for seed in seeds(first, 3):
        warned.run(seed)
