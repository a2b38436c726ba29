"""The sidecar ends within two seconds of being told to, whatever it is doing.

LIMIT is twice that, as tests run beside each other.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agentroom_git.sidecar import lifecycle
from rooms import Bed

LIMIT = 4.0
STOP = (signal.SIGTERM, signal.SIGINT)

# A sidecar that says at which step it is, and does not come out of the named one: by itself, or not even when unwound.
PROGRAM = """
import sys, time
from pathlib import Path
from agentroom_git.room.room import open_room
from agentroom_git.sidecar import loop
from agentroom_git.sidecar.ending import end_on_signals
from agentroom_git.system.clock import SystemClock

def failpoint(step):
    if step.startswith(sys.argv[1]):
        print("there", flush=True)
        while True:
            try:
                time.sleep(60)
            except SystemExit:
                if sys.argv[2] != "stubborn":
                    raise

is_stopped = end_on_signals()
room = open_room(Path.cwd(), SystemClock(), failpoint=failpoint)
loop.serve(room, is_stopped=is_stopped)
"""


@contextmanager
def _sidecar(bed: Bed, step: str, manner: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, step, manner]
    with subprocess.Popen(
        command, cwd=bed.repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as one:
        try:
            yield one
        finally:
            one.kill()


def _is_there(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "there\n"


@pytest.mark.parametrize("number", STOP)
def test_an_idle_sidecar_ends_on_a_signal(number: signal.Signals, bed: Bed) -> None:
    with _sidecar(bed, "nowhere", "") as process:
        assert process.stderr is not None
        assert "serving" in process.stderr.readline()
        process.send_signal(number)
        assert process.wait(LIMIT) == 0
    assert not lifecycle.state_path(bed.room()).exists()


@pytest.mark.parametrize("manner", ["", "stubborn"])
def test_it_ends_in_the_middle_of_a_fold_and_the_next_one_goes_on(manner: str, bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"a.txt": "work\n"})
    with _sidecar(bed, "move refs/heads/agentroom/main/integration", manner) as process:
        assert _is_there(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0
    bed.settle()
    assert (bed.path("bob") / "a.txt").read_text() == "work\n"


def test_it_ends_in_the_middle_of_a_sync_and_takes_it_back(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"a.txt": "work\n"})
    with _sidecar(bed, "write index", "") as process:
        assert _is_there(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0
    lifecycle.start(bed.room())
    try:
        bed.settle()
    finally:
        lifecycle.stop(bed.room())
    assert (bed.path("bob") / "a.txt").read_text() == "work\n"
    assert bed.git("status", "--porcelain", cwd=bed.path("bob")) == ""
