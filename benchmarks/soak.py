"""The main job on a real repository: scripted agents edit and commit, the real sidecar folds and syncs.

    python benchmarks/soak.py REPO [--agents 2] [--commits 100] [--seed 1]

REPO is a local git repository with history; it is cloned and never touched. Every agent is a process of its own,
started by `agentroom run`. Half of its edits go to files that nobody else touches, half to files that all of them
edit. Each line that an agent adds is unique, and it writes down what it added and what it deleted. At the end: every
worktree equals integration, `git fsck` is clean, and each line is on integration, or was deleted by somebody who had
it, or is in a contested record. Exit code 1 if anything is amiss; the counts are printed either way.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

AGENTROOM = [sys.executable, "-m", "agentroom_git"]
SETTLE_SECONDS = 60.0


def git(*arguments: str, cwd: Path, check: bool = True) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, errors="replace")
    if check and done.returncode:
        raise SystemExit(f"git {' '.join(arguments)} in {cwd}: {done.stderr.strip()}")
    return done.stdout


def agentroom(*arguments: str, cwd: Path) -> str:
    done = subprocess.run([*AGENTROOM, *arguments], cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"agentroom {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def work(name: str, commits: int, seed: int, shared: list[str], report: Path) -> None:
    """Be one agent in the current folder: edit, commit, and write down every line added and deleted."""
    rng = random.Random(f"{seed} {name}")
    top = Path.cwd()
    added: list[str] = []
    deleted: list[str] = []
    busy = 0
    for number in range(commits):
        path = top / (rng.choice(shared) if rng.random() < 0.5 else f"soak_{name}_{rng.randrange(5)}.txt")
        more, fewer = edit(path, f"# soak {name} {number}", rng)
        busy += commit(top, f"{name} {number}: {path.name}")
        added += more
        deleted += fewer
        time.sleep(rng.random() * 0.1)
    report.write_text(json.dumps({"added": added, "deleted": deleted, "busy": busy}))


def edit(path: Path, token: str, rng: random.Random) -> tuple[list[str], list[str]]:
    """Insert a unique line at a random place, and sometimes delete one that an agent put there before."""
    lines = path.read_text("utf-8", "surrogateescape").splitlines(keepends=True) if path.exists() else []
    soaked = [n for n, line in enumerate(lines) if line.startswith("# soak ")]
    gone = []
    if soaked and rng.random() < 0.3:
        gone.append(lines.pop(rng.choice(soaked)).strip())
    lines.insert(rng.randrange(len(lines) + 1), f"{token}\n")
    path.write_text("".join(lines), "utf-8", "surrogateescape")
    return [token], gone


def commit(top: Path, message: str) -> int:
    """Commit everything; return how often git had to be called again because a lock was held."""
    for attempt in range(200):
        for command in (("add", "--all"), ("commit", "--quiet", "-m", message)):
            done = subprocess.run(["git", *command], cwd=top, capture_output=True, text=True)
            if done.returncode:
                break
        else:
            return attempt
        if "lock" not in done.stderr:
            raise SystemExit(f"git {command[0]}: {done.stderr or done.stdout}")
        time.sleep(0.02)
    raise SystemExit(f"git was locked out 200 times: {done.stderr}")


def main() -> int:
    arguments = parse_arguments()
    if arguments.be:
        work(arguments.be, arguments.commits, arguments.seed, arguments.shared, arguments.report)
        return 0
    with tempfile.TemporaryDirectory(prefix="agentroom-soak-") as folder:
        return soak(arguments, Path(folder))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--agents", type=int, default=2, help="how many, 1 to 8")
    parser.add_argument("--commits", type=int, default=100, help="commits of each agent")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--be", help=argparse.SUPPRESS)
    parser.add_argument("--shared", nargs="*", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def soak(arguments: argparse.Namespace, folder: Path) -> int:
    clone = folder / "clone"
    git("clone", "--quiet", str(arguments.repository.resolve()), str(clone), cwd=folder)
    for key, value in (("user.name", "Soak"), ("user.email", "soak@example.invalid")):
        git("config", key, value, cwd=clone)
    shared = shared_files(clone)
    agentroom("init", cwd=clone)
    names = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"][: arguments.agents]
    reports = {name: folder / f"{name}.json" for name in names}
    started = time.perf_counter()
    try:
        run_agents(arguments, clone, reports, shared)
        worked = time.perf_counter() - started
        settled = settle(clone, names)
    finally:
        subprocess.run([*AGENTROOM, "sidecar", "stop"], cwd=clone, capture_output=True)
    return judge(clone, names, reports, worked, settled)


def shared_files(clone: Path) -> list[str]:
    """Return three text files of middling length that every agent edits."""
    names = git("ls-files", "*.py", "*.md", "*.rst", "*.js", "*.ts", "*.go", cwd=clone).splitlines()
    sized = sorted((abs((clone / name).stat().st_size - 8000), name) for name in names if (clone / name).is_file())
    return [name for _, name in sized[:3]]


def run_agents(arguments: argparse.Namespace, clone: Path, reports: dict[str, Path], shared: list[str]) -> None:
    me = str(Path(__file__).resolve())
    running = []
    for name, report in reports.items():
        script = [sys.executable, me, ".", "--be", name, "--report", str(report), "--seed", str(arguments.seed)]
        script += ["--commits", str(arguments.commits), "--shared", *shared]
        running.append(subprocess.Popen([*AGENTROOM, "run", name, "--", *script], cwd=clone))
    codes = [process.wait() for process in running]
    if any(codes):
        raise SystemExit(f"agents ended with {codes}")


def settle(clone: Path, names: list[str]) -> float | None:
    """Wait until every worktree has integration's tree; return the seconds it took, or None for too long."""
    started = time.perf_counter()
    while time.perf_counter() - started < SETTLE_SECONDS:
        trees = {git("rev-parse", f"agentroom/main/{name}^{{tree}}", cwd=clone) for name in (*names, "integration")}
        if len(trees) == 1 and not any(unclean(clone, names)):
            return time.perf_counter() - started
        time.sleep(0.05)
    return None


