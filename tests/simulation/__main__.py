"""Run schedules by seed: `PYTHONPATH=tests python -m simulation --level real --seed 17`."""

import argparse
import sys
import tempfile
import time
import traceback
from pathlib import Path

from simulation import hunt, world
from simulation.hunt import LEVELS
from simulation.seeds import ScheduleError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--level", choices=sorted(LEVELS), default="real")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1, help="how many seeds")
    parser.add_argument("--seconds", type=float, default=0, help="go on with further seeds of every level for so long")
    parser.add_argument("--mutants", nargs="*", help="hunt for all planted bugs, or for those with this in their name")
    parser.add_argument("--verbose", action="store_true", help="with the stack of the first failure")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sim-home-") as home:
        world.seal(Path(home))
        if arguments.mutants is not None:
            return 0 if hunt.hunt_all(arguments.mutants) else 1
        if arguments.seconds:
            return _soak(arguments)
        started = time.perf_counter()
        failed = [seed for seed in range(arguments.seed, arguments.seed + arguments.count) if not _run(arguments, seed)]
    print(f"{arguments.count} schedules in {time.perf_counter() - started:.1f} s, {len(failed)} failed: {failed}")
    return 1 if failed else 0


def _soak(arguments: argparse.Namespace) -> int:
    """Run further seeds of every level, the same time each, until the time is over or one fails."""
    started = time.perf_counter()
    done, spent = dict.fromkeys(LEVELS, 0), dict.fromkeys(LEVELS, 0.0)
    while time.perf_counter() - started < arguments.seconds:
        arguments.level = min(LEVELS, key=lambda level: spent[level])
        before = time.perf_counter()
        if not _run(arguments, arguments.seed + done[arguments.level]):
            return 1
        done[arguments.level] += 1
        spent[arguments.level] += time.perf_counter() - before
    print(
        f"from seed {arguments.seed}: "
        + ", ".join(f"{done[level]} {level} schedules" for level in LEVELS)
        + ", all well"
    )
    return 0


def _run(arguments: argparse.Namespace, seed: int) -> bool:
    try:
        LEVELS[arguments.level](seed)
    except ScheduleError as error:
        print(error)
        if arguments.verbose:
            traceback.print_exception(error.__cause__)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
