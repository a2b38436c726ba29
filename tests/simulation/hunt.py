"""The hunt for planted bugs: which schedule finds each mutant, and by which invariant."""

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from simulation import pure, schedule, warned, world
from simulation.found import FIRST
from simulation.mutant import Mutant
from simulation.mutants import MUTANTS
from simulation.seeds import ScheduleError, Violation

LEVELS = {"pure": pure.run, "real": schedule.run, "warning": warned.run}
SEEDS = {"pure": 3000, "real": 150, "warning": 12}
"""At most as many schedules as in CI."""


@dataclass(frozen=True)
class Found:
    """`seed` is None where the mutant survived; `tried` is how many schedules it was planted in."""

    mutant: Mutant
    seed: int | None
    tried: int
    seconds: float
    invariant: str = ""
    problem: str = ""


def hunt(mutant: Mutant) -> Found:
    started = time.perf_counter()
    tried = 0
    for tried, seed in enumerate(_seeds(mutant), 1):
        try:
            with mutant.planted():
                LEVELS[mutant.level](seed)
        except ScheduleError as error:
            problem, seconds = str(error).split("\n", 1)[0], time.perf_counter() - started
            # Whatever else is raised tells of a bug that is badly planted.
            is_seen = isinstance(error.__cause__, Violation)
            return Found(mutant, seed if is_seen else None, tried, seconds, error.invariant, problem)
    return Found(mutant, None, tried, time.perf_counter() - started)


def _seeds(mutant: Mutant) -> Iterator[int]:
    """Yield the seeds of CI, first the one that is known to find it."""
    known = FIRST.get(mutant.name, 0)
    yield known
    yield from (seed for seed in range(SEEDS[mutant.level]) if seed != known)


def row(found: Found) -> str:
    seed = "-" if found.seed is None else str(found.seed)
    start = f"{found.mutant.name:42} {found.mutant.level:7} {seed:>5} {found.tried:>5} {found.invariant[:4]:4}"
    return f"{start} {found.problem[:60]} ({found.seconds:.0f} s)"


def hunt_all(names: Sequence[str]) -> bool:
    """Print a table of what finds each mutant; return whether all were found."""
    chosen = [mutant for mutant in MUTANTS if not names or any(name in mutant.name for name in names)]
    started = time.perf_counter()
    print(f"{'mutant':42} {'level':7} {'seed':>5} {'tried':>5} {'by':4} what it says", flush=True)
    survivors = []
    for found in _all_at_once(chosen):
        print(row(found), flush=True)
        if found.seed is None:
            survivors.append(found.mutant.name)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} found in {time.perf_counter() - started:.0f} s")
    print(f"survived: {', '.join(survivors) or 'none'}")
    return not survivors


def _all_at_once(chosen: Sequence[Mutant]) -> Iterator[Found]:
    """Hunt with as many processes as there are cores."""
    world.template()  # which all then copy
    # Forked, as a mutant's patches cannot be sent: it is told by its place in the list.
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("fork")) as pool:
        yield from pool.map(_hunt_number, [MUTANTS.index(mutant) for mutant in chosen])


def _hunt_number(number: int) -> Found:
    return hunt(MUTANTS[number])
