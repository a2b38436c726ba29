"""How soon a sidecar that was killed is ready again, with many worktrees and a long history of events.

    python benchmarks/restart.py [--worktrees 16] [--events 100000] [--times 5]

The events are broadcasts, notes and tasks in the logs of the agents, written by git's fast-import. Ready means that the
sidecar has taken its lock, watches, and has said so; useful, that a commit made while none ran has reached another
worktree. Both are told in seconds of wall time, from the start of the process, and of its processor time.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fold import git, make_repository

from agentroom_git.core.event_line import encode
from agentroom_git.core.events import Broadcast, Event
from agentroom_git.core.ids import parse_agent

AGENTROOM = [sys.executable, "-m", "agentroom_git"]
PATIENCE_SECONDS = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--worktrees", type=int, default=16)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentroom-bench-") as folder:
        root = Path(folder) / "repository"
        root.mkdir()
        make_repository(root, 200)
        names = [f"agent-{number}" for number in range(arguments.worktrees)]
        run("init", cwd=root)
        for name in names:
            run("join", name, cwd=root)
        write_events(root, names, arguments.events)
        run("sidecar", "start", cwd=root)
        try:
            measured = [restart(root, names, number) for number in range(arguments.times)]
        finally:
            run("sidecar", "stop", cwd=root)
    print(f"{arguments.worktrees} worktrees, {arguments.events} events, killed {arguments.times} times")
    for title, values in zip(("ready", "useful", "processor"), zip(*measured, strict=True), strict=True):
        print(f"{title:10s} median {statistics.median(values):6.3f} s   worst {max(values):6.3f} s")


def run(*arguments: str, cwd: Path) -> str:
    return subprocess.run([*AGENTROOM, *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout


def write_events(root: Path, names: list[str], count: int) -> None:
    """Put events on top of each agent's log, as many for each."""
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=root, stdin=subprocess.PIPE, text=True) as importer:
        assert importer.stdin is not None
        for place, name in enumerate(names):
            ref = f"refs/agentroom/main/log/{name}"
            tip = git("rev-parse", ref, cwd=root)
            for number in range(count // len(names)):
                lamport = 1000 + number * len(names) + place
                body = Broadcast(f"message {number}", "", "")
                event = Event(parse_agent(name), lamport, "2026-01-01T00:00:00.000Z", "", f"{lamport:016x}", body)
                message = f"{name} said: message {number}\n\n{encode(event)}\n"
                importer.stdin.write(f"commit {ref}\ncommitter {name} <{name}@agentroom.invalid> {number} +0000\n")
                importer.stdin.write(f"data {len(message.encode())}\n{message}")
                importer.stdin.write(f"from {tip}\n" if number == 0 else "")
                importer.stdin.write("\n")
        importer.stdin.close()


def restart(root: Path, names: list[str], number: int) -> tuple[float, float, float]:
    """Kill the sidecar, commit, start it again; return when it was ready and useful, and its processor time."""
    os.kill(json.loads(run("sidecar", "status", "--json", cwd=root))["pid"], signal.SIGKILL)
    worktrees = [root.parent / "repository.agents" / name for name in names]
    text = f"round {number}\n"
    (worktrees[0] / "d0" / "f7.txt").write_text(text)
    git("commit", "--quiet", "--all", "-m", text.strip(), cwd=worktrees[0])
    log = root / ".git" / "agentroom" / "sidecar.log"
    with log.open("ab") as output:
        before = log.stat().st_size
        started = time.perf_counter()
        process = subprocess.Popen([*AGENTROOM, "sidecar", "run"], cwd=root, stdout=output, stderr=output)
    until(lambda: b" serving " in log.read_bytes()[before:])
    ready = time.perf_counter() - started
    until(lambda: (worktrees[1] / "d0" / "f7.txt").read_text() == text)
    useful = time.perf_counter() - started
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return ready, useful, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def until(condition) -> None:  # type: ignore[no-untyped-def]
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while not condition():
        if time.perf_counter() > deadline:
            sys.exit("the sidecar did not get there")
        time.sleep(0.002)


if __name__ == "__main__":
    main()
