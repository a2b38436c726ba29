"""How long a commit takes to become a file in another worktree, against `git pull` there, in one run.

    python benchmarks/latency.py [--files 20000] [--agents 4] [--pairs 20]

Each pair: alice commits one changed file, and the time is taken until each of the other agents' worktrees has it, with
the real sidecar as a process of its own; then the same commit is pulled with `git pull` into a worktree of the same
repository that no agent uses. The percentiles are over all arrivals; the ratio is that of the median arrival to the
pull, as the median over the pairs. Neither side syncs to disk.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fold import git, make_repository

AGENTROOM = [sys.executable, "-m", "agentroom_git"]
PATIENCE_SECONDS = 60.0
FILE = Path("d0") / "f7.txt"


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
        pairs, processor, memory = measure(root, arguments.agents, arguments.pairs)
    arrivals = sorted(one for times, _ in pairs for one in times)
    ratios = [statistics.median(times) / pull for times, pull in pairs]
    print(f"{arguments.files} files, {arguments.agents} agents, {len(pairs)} pairs")
    told = ((name, percentile(arrivals, share)) for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)))
    print("commit to file    " + "   ".join(f"{name} {value * 1e3:7.1f} ms" for name, value in told))
    print(f"git pull          p50 {statistics.median(pull for _, pull in pairs) * 1e3:7.1f} ms")
    print(f"ratio             median {statistics.median(ratios):.3f}   min {min(ratios):.3f}   max {max(ratios):.3f}")
    print(
        f"sidecar           {processor / len(pairs) * 1e3:.1f} ms of processor time a commit, {memory / 2**20:.0f} MiB"
    )


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def measure(root: Path, agents: int, count: int) -> tuple[list[tuple[list[float], float]], float, int]:
    """Return for each pair the arrivals and the pull, the sidecar's processor time, and its memory at the end."""
    run("init", cwd=root)
    names = ["alice", *(f"agent-{number}" for number in range(1, agents))]
    for name in names:
        run("join", name, cwd=root)
    worktrees = [root.parent / "repository.agents" / name for name in names]
    puller = root.parent / "puller"
    git("worktree", "add", "--quiet", "--detach", str(puller), "agentroom/main/integration", cwd=root)
    run("sidecar", "start", cwd=root)
    try:
        pid = json.loads(run("sidecar", "status", "--json", cwd=root))["pid"]
        one_pair(worktrees, puller, -1)
        before = processor_time(pid)
        pairs = [one_pair(worktrees, puller, number) for number in range(count)]
        return pairs, processor_time(pid) - before, memory_of(pid)
    finally:
        run("sidecar", "stop", cwd=root)


def run(*arguments: str, cwd: Path) -> str:
    return subprocess.run([*AGENTROOM, *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout


def one_pair(worktrees: list[Path], puller: Path, number: int) -> tuple[list[float], float]:
    text = f"round {number}\n"
    (worktrees[0] / FILE).write_text(text)
    git("commit", "--quiet", "--all", "-m", text.strip(), cwd=worktrees[0])
    arrivals = wait_for(text, [worktree / FILE for worktree in worktrees[1:]])
    # The rival works while nobody else does.
    time.sleep(0.3)
    started = time.perf_counter()
    git("pull", "--quiet", "--ff-only", ".", "agentroom/main/integration", cwd=puller)
    return arrivals, time.perf_counter() - started


def wait_for(text: str, files: list[Path]) -> list[float]:
    """Return when each of the files had the text, from now on."""
    started = time.perf_counter()
    arrived: dict[Path, float] = {}
    while len(arrived) < len(files):
        for file in files:
            if file not in arrived and file.read_text() == text:
                arrived[file] = time.perf_counter() - started
        if time.perf_counter() - started > PATIENCE_SECONDS:
            sys.exit(f"the commit did not arrive everywhere within {PATIENCE_SECONDS:g} s")
        time.sleep(0.001)
    return list(arrived.values())


def processor_time(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> int:
    """Return the bytes that the process keeps in memory and shares with nobody, and its part of what it shares."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    main()
