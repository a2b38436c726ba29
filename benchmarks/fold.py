"""Time of a fold against git's own plumbing doing the same, in one run.

    python benchmarks/fold.py [--files 20000 ...] [--pairs 15] [--history 0] [--fsync]

Each pair commits one changed file in an agent's worktree, folds it with agentroom (in this process, as the sidecar
does), and then has git merge the same commit onto the same parent: `git merge-tree --write-tree`, `git commit-tree`,
`git update-ref`. Both write the same tree. The ratio is the median over the pairs; neither side syncs to disk, or with
`--fsync` both do. Of several sizes, and before and after a history of so many folds, the medians are compared, too.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pygit2

from agentroom_git.core.ids import parse_agent
from agentroom_git.room import opening, presence
from agentroom_git.room.folding import Folder
from agentroom_git.room.room import open_room
from agentroom_git.system.clock import SystemClock

SYNCED = ("-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync")
Pairs = list[tuple["Cost", "Cost"]]


@dataclass(frozen=True)
class Cost:
    """Seconds of wall time, and of processor time: the second is what a busy machine does not change much."""

    wall: float
    processor: float


@contextmanager
def costing() -> Iterator[list[Cost]]:
    """Add to the list what the block cost in this process and in those that it waited for."""
    found: list[Cost] = []
    started, processor = time.perf_counter(), used()
    yield found
    found.append(Cost(time.perf_counter() - started, used() - processor))


def used() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def git(*arguments: str, cwd: Path) -> str:
    return subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


def make_repository(root: Path, files: int, lines: int = 10) -> None:
    for number in range(files):
        path = root / f"d{number // 200}" / f"f{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{number} {line}\n" for line in range(lines)))
    git("init", "--quiet", "--initial-branch=main", cwd=root)
    git("config", "user.name", "Bench", cwd=root)
    git("config", "user.email", "bench@example.invalid", cwd=root)
    git("add", ".", cwd=root)
    git("commit", "--quiet", "-m", "start", cwd=root)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, nargs="+", default=[20_000])
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--history", type=int, default=0, help="folds to make before measuring again")
    parser.add_argument("--fsync", action="store_true", help="let both sides sync to disk")
    arguments = parser.parse_args()
    pygit2.settings.enable_fsync_gitdir(arguments.fsync)
    print(f"git {git('version', cwd=Path('/')).split()[-1]}, {'synced to disk' if arguments.fsync else 'not synced'}")
    found: dict[str, Pairs] = {}
    for files in arguments.files:
        with tempfile.TemporaryDirectory(prefix="agentroom-bench-") as folder:
            root = Path(folder) / "repository"
            root.mkdir()
            make_repository(root, files)
            bench = Bench(root, SYNCED if arguments.fsync else ())
            found[f"{files} files"] = bench.pairs(arguments.pairs)
            if arguments.history:
                bench.grow(arguments.history)
                found[f"{files} files after {arguments.history} folds"] = bench.pairs(arguments.pairs)
    tell(found)


def tell(found: dict[str, Pairs]) -> None:
    first = 0.0
    for title, pairs in found.items():
        ours, theirs = (statistics.median(cost.wall for cost in side) * 1e3 for side in zip(*pairs, strict=True))
        ratio = statistics.median(one.wall / other.wall for one, other in pairs)
        own, gits = (sum(cost.processor for cost in side) * 1e3 for side in zip(*pairs, strict=True))
        first = first or own / len(pairs)
        print(f"{title}: fold {ours:.2f} ms, git {theirs:.2f} ms, ratio {ratio:.3f}")
        each = f"fold {own / len(pairs):.2f} ms, git {gits / len(pairs):.2f} ms, ratio {own / gits:.3f}"
        print(f"  of processor time: {each}; {own / len(pairs) / first:.2f} of the first")


@dataclass
class Bench:
    root: Path
    synced: tuple[str, ...]

    def __post_init__(self) -> None:
        room = open_room(self.root, SystemClock())
        opening.open_new(room)
        self.room = room
        self.worktree = presence.join(room, parse_agent("alice")).worktree.path
        self.folder = Folder(room)
        self.rounds = 0

    def pairs(self, count: int) -> Pairs:
        """Return the times of fold and git of so many commits; the first is left out."""
        return [self.pair() for _ in range(count + 1)][1:]

    def pair(self) -> tuple[Cost, Cost]:
        room = self.room
        self.rounds += 1
        # As a sync would, which is not measured here.
        git("merge", "--quiet", "--ff-only", "agentroom/main/integration", cwd=self.worktree)
        (self.worktree / "d0" / "f7.txt").write_text(f"round {self.rounds}\n")
        git("commit", "--quiet", "--all", "-m", f"round {self.rounds}", cwd=self.worktree)
        head = git("rev-parse", "HEAD", cwd=self.worktree)
        before = room.integration()
        with costing() as ours:
            self.folder.fold([parse_agent("alice")])
        with costing() as theirs:
            self.by_git(before, head)
        if git("rev-parse", "bench^{tree}", cwd=self.root) != room.history.tree_of(room.integration()):
            sys.exit("the two trees differ")
        return ours[0], theirs[0]

    def by_git(self, before: str, head: str) -> None:
        tree = git(*self.synced, "merge-tree", "--write-tree", before, head, cwd=self.root)
        commit = git(*self.synced, "commit-tree", tree, "-p", before, "-p", head, "-m", "fold", cwd=self.root)
        git(*self.synced, "update-ref", "refs/heads/bench", commit, cwd=self.root)

    def grow(self, folds: int) -> None:
        """Fold so many commits of the agent, made without git's commands."""
        handle = pygit2.Repository(str(self.worktree))
        for number in range(folds):
            who = pygit2.Signature("alice", "alice@example.invalid")
            handle.head.set_target(self.room.integration())
            tree = handle.head.peel(pygit2.Tree)
            below = handle.TreeBuilder(handle[tree["d0"].id].peel(pygit2.Tree))
            below.insert("f8.txt", handle.create_blob(f"fold {number}\n".encode()), 0o100644)
            builder = handle.TreeBuilder(tree)
            builder.insert("d0", below.write(), 0o040000)
            handle.create_commit("HEAD", who, who, f"fold {number}", builder.write(), [handle.head.target])
            self.folder.fold([parse_agent("alice")])
        git("reset", "--quiet", "--hard", cwd=self.worktree)


if __name__ == "__main__":
    main()
