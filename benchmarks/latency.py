"""How long a commit takes to become a file in another worktree, against `git pull` there, in one run.

    python benchmarks/latency.py [--files 20000] [--agents 4] [--pairs 20]

Each pair: alice commits one changed file, and the time is taken until the last of the other agents' worktrees has it,
with the real sidecar as a process of its own; then the same commit is pulled with `git pull` into a worktree of the
same repository that no agent uses. The ratio is the median over the pairs.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fold import git, make_repository

AGENTROOM = [sys.executable, "-m", "agentroom_git"]
PATIENCE_SECONDS = 30.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--agents", type=int, default=4)
    parser.add_argument("--pairs", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentroom-bench-") as folder:
        root = Path(folder) / "repository"
        root.mkdir()
        make_repository(root, arguments.files)
        pairs = measure(root, arguments.agents, arguments.pairs)
    ratios = [ours / theirs for ours, theirs in pairs]
    times = sorted(ours for ours, _ in pairs)
    print(f"{arguments.files} files, {arguments.agents} agents, {len(pairs)} pairs")
    print(f"commit to file    median {statistics.median(times) * 1e3:7.1f} ms   worst {times[-1] * 1e3:.1f} ms")
    print(f"git pull          median {statistics.median(t for _, t in pairs) * 1e3:7.1f} ms")
    print(f"ratio             median {statistics.median(ratios):7.3f}   min {min(ratios):.3f}   max {max(ratios):.3f}")


def measure(root: Path, agents: int, count: int) -> list[tuple[float, float]]:
    run("init", cwd=root)
    names = ["alice", *(f"agent-{number}" for number in range(1, agents))]
    for name in names:
        run("join", name, cwd=root)
    worktrees = [root.parent / "repository.agents" / name for name in names]
    puller = root.parent / "puller"
    git("worktree", "add", "--quiet", "--detach", str(puller), "agentroom/main/integration", cwd=root)
    run("sidecar", "start", cwd=root)
    try:
        return [one_pair(worktrees, puller, number) for number in range(count + 1)][1:]
    finally:
        run("sidecar", "stop", cwd=root)


def run(*arguments: str, cwd: Path) -> None:
    subprocess.run([*AGENTROOM, *arguments], cwd=cwd, check=True, capture_output=True)


def one_pair(worktrees: list[Path], puller: Path, number: int) -> tuple[float, float]:
    mine, *others = [worktree / "d3" / "f700.txt" for worktree in worktrees]
    text = f"round {number}\n"
    mine.write_text(text)
    git("commit", "--quiet", "--all", "-m", text.strip(), cwd=worktrees[0])
    started = time.perf_counter()
    for other in others:
        while other.read_text() != text:
            if time.perf_counter() - started > PATIENCE_SECONDS:
                sys.exit(f"{other} did not get the commit within {PATIENCE_SECONDS:g} s")
            time.sleep(0.001)
    ours = time.perf_counter() - started
    # The rival works while nobody else does.
    time.sleep(0.3)
    started = time.perf_counter()
    git("pull", "--quiet", "--ff-only", ".", "agentroom/main/integration", cwd=puller)
    return ours, time.perf_counter() - started


if __name__ == "__main__":
    main()
