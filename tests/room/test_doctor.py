"""The doctor finds every kind of damage, names the remedy, and changes nothing that is not its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentroom_git.core.ids import parse_agent
from agentroom_git.room import doctor
from agentroom_git.room.coordination import claim
from agentroom_git.room.doctor import Finding, machine, records, settings, trial
from agentroom_git.room.room import Room, acting_as, open_room
from agentroom_git.room.unwatched import write_unwatched
from agentroom_git.system.clock import SystemClock
from agentroom_git.system.locks import held
from findings import of_level, only_one, problems
from rooms import Bed, Git


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
    assert "CVE-2025-48384" in only_one(machine.examine_git(bed.room()), "notice").text
    monkeypatch.setattr("agentroom_git.git.configuration.git_version", lambda: (2, 20, 1))
    assert only_one(machine.examine_git(bed.room())).text == "git 2.20.1 is too old"


def test_another_program_of_the_name_earlier_on_path_is_a_problem(
    bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_program: Path
) -> None:
    assert [finding.level for finding in machine.examine_path(bed.room())] == ["ok"]
    _program(tmp_path / "other", "echo somebody else's")
    monkeypatch.setenv("PATH", f"{tmp_path / 'other'}:{os.environ['PATH']}")

    found = only_one(machine.examine_path(bed.room()))

    assert found.text == f"{tmp_path / 'other' / 'agentroom'} is another program of the same name"
    assert str(own_program) in found.remedy
    _program(tmp_path / "other", "exec /opt/agentroom_git/bin/agentroom")
    assert "another installation of this program" in only_one(machine.examine_path(bed.room()), "notice").text
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "is not on PATH" in only_one(machine.examine_path(bed.room()), "notice").text


def test_little_space_is_told(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 5 * 1024**2))  # type: ignore[attr-defined]
    texts = [finding.text for finding in problems(machine.examine_disk(bed.room()))]
    assert [text.startswith("only 5 MiB are free") for text in texts] == [True, True]


def test_a_file_system_without_exchange_is_a_problem(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "is_supported", lambda _: False)
    assert "cannot exchange files" in only_one(machine.examine_disk(bed.room())).text


def test_the_sidecar_is_reported(bed: Bed) -> None:
    bed.join("alice")
    assert only_one(machine.examine_sidecar(bed.room()), "notice").remedy == "agentroom sidecar start"
    with held(bed.repository / ".git" / "agentroom" / "sidecar.lock", seconds=1, what="test"):
        assert list(machine.examine_sidecar(bed.room())) == [Finding("ok", "the sidecar is running")]


def test_a_worktree_that_is_gone_is_none_of_which_the_sidecar_gets_no_events(bed: Bed) -> None:
    (alice, bob) = bed.join("alice", "bob")
    with held(bed.repository / ".git" / "agentroom" / "sidecar.lock", seconds=1, what="test"):
        write_unwatched(bed.room(), {str(alice): "full", str(bob): "full", "git:refs": "full"})
        shutil.rmtree(alice)
        said = [found.text for found in of_level(machine.examine_sidecar(bed.room()), "notice")]
    assert [text.split(";")[0] for text in said] == [
        f"the sidecar gets no events of {bob}: full",
        "the sidecar gets no events of git:refs: full",
    ]


def test_a_trial_that_fails_says_how_far_it_came(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial.Folder, "fold", lambda *_: None)
    found = only_one(trial.examine_trial(bed.room()))
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
    found = only_one(settings.examine_repository(open_room(repository, SystemClock())))
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
    assert of_level(settings.examine_settings(bed.room()), "notice", "problem") == []
    bed.git("config", key, value, cwd=bed.repository)
    assert says in only_one(settings.examine_settings(bed.room()), level).text


def test_notes_that_git_log_does_not_show_are_told(bed: Bed) -> None:
    bed.git("config", "--unset-all", "notes.displayRef", cwd=bed.repository)
    assert only_one(settings.examine_settings(bed.room()), "notice").remedy == "agentroom init"


def test_a_gc_that_gave_up_is_told(bed: Bed) -> None:
    (bed.repository / ".git" / "gc.log").write_text("warning: too many unreachable loose objects\n")
    assert "automatic gc has stopped" in only_one(settings.examine_settings(bed.room()), "notice").text


# The refs


def test_an_integration_branch_that_was_deleted_is_put_back_by_the_remedy(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.settle()
    bed.join("bob")
    tip = bed.room().integration()
    bed.git("update-ref", "-d", "refs/heads/agentroom/main/integration", cwd=bed.repository)

    found = only_one(records.examine_room(bed.room()))

    assert found.text.startswith("the integration branch was deleted")
    bed.git(*found.remedy.split()[1:], cwd=bed.repository)
    assert bed.room().integration() == tip
    assert problems(records.examine_room(bed.room())) == []


def test_a_commit_put_on_integration_by_hand_is_told(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.settle()
    tip = bed.room().integration()
    wild = bed.git("commit-tree", f"{tip}^{{tree}}", "-p", tip, "-m", "by hand", cwd=bed.repository).strip()
    bed.git("update-ref", "refs/heads/agentroom/main/integration", wild, cwd=bed.repository)

    found = only_one(records.examine_room(bed.room()))

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

    assert "is not what its commits fold to" in only_one(records.examine_room(bed.room())).text


def test_integration_that_somebody_checked_out_is_told(bed: Bed) -> None:
    bed.git("switch", "--quiet", "agentroom/main/integration", cwd=bed.repository)
    found = only_one(records.examine_room(bed.room()), "notice")
    assert found.remedy == f"git -C {bed.repository} switch --detach"


def test_a_base_that_does_not_exist_is_told(bed: Bed) -> None:
    (bed.repository / ".agentroom.yaml").write_text("base: gone\n")
    assert only_one(records.examine_room(bed.room())).text == "your branch gone does not exist"


def test_a_ref_among_the_logs_that_nobody_may_have_is_told(bed: Bed) -> None:
    bed.git("update-ref", "refs/agentroom/main/log/Not.A.Name", "main", cwd=bed.repository)
    found = only_one(records.examine_logs(bed.room()))
    assert found.remedy == "git update-ref -d refs/agentroom/main/log/Not.A.Name"


def test_many_bad_records_are_summed_up(bed: Bed) -> None:
    ref = "refs/agentroom/main/log/human"
    for number in range(8):
        tip = bed.git("commit-tree", f"{ref}^{{tree}}", "-p", ref, "-m", f"bad {number}", cwd=bed.repository).strip()
        bed.git("update-ref", ref, tip, cwd=bed.repository)
    found = problems(records.examine_logs(bed.room()))
    assert len(found) == 6
    assert "3 more records" in found[-1].text
