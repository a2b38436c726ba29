"""Running a command that may do anything, within bounds: of time, of memory for what it prints, and of what it leaves.

It has no terminal, nothing to read, and a session of its own. When it has ended, however it did, everything that it
started is killed: its session, its process group, and whatever carries its mark in the environment. What escapes is a
process that has both left the session and dropped its environment; and, where there is no /proc, one that has left the
process group. Nothing here keeps a command from writing where its user may write.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from agentroom_git.system.process import ProcessError

MARK = "AGENTROOM_CHECK"
"""The variable by which everything that a command started is known, also when it outlives this program."""
KEPT_BYTES = 64 * 1024
GRACE_SECONDS = 2.0
STOP_SECONDS = 0.5
_POLL_SECONDS = 0.1
_CHUNK = 64 * 1024
_ROUNDS = 50
_PROC = Path("/proc")
_SESSION_FIELD = 3  # of /proc/PID/stat after the name in brackets: state, parent, group, session


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code (128 + signal when it was killed), or None when it was stopped.

    `is_late` says that its time ran out. `tail` is the end of what it printed, `printed` how many bytes that was.
    """

    code: int | None
    is_late: bool
    seconds: float
    tail: bytes
    printed: int


def run_bounded(
    command: str,
    *,
    cwd: Path,
    env: Mapping[str, str],
    mark: str,
    seconds: float,
    is_stopped: Callable[[], bool] = lambda: False,
    on_output: Callable[[bytes], None] = lambda chunk: None,
) -> Ended:
    """Run a shell command to its end, for at most `seconds`, and end everything that it started.

    `mark` names the run: nothing else on this machine may carry it. `is_stopped` is asked ten times a second.
    """
    start = time.monotonic()
    output = _Output(on_output)
    child = _start(command, cwd, {**env, MARK: mark})
    try:
        is_over = _attend(child, output, start + seconds, is_stopped)
        if not is_over:
            # Who stops it waits, the sidecar at its own end for instance.
            _ask_to_end(child, output, GRACE_SECONDS if time.monotonic() - start >= seconds else STOP_SECONDS)
    finally:
        # Not waited for before: until then nobody else can have its number.
        end_all(mark, child.pid)
        code = child.wait()
        if child.stdout is not None:
            child.stdout.close()
    took = time.monotonic() - start
    shown = code if code >= 0 else 128 - code
    return Ended(
        code=shown if is_over else None,
        is_late=not is_over and took >= seconds,
        seconds=took,
        tail=bytes(output.kept[-KEPT_BYTES:]),
        printed=output.printed,
    )


def _start(command: str, cwd: Path, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            ("/bin/sh", "-c", command),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Its own session has no controlling terminal: what asks for one fails instead of waiting.
            start_new_session=True,
        )
    except OSError as error:
        raise ProcessError(f"{command!r} could not be started: {error.strerror}", hint=f"look at {cwd}") from error


@dataclass(slots=True)
class _Output:
    """What a command prints: counted, shown as it comes, and only its end kept."""

    on_output: Callable[[bytes], None]
    kept: bytearray
    printed: int

    def __init__(self, on_output: Callable[[bytes], None]) -> None:
        self.on_output, self.kept, self.printed = on_output, bytearray(), 0

    def add(self, chunk: bytes) -> None:
        self.printed += len(chunk)
        self.kept += chunk
        if len(self.kept) > 2 * KEPT_BYTES:
            del self.kept[:-KEPT_BYTES]
        self.on_output(chunk)


def _attend(child: "subprocess.Popen[bytes]", output: _Output, deadline: float, is_stopped: Callable[[], bool]) -> bool:
    """Read what the command prints until it has ended (True), its time is over or it is stopped (False)."""
    pipe = child.stdout
    assert pipe is not None  # noqa: S101 - Popen was asked for a pipe
    os.set_blocking(pipe.fileno(), False)
    asked = 0.0
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while not _has_ended(child):
            now = time.monotonic()
            if now >= deadline:
                return False
            if now - asked >= _POLL_SECONDS:
                asked = now
                if is_stopped():
                    return False
            if not selector.get_map():
                time.sleep(_POLL_SECONDS)
            elif selector.select(_POLL_SECONDS) and not _read(pipe, output):
                # It closed its output and goes on.
                selector.unregister(pipe)
    # What was printed last is in the pipe; a process that it left behind may go on printing, and is not waited for.
    for _ in range(_ROUNDS):
        if not _read(pipe, output):
            break
    return True


def _has_ended(child: "subprocess.Popen[bytes]") -> bool:
    if not hasattr(os, "waitid"):
        # macOS before Python 3.13: from here on the number is free, for the moment that it takes to end the rest.
        return child.poll() is not None
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _read(pipe: IO[bytes], output: _Output) -> bool:
    """Take over a chunk; False where there is none now, or none any more."""
    try:
        chunk = os.read(pipe.fileno(), _CHUNK)
    except BlockingIOError:
        return False
    if chunk:
        output.add(chunk)
    return bool(chunk)


def _ask_to_end(child: "subprocess.Popen[bytes]", output: _Output, seconds: float) -> None:
    """Let the command say where it stood before it is killed."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    _attend(child, output, time.monotonic() + seconds, lambda: False)


def end_all(mark: str, leader: int = 0) -> int:
    """Kill everything that carries the mark, and the session and group that `leader` leads; return how many.

    Safe to repeat: a mark is never used twice. `leader` is for the parent that has not waited for it yet.
    """
    ended: set[int] = set()
    if leader:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
    for _ in range(_ROUNDS):
        found = set(_marked(mark, leader)) - ended
        if not found:
            break
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        ended |= found
    return len(ended)


def _marked(mark: str, leader: int) -> Iterator[int]:
    wanted = f"{MARK}={mark}".encode()
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if entry.name.isdigit() and int(entry.name) not in (os.getpid(), leader) and _is_marked(entry, wanted, leader):
            yield int(entry.name)


def _is_marked(process: Path, wanted: bytes, leader: int) -> bool:
    try:
        fields = (process / "stat").read_bytes().rpartition(b")")[2].split()
        if leader and int(fields[_SESSION_FIELD]) == leader:
            return True
        return wanted in (process / "environ").read_bytes().split(b"\0")
    except (OSError, IndexError, ValueError):
        return False
