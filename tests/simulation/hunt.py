"""The hunt for planted bugs: which schedule finds each mutant, and by which invariant."""

import time
from dataclasses import dataclass

from simulation import pure, schedule
from simulation.mutant import Mutant
from simulation.mutants import MUTANTS
from simulation.seeds import ScheduleError

LEVELS = {"pure": pure.run, "real": schedule.run}
SEEDS = {"pure": 3000, "real": 150}
"""At most as many schedules as in CI."""


@dataclass(frozen=True)
class Found:
    """`seed` is None where the mutant survived."""

    mutant: Mutant
    seed: int | None
    invariant: str = ""
    problem: str = ""


def hunt(mutant: Mutant) -> Found:
    for seed in range(SEEDS[mutant.level]):
        try:
            with mutant.planted():
                LEVELS[mutant.level](seed)
        except ScheduleError as error:
            return Found(mutant, seed, error.invariant, str(error).split("\n", 1)[0])
    return Found(mutant, None)


def row(found: Found, seconds: float) -> str:
    seed = "-" if found.seed is None else str(found.seed)
    start = f"{found.mutant.name:42} {found.mutant.level:5} {seed:>5} {found.invariant[:4]:4}"
    return f"{start} {found.problem[:60]} ({seconds:.0f} s)"


def hunt_all(names: list[str]) -> bool:
    """Print a table of what finds each mutant; return whether all were found."""
    chosen = [mutant for mutant in MUTANTS if not names or any(name in mutant.name for name in names)]
    print(f"{'mutant':42} {'level':5} {'seed':>5} {'by':4} what it says")
    survivors = []
    for mutant in chosen:
        started = time.perf_counter()
        found = hunt(mutant)
        print(row(found, time.perf_counter() - started), flush=True)
        if found.seed is None:
            survivors.append(mutant.name)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} found; survived: {', '.join(survivors) or 'none'}")
    return not survivors
