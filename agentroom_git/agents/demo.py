"""The demonstration: a small project in a folder of its own, a room, and two scripted agents that finish the project.

Everything runs as separate processes through the program's own command line, in an environment without the user's git
configuration, so that it shows what a user would see and leaves nothing behind.
"""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.errors import AgentroomError
from agentroom_git.resources import templates_dir
from agentroom_git.system.clock import Clock
from agentroom_git.system.process import Finished, environment, own_command, run
from agentroom_git.system.together import run_together

AGENTS = ("alice", "bob")
INTEGRATION = "agentroom/main/integration"
LONGEST_SECONDS = 60.0
SETTLE_SECONDS = 15.0
LOOK_SECONDS = 0.1
SCRIPT = "agentroom_git.mcp_server.scripted"
GRAPH = ("--graph", "--notes", "--format=%C(auto)%h %s (%an)%n%N", INTEGRATION)


class DemoError(AgentroomError):
    """A step of the demonstration failed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`tests_before` and `tests` are the last lines of the project's own tests; `agents` the agents' exit codes."""

    agents: dict[str, int]
    tests_before: str
    tests: str
    tests_pass: bool
    worktrees_equal: bool
    graph: str

    @property
    def is_good(self) -> bool:
        return self.tests_pass and self.worktrees_equal and not any(self.agents.values())


@dataclass(frozen=True, slots=True)
class Stage:
    """Where it plays: `folder` holds the repository, the agents' worktrees, and a home folder without configuration."""

    folder: Path
    clock: Clock

    @property
    def repository(self) -> Path:
        return self.folder / "ledger"

    def worktree(self, agent: str) -> Path:
        return self.folder / "ledger.agents" / agent

    def env(self) -> dict[str, str]:
        home = self.folder / "home"
        kept = {key: value for key, value in environment().items() if not key.startswith(("GIT_", "AGENTROOM_"))}
        return kept | {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            # The program may be importable only from where it was started, or from the real home folder.
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
            "PYTHONUNBUFFERED": "1",
        }

    def run(self, *arguments: str, cwd: Path | None = None) -> Finished:
        return run(arguments, cwd=cwd or self.repository, env=self.env())

    def must(self, *arguments: str) -> str:
        done = self.run(*arguments)
        if done.code != 0:
            raise DemoError(f"{' '.join(arguments[:4])} failed: {done.message}")
        return done.out.decode("utf-8", "replace").rstrip("\n")


def play(stage: Stage, say: Callable[[str, str], None]) -> Outcome:
    """Play from the empty folder to the verdict, to be followed by `close`; `say` gets who and what, line by line."""
    build(stage)
    before, _ = run_tests(stage, "main", "before")
    say("", f"a project of two unfinished modules; its tests: {before}")
    codes = perform(stage, say)
    is_equal = wait_until_equal(stage)
    after, is_passed = run_tests(stage, INTEGRATION, "after")
    return Outcome(codes, before, after, is_passed, is_equal, graph(stage))


def build(stage: Stage) -> None:
    """Make the repository with the unfinished project, and open its room."""
    (stage.folder / "home").mkdir()
    shutil.copytree(templates_dir() / "demo", stage.repository, ignore=shutil.ignore_patterns("__pycache__"))
    stage.must("git", "init", "--quiet")
    stage.must("git", "symbolic-ref", "HEAD", "refs/heads/main")
    for key, value in (("name", "You"), ("email", "you@example.invalid")):
        stage.must("git", "config", f"user.{key}", value)
    stage.must("git", "add", ".")
    stage.must("git", "commit", "--quiet", "--message", "Start the ledger")
    stage.must(*own_command(), "init")


def perform(stage: Stage, say: Callable[[str, str], None]) -> dict[str, int]:
    """Run both agents at once, through the launcher, and return their exit codes; `say` gets who and each line."""
    commands = {name: [*own_command(), "run", name, "--", sys.executable, "-m", SCRIPT, name] for name in AGENTS}
    return run_together(commands, cwd=stage.repository, env=stage.env(), seconds=LONGEST_SECONDS, on_line=say)


def run_tests(stage: Stage, commit: str, name: str) -> tuple[str, bool]:
    """Run the project's tests on a commit, checked out apart; return their last words and whether they passed."""
    place = stage.folder / name
    stage.must("git", "worktree", "add", "--quiet", "--detach", str(place), commit)
    done = stage.run(sys.executable, "-m", "unittest", cwd=place)
    ran = [line for line in done.err.decode("utf-8", "replace").splitlines() if line.startswith("Ran ")]
    return f"{' '.join(ran)}: {done.message}", done.code == 0


def wait_until_equal(stage: Stage) -> bool:
    """Return whether every worktree comes to have the files of integration and nothing else."""
    deadline = stage.clock.monotonic() + SETTLE_SECONDS
    while not all(_is_equal(stage, agent) for agent in AGENTS):
        if stage.clock.monotonic() > deadline:
            return False
        stage.clock.sleep(LOOK_SECONDS)
    return True


def _is_equal(stage: Stage, agent: str) -> bool:
    place = stage.worktree(agent)
    edits = stage.run("git", "status", "--porcelain", cwd=place)
    differs = stage.run("git", "diff", "--quiet", INTEGRATION, "--", cwd=place)
    return edits.code == 0 and not edits.out and differs.code == 0


def graph(stage: Stage) -> str:
    """Return the history of integration with the notes on it."""
    return stage.must("git", "log", *GRAPH)


def close(stage: Stage) -> None:
    """Stop the sidecar. Whether one ran does not matter."""
    if stage.repository.is_dir():
        stage.run(*own_command(), "sidecar", "stop")
