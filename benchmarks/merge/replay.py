"""Measure the merge on the files of several repositories' histories that both parents of a merge changed.

The same as `agentroom replay-merges` for each, and the sum. Exits 1 if a file that git merges cleanly came out
different.
"""

import argparse
import os
import sys
from pathlib import Path

from agentroom_git.cli.merging import say_report
from agentroom_git.room.replay import replay
from agentroom_git.room.replay_report import Tally


def main() -> int:
    """Run over the repositories named on the command line."""
    parser = argparse.ArgumentParser(description="Replay the merges of repositories.")
    parser.add_argument("repo", type=Path, nargs="+", help="paths of repositories, or of their git directories")
    parser.add_argument("--all", action="store_true", help="every ref, as pull requests in a mirror; not only HEAD")
    parser.add_argument("--limit", type=int, help="look at so many merges of each, newest first")
    parser.add_argument("--keep", type=Path, help="folder for the records, to go on from them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    together = Tally()
    for repo in options.repo:
        alone = Tally()
        kept = options.keep / f"{repo.resolve().parent.name}.jsonl" if options.keep else None
        for outcome in replay(repo, every_ref=options.all, limit=options.limit, jobs=options.jobs, resume=kept):
            alone.add(outcome)
            together.add(outcome)
        print(f"== {repo}")
        say_report(alone.report())
    print("== together")
    say_report(together.report())
    return 1 if together.report().different else 0


if __name__ == "__main__":
    sys.exit(main())
