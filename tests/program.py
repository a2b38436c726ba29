"""The real program, as a process of its own, as a user would run it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end; its exit code is for the caller to judge."""
    return subprocess.run(
        [sys.executable, "-m", "agentroom_git", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
