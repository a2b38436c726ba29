"""What claims cost: `python benchmarks/claims.py [COMMITS]`. Makes a repository of its own; prints milliseconds.

Figures for a busy machine differ; what should hold is that a grant with its forecast stays below 50 ms after the first,
and that no pair of patterns takes long, whatever they are made of.
"""

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

from agentroom_git.core.ids import parse_agent
from agentroom_git.core.patterns import covers, overlaps, parse_pattern
from agentroom_git.room import coordination, opening, presence
from agentroom_git.room.room import Room, acting_as, open_room
from agentroom_git.system.clock import SystemClock

FILES = 400
HOSTILE = (
    "**/a/" * 8 + "*", "*a" * 15 + "b", "*a" * 15 + "c", "?" * 250 + "*b", "x/" * 120 + "*", "[!a]*" * 8, "[ab]*" * 8,
    "**/" + "*a?????????????" * 15 + "b", "**/" + "*a?????????????" * 15 + "c",
)  # fmt: skip


def _milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def _history(folder: Path, commits: int) -> None:
    """Write a history in which neighbouring files change together."""
    chance = random.Random(7)
    lines = []
    for number in range(commits):
        first = chance.randrange(FILES)
        lines.append(f"commit refs/heads/main\ncommitter A <a@b> {1_700_000_000 + number} +0000\ndata 1\nx")
        for near in range(3):
            text = f"value = {number}\n"
            path = f"src/d{(first + near) % FILES // 20}/f{(first + near) % FILES}.py"
            lines.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}")
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True)
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input="\n".join(lines), text=True, check=True)
    subprocess.run(["git", "reset", "--quiet", "--hard", "main"], cwd=folder, check=True)
    for key, value in (("user.name", "Bench"), ("user.email", "bench@example.invalid")):
        subprocess.run(["git", "config", key, value], cwd=folder, check=True)


def _claims(room: Room) -> None:
    alice, bob = (acting_as(room, parse_agent(name)) for name in ("alice", "bob"))
    coordination.claim(bob, [f"src/d{number}" for number in range(1, 20)])
    first = _milliseconds(lambda: coordination.claim(alice, ["src/d0/f0.py"]))
    print(f"first grant, reads the history: {first:.0f} ms")
    later = [_milliseconds(lambda n=n: coordination.claim(alice, [f"src/d0/f{n}.py"])) for n in range(1, 20)]
    print(f"later grants, with forecast: median {statistics.median(later):.0f} ms, slowest {max(later):.0f} ms")
    refused = [_milliseconds(lambda: coordination.claim(alice, ["src/d5/f101.py"])) for _ in range(20)]
    print(f"refusals: median {statistics.median(refused):.0f} ms")
    edits = [_milliseconds(lambda: coordination.auto_claim(alice, "src/d0/f3.py")) for _ in range(20)]
    print(f"edits under a claim: median {statistics.median(edits):.1f} ms")


def main(commits: int) -> None:
    parsed = [parse_pattern(raw) for raw in HOSTILE]
    for ask in (overlaps, covers):
        slowest = max(_milliseconds(lambda a=a, b=b, ask=ask: ask(a, b)) for a, b in product(parsed, parsed))
        print(f"{ask.__name__} of hostile patterns: slowest pair {slowest:.1f} ms")
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "repository"
        _history(folder, commits)
        opening.open_new(open_room(folder, SystemClock()))
        for name in ("alice", "bob"):
            presence.join(open_room(folder, SystemClock()), parse_agent(name))
        print(f"{commits} commits, {FILES} files")
        _claims(open_room(folder, SystemClock()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6000)
