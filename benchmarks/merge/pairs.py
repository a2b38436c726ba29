"""Merge pairs of features that were written independently, and run both features' own tests on the result.

TASK is a task folder of the CooperBench data set (github.com/cooperbench/CooperBench, MIT), REPO a clone of the project
that it is about, PYTHON an interpreter with the project's test dependencies. Each pair is merged by git, by the fold
without claims, and by the fold with a claim of each side in turn. Then tests choose among what the fold decided by rank
and up to eight combinations of its candidates: once the tests that the project had before, as a gate does, and once the
features' own, which nobody has in advance and which bound what choosing can give. Prints for the pairs that git cannot
merge, and for those that it can, whose tests pass. The tests are the project's and run as they are: only for data that
you trust.
"""

import argparse
import re
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations, islice
from pathlib import Path

import pygit2

from agentroom_git.core import trailers
from agentroom_git.core.candidates import Candidate, find_alternatives, rank_choices
from agentroom_git.core.contested import Contested
from agentroom_git.core.fold import Engine, Folded
from agentroom_git.core.history import Head
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.git.objects import GitHistory

SECONDS = 120
OUTCOMES = ("both", "first", "second", "neither")
WAYS = (
    "git",
    "fold",
    "fold, claim of one side",
    "fold, the project's tests choose",
    "fold, the features' tests choose",
)
BY_RANK = ("claim", "side", "both")
MAX_COMBINATIONS = 8
MAX_REGIONS = 4
BEFORE = 0
"""Stands for the tests that the project had before, among the numbers of features."""


