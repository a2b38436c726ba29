"""The sidecar's gate: green moves by itself, nobody waits for a check, and no kill leaves one running."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agentroom_git.room import doctor as doctors
from agentroom_git.room.gate.reading import last_blame, read_green
from agentroom_git.sidecar import lifecycle
from agentroom_git.system.pids import is_alive
from rooms import Bed

COMMAND = [sys.executable, "-m", "agentroom_git"]
PATIENCE_SECONDS = 60.0


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE_SECONDS:g} s in vain until {what}")
        time.sleep(0.02)


@pytest.fixture
def served(bed: Bed) -> Iterator[Bed]:
    """A room with alice and bob; the sidecar is started by the test, after it has configured the check."""
    bed.join("alice", "bob")
    yield bed
    lifecycle.stop(bed.room())


def serve(bed: Bed, check: str) -> None:
    bed.configure(f"check: {json.dumps(check)}\ncheck_quiet: 0\n")
    lifecycle.start(bed.room())


def is_green(bed: Bed, path: str) -> bool:
    green = read_green(bed.room())
    return green is not None and path in bed.git("ls-tree", "--name-only", green, cwd=bed.repository).split()


def test_green_follows_what_is_folded_and_stays_behind_what_fails(served: Bed) -> None:
    serve(served, "test ! -e broken")
    served.commit("alice", {"good": "x\n"})
    until(lambda: is_green(served, "good"), "green has what alice committed")

    served.commit("bob", {"broken": "x\n"})
    until(lambda: last_blame(served.room()) is not None, "somebody is blamed")

    blamed = last_blame(served.room())
    assert blamed is not None
    assert blamed.agents == ("bob",)
    assert not is_green(served, "broken")


def test_nobody_waits_for_a_check_that_runs(served: Bed, tmp_path: Path) -> None:
    serve(served, f"touch {tmp_path}/begun; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done")
    until((tmp_path / "begun").exists, "the check runs")

    served.commit("alice", {"meanwhile": "x\n"})
    until((served.path("bob") / "meanwhile").exists, "bob has what alice committed")

    assert read_green(served.room()) is None
    (tmp_path / "go").touch()
    until(lambda: is_green(served, "meanwhile"), "the newest fold is green")


def checking(tmp_path: Path) -> int:
    """The pid of a process that the check has started, and which outlives its shell."""
    path = tmp_path / "pid"
    until(lambda: path.exists() and path.read_text().endswith("\n"), "the check runs")
    return int(path.read_text())


HANG = "setsid sh -c 'echo $$ > {0}/pid; exec sleep 600' & sleep 600"


def test_the_check_ends_with_a_sidecar_that_is_killed(served: Bed, tmp_path: Path) -> None:
    serve(served, HANG.format(tmp_path))
    pid = checking(tmp_path)

    os.kill(lifecycle.read_state(served.room()).pid, signal.SIGKILL)

    until(lambda: not is_alive(str(pid)), "the check has ended")


def test_the_check_ends_with_a_sidecar_that_is_stopped(served: Bed, tmp_path: Path) -> None:
    serve(served, HANG.format(tmp_path))
    pid = checking(tmp_path)

    lifecycle.stop(served.room())

    until(lambda: not is_alive(str(pid)), "the check has ended")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are told by /proc")
def test_a_check_whose_gate_was_killed_is_ended_by_the_next_start(served: Bed, tmp_path: Path) -> None:
    serve(served, HANG.format(tmp_path))
    pid = checking(tmp_path)
    sidecar = lifecycle.read_state(served.room()).pid
    (child,) = Path(f"/proc/{sidecar}/task/{sidecar}/children").read_text().split()

    # The sidecar cannot see to it: it is stopped first, and both are killed.
    os.kill(sidecar, signal.SIGSTOP)
    os.kill(int(child), signal.SIGKILL)
    os.kill(sidecar, signal.SIGKILL)
    assert is_alive(str(pid))
    until(lambda: not lifecycle.read_state(served.room()).running, "the sidecar is gone")
    served.configure("")
    lifecycle.start(served.room())

    until(lambda: not is_alive(str(pid)), "the check has ended")


def run(bed: Bed, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*COMMAND, *arguments], cwd=bed.repository, capture_output=True, text=True, timeout=100)


def test_by_hand_the_gate_says_what_it_found_and_how_by_its_exit_code(bed: Bed) -> None:
    without = run(bed, "gate")
    assert (without.returncode, without.stderr.splitlines()[0]) == (2, "agentroom: no check is configured")

    bed.configure("check: test ! -e broken || { echo no; exit 1; }\n")
    passed = run(bed, "gate", "--json")
    assert (passed.returncode, json.loads(passed.stdout)["check"]["result"]) == (0, "passed")

    bed.join("alice")
    bed.commit("alice", {"broken": "\x1b[31m\n"}, "break it")
    bed.settle()
    failed = run(bed, "gate", "--watch")
    assert failed.returncode == 3
    assert "  no" in failed.stdout.splitlines()
    assert failed.stdout.splitlines()[-1].endswith("broke the check (alice)")

    noted = bed.git("log", "-1", "--notes=agentroom/main", "agentroom/main/integration", cwd=bed.repository)
    assert "broke the check (alice)" in noted
    shown = run(bed, "status").stdout
    assert "1 fold behind" in shown
    assert "broke the check (alice)" in shown

    bed.configure("setup: exit 7\ncheck: make\n")
    error = run(bed, "gate")
    assert error.returncode == 1
    assert "setup: 'exit 7' failed" in error.stderr
    assert "the check cannot be run" in run(bed, "status").stdout


def test_a_change_that_is_not_trusted_is_said_and_not_run(bed: Bed) -> None:
    bed.configure("check: make\n")
    (bed.repository / ".agentroom.yaml").write_text("check: curl evil\n")

    warning = "check: in .agentroom.yaml changed since you trusted it"
    assert warning in run(bed, "status").stdout
    assert warning in run(bed, "join", "alice").stderr


def test_a_check_that_was_never_trusted_is_said_to_be_so(bed: Bed) -> None:
    bed.configure("")
    (bed.repository / ".agentroom.yaml").write_text("check: make\n")

    assert "check: in .agentroom.yaml not trusted yet, and not run: agentroom trust" in run(bed, "status").stdout
    refused = run(bed, "gate")
    assert refused.returncode == 2
    assert "agentroom: the check is not trusted yet" in refused.stderr.splitlines()


def test_the_doctor_names_what_is_not_trusted_and_what_cannot_be_run(bed: Bed) -> None:
    bed.configure("setup: exit 7\ncheck: make\n")
    run(bed, "gate")
    (bed.repository / ".agentroom.yaml").write_text("setup: exit 8\ncheck: make\n")

    findings = {one.text: one.remedy for one in doctors.examine(bed.room(), fix=False)}

    assert findings["setup: in .agentroom.yaml changed since you trusted it; the former commands stay in use"] == (
        "agentroom trust"
    )
    (problem,) = [text for text in findings if text.startswith("the check cannot be run: setup: 'exit 7' failed")]
    assert findings[problem] == "correct it, then: agentroom gate"


def test_uninstall_leaves_no_worktree_of_the_gates(bed: Bed) -> None:
    bed.configure("check: 'true'\n")
    assert run(bed, "gate").returncode == 0
    assert bed.room().gate_dir.is_dir()

    assert run(bed, "uninstall").returncode == 0

    assert not bed.room().worktrees_dir.exists()
    assert ".gate" not in bed.git("worktree", "list", cwd=bed.repository)


def test_a_check_that_switches_to_an_agents_branch_does_not_become_that_agent(bed: Bed) -> None:
    bed.configure("check: git switch -qc agentroom/main/evil && echo x > evil && git add . && git commit -qm evil\n")
    run(bed, "gate")

    assert bed.room().worktrees() == {}
    assert bed.fold().made == ()
