"""A full room, 5,000 claims of five agents and 100,000 events: what taking claims, `status` and an edit cost there.

    python benchmarks/table.py [--claims 5000] [--agents 5] [--events 100000] [--at-once 50] [--keep FOLDER]

Claims are taken by the product's own calls, most on files, some on folders and globs; events are written as
`benchmarks/read.py` writes them. Prints medians in milliseconds; `status` is timed as a whole process, against
`python -c pass`.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import hook
from read import fill, make_repository

from agentroom_git.core.ids import parse_agent
from agentroom_git.room import coordination, enforcement, opening, presence
from agentroom_git.room.room import Room, acting_as, open_room
from agentroom_git.system.clock import SystemClock
from agentroom_git.system.process import own_hook_command

SCRIPT = str(Path(sys.executable).with_name("agentroom"))


def patterns(agent: int, count: int) -> list[str]:
    """Return what one agent claims: of twenty, eighteen files, a folder and a glob."""
    found = []
    for number in range(count):
        folder = f"part-{agent}/d{number // 40}"
        kinds = {18: f"{folder}/sub{number}", 19: f"{folder}/g{number}-*.py"}
        found.append(kinds.get(number % 20, f"{folder}/f{number}.py"))
    return found


def timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def take_all(repository: Path, names: list[str], each: int, at_once: int) -> list[float]:
    times = []
    for place, name in enumerate(names):
        wanted = patterns(place, each)
        for start in range(0, each, at_once):
            room = acting_as(open_room(repository, SystemClock()), parse_agent(name))
            times.append(timed(lambda r=room, w=wanted[start : start + at_once]: _granted(coordination.claim(r, w))))
    return times


def _granted(answer: object) -> None:
    if not isinstance(answer, coordination.Grant):
        sys.exit(f"refused: {answer}")


def process(command: list[str], folder: Path, repeat: int = 7) -> tuple[float, float]:
    """Return the median of the milliseconds that the command takes, and the highest memory of a child in MiB."""

    def run() -> object:
        return subprocess.run(command, cwd=folder, capture_output=True, check=True)

    times = [timed(run) for _ in range(repeat)]
    return statistics.median(times), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def edits(worktree: Path) -> float:
    """Return what the judging of an edit takes that nobody objects to, in a process that has started."""
    room = open_room(worktree, SystemClock())
    return statistics.median(timed(lambda r=room: enforcement.judge_edit(r, [worktree / "free.py"])) for _ in range(7))


def measure(repository: Path, asked: argparse.Namespace) -> dict[str, object]:
    make_repository(repository)
    opening.open_new(_open(repository))
    names = [f"agent-{number}" for number in range(asked.agents)]
    for name in names:
        presence.join(_open(repository), parse_agent(name))
    editor = presence.join(_open(repository), parse_agent("editor")).worktree.path
    begin = time.perf_counter()
    each = asked.claims // asked.agents
    grants = take_all(repository, names, each, asked.at_once)
    took = time.perf_counter() - begin
    fill(repository, 4, asked.events)
    me = acting_as(_open(repository), parse_agent(names[0]))
    first = process([SCRIPT, "status"], repository, 1)[0]
    refused = [timed(lambda: coordination.claim(me, ["part-1/d0", "part-2/*.py"])) for _ in range(7)]
    bare = process([sys.executable, "-c", "pass"], repository)[0]
    warm, memory = process([SCRIPT, "status"], repository)
    pairs = hook.measure([*own_hook_command(), "claude"], editor, 15)
    return {
        "claims": each * asked.agents,
        "events": asked.events,
        f"all claims taken, {asked.at_once} at a time, s": round(took, 1),
        "the last ten grants, median ms": round(statistics.median(grants[-10:]), 1),
        "slowest grant, ms": round(max(grants), 1),
        "a refusal, median ms": round(statistics.median(refused), 1),
        "an edit of a file that is free, median ms": round(edits(editor), 1),
        "first status, nothing known of the events, ms": round(first),
        "status, whole process, median ms": round(warm),
        "python alone, median ms": round(bare),
        "peak memory of a process, MiB": round(memory),
        "hook against python -I -S -c pass, median": round(statistics.median(a / b for a, b in pairs), 2),
    }


def _open(folder: Path) -> Room:
    return open_room(folder, SystemClock())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=5000)
    parser.add_argument("--agents", type=int, default=5)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--keep", type=Path, help="make the room in this folder, and leave it there")
    asked = parser.parse_args()
    if asked.keep:
        print(json.dumps(measure(asked.keep.resolve(), asked), indent=2))
        return
    with tempfile.TemporaryDirectory(prefix="agentroom-bench-") as temporary:
        print(json.dumps(measure(Path(temporary) / "repository", asked), indent=2))


if __name__ == "__main__":
    main()