@dataclass
class Bench:
    """One task: its project checked out at the base commit, and what is known of trees under test."""

    task: Path
    python: Path
    work: Path
    base: str
    known: dict[tuple[str, int], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.history = GitHistory(pygit2.Repository(str(self.work)))

    def git(self, *arguments: str, check: bool = True) -> str:
        command = ["git", "-c", "user.name=b", "-c", "user.email=b@example.invalid", *arguments]
        done = subprocess.run(command, cwd=self.work, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def apply(self, patch: Path) -> bool:
        command = ["git", "apply", "--ignore-whitespace", str(patch)]
        return subprocess.run(command, cwd=self.work, capture_output=True, check=False).returncode == 0

    def feature(self, number: int) -> Path:
        return self.task.resolve() / f"feature{number}"

    def commit(self, number: int, token: int = 0) -> Oid | None:
        """Commit a feature on the base, under claims of all that it changes where a token is given."""
        self.git("reset", "--quiet", "--hard", self.base)
        if not self.apply(self.feature(number) / "feature.patch"):
            return None
        self.git("add", "--all")
        paths = self.git("diff", "--cached", "--name-only").splitlines() if token else []
        lines = [f"{trailers.AGENT}: feature{number}", *(f"{trailers.CLAIM}: {token} {path}" for path in paths)]
        self.git("commit", "--quiet", "--allow-empty", "-m", f"feature {number}\n\n" + "\n".join(lines))
        return Oid(self.git("rev-parse", "HEAD"))

    def merge_by_git(self, one: Oid, other: Oid) -> str | None:
        printed = self.git("merge-tree", "--write-tree", one, other, check=False).splitlines()
        return printed[0] if len(printed) == 1 else None

    def fold(self, pair: tuple[int, int], commits: tuple[Oid, Oid]) -> Folded:
        heads = [Head(id, AgentName(f"feature{n}")) for n, id in zip(pair, commits, strict=True)]
        return Engine(self.history).fold(heads)

    def candidates(self, folded: Folded) -> list[str]:
        """Return the trees that tests may choose from, what the fold made first."""
        records = [one for one in folded.contested if one.step in BY_RANK and one.kind == "text"][:MAX_REGIONS]
        options = [[None, *self.alternatives(record)] for record in records]
        trees = [str(folded.tree)]
        for ranks in islice(rank_choices([len(some) for some in options]), MAX_COMBINATIONS) if records else ():
            chosen = [some[rank] for some, rank in zip(options, ranks, strict=True)]
            trees.append(self.tree_with(folded, records, chosen))
        return trees

    def alternatives(self, record: Contested) -> tuple[Candidate, ...]:
        history = self.history
        sides = [None if side is None else history.blob(side) for side in record.sides]
        base = None if record.base is None else history.blob(record.base)
        return find_alternatives(base, sides, record.agents, record.winner, history.line_diff)

    def tree_with(self, folded: Folded, records: list[Contested], chosen: list[Candidate | None]) -> str:
        """Return the folded tree with the chosen candidates in place of their regions, from the last to the first."""
        tree = folded.tree
        for record, candidate in sorted(zip(records, chosen, strict=True), key=lambda one: one[0].start, reverse=True):
            entry = self.history.entry(tree, record.path)
            if candidate is None or candidate.text is None or entry is None:
                continue
            lines = self.history.blob(entry.id).splitlines(keepends=True)
            start = record.start - 1 if record.start else 0
            stop = start + record.lines if record.start else len(lines)
            text = b"".join([*lines[:start], candidate.text, *lines[stop:]])
            tree = self.history.write_tree(tree, {record.path: replace(entry, id=self.history.write_blob(text))})
        return str(tree)

    def choose(self, trees: list[str], numbers: tuple[int, ...]) -> str:
        """Return the first tree on which most of these features' tests pass; the first of all where none is better."""
        best, most = trees[0], -1
        for tree in trees:
            passed = sum(self.passes(tree, number) for number in numbers)
            if passed > most:
                best, most = tree, passed
            if passed == len(numbers):
                break
        return best

    def passes(self, tree: str, number: int) -> bool:
        """Tell whether a feature's own tests pass on a tree, or those that the project had before."""
        key = (tree, number)
        if key not in self.known:
            self.git("read-tree", "--reset", "-u", tree)
            self.git("clean", "--quiet", "-fdx")
            ready = number == BEFORE or self.apply(self.feature(number) / "tests.patch")
            self.known[key] = ready and self._run()
        return self.known[key]

    def _run(self) -> bool:
        script = (self.task / "run_tests.sh").read_text()
        found = re.search(r"-m pytest ([^\n|&]*)", script)
        arguments = shlex.split(re.sub(r"\d?>.*", "", found[1])) if found else []
        command = [str(self.python), "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments]
        env = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": f"{self.work}:{self.work / 'src'}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        try:
            done = subprocess.run(command, cwd=self.work, env=env, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def judge(self, tree: str | None, pair: tuple[int, int]) -> str:
        if tree is None:
            return "neither"
        one, other = (self.passes(tree, number) for number in pair)
        return {(True, True): "both", (True, False): "first", (False, True): "second"}.get((one, other), "neither")


def find_outcomes(bench: Bench) -> Iterator[tuple[bool, str, str]]:
    """Yield for each pair whether git merges it, by whom it was merged, and whose tests pass."""
    numbers = sorted(int(path.name.removeprefix("feature")) for path in bench.task.glob("feature*"))
    plain = {number: bench.commit(number) for number in numbers}
    claimed = {number: bench.commit(number, token=1) for number in numbers}
    # A feature whose own tests fail alone says nothing about a merge.
    sound = [n for n in numbers if (id := plain[n]) and bench.passes(bench.history.tree_of(id), n)]
    print(f"{bench.task}: {len(sound)} of {len(numbers)} features pass their tests alone", flush=True)
    for pair in combinations(sound, 2):
        one, other = plain[pair[0]], plain[pair[1]]
        claim_one, claim_other = claimed[pair[0]], claimed[pair[1]]
        if one is None or other is None or claim_one is None or claim_other is None:
            continue
        by_git = bench.merge_by_git(one, other)
        is_clean = by_git is not None
        yield is_clean, "git", bench.judge(by_git, pair)
        folded = bench.fold(pair, (one, other))
        yield is_clean, "fold", bench.judge(folded.tree, pair)
        yield is_clean, "fold, claim of one side", bench.judge(bench.fold(pair, (claim_one, other)).tree, pair)
        turned = (pair[1], pair[0])
        yield is_clean, "fold, claim of one side", bench.judge(bench.fold(turned, (claim_other, one)).tree, turned)
        trees = bench.candidates(folded)
        yield is_clean, "fold, the project's tests choose", bench.judge(bench.choose(trees, (BEFORE,)), pair)
        yield is_clean, "fold, the features' tests choose", bench.judge(bench.choose(trees, pair), pair)


def main() -> int:
    """Run one task."""
    parser = argparse.ArgumentParser(description="Merge pairs of features and run their tests.")
    parser.add_argument("task", type=Path)
    parser.add_argument("repo", type=Path)
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    options = parser.parse_args()
    found = re.search(r"BASE_COMMIT=\"?([0-9a-f]{40})", (options.task / "setup.sh").read_text())
    if found is None:
        raise SystemExit(f"{options.task} names no base commit")
    counts: Counter[tuple[bool, str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder).resolve() / "project"
        subprocess.run(["git", "clone", "--quiet", "--shared", str(options.repo), str(work)], check=True)
        counts.update(find_outcomes(Bench(options.task, options.python, work, found[1])))
    for is_clean in (False, True):
        print("pairs that git merges cleanly" if is_clean else "pairs that git cannot merge")
        for way in WAYS:
            shown = [f"{name} {counts[is_clean, way, name]}" for name in OUTCOMES]
            print(f"  {way}: {', '.join(shown)}" + (" (first: the holder)" if "claim" in way else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
