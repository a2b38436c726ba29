"""Measure the merge on the files of a repository's history that git could not merge.

For every file that both parents of a merge changed and `git merge-file` finds conflicts in, compares the merged text
with what the developer committed (up to trailing white space) and tells whether the files that parse on both sides
still do. The parent that is preferred where one side is taken whole stands for nothing in a room of agents, and
developers favour the first one; so both orders are shown, and `git merge-file --ours` or `--theirs` beside each.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from history import FileMerge, find_file_merges, merge_with_git

from agentroom_git.core.parse import guard_for
from agentroom_git.core.text import Side, TextMerge, merge_text
from agentroom_git.git.diff import line_diff


@dataclass
class Score:
    """What one way of merging achieved."""

    files: int = 0
    equal: int = 0
    judged: int = 0
    parse: int = 0

    def add(self, found: FileMerge, text: bytes) -> bool:
        """Count one merged text; return whether it is the developer's."""
        self.files += 1
        is_equal = _settled(text) == _settled(found.committed or b"")
        self.equal += is_equal
        guard = guard_for(found.path)
        if found.path.endswith(".py") and guard is not None and guard(found.ours) and guard(found.theirs):
            self.judged += 1
            self.parse += guard(text)
        return is_equal

    def __str__(self) -> str:
        return (
            f"{self.equal}/{self.files} equal to the developer's ({_percent(self.equal, self.files)}), "
            f"{self.parse}/{self.judged} Python files compile ({_percent(self.parse, self.judged)})"
        )


@dataclass
class Report:
    """The scores of the merge and of git taking one side, with either parent preferred; by step with the first."""

    merged: tuple[Score, Score] = field(default_factory=lambda: (Score(), Score()))
    git: tuple[Score, Score] = field(default_factory=lambda: (Score(), Score()))
    steps: Counter[str] = field(default_factory=Counter)
    equal_steps: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


def find_conflicts(merges: Iterable[FileMerge], folder: Path) -> Iterator[FileMerge]:
    """Yield each different file merge that git finds conflicts in and the developer kept the file of."""
    seen = set()
    for found in merges:
        texts = (found.path, found.base, found.ours, found.theirs, found.committed)
        if texts not in seen and found.committed is not None and merge_with_git(found, folder) is None:
            yield found
        seen.add(texts)


def measure(merges: Iterable[FileMerge]) -> Report:
    """Merge each file with either parent preferred, and score it."""
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        for found in find_conflicts(merges, Path(folder)):
            for preferred, favour in enumerate(("--ours", "--theirs")):
                text = merge_with_git(found, Path(folder), favour)
                if text is not None:
                    report.git[preferred].add(found, text)
                before = time.perf_counter()
                merged = _merge(found, preferred)
                report.seconds.append(time.perf_counter() - before)
                is_equal = report.merged[preferred].add(found, merged.text)
                if preferred == 0:
                    steps = "+".join(sorted({region.step for region in merged.regions} - {"equal"}))
                    report.steps[steps] += 1
                    report.equal_steps[steps] += is_equal
    return report


def _merge(found: FileMerge, preferred: int) -> TextMerge:
    sides = (
        Side(("first",), found.ours, generation=1 - preferred),
        Side(("second",), found.theirs, generation=preferred),
    )
    return merge_text(found.base, sides, line_diff, guard_for(found.path))


def _settled(text: bytes) -> bytes:
    return b"\n".join(line.rstrip() for line in text.split(b"\n")).rstrip()


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def show(report: Report) -> None:
    """Print the scores, the time, and how often each set of steps gave the developer's text."""
    for preferred, name in enumerate(("first", "second")):
        print(f"{name} parent preferred: {report.merged[preferred]}")
        print(f"  git taking that side: {report.git[preferred]}")
    times = sorted(report.seconds)
    if times:
        median, longest = statistics.median(times) * 1000, times[-1] * 1000
        print(f"a merge took {median:.2f} ms in the median, {longest:.0f} ms at most, guard included")
    for steps, count in report.steps.most_common():
        print(f"  {report.equal_steps[steps]:5} of {count:5} equal  {steps}")


def main() -> int:
    """Run over the repository named on the command line."""
    parser = argparse.ArgumentParser(description="Measure the merge where git finds conflicts.")
    parser.add_argument("repo", type=Path, nargs="+", help="paths of repositories, or of their git directories")
    parser.add_argument("--limit", type=int, help="look at so many files of each, newest merges first")
    options = parser.parse_args()
    found = (merge for repo in options.repo for merge in islice(find_file_merges(repo), options.limit))
    show(measure(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
