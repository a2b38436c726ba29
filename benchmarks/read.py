"""What reading costs an agent when the room has said much: `read` and `status` against `git log` over the same logs.

    python benchmarks/read.py [--messages 10000] [--writers 4] [--turns 50]

Prints medians in milliseconds, the bytes of the longest turn, and the highest memory of this process.
"""

import argparse
import json
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agentroom_git.core.events import Broadcast, Event, Joined
from agentroom_git.core.ids import AgentName, parse_agent
from agentroom_git.git.log import message_of
from agentroom_git.room import messages, opening, presence
from agentroom_git.room.room import Room, open_room
from agentroom_git.room.status import read_status
from agentroom_git.system.clock import SystemClock

BUDGET = 1500


def git(*arguments: str, cwd: Path, stdin: bytes = b"") -> bytes:
    return subprocess.run(["git", *arguments], cwd=cwd, input=stdin, capture_output=True, check=True).stdout


def make_repository(folder: Path) -> None:
    folder.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    for key, value in (("user.name", "bench"), ("user.email", "bench@example.invalid")):
        git("config", key, value, cwd=folder)
    git("commit", "--quiet", "--allow-empty", "-m", "begin", cwd=folder)


def fill(folder: Path, writers: int, count: int) -> None:
    """Write the logs of the writers with `git fast-import`: a join, then their share of the messages."""
    stream: list[bytes] = []
    for writer in range(writers):
        name = AgentName(f"writer-{writer}")
        ref = f"refs/agentroom/main/log/{name}"
        for number in range(count // writers + 1):
            body = (
                Broadcast(f"message {number} of {name}: the totals changed", "", "") if number else Joined("", "", "")
            )
            event = Event(name, number * writers + writer + 10, "2026-01-01T00:00:00.000Z", "", f"{number:x}", body)
            text = message_of(event).encode()
            who = f"{name} <{name}@agentroom.invalid> {1_767_225_600 + number} +0000"
            stream.append(f"commit {ref}\ncommitter {who}\ndata {len(text)}\n".encode() + text + b"\n")
    git("fast-import", "--quiet", cwd=folder, stdin=b"".join(stream))


def _timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000


def _turn(folder: Path, sizes: list[int]) -> None:
    """One turn as a front end takes it: open the room, take what is unread within the budget, mark it."""
    room = open_room(folder, SystemClock())
    with messages.taking(room, max_bytes=BUDGET) as found:
        sizes.append(sum(messages.size_of(message) for message in found.messages))


def _open(folder: Path) -> Room:
    return open_room(folder, SystemClock())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--turns", type=int, default=50)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        repository = Path(temporary) / "repository"
        make_repository(repository)
        opening.open_new(_open(repository))
        reader = presence.join(_open(repository), parse_agent("reader")).worktree.path
        fill(repository, asked.writers, asked.messages)
        sizes: list[int] = []
        first_status = _timed(lambda: read_status(_open(repository)))
        first = _timed(lambda: _turn(reader, sizes))
        turns = [_timed(lambda: _turn(reader, sizes)) for _ in range(asked.turns)]
        status = [_timed(lambda: read_status(_open(repository))) for _ in range(5)]
        rival = [
            _timed(lambda: git("log", "--format=%H %an %s", "--glob=refs/agentroom/main/log", cwd=repository))
            for _ in range(5)
        ]
        newest = [
            _timed(lambda: git("log", "-20", "--format=%s", "--glob=refs/agentroom/main/log", cwd=repository))
            for _ in range(5)
        ]
        told = {
            "messages": asked.messages,
            "first status, nothing cached, ms": round(first_status),
            "first turn, ms": round(first),
            "turn, median ms": round(statistics.median(turns), 1),
            "longest turn, bytes": max(sizes),
            "status, median ms": round(statistics.median(status), 1),
            "git log of all logs, median ms": round(statistics.median(rival), 1),
            "git log -20 of all logs, median ms": round(statistics.median(newest), 1),
            "peak memory, MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
        print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
