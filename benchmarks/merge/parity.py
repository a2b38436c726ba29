"""Check on a repository's own history that the merge equals git's wherever git's is clean.

For every merge commit with two parents and one merge base, each file that both sides changed, and changed differently,
goes through `git merge-file` and through `merge_text`. Prints the counts and each file that differs; exits 1 if any
does.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from history import FileMerge, find_file_merges, merge_with_git

from agentroom_git.core.text import Side, merge_text
from agentroom_git.git.diff import line_diff


def check_parity(merges: Iterable[FileMerge]) -> Counter[str]:
    """Count files, those clean in git, and of those the equal and the different ones; print the different ones."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for found in merges:
            expected = merge_with_git(found, Path(folder))
            verdict = "conflicting in git" if expected is None else _compare(found, expected)
            counts[verdict] += 1
            if verdict == "different":
                print(f"different: {found.merge} {found.path}")
    return counts


def _compare(found: FileMerge, expected: bytes) -> str:
    merged = merge_text(found.base, (Side(("first",), found.ours), Side(("second",), found.theirs)), line_diff)
    is_contested = any(region.is_contested for region in merged.regions)
    return "equal" if merged.text == expected and not is_contested else "different"


def main() -> int:
    """Run over the repository named on the command line."""
    parser = argparse.ArgumentParser(description="Compare the merge with git's wherever git's is clean.")
    parser.add_argument("repo", type=Path, help="path of a repository, or of its git directory")
    parser.add_argument("--limit", type=int, help="stop after so many files")
    options = parser.parse_args()
    counts = check_parity(islice(find_file_merges(options.repo), options.limit))
    clean = counts["equal"] + counts["different"]
    print(
        f"{options.repo}: {counts.total()} files changed on both sides, {clean} clean in git, {counts['equal']} equal"
    )
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
