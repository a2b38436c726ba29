"""A trial of the whole: in a throw-away repository, one agent's commit must reach another agent's worktree."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from agentroom_git.core.ids import parse_agent
from agentroom_git.errors import AgentroomError
from agentroom_git.git.log import author_environment
from agentroom_git.room import opening, presence
from agentroom_git.room.doctor.finding import Finding
from agentroom_git.room.doctor.machine import nearest_folder
from agentroom_git.room.folding import Folder
from agentroom_git.room.room import Room, open_room
from agentroom_git.room.syncing import sync_room
from agentroom_git.system.process import git

_WRITER, _READER = parse_agent("writer"), parse_agent("reader")
_FILE, _TEXT = "said.txt", "written by one agent, read by the other\n"
# The user's own hooks and signing are not on trial.
_PLAIN = ("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", "-c", "init.templateDir=")


class TrialError(AgentroomError):
    """The trial did not get as far as it should."""


def examine_trial(room: Room) -> Iterator[Finding]:
    """Play it where the worktrees are, on their file system."""
    place = nearest_folder(room.worktrees_dir)
    try:
        with tempfile.TemporaryDirectory(dir=place, prefix=".agentroom-trial-", ignore_cleanup_errors=True) as folder:
            took = _play(room, Path(folder).resolve() / "repository")
    except (AgentroomError, OSError) as error:
        told = error.message if isinstance(error, AgentroomError) else str(error)
        hint = error.hint if isinstance(error, AgentroomError) else ""
        yield Finding(
            "problem",
            f"in a trial room in {place} one agent's work did not reach the other: {told}",
            hint or "see above",
        )
    else:
        yield Finding("ok", f"in a trial room in {place} one agent's commit reached the other in {took * 1000:.0f} ms")


def _play(room: Room, top: Path) -> float:
    """Return how many seconds the fold and the sync took."""
    top.mkdir()
    _git(top, "init", "--quiet", "--initial-branch=main")
    _git(top, "commit", "--quiet", "--allow-empty", "--message", "start")
    trial = open_room(top, room.clock)
    opening.open_new(trial)
    writing, reading = (presence.join(trial, agent).worktree.path for agent in (_WRITER, _READER))
    (writing / _FILE).write_text(_TEXT, "utf-8")
    _git(writing, "add", _FILE)
    _git(writing, "commit", "--quiet", "--message", "say something")
    begun = room.clock.monotonic()
    Folder(trial).fold()
    results = sync_room(trial)
    took = room.clock.monotonic() - begun
    if not (reading / _FILE).exists() or (reading / _FILE).read_text("utf-8") != _TEXT:
        raise TrialError("; ".join(f"{one.agent}: {getattr(one, 'text', type(one).__name__)}" for one in results))
    return took


def _git(cwd: Path, *arguments: str) -> None:
    done = git(*_PLAIN, *arguments, cwd=cwd, env=author_environment("trial"))
    if done.code != 0:
        raise TrialError(f"git {arguments[0]} failed: {done.message}", hint="try the same in a folder of your own")