def unclean(clone: Path, names: list[str]) -> Iterator[str]:
    for name in names:
        yield git("status", "--porcelain", cwd=clone.parent / f"{clone.name}.agents" / name)


def judge(clone: Path, names: list[str], reports: dict[str, Path], worked: float, settled: float | None) -> int:
    told = {name: json.loads(report.read_text()) for name, report in reports.items()}
    added = {token for one in told.values() for token in one["added"]}
    deleted = {token for one in told.values() for token in one["deleted"]}
    present = lines_of(git("grep", "-h", "^# soak ", "agentroom/main/integration", cwd=clone, check=False))
    recorded = lines_of("".join(recorded_texts(clone)))
    fsck = git("fsck", "--full", "--strict", "--no-dangling", cwd=clone, check=False)
    lost = added - present - deleted - recorded
    back = {token for token in present & deleted if token not in recorded}
    folds = git("rev-list", "--count", "--first-parent", "agentroom/main/integration", "^HEAD", cwd=clone)
    rows = {
        "commits": sum(len(one["added"]) for one in told.values()),
        "folds": int(folds) - 1,
        "seconds at work": round(worked, 1),
        "seconds to settle": None if settled is None else round(settled, 2),
        "commits a second and agent": round(statistics.mean(len(one["added"]) for one in told.values()) / worked, 1),
        "git calls that met a lock": sum(one["busy"] for one in told.values()),
        "lines added": len(added),
        "lines on integration": len(present),
        "lines deleted by who had them": len(deleted - present),
        "lines only in contested records": len((added & recorded) - present - deleted),
        "lines lost without a record": len(lost),
        "deleted lines that came back": len(back),
        "worktrees equal to integration": settled is not None,
        "fsck": fsck.strip() or "clean",
    }
    for key, value in rows.items():
        print(f"{key:34} {value}")
    return 0 if settled is not None and not lost and not back and not fsck.strip() else 1


def lines_of(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines() if line.startswith("# soak ")}


def recorded_texts(clone: Path) -> Iterator[str]:
    for ref in git("for-each-ref", "--format=%(refname)", "refs/agentroom/main/contested", cwd=clone).split():
        for name in git("ls-tree", "--name-only", ref, cwd=clone).split():
            yield git("show", f"{ref}:{name}", cwd=clone)


if __name__ == "__main__":
    sys.exit(main())
