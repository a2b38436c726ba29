"""How long a claim takes over MCP, against recording one with git's own commands, in one run.

    python benchmarks/claim_stdio.py [--pairs 200] [--held 20]

Each pair: one `claim` of a path that is free, from the line written to the server's input to the line read from its
output, with the real server as a process of its own; then what a shell script would do instead, `git rev-parse`,
`git commit-tree` and a compare-and-swap by `git update-ref` in one `sh`. The claim is given back outside of the times.
`--held` claims of another agent are there all the while. The ratio is the median over the pairs.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

AGENTROOM = [sys.executable, "-m", "agentroom_git"]
RIVAL_REF = "refs/rival/claims"
RIVAL = """set -e
old=$(git rev-parse --verify --quiet "$1")
new=$(git commit-tree -p "$old" -m "alice claimed $2" "$old^{tree}")
git update-ref "$1" "$new" "$old"
"""


class Server:
    """The real server in an agent's worktree, spoken to line by line."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen([*AGENTROOM, "mcp"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.id = 0
        info = {"name": "benchmark", "version": "1"}
        self.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, record: dict[str, object]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(record).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method: str, params: dict[str, object]) -> bytes:
        assert self.process.stdout is not None
        self.id += 1
        self.send({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params})
        return self.process.stdout.readline()

    def call(self, tool: str, **arguments: object) -> bytes:
        return self.ask("tools/call", {"name": tool, "arguments": arguments})

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--held", type=int, default=20, help="claims that another agent holds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentroom-bench-") as folder:
        pairs = measure(Path(folder) / "repository", arguments.pairs, arguments.held)
    report(pairs, arguments.held)


def measure(root: Path, count: int, held: int) -> list[tuple[float, float]]:
    make_room(root)
    alice, bob = (root.parent / "repository.agents" / name for name in ("alice", "bob"))
    for first in range(0, held, 50):
        paths = [f"held/{number}" for number in range(first, min(held, first + 50))]
        run(*AGENTROOM, "claim", *paths, "--reason", "theirs", cwd=bob)
    with closing(Server(alice)) as server:
        # The first pair warms both up.
        return [one_pair(server, alice, number) for number in range(count + 1)][1:]


def one_pair(server: Server, folder: Path, number: int) -> tuple[float, float]:
    path = f"src/module_{number}.py"
    began = time.perf_counter()
    answer = server.call("claim", paths=[path], reason="a change")
    ours = time.perf_counter() - began
    if not json.loads(answer)["result"]["structuredContent"]["granted"]:
        raise SystemExit(f"not granted: {answer!r}")
    server.call("release")
    began = time.perf_counter()
    run("sh", "-c", RIVAL, "sh", RIVAL_REF, path, cwd=folder)
    return ours, time.perf_counter() - began


def make_room(root: Path) -> None:
    root.mkdir()
    run("git", "init", "--quiet", cwd=root)
    for key, value in (("name", "Benchmark"), ("email", "benchmark@example.invalid")):
        run("git", "config", f"user.{key}", value, cwd=root)
    run("git", "commit", "--quiet", "--allow-empty", "--message", "start", cwd=root)
    run(*AGENTROOM, "init", cwd=root)
    for name in ("alice", "bob"):
        run(*AGENTROOM, "join", name, cwd=root)
    run("git", "update-ref", RIVAL_REF, "HEAD", cwd=root)


def run(*arguments: str, cwd: Path) -> None:
    subprocess.run(arguments, cwd=cwd, check=True, capture_output=True)


def report(pairs: Sequence[tuple[float, float]], held: int) -> None:
    ours, theirs = ([pair[side] * 1e3 for pair in pairs] for side in (0, 1))
    ratios = [own / rival for own, rival in pairs]
    print(f"{len(pairs)} pairs, {held} claims held by another")
    for name, times in (("claim over stdio", ours), ("git commit-tree + update-ref", theirs)):
        slow = statistics.quantiles(times, n=100)[94] if len(times) > 1 else times[0]
        print(f"{name:30} median {statistics.median(times):6.2f} ms   95th percentile {slow:6.2f} ms")
    print(f"{'ratio':30} median {statistics.median(ratios):6.3f}      min {min(ratios):.3f}   max {max(ratios):.3f}")


if __name__ == "__main__":
    main()
