"""What a program writes, while it is still writing it."""

import fcntl
import os
import select
import subprocess
from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path

from agentroom_git.system.process import DEFAULT_SECONDS, sealed_environment

PIPE_BYTES = 1 << 20
_SET_PIPE_SIZE: int | None = getattr(fcntl, "F_SETPIPE_SZ", None)  # Linux alone


def git_pieces(*arguments: str, cwd: Path, env: Mapping[str, str], end: bytes) -> Generator[bytes]:
    """Yield what the git command writes, piece by piece without the byte that ends each, as it comes.

    It runs as `system.process.git` runs one. Nothing more comes where it fails, cannot be started, or writes nothing
    for two minutes; what it writes after the last `end` is dropped. Close the generator to end it early.
    """
    try:
        child = subprocess.Popen(
            ("git", *arguments),
            cwd=cwd,
            env=sealed_environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return
    assert child.stdout is not None
    try:
        yield from _pieces(child.stdout.fileno(), end)
    finally:
        child.kill()
        child.stdout.close()
        child.wait()


def _pieces(handle: int, end: bytes) -> Generator[bytes]:
    _widen(handle)
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    parts: list[bytes] = []
    while waiting.poll(DEFAULT_SECONDS * 1000) and (read := os.read(handle, PIPE_BYTES)):
        first, *others = read.split(end)
        parts.append(first)
        if others:
            yield b"".join(parts)
            yield from others[:-1]
            parts = [others[-1]]


def _widen(handle: int) -> None:
    """Let the writer run ahead: a pipe that is small makes both sides wait for each other at every page."""
    if _SET_PIPE_SIZE is not None:
        with suppress(OSError):
            fcntl.fcntl(handle, _SET_PIPE_SIZE, PIPE_BYTES)
