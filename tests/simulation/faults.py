"""Faults: what may go wrong at the k-th step of an operation of the room's, the steps being its failpoints.

A kill is a real one: the operation runs in a child process that ends without any clean-up, so that the kernel alone
gives back what it held.
"""

import errno
import os
import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from agentroom_git.system.failpoint import Failpoint

KILLED = 9
COMPLETED = 0


@dataclass(frozen=True)
class Fault:
    """`kind`: none, kill, full (the disk, at one step), full-on (from a step on) or others (act at a step)."""

    kind: str = "none"
    step: int = 0

    def __str__(self) -> str:
        return "" if self.kind == "none" else f" [{self.kind} at step {self.step}]"


NO_FAULT = Fault()


def draw(rng: random.Random, weights: dict[str, int], usual: int = 0) -> Fault:
    """Draw what goes wrong and at which step; `usual` is how many steps such an operation took before."""
    kind = rng.choices(list(weights), list(weights.values()))[0]
    early, anywhere = int(rng.expovariate(1 / 6)), rng.randrange(usual + 1)
    return Fault(kind, anywhere if usual and rng.random() < 0.6 else early)


class Steps:
    """A failpoint that counts and lets the fault come at its step; `look` sees what a kill at each step would leave."""

    def __init__(
        self, fault: Fault, others: Callable[[str], None] = lambda step: None, look: Callable[[], None] = lambda: None
    ) -> None:
        self.fault = fault
        self.count = 0
        self._others = others
        self._look = look

    def __call__(self, step: str) -> None:
        self._look()
        number, self.count = self.count, self.count + 1
        if self.fault.kind.startswith("full") and step.startswith("unlock"):
            return  # to remove a file takes no space
        if self.fault.kind == "full-on" and number >= self.fault.step:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), step)
        if number != self.fault.step:
            return
        if self.fault.kind == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), step)
        if self.fault.kind == "kill":
            os._exit(KILLED)
        if self.fault.kind == "others":
            self._others(step)


def run_and_kill(operation: Callable[[Failpoint], None], fault: Fault) -> bool:
    """Run the operation in a child that is killed at the fault's step; return whether it was."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads, which the child does not use
        child = os.fork()
    if child == 0:
        try:
            operation(Steps(fault))
        finally:
            os._exit(COMPLETED)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED
