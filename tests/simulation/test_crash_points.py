"""Every system call by which a fold, a claim, an autosave or a sync changes something, stopped once each."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulation import crashpoints
from simulation.crashpoints import Victims
from simulation.world import scratch_folder

SLICES = 8
WHY_NOT = crashpoints.why_not()
pytestmark = [
    pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "strace works"),
    pytest.mark.timeout(900),  # five seconds, but for a busy machine
]


@pytest.fixture(scope="module")
def victims(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victims]:
    with crashpoints.victims(tmp_path_factory.mktemp("victims")) as server:
        yield server


@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.parametrize("operation", ["fold", "claim", "autosave", "sync"])
def test_nothing_needs_a_hand_after_a_kill_at_any_system_call(victims: Victims, operation: str, part: int) -> None:
    with scratch_folder() as scratch:
        folder, kept = scratch / "here", scratch / "kept"
        crashpoints.prepare(folder, operation)
        shutil.copytree(folder, kept, symlinks=True)
        points = crashpoints.points(victims.run(operation, folder))
        assert len(points) > 10, points
        for number in points[part::SLICES]:
            shutil.rmtree(folder)
            shutil.copytree(kept, folder, symlinks=True)
            victims.run(operation, folder, "-e", f"inject={crashpoints.CALLS}:signal=KILL:when={number}")
            try:
                crashpoints.check_recovery(folder)
            except Exception as error:
                raise AssertionError(f"{operation} killed at call {number} of {points}: {error}") from error


PROGRAM = re.compile(r'execve\("([^"]*)"')


@pytest.mark.parametrize("operation", ["fold", "claim", "autosave", "sync"])
def test_no_program_but_git_is_started_and_no_socket_is_opened(victims: Victims, operation: str) -> None:
    assert {Path(program).name for program in _started(victims, operation)} <= {"git"}


def test_the_gate_starts_the_pinned_check(victims: Victims) -> None:
    """Shows, too, that programs would be seen."""
    assert "sh" in {Path(program).name for program in _started(victims, "gate")}


def _started(victims: Victims, operation: str) -> list[str]:
    """Let the operation run to its end; return the programs that it and its children started, none with a socket."""
    with scratch_folder() as scratch:
        crashpoints.prepare(scratch / "here", operation)
        seen = victims.run_and_watch(operation, scratch / "here", "execve,socket,connect")
    sockets = [line for line in seen if "socket(" in line or "connect(" in line]
    assert not sockets
    return [found[1] for line in seen if (found := PROGRAM.search(line))]
