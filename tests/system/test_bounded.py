"""A command that may do anything ends in time, costs no memory, and leaves no process behind."""

import os
import resource
import secrets
import signal
import subprocess
import time
from pathlib import Path

import pytest

from agentroom_git.system import bounded
from agentroom_git.system.bounded import KEPT_BYTES, MARK, Ended, end_all, run_bounded
from agentroom_git.system.pids import is_alive

LONG = 60.0


def run(command: str, cwd: Path, seconds: float = LONG, **more: object) -> Ended:
    return run_bounded(command, cwd=cwd, env=dict(os.environ), mark=secrets.token_hex(8), seconds=seconds, **more)  # type: ignore[arg-type] # options


def until_gone(pid: int) -> None:
    """Wait for a killed process to disappear: the signal is sent, the kernel does it in its own time."""
    deadline = time.monotonic() + 20
    while is_alive(str(pid)):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.01)


def until_written(path: Path) -> str:
    deadline = time.monotonic() + 20
    while not path.exists() or not path.read_text().strip():
        assert time.monotonic() < deadline, f"{path} was not written"
        time.sleep(0.01)
    return path.read_text().strip()


def test_exit_code_and_both_streams_are_returned(tmp_path: Path) -> None:
    ended = run("echo out; echo err >&2; exit 3", tmp_path)

    assert (ended.code, ended.is_late, ended.tail) == (3, False, b"out\nerr\n")


def test_a_command_that_is_not_there_ends_with_the_code_that_shells_give(tmp_path: Path) -> None:
    assert run("no-such-program-here", tmp_path).code == 127


def test_a_signal_is_told_like_a_shell_tells_it(tmp_path: Path) -> None:
    assert run("kill -9 $$", tmp_path).code == 137


@pytest.mark.parametrize(
    "command", ["sleep 600", "trap '' TERM; while :; do sleep 600; done", "exec >&- 2>&-; sleep 600"]
)
def test_a_command_that_hangs_is_ended_when_its_time_is_over(tmp_path: Path, command: str) -> None:
    ended = run(command, tmp_path, seconds=0.3)

    assert (ended.code, ended.is_late) == (None, True)


def test_what_a_command_says_at_its_end_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "STOP_SECONDS", LONG)
    begun = tmp_path / "begun"
    command = "trap 'echo stood at test 7; exit' TERM; sleep 600 & echo begun; touch begun; wait"

    ended = run(command, tmp_path, is_stopped=begun.exists)

    assert ended.tail == b"begun\nstood at test 7\n"


def test_a_command_can_be_stopped(tmp_path: Path) -> None:
    ended = run("sleep 600", tmp_path, is_stopped=lambda: True)

    assert (ended.code, ended.is_late) == (None, False)


def test_it_reads_nothing_and_has_no_terminal(tmp_path: Path) -> None:
    ended = run("cat; test -t 0 || echo no terminal; (: </dev/tty) 2>/dev/null || echo none to open", tmp_path)

    assert (ended.code, ended.tail) == (0, b"no terminal\nnone to open\n")


@pytest.mark.parametrize(
    "start",
    [
        "sleep 600 & echo $! > pid",
        "setsid sh -c 'echo $$ > pid; exec sleep 600' & while [ ! -s pid ]; do sleep 0.01; done",
        "sh -c 'sleep 600 & echo $! > pid' > /dev/null 2>&1 < /dev/null",
        "env -i sh -c 'echo $$ > pid; exec sleep 600' & while [ ! -s pid ]; do sleep 0.01; done",
    ],
    ids=["in the background", "in a session of its own", "orphaned", "without its environment"],
)
def test_what_it_started_is_ended_with_it_and_not_waited_for(tmp_path: Path, start: str) -> None:
    ended = run(start, tmp_path)

    assert ended.code == 0
    until_gone(int((tmp_path / "pid").read_text()))


def test_hundreds_of_megabytes_of_output_cost_no_memory(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    ended = run("head -c 200000000 /dev/zero | tr '\\0' x; echo; echo the end", tmp_path)

    assert ended.printed == 200000000 + len("\nthe end\n")
    assert ended.tail.endswith(b"x\nthe end\n")
    assert len(ended.tail) <= KEPT_BYTES
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB


def test_what_a_killed_program_left_running_is_found_by_its_mark(tmp_path: Path) -> None:
    mark = secrets.token_hex(8)
    left = subprocess.Popen(
        ["/bin/sh", "-c", "setsid sh -c 'echo $$ > pid; exec sleep 600' & exec sleep 600"],
        cwd=tmp_path, env={**os.environ, MARK: mark}, start_new_session=True,
    )  # fmt: skip
    daemon = int(until_written(tmp_path / "pid"))

    assert end_all(mark) >= 2

    assert left.wait(20) == -signal.SIGKILL
    until_gone(daemon)
    assert end_all(mark) == 0
