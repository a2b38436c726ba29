"""The processes that are killed at a system call: a server that imports everything once and forks one for each order.

An order is a line `OPERATION FOLDER`; the answer is the pid of a child that waits until somebody traces it, does the
operation there, and ends. What it ends with is of no interest to the server.

    python -m simulation.victims
"""

import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from agentroom_git.room import syncing
from agentroom_git.system.failpoint import silent
from simulation import operations, world
from simulation.clock import FastClock
from simulation.operations import Operation
from simulation.world import World

OPERATIONS: dict[str, Operation] = {
    "fold": operations.fold,
    "claim": operations.claim("alice", ["one.txt", "dir"], shared=False, ttl=900),
    "autosave": operations.autosave("bob"),
    "sync": operations.sync_one("carol"),
    "gate": operations.gate,
}
LONGEST_WAIT = 20.0


class _OneByOne:
    """Stands for a pool of threads: a traced call is counted by thread."""

    def __init__(self, **_: object) -> None: ...

    def __enter__(self) -> "_OneByOne":
        return self

    def __exit__(self, *_: object) -> None: ...

    def map(self, work: Callable[[object], object], items: Iterable[object]) -> list[object]:
        return [work(item) for item in items]


def serve() -> None:
    syncing.ThreadPoolExecutor = _OneByOne  # type: ignore[attr-defined, misc, assignment]
    for line in sys.stdin:
        name, folder = line.split()
        child = os.fork()
        if child == 0:
            try:
                _be_traced()
                OPERATIONS[name](World(Path(folder), None, FastClock()), silent)  # type: ignore[arg-type]
            finally:
                os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("ended", flush=True)


def _be_traced() -> None:
    """Return when a tracer is there, and has had the time to interrupt us."""
    deadline = time.monotonic() + LONGEST_WAIT
    while "TracerPid:\t0\n" in Path("/proc/self/status").read_text():
        if time.monotonic() > deadline:
            os._exit(1)
        time.sleep(0.001)
    time.sleep(0.005)


if __name__ == "__main__":
    home = Path(sys.argv[1])
    world.seal(home)
    serve()
