"""Time of a fold against git's own plumbing doing the same, in one run.

    python benchmarks/fold.py [--files 20000] [--pairs 15]

Each pair commits one changed file in an agent's worktree, folds it with agentroom (in this process, as the sidecar
does), and then has git merge the same commit onto the same parent: `git merge-tree --write-tree`, `git commit-tree`,
`git update-ref`. Both write the same tree. The ratio is the median over the pairs; neither side syncs to disk.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agentroom_git.core.ids import parse_agent
from agentroom_git.room import opening, presence
from agentroom_git.room.folding import Folder
from agentroom_git.room.room import open_room
from agentroom_git.system.clock import SystemClock


def git(*arguments: str, cwd: Path) -> str:
    return subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


def make_repository(root: Path, files: int) -> None:
    for number in range(files):
        path = root / f"d{number // 200}" / f"f{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{number} {line}\n" for line in range(10)))
    git("init", "--quiet", cwd=root)
    git("config", "user.name", "Bench", cwd=root)
    git("config", "user.email", "bench@example.invalid", cwd=root)
    git("add", ".", cwd=root)
    git("commit", "--quiet", "-m", "start", cwd=root)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentroom-bench-") as folder:
        root = Path(folder) / "repository"
        root.mkdir()
        make_repository(root, arguments.files)
        pairs = measure(root, arguments.pairs)
    ratios = [ours / theirs for ours, theirs in pairs]
    print(f"{arguments.files} files, {len(pairs)} pairs, git {git('version', cwd=Path('/')).split()[-1]}")
    print(f"agentroom fold    median {statistics.median(o for o, _ in pairs) * 1e3:7.2f} ms")
    print(f"git, 3 commands   median {statistics.median(t for _, t in pairs) * 1e3:7.2f} ms")
    print(f"ratio             median {statistics.median(ratios):7.3f}   min {min(ratios):.3f}   max {max(ratios):.3f}")


def measure(root: Path, count: int) -> list[tuple[float, float]]:
    room = open_room(root, SystemClock())
    opening.open_new(room)
    worktree = presence.join(room, parse_agent("alice")).worktree.path
    folder = Folder(room)
    pairs = []
    for number in range(count + 1):
        (worktree / "d3" / "f700.txt").write_text(f"round {number}\n")
        git("commit", "--quiet", "--all", "-m", f"round {number}", cwd=worktree)
        head = git("rev-parse", "HEAD", cwd=worktree)
        before = room.integration()
        started = time.perf_counter()
        folder.fold([parse_agent("alice")])
        ours = time.perf_counter() - started
        theirs = by_git(root, before, head)
        if git("rev-parse", "bench^{tree}", cwd=root) != room.history.tree_of(room.integration()):
            sys.exit("the two trees differ")
        pairs.append((ours, theirs))
    return pairs[1:]


def by_git(root: Path, before: str, head: str) -> float:
    started = time.perf_counter()
    tree = git("merge-tree", "--write-tree", before, head, cwd=root)
    commit = git("commit-tree", tree, "-p", before, "-p", head, "-m", "fold", cwd=root)
    git("update-ref", "refs/heads/bench", commit, cwd=root)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
