"""Which processes count: ours that live, and git commands that may change a worktree."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentroom_git.system import pids
from agentroom_git.system.pids import is_alive, is_git_at_work_in, own_brief_name, own_name

pytestmark = pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="needs /proc")


def _while_running(command: list[str], folder: Path, environment: dict[str, str], said: bytes = b"") -> bool:
    """Return the verdict on the folder while the command, which has answered with a line, waits for us."""
    child = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | environment
    )
    assert child.stdout is not None
    assert child.stdin is not None
    child.stdin.write(said)
    child.stdin.flush()
    assert child.stdout.readline()
    verdict = is_git_at_work_in(folder)
    child.stdin.close()
    child.stdout.close()
    child.wait(timeout=30)
    return verdict


WAIT = "sh -c 'echo started; cat >/dev/null'"


def test_a_commit_in_its_editor_counts(repository: Path) -> None:
    assert _while_running(["git", "commit", "--allow-empty"], repository, {"GIT_EDITOR": WAIT + " -"})


@pytest.mark.parametrize("options", [[], ["-c", "core.pager=cat"]])
def test_an_alias_counts_since_it_may_do_anything(repository: Path, options: list[str]) -> None:
    assert _while_running(["git", *options, "-c", f"alias.wait=!{WAIT}", "wait"], repository, {})


def test_a_reader_does_not_count(repository: Path) -> None:
    assert not _while_running(["git", "-c", "core.pager=cat", "cat-file", "--batch-check"], repository, {}, b"HEAD\n")


@pytest.mark.parametrize(("cmdline", "counts"), [(b"", False), (b"git\0commit\0", True)])
def test_a_git_that_is_on_its_way_out_does_not_count(
    tmp_path: Path, cmdline: bytes, counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, process = tmp_path / "folder", tmp_path / "proc" / "7"
    folder.mkdir()
    process.mkdir(parents=True)
    (process / "comm").write_bytes(b"git\n")
    (process / "cmdline").write_bytes(cmdline)
    (process / "cwd").symlink_to(folder)
    monkeypatch.setattr(pids, "_PROC", tmp_path / "proc")

    assert is_git_at_work_in(folder) is counts


def test_a_command_elsewhere_does_not_count(repository: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    child = subprocess.Popen(["git", "-c", f"alias.wait=!{WAIT}", "wait"], cwd=repository, stdin=subprocess.PIPE)
    assert not is_git_at_work_in(elsewhere)
    child.communicate(timeout=30)


def test_a_process_is_known_by_its_pid_and_start() -> None:
    name = own_name()

    assert is_alive(name)
    assert not is_alive(f"{os.getpid()} 1@another-boot")
    assert not is_alive("not a pid")


@pytest.mark.skipif(subprocess.run(["sh", "-c", "unshare -Upf true"]).returncode != 0, reason="needs unshare")
def test_a_process_of_another_pid_namespace_runs_though_its_pid_is_another_here() -> None:
    source = (
        "import sys; from agentroom_git.system.pids import own_brief_name, own_name;"
        "print(own_name()); print(own_brief_name(), flush=True); sys.stdin.read()"
    )
    command = ["unshare", "-Urpf", "--mount-proc", sys.executable, "-c", source]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as inside:
        assert inside.stdout is not None
        names = [inside.stdout.readline().strip() for _ in range(2)]
        alive = [is_alive(name) for name in names]
        inside.communicate()
    assert alive == [True, True]
    assert not is_alive(names[0].replace("@", "@another-boot"))


def test_a_brief_name_is_known_and_fits_into_the_lock_of_a_ref() -> None:
    assert is_alive(own_brief_name())
    assert len(own_brief_name()) <= 31


def test_a_process_that_has_ended_and_was_not_waited_for_does_not_run() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # until it has ended, and leave it as it is

    assert not is_alive(str(child.pid))

    child.wait()
