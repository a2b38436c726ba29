"""How much memory the sidecar needs with many large worktrees.

    python benchmarks/memory.py [--worktrees 16] [--files 20000] [--commits 20]

The figure is the proportional set size after so many commits, each of which reached every worktree.
"""

import argparse
import json
import tempfile
from pathlib import Path

from fold import git, make_repository
from latency import FILE, memory_of, run, wait_for


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--worktrees", type=int, default=16)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--commits", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentroom-bench-") as folder:
        root = Path(folder) / "repository"
        root.mkdir()
        make_repository(root, arguments.files)
        run("init", cwd=root)
        for number in range(arguments.worktrees):
            run("join", f"agent-{number}", cwd=root)
        worktrees = [root.parent / "repository.agents" / f"agent-{n}" for n in range(arguments.worktrees)]
        run("sidecar", "start", cwd=root)
        try:
            pid = json.loads(run("sidecar", "status", "--json", cwd=root))["pid"]
            begun = memory_of(pid)
            for number in range(arguments.commits):
                text = f"round {number}\n"
                (worktrees[0] / FILE).write_text(text)
                git("commit", "--quiet", "--all", "-m", text.strip(), cwd=worktrees[0])
                wait_for(text, [worktree / FILE for worktree in worktrees[1:]])
            ended = memory_of(pid)
        finally:
            run("sidecar", "stop", cwd=root)
    print(f"{arguments.worktrees} worktrees of {arguments.files} files")
    print(f"sidecar   {begun / 2**20:.0f} MiB when started, {ended / 2**20:.0f} MiB after {arguments.commits} commits")


if __name__ == "__main__":
    main()
