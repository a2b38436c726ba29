"""The doctor finds every kind of damage, names the remedy, and changes nothing that is not its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentroom_git.core.ids import parse_agent
from agentroom_git.room import doctor
from agentroom_git.room.coordination import claim
from agentroom_git.room.doctor import Finding, locks, machine, places, records, settings, trial
from agentroom_git.room.doctor.processes import git_processes
from agentroom_git.room.room import Room, acting_as, open_room
from agentroom_git.system import pids
from agentroom_git.system.clock import SystemClock
from agentroom_git.system.locks import held
from rooms import Bed, Git


def _of(findings: Iterator[Finding], *levels: str) -> list[Finding]:
    return [finding for finding in findings if finding.level in levels]


def _problems(findings: Iterator[Finding]) -> list[Finding]:
    return _of(findings, "problem")


def _one(findings: Iterator[Finding], level: str = "problem") -> Finding:
    (found,) = _of(findings, level)
    assert found.remedy
    return found


def _worktrees(bed: Bed, *, fix: bool = False) -> Iterator[Finding]:
    return places.examine_worktrees(bed.room(), fix=fix)


def _locks(bed: Bed, *, fix: bool = False) -> Iterator[Finding]:
    return locks.examine_locks(bed.room(), fix=fix)


@pytest.fixture(autouse=True)
def own_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of this program, first on PATH, whatever else the machine has."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").touch()
    _program(folder, "from agentroom_git.cli.app import main")
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def _program(folder: Path, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "agentroom").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "agentroom").chmod(0o755)


# The whole


def test_a_sound_room_has_no_problem_and_a_trial_that_worked(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.settle()
    claim(acting_as(bed.room(), parse_agent("alice")), ["src"])

    found = doctor.examine(bed.room(), fix=False)

    assert [finding for finding in found if finding.level == "problem"] == []
    said = [finding.text for finding in found if finding.level == "ok"]
    for text in (
        "is what its commits fold to",
        "2 worktrees are whole",
        "1 live",
        "no lock is held",
        "reached the other in",
    ):
        assert any(text in one for one in said), text
    assert all(finding.remedy for finding in found if finding.level != "ok")


def test_a_repository_without_a_room_is_examined_too(repository: Path, git: Git) -> None:
    before = sorted(path for path in repository.rglob("*"))

    found = doctor.examine(open_room(repository, SystemClock()), fix=True)

    assert Finding("notice", "there is no room 'main' in this repository", "agentroom init") in found
    assert not [finding for finding in found if finding.level == "problem"]
    assert any(finding.text.startswith("in a trial room") for finding in found)
    assert sorted(path for path in repository.rglob("*")) == before
    assert sorted(path.name for path in repository.parent.iterdir()) == ["bin", "repository"]


def test_examining_changes_nothing(bed: Bed) -> None:
    bed.join("alice")
    (bed.path("alice") / ".git").unlink()
    (bed.repository / ".git" / "index.lock").touch()
    before = (bed.git("for-each-ref", cwd=bed.repository), sorted(bed.repository.parent.rglob("*")))

    doctor.examine(bed.room(), fix=False)

    assert (bed.git("for-each-ref", cwd=bed.repository), sorted(bed.repository.parent.rglob("*"))) == before


def test_a_part_that_cannot_be_looked_at_is_a_finding_and_the_rest_is_told(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Room) -> Iterator[Finding]:
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr(records, "examine_logs", fail)

    found = doctor.examine(bed.room(), fix=False)

    (problem,) = [finding for finding in found if finding.level == "problem"]
    assert problem.text == "the logs: Permission denied (/somewhere)"
    assert found[-1].text.startswith("in a trial room")


# The machine


def test_releases_of_git_with_and_without_the_fixes_are_told_apart() -> None:
    fixed = [(2, 43, 7), (2, 43, 8), (2, 45, 4), (2, 50, 1), (2, 51, 0), (3, 0, 0)]
    assert all(machine.has_fixes(version) for version in fixed)
    assert not any(
        machine.has_fixes(version) for version in [(2, 39, 5), (2, 43, 6), (2, 49, 0), (2, 50, 0), (2, 42, 9)]
    )


def test_a_git_without_the_fixes_is_only_a_notice(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentroom_git.git.configuration.git_version", lambda: (2, 39, 5))
    assert "CVE-2025-48384" in _one(machine.examine_git(bed.room()), "notice").text
    monkeypatch.setattr("agentroom_git.git.configuration.git_version", lambda: (2, 20, 1))
    assert _one(machine.examine_git(bed.room())).text == "git 2.20.1 is too old"


def test_another_program_of_the_name_earlier_on_path_is_a_problem(
    bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_program: Path
) -> None:
    assert [finding.level for finding in machine.examine_path(bed.room())] == ["ok"]
    _program(tmp_path / "other", "echo somebody else's")
    monkeypatch.setenv("PATH", f"{tmp_path / 'other'}:{os.environ['PATH']}")

    found = _one(machine.examine_path(bed.room()))

    assert found.text == f"{tmp_path / 'other' / 'agentroom'} is another program of the same name"
    assert str(own_program) in found.remedy
    _program(tmp_path / "other", "exec /opt/agentroom_git/bin/agentroom")
    assert "another installation of this program" in _one(machine.examine_path(bed.room()), "notice").text
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "is not on PATH" in _one(machine.examine_path(bed.room()), "notice").text


def test_little_space_is_told(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 5 * 1024**2))  # type: ignore[attr-defined]
    texts = [finding.text for finding in _problems(machine.examine_disk(bed.room()))]
    assert [text.startswith("only 5 MiB are free") for text in texts] == [True, True]


def test_a_file_system_without_exchange_is_a_problem(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "is_supported", lambda _: False)
    assert "cannot exchange files" in _one(machine.examine_disk(bed.room())).text


def test_the_sidecar_is_reported(bed: Bed) -> None:
    bed.join("alice")
    assert _one(machine.examine_sidecar(bed.room()), "notice").remedy == "agentroom sidecar start"
    with held(bed.repository / ".git" / "agentroom" / "sidecar.lock", seconds=1, what="test"):
        assert list(machine.examine_sidecar(bed.room())) == [Finding("ok", "the sidecar is running")]


def test_a_trial_that_fails_says_how_far_it_came(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial.Folder, "fold", lambda *_: None)
    found = _one(trial.examine_trial(bed.room()))
    assert "one agent's work did not reach the other" in found.text
    assert not list(bed.repository.parent.glob(".agentroom-trial-*"))


def test_the_trial_runs_none_of_the_users_hooks(bed: Bed, tmp_path: Path) -> None:
    hooks, marker = tmp_path / "hooks", tmp_path / "marker"
    hooks.mkdir()
    for name in ("pre-commit", "post-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {marker}\nexit 1\n")
        (hooks / name).chmod(0o755)
    config = Path(os.environ["GIT_CONFIG_GLOBAL"])
    before = config.read_text()
    config.write_text(f"{before}[core]\n\thooksPath = {hooks}\n[commit]\n\tgpgSign = true\n")
    try:
        assert [finding.level for finding in trial.examine_trial(bed.room())] == ["ok"]
    finally:
        config.write_text(before)
    assert not marker.exists()


# The repository and its settings


def test_an_unfit_repository_is_a_problem_with_inits_remedy(repository: Path, git: Git) -> None:
    git("branch", "agentroom", cwd=repository)
    found = _one(settings.examine_repository(open_room(repository, SystemClock())))
    assert found.remedy == "git branch -m agentroom agentroom-old"


@pytest.mark.parametrize(
    ("key", "value", "level", "says"),
    [
        ("gc.pruneExpire", "now", "problem", "gc.pruneExpire=now"),
        ("gc.worktreePruneExpire", "now", "problem", "gc.worktreePruneExpire=now"),
        ("notes.rewriteRef", "refs/notes/*", "notice", "notes.rewriteRef"),
        ("remote.origin.partialclonefilter", "blob:none", "notice", "partial clone"),
    ],
)
def test_a_setting_that_endangers_the_room_is_told(bed: Bed, key: str, value: str, level: str, says: str) -> None:
    assert _of(settings.examine_settings(bed.room()), "notice", "problem") == []
    bed.git("config", key, value, cwd=bed.repository)
    assert says in _one(settings.examine_settings(bed.room()), level).text


def test_notes_that_git_log_does_not_show_are_told(bed: Bed) -> None:
    bed.git("config", "--unset-all", "notes.displayRef", cwd=bed.repository)
    assert _one(settings.examine_settings(bed.room()), "notice").remedy == "agentroom init"


def test_a_gc_that_gave_up_is_told(bed: Bed) -> None:
    (bed.repository / ".git" / "gc.log").write_text("warning: too many unreachable loose objects\n")
    assert "automatic gc has stopped" in _one(settings.examine_settings(bed.room()), "notice").text


# The refs


def test_an_integration_branch_that_was_deleted_is_put_back_by_the_remedy(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.settle()
    bed.join("bob")
    tip = bed.room().integration()
    bed.git("update-ref", "-d", "refs/heads/agentroom/main/integration", cwd=bed.repository)

    found = _one(records.examine_room(bed.room()))

    assert found.text.startswith("the integration branch was deleted")
    bed.git(*found.remedy.split()[1:], cwd=bed.repository)
    assert bed.room().integration() == tip
    assert _problems(records.examine_room(bed.room())) == []


def test_a_commit_put_on_integration_by_hand_is_told(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.settle()
    tip = bed.room().integration()
    wild = bed.git("commit-tree", f"{tip}^{{tree}}", "-p", tip, "-m", "by hand", cwd=bed.repository).strip()
    bed.git("update-ref", "refs/heads/agentroom/main/integration", wild, cwd=bed.repository)

    found = _one(records.examine_room(bed.room()))

    assert "which is no fold of the room's" in found.text
    bed.git(*found.remedy.partition(",")[0].split()[1:], cwd=bed.repository)
    assert bed.room().integration() == tip


def test_a_fold_whose_tree_is_another_is_told(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.settle()
    tip = bed.room().integration()
    raw = bed.git("cat-file", "commit", tip, cwd=bed.repository)
    other = bed.tree("main")
    forged = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        cwd=bed.repository,
        input=raw.replace(f"tree {bed.tree()}", f"tree {other}"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    bed.git("update-ref", "refs/heads/agentroom/main/integration", forged, cwd=bed.repository)

    assert "is not what its commits fold to" in _one(records.examine_room(bed.room())).text


def test_integration_that_somebody_checked_out_is_told(bed: Bed) -> None:
    bed.git("switch", "--quiet", "agentroom/main/integration", cwd=bed.repository)
    found = _one(records.examine_room(bed.room()), "notice")
    assert found.remedy == f"git -C {bed.repository} switch --detach"


def test_a_base_that_does_not_exist_is_told(bed: Bed) -> None:
    (bed.repository / ".agentroom.yaml").write_text("base: gone\n")
    assert _one(records.examine_room(bed.room())).text == "your branch gone does not exist"


def test_a_ref_among_the_logs_that_nobody_may_have_is_told(bed: Bed) -> None:
    bed.git("update-ref", "refs/agentroom/main/log/Not.A.Name", "main", cwd=bed.repository)
    found = _one(records.examine_logs(bed.room()))
    assert found.remedy == "git update-ref -d refs/agentroom/main/log/Not.A.Name"


def test_many_bad_records_are_summed_up(bed: Bed) -> None:
    ref = "refs/agentroom/main/log/human"
    for number in range(8):
        tip = bed.git("commit-tree", f"{ref}^{{tree}}", "-p", ref, "-m", f"bad {number}", cwd=bed.repository).strip()
        bed.git("update-ref", ref, tip, cwd=bed.repository)
    found = _problems(records.examine_logs(bed.room()))
    assert len(found) == 6
    assert "3 more records" in found[-1].text


# The worktrees


def test_a_worktree_that_was_deleted_is_a_problem(bed: Bed) -> None:
    bed.join("alice")
    shutil.rmtree(bed.path("alice"))
    found = _one(_worktrees(bed, fix=True))
    assert found.text == f"alice's worktree {bed.path('alice')}: its folder was deleted"
    assert found.remedy.startswith("agentroom join alice makes it anew")


def test_a_lost_pointer_is_mended_on_demand(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"new.txt": "new\n"})
    (bed.path("alice") / ".git").unlink()

    assert _one(_worktrees(bed)).remedy.startswith("agentroom doctor --fix")
    assert not (bed.path("alice") / ".git").exists()
    assert _problems(_worktrees(bed, fix=True)) == []
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == "?? new.txt\n"


def test_the_worktrees_of_a_copied_repository_are_told_and_never_taken(bed: Bed, tmp_path: Path) -> None:
    bed.join("alice")
    copy = Bed(bed.git, tmp_path / "copy")
    shutil.copytree(bed.repository, copy.repository, symlinks=True)

    found = _one(_worktrees(copy, fix=True))

    assert "it belongs to another repository" in found.text
    assert _problems(_worktrees(bed)) == []


def test_a_moved_repository_is_told_from_a_copied_one(bed: Bed, tmp_path: Path) -> None:
    bed.join("alice")
    moved = Bed(bed.git, bed.repository.rename(tmp_path / "moved"))

    assert "the repository was moved here" in _one(_worktrees(moved)).text
    assert _problems(_worktrees(moved, fix=True)) == []
    assert _problems(_worktrees(moved)) == []


def _another_branch(bed: Bed) -> None:
    bed.git("switch", "--quiet", "-c", "topic", cwd=bed.path("alice"))


def _detached(bed: Bed) -> None:
    bed.git("switch", "--quiet", "--detach", cwd=bed.path("alice"))


def _bisecting(bed: Bed) -> None:
    bed.git("bisect", "start", cwd=bed.path("alice"))


def _split(bed: Bed) -> None:
    bed.git("update-index", "--split-index", cwd=bed.path("alice"))


def _sparse(bed: Bed) -> None:
    bed.git("sparse-checkout", "set", "src", cwd=bed.path("alice"))


@pytest.mark.parametrize(
    ("make", "level", "says", "remedy"),
    [
        (_another_branch, "notice", "alice is on branch topic", "switch agentroom/main/alice"),
        (_detached, "notice", "alice is on no branch", "switch agentroom/main/alice"),
        (_bisecting, "notice", "a bisect is under way", "status"),
        (_split, "problem", "alice's index is split", "update-index --no-split-index"),
        (_sparse, "problem", "alice's worktree is sparse", "sparse-checkout disable"),
    ],
)
def test_what_keeps_a_worktree_from_being_synced_is_told(
    bed: Bed, make: Callable[[Bed], None], level: str, says: str, remedy: str
) -> None:
    bed.join("alice")
    assert _of(_worktrees(bed), "notice", "problem") == []
    make(bed)
    found = _one(_worktrees(bed), level)
    assert says in found.text
    assert found.remedy.startswith(f"git -C {bed.path('alice')} {remedy}")


def test_a_worktree_inside_another_checkout_is_told(bed: Bed) -> None:
    (bed.repository / ".agentroom.yaml").write_text("worktrees: agents\n")
    bed.join("alice")
    found = _one(_worktrees(bed), "notice")
    assert f"lies inside {bed.repository}" in found.text


def test_what_a_killed_add_left_is_told(bed: Bed) -> None:
    bed.join("alice", "bob")
    for name in ("alice", "bob"):
        (bed.repository / ".git" / "worktrees" / name / "agentroom-identity").unlink()
        (bed.repository / ".git" / "worktrees" / name / "locked").write_text("initializing")
    (bed.repository / ".git" / "worktrees" / "bob" / "gitdir").unlink()

    half, interrupted = _problems(_worktrees(bed))

    assert half.remedy == f"rm -r {bed.repository / '.git' / 'worktrees' / 'bob'}"
    assert interrupted.remedy == "agentroom join alice"


# The locks


@contextmanager
def _git_at_work(cwd: Path) -> Iterator[int]:
    """A git process that lives in the repository until it is no longer wanted."""
    process = subprocess.Popen(["git", "cat-file", "--batch"], cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"HEAD\n")
        process.stdin.flush()
        process.stdout.readline()  # by now it is git and no longer this program
        yield process.pid
    finally:
        process.communicate()


@pytest.mark.parametrize(
    "name",
    ["index.lock", "HEAD.lock", "packed-refs.lock", "config.lock", "refs/agentroom/main/claims.lock",
     "refs/heads/agentroom/main/alice.lock", "refs/notes/agentroom/main.lock", "worktrees/alice/index.lock"],
)  # fmt: skip
def test_a_lock_of_gits_is_told_and_never_removed(bed: Bed, name: str) -> None:
    bed.join("alice")
    lock = bed.repository / ".git" / name
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    os.utime(lock, (0, 0))

    found = _one(_locks(bed, fix=True))

    assert str(lock) in found.text
    assert "no git process is at work here" in found.text
    assert found.remedy.endswith(f"rm {lock}")
    assert lock.exists()


def test_a_lock_is_waited_for_while_git_lives_in_the_repository(bed: Bed) -> None:
    bed.join("alice")
    lock = bed.repository / ".git" / "worktrees" / "alice" / "index.lock"
    lock.touch()
    for cwd in (bed.repository, bed.repository / "src", bed.path("alice")):
        with _git_at_work(cwd) as pid:
            found = _one(_locks(bed, fix=True), "notice")
            assert f"git is at work here (pid {pid})" in found.text
            assert found.remedy == "wait for it to end"
    assert lock.exists()
    assert _one(_locks(bed)).level == "problem"


def test_git_in_another_repository_does_not_count(bed: Bed, tmp_path: Path) -> None:
    other = tmp_path / "other"
    bed.git("clone", "--quiet", bed.repository, other, cwd=tmp_path)
    with _git_at_work(other):
        assert git_processes([bed.repository]) == []
        assert git_processes([tmp_path]) != []


def test_a_git_that_was_pointed_at_the_repository_counts(
    bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(bed.repository / ".git"))
    with _git_at_work(tmp_path / "bin") as pid:
        assert git_processes([bed.repository]) == [pid]


def test_our_own_lock_of_a_dead_process_is_removed_on_demand_and_a_live_one_never(bed: Bed) -> None:
    bed.join("alice")
    lock = bed.repository / ".git" / "worktrees" / "alice" / "index.lock"
    dead = subprocess.Popen(["true"])
    dead.wait()
    lock.write_text(f"agentroom {dead.pid} 1@boot\n")

    assert _one(_locks(bed)).remedy == "agentroom doctor --fix"
    assert lock.exists()
    texts = [finding.text for finding in _locks(bed, fix=True)]
    assert texts == [
        f"removed a lock in {lock.parent} that a killed sync had left",
        "no lock is held in the repository",
    ]
    assert not lock.exists()

    lock.write_text(f"agentroom {pids.own_name()}\n")
    assert "a sync of ours is at work" in _one(_locks(bed, fix=True), "notice").text
    assert lock.exists()


def test_a_lock_that_only_looks_like_ours_is_left(bed: Bed) -> None:
    lock = bed.repository / ".git" / "index.lock"
    lock.write_bytes(b"DIRC agentroom 1 1")
    _one(_locks(bed, fix=True))
    assert lock.exists()
