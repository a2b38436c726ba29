"""Sixty-four agents at once: everything folded and synced, against as many merges by git as there are commits.

    python benchmarks/crowd.py [--agents 64] [--commits 10] [--files 200]

Every agent has made its commits, each a change of one line that nobody else changes. Then a sidecar is started, and the
time is taken until every worktree has integration's tree. In the same run git merges the same commits one after the
other into a branch, `git merge` for each, in one worktree; nothing else is brought up to date there.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fold import git, make_repository
from latency import processor_time, run

PATIENCE_SECONDS = 600.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--agents", type=int, default=64)
    parser.add_argument("--commits", type=int, default=10)
    parser.add_argument("--files", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentroom-bench-") as folder:
        root = Path(folder) / "repository"
        root.mkdir()
        make_repository(root, arguments.files, lines=arguments.agents * 4)
        run("init", cwd=root)
        names = [f"agent-{number}" for number in range(arguments.agents)]
        for name in names:
            run("join", name, cwd=root)
        commits = [one for place, name in enumerate(names) for one in work(root, name, place, arguments)]
        ours, processor = fold_and_sync(root, names)
        theirs, each = merge_by_git(root, commits)
    print(f"{arguments.agents} agents, {arguments.commits} commits each, {arguments.files} files")
    print(f"agentroom, folded and synced   {ours:7.2f} s wall, {processor:.2f} s of the sidecar's processor time")
    print(f"git merge, {len(commits)} times          {theirs:7.2f} s wall, {each * 1e3:.1f} ms the median merge")
    print(f"ratio                          {ours / theirs:7.3f}")


def work(root: Path, name: str, place: int, arguments: argparse.Namespace) -> list[str]:
    """Commit changes of the agent's own lines, and return the commits, oldest first."""
    worktree = root.parent / "repository.agents" / name
    made = []
    for number in range(arguments.commits):
        file = (place * arguments.commits + number) % arguments.files
        path = worktree / f"d{file // 200}" / f"f{file}.txt"
        lines = path.read_text().splitlines(keepends=True)
        lines[place * 4] = f"{name} {number}\n"
        path.write_text("".join(lines))
        git("commit", "--quiet", "--all", "-m", f"{name} {number}", cwd=worktree)
        made.append(git("rev-parse", "HEAD", cwd=worktree))
    return made


def fold_and_sync(root: Path, names: list[str]) -> tuple[float, float]:
    log = root.parent / "sidecar.log"
    with log.open("wb") as output:
        started = time.perf_counter()
        command = [sys.executable, "-m", "agentroom_git", "sidecar", "run"]
        with subprocess.Popen(command, cwd=root, stdout=output, stderr=output) as sidecar:
            try:
                while not is_settled(root, names):
                    if time.perf_counter() - started > PATIENCE_SECONDS:
                        sys.exit(log.read_text())
                    time.sleep(0.05)
                return time.perf_counter() - started, processor_time(sidecar.pid)
            finally:
                sidecar.terminate()


def is_settled(root: Path, names: list[str]) -> bool:
    """Return whether every branch has reached every commit and all have one tree."""
    branches = [f"agentroom/main/{name}^{{tree}}" for name in (*names, "integration")]
    trees = set(git("rev-parse", *branches, cwd=root).split())
    return len(trees) == 1 and trees != {git("rev-parse", "main^{tree}", cwd=root)}


def merge_by_git(root: Path, commits: list[str]) -> tuple[float, float]:
    worktree = root.parent / "by-git"
    git("worktree", "add", "--quiet", "-b", "by-git", str(worktree), "main", cwd=root)
    times = []
    for commit in commits:
        started = time.perf_counter()
        git("merge", "--quiet", "--no-edit", commit, cwd=worktree)
        times.append(time.perf_counter() - started)
    return sum(times), statistics.median(times)


if __name__ == "__main__":
    main()
