"""The cost of an agent's hook, as a whole process, against starting Python alone, in one run.

    python benchmarks/hook.py [--pairs 40] [--form run|recent|script]

Each pair runs the hook as `agentroom run` gives it to agents, for an edit that nobody objects to, with eight agents,
sixteen claims and two hundred messages in the room, and then `python -I -S -c pass`. The ratio is the median over the
pairs. Project files (`agentroom init --client`) name `agentroom hook`: `--form script` runs it as it is installed
here, `recent` as uv and pip 26 install it; the scripts that older versions of pip write import `re` first.
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
    parser.add_argument("--form", choices=("run", "recent", "script"), default="run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentroom-bench-") as folder:
        root = Path(folder) / "repository"
        root.mkdir()
        make_repository(root, 400)
        worktree = furnish(root)
        pairs = measure([*command(arguments.form, Path(folder)), "claude"], worktree, arguments.pairs)
    ratios = [ours / theirs for ours, theirs in pairs]
    print(f"agentroom hook    median {statistics.median(o for o, _ in pairs) * 1e3:6.1f} ms")
    print(f"python alone      median {statistics.median(t for _, t in pairs) * 1e3:6.1f} ms")
    print(f"ratio             median {statistics.median(ratios):6.2f}   min {min(ratios):.2f}   max {max(ratios):.2f}")


RECENT = """#!{python}
import sys
from agentroom_git.cli.entry import main
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit(main())
"""


def command(form: str, folder: Path) -> list[str]:
    if form == "run":
        return own_hook_command()
    installed = Path(sys.executable).with_name("agentroom")
    if form == "script":
        return [str(installed), "hook"]
    recent = folder / "agentroom"
    recent.write_text(RECENT.format(python=sys.executable))
    recent.chmod(0o755)
    return [str(recent), "hook"]


def furnish(root: Path) -> Path:
    """Make the room, and return the worktree of an agent that has read everything."""
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
    return worktree


def measure(hook: list[str], worktree: Path, count: int) -> list[tuple[float, float]]:
    """Return the seconds of the hook and of Python alone, pair by pair; a first hook may claim the file."""
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
