"""The cost of an agent's hook, as a whole process, against starting Python alone, in one run.

    python benchmarks/hook.py [--pairs 40] [--script]

Each pair runs the hook as `agentroom run` gives it to agents (`--script`: as `agentroom hook claude`), for an edit
that nobody objects to, with eight agents, sixteen claims and two hundred messages in the room, and then
`python -I -S -c pass`. The ratio is the median over the pairs.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fold import make_repository

from agentroom_git.core.ids import parse_agent
from agentroom_git.room import coordination, messages, opening, presence
from agentroom_git.room.room import acting_as, open_room
from agentroom_git.system.clock import SystemClock
from agentroom_git.system.process import own_hook_command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--script", action="store_true", help="as `agentroom hook`, not as `agentroom run` gives it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentroom-bench-") as folder:
        root = Path(folder) / "repository"
        root.mkdir()
        make_repository(root, 400)
        pairs = measure(root, arguments.pairs, bare=not arguments.script)
    ratios = [ours / theirs for ours, theirs in pairs]
    print(f"agentroom hook    median {statistics.median(o for o, _ in pairs) * 1e3:6.1f} ms")
    print(f"python alone      median {statistics.median(t for _, t in pairs) * 1e3:6.1f} ms")
    print(f"ratio             median {statistics.median(ratios):6.2f}   min {min(ratios):.2f}   max {max(ratios):.2f}")


def measure(root: Path, count: int, *, bare: bool) -> list[tuple[float, float]]:
    room = open_room(root, SystemClock())
    opening.open_new(room)
    for number in range(8):
        agent = parse_agent(f"agent-{number}")
        worktree = presence.join(room, agent).worktree.path
        me = acting_as(room, agent)
        coordination.claim(me, [f"d0/own-{number}", f"d1/own-{number}"], reason="bench")
        for message in range(25):
            messages.broadcast(me, f"message {message}")
    messages.read(me, limit=1000)
    hook = (
        [*own_hook_command(), "claude"]
        if bare
        else [str(Path(sys.executable).with_name("agentroom")), "hook", "claude"]
    )
    event = {
        "hook_event_name": "PreToolUse",
        "cwd": str(worktree),
        "tool_name": "Edit",
        "tool_input": {"file_path": str(worktree / "d1" / "f250.txt")},
    }
    text = json.dumps(event).encode()
    timed(hook, worktree, text)
    return [
        (timed(hook, worktree, text), timed([sys.executable, "-I", "-S", "-c", "pass"], worktree, b""))
        for _ in range(count)
    ]


def timed(command: list[str], cwd: Path, text: bytes) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, input=text, capture_output=True, check=True)
    seconds = time.perf_counter() - started
    if done.stdout or done.stderr:
        sys.exit(f"{command} had something to say: {done.stdout!r} {done.stderr!r}")
    return seconds


if __name__ == "__main__":
    main()
