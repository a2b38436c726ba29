"""Where the check runs: a private worktree, made ready once, put at a commit, and the commands run in it.

It lies beside the agents' worktrees, at `.gate/<room>`, is on no branch and nobody's, so that nothing in it is folded
or synced. One run at a time, under the gate's lock.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core.checks import FAILED, MISSING, PASSED, TIMEOUT, last_line, tail_of
from agentroom_git.core.ids import Oid
from agentroom_git.errors import AgentroomError
from agentroom_git.git import detached
from agentroom_git.git.worktrees import READY, Worktree, WorktreeError
from agentroom_git.room.gate.results import Run
from agentroom_git.room.gate.state import lock_file
from agentroom_git.room.preparing import copy_files
from agentroom_git.room.room import Room
from agentroom_git.room.secrets import find_secret
from agentroom_git.room.trust import Commands
from agentroom_git.system.bounded import Ended, end_all, run_bounded
from agentroom_git.system.files import read_json, replace_text, write_json
from agentroom_git.system.locks import held
from agentroom_git.system.process import environment

LOCK_SECONDS = 24 * 3600.0
# What shells say of a command that is not there, or that cannot be run.
_MISSING_CODES = (126, 127)
_KEPT_GIT = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH", "GIT_SSH_COMMAND")


class GateError(AgentroomError):
    """The check could not be run at all."""


class StoppedError(AgentroomError):
    """The run was stopped before it had a result."""


@dataclass(frozen=True, slots=True)
class Attention:
    """Who follows a run: what the check prints, as it comes, and whether to stop."""

    on_output: Callable[[bytes], None] = lambda chunk: None
    is_stopped: Callable[[], bool] = lambda: False


@dataclass(slots=True)
class Bench:
    """Runs the commands of one room on commits. Only inside `occupied`."""

    room: Room
    commands: Commands
    attention: Attention

    def run(self, commit: Oid) -> Run:
        """Run the check on the commit; raise `GateError` where it cannot be run, `StoppedError` when it was stopped."""
        worktree = self._provide(commit)
        left = float(self.room.config.check_seconds)
        took = 0.0
        ended: Ended | None = None
        for command in self.commands.check:
            ended = self._run(command, worktree, left)
            took, left = took + ended.seconds, left - ended.seconds
            if ended.code != 0:
                break
        return Run(_result(ended), round(took), "" if ended is None else _shown(ended) or _silence(ended))

    def _provide(self, commit: Oid) -> Worktree:
        """Return the worktree at the commit, made ready by `copy:` and `setup:` where that has not been done."""
        worktree, _ = detached.provide(self.room.repo, self.room.gate_dir, commit)
        try:
            detached.put(worktree, commit)
        except WorktreeError:
            detached.remove(self.room.repo, self.room.gate_dir)
            worktree, _ = detached.provide(self.room.repo, self.room.gate_dir, commit)
            detached.put(worktree, commit)
        tuple(copy_files(self.room, worktree))
        ready = worktree.git_dir / READY
        wanted = hashlib.sha256("\0".join(self.commands.setup).encode("utf-8", "surrogatepass")).hexdigest()
        if not ready.exists() or ready.read_text("utf-8") != wanted:
            self._set_up(worktree)
            replace_text(ready, wanted)
        return worktree

    def _set_up(self, worktree: Worktree) -> None:
        for command in self.commands.setup:
            ended = self._run(command, worktree, float(self.room.config.setup_seconds))
            if ended.code != 0:
                said = last_line(_shown(ended))
                why = "its time was over" if ended.is_late else f"exit {ended.code}"
                text = f"setup: {command!r} failed in {worktree.path}: {said or why}"
                raise GateError(text, hint="correct it, then: agentroom gate")

    def _run(self, command: str, worktree: Worktree, seconds: float) -> Ended:
        running = _running(self.room)
        mark = self.room.new_key()
        write_json(running, {"mark": mark})
        try:
            ended = run_bounded(
                command,
                cwd=worktree.path,
                env=_environment(),
                mark=mark,
                seconds=max(0.1, seconds),
                is_stopped=self.attention.is_stopped,
                on_output=self.attention.on_output,
            )
        finally:
            running.unlink(missing_ok=True)
        if ended.code is None and not ended.is_late:
            raise StoppedError("the check was stopped")
        return ended


@contextmanager
def occupied(room: Room) -> Iterator[None]:
    """Hold the gate's lock for the block: one check at a time, whoever runs it."""
    with held(lock_file(room), seconds=LOCK_SECONDS, what="the gate"):
        reap(room)
        yield


def reap(room: Room) -> None:
    """End what a killed gate left running; only where no other gate runs, or by the one that holds the lock."""
    mark = read_json(_running(room)).get("mark")
    if isinstance(mark, str) and mark:
        end_all(mark)
    _running(room).unlink(missing_ok=True)


def _running(room: Room) -> Path:
    return room.private / "gate" / "running.json"


def _environment() -> dict[str, str]:
    """Return the user's environment without what makes a process an agent's, or binds it to a repository."""
    every = environment()
    return {key: every[key] for key in every if not key.startswith(("AGENTROOM_", "GIT_")) or key in _KEPT_GIT}


def _silence(ended: Ended) -> str:
    """Return what there is to say of a command that failed without a word."""
    if ended.code == 0:
        return ""
    return "it printed nothing until its time was over" if ended.is_late else f"it printed nothing: exit {ended.code}"


def _shown(ended: Ended) -> str:
    """Return the end of what was printed, as it may be recorded: what a log has once can't be taken back."""
    lines = tail_of(ended.tail).splitlines()
    return "\n".join(f"[left out: {what}]" if (what := find_secret(line)) else line for line in lines)


def _result(ended: Ended | None) -> str:
    if ended is None or ended.code == 0:
        return PASSED
    if ended.is_late:
        return TIMEOUT
    return MISSING if ended.code in _MISSING_CODES else FAILED
