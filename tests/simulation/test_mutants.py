"""The simulations find planted bugs: here those on `core`, which take seconds; `make mutants` plants all."""

import pytest

from simulation import pure
from simulation.hunt import hunt
from simulation.mutant import Mutant
from simulation.mutants import MUTANTS

pytestmark = pytest.mark.timeout(900)  # ten seconds at most, but for a busy machine
QUICK = [mutant for mutant in MUTANTS if mutant.level == pure.LEVEL]


@pytest.mark.parametrize("mutant", QUICK, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_found(mutant: Mutant) -> None:
    found = hunt(mutant)
    assert found.seed is not None
    assert found.invariant.startswith("I"), found


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_a_bug_replaces_is_there(mutant: Mutant) -> None:
    with mutant.planted():
        pass


def test_at_least_twenty_bugs_are_planted_no_two_of_one_name() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20
