"""Seeds: every schedule is a function of its seed, and a failure says how to see it again."""

import os
import random
from collections.abc import Iterator

SEED = os.environ.get("SIM_SEED", "")


class Violation(AssertionError):
    """An invariant does not hold; `invariant` is its number in the list of docs/testing.md."""

    def __init__(self, invariant: str, problem: str) -> None:
        super().__init__(f"{invariant}: {problem}")
        self.invariant = invariant
        self.problem = problem


class ScheduleError(AssertionError):
    """A schedule failed; the message has its seed, what was done, and the line that does it again."""

    def __init__(self, level: str, seed: int, trace: list[str], cause: BaseException) -> None:
        self.invariant = cause.invariant if isinstance(cause, Violation) else type(cause).__name__
        self.seed = seed
        steps = "\n".join(f"  {number:3} {step}" for number, step in enumerate(trace, 1))
        super().__init__(f"{cause}\n{level} schedule {seed}:\n{steps}\nagain: {replay_line(level, seed)}")


def replay_line(level: str, seed: int) -> str:
    return f"PYTHONPATH=tests .venv/bin/python -m simulation --level {level} --seed {seed}"


def seeds(first: int, count: int) -> Iterator[int]:
    """Yield the seeds of one test; SIM_SEED in the environment stands for all of them."""
    if SEED:
        yield int(SEED)
        return
    yield from range(first, first + count)


def generator(level: str, seed: int) -> random.Random:
    return random.Random(f"{level} {seed}")
