"""Running several programs at once and hearing what each of them prints, line by line, as it comes."""

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from agentroom_git.system.process import ProcessError

END_SECONDS = 5.0
_Lines = queue.SimpleQueue[tuple[str, str | None]]


def run_together(
    commands: Mapping[str, Sequence[str]],
    *,
    cwd: Path,
    env: Mapping[str, str],
    seconds: float,
    on_line: Callable[[str, str], None],
) -> dict[str, int]:
    """Run the named programs side by side and return their exit codes.

    `on_line` is called in this thread with the program's name and a line of its output or errors. However this ends,
    also by an exception or an interrupt, no program is left running. Raises `ProcessError` when they take too long.
    """
    lines: _Lines = queue.SimpleQueue()
    children: dict[str, subprocess.Popen[bytes]] = {}
    deadline = time.monotonic() + seconds
    try:
        for name, arguments in commands.items():
            children[name] = _start(arguments, cwd, env)
            threading.Thread(target=_forward, args=(name, children[name], lines), daemon=True).start()
        _listen(lines, len(children), deadline, on_line)
        return {name: child.wait(max(0.1, deadline - time.monotonic())) for name, child in children.items()}
    except (queue.Empty, subprocess.TimeoutExpired) as error:
        raise ProcessError(f"{', '.join(commands)} did not end within {seconds:g} s") from error
    finally:
        for child in children.values():
            _end(child)


def _start(arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        arguments,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # A session of its own, so that it can be ended with everything that it started.
        start_new_session=True,
    )


def _forward(name: str, child: subprocess.Popen[bytes], lines: _Lines) -> None:
    if child.stdout is not None:
        with child.stdout:
            for line in child.stdout:
                lines.put((name, line.decode("utf-8", "replace").rstrip("\n")))
    lines.put((name, None))


def _listen(lines: _Lines, programs: int, deadline: float, on_line: Callable[[str, str], None]) -> None:
    while programs:
        name, line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        if line is None:
            programs -= 1
        else:
            on_line(name, line)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(END_SECONDS)
            return
