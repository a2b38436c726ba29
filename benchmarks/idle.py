"""What an idle sidecar costs: processor time, wake-ups and writes over some seconds in which nothing happens.

    python benchmarks/idle.py [--worktrees 8] [--files 2000] [--seconds 30]

The figures are the kernel's own, from /proc/PID (Linux only): user and system time, voluntary context switches of all
threads (each is one sleep that ended), and what was written below the git folder. Limits: at most 1 % of a core, at
most 1 wake-up a second, no write.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

AGENTROOM = [sys.executable, "-m", "agentroom_git"]
SETTLE_SECONDS = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--worktrees", type=int, default=8)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentroom-idle-") as folder:
        root = Path(folder) / "repository"
        make_repository(root, arguments.files)
        run("init", cwd=root)
        for number in range(arguments.worktrees):
            run("join", f"agent-{number}", cwd=root)
        run("sidecar", "start", cwd=root)
        try:
            return measure(root, arguments.worktrees, arguments.seconds)
        finally:
            run("sidecar", "stop", cwd=root)


def make_repository(root: Path, files: int) -> None:
    for number in range(files):
        path = root / f"d{number // 20}" / f"f{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n")
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "start")):
        identity = ("-c", "user.name=Bench", "-c", "user.email=bench@example.invalid")
        subprocess.run(["git", *identity, *command], cwd=root, check=True)


def run(*arguments: str, cwd: Path) -> str:
    return subprocess.run([*AGENTROOM, *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout


def measure(root: Path, worktrees: int, seconds: float) -> int:
    pid = json.loads(run("sidecar", "status", "--json", cwd=root))["pid"]
    time.sleep(SETTLE_SECONDS)
    files = state_of(root / ".git")
    cpu, wakes, started = cpu_seconds(pid), wake_ups(pid), time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - started
    share = (cpu_seconds(pid) - cpu) / passed
    rate = (wake_ups(pid) - wakes) / passed
    written = len(state_of(root / ".git").items() ^ files.items())
    print(f"{worktrees} worktrees, {passed:.1f} s")
    print(f"processor   {share * 100:6.2f} % of a core   (at most 1 %)")
    print(f"wake-ups    {rate:6.2f} a second      (at most 1)")
    print(f"writes      {written:6d}               (none)")
    # One wake-up more or less falls into the time that is measured by chance.
    return 0 if share <= 0.01 and rate <= 1 + 1 / passed and not written else 1


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wake_ups(pid: int) -> int:
    """Return how often a thread of the process went on after it had slept."""
    lines = (
        line
        for status in Path(f"/proc/{pid}/task").glob("*/status")
        for line in status.read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches")
    )
    return sum(int(line.split()[1]) for line in lines)


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            status = os.stat(path)
            found[path] = (status.st_mtime_ns, status.st_size)
    return found


if __name__ == "__main__":
    sys.exit(main())
