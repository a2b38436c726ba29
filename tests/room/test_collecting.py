"""Packing and collecting lose nothing, whatever the user and git do beside a running room."""

import shutil
from pathlib import Path

import pytest

from agentroom_git.agents.launch import agent_environment
from agentroom_git.core.ids import parse_agent
from agentroom_git.git import packing
from agentroom_git.room import collecting, messages, notes
from agentroom_git.room.verifying import verify
from rooms import Bed


def objects(bed: Bed) -> set[str]:
    listed = bed.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", cwd=bed.repository)
    return set(listed.split())


def loose(bed: Bed) -> int:
    return int(bed.git("count-objects", cwd=bed.repository).split()[0])


def busy(bed: Bed) -> None:
    bed.join("alice", "bob")
    for number in range(3):
        bed.commit("alice", {f"a{number}": f"{number}\n"})
        bed.commit("bob", {"shared": f"bob {number}\n"})
        messages.broadcast(bed.as_agent("bob"), f"round {number}")
        bed.settle()
    notes.project(bed.room())


def test_packing_keeps_every_object_and_leaves_what_is_not_the_rooms_alone(bed: Bed) -> None:
    busy(bed)
    alone = bed.git("hash-object", "-w", "--stdin", cwd=bed.repository).strip()
    before, count = objects(bed), loose(bed)

    done = collecting.pack(bed.room())

    assert objects(bed) == before
    assert done.objects > 50
    assert loose(bed) <= count - done.objects
    assert (bed.repository / ".git" / "objects" / alone[:2] / alone[2:]).exists()
    assert collecting.pack(bed.room()).objects == 0
    assert bed.fsck() == ""
    bed.commit("alice", {"more": "more\n"})
    bed.settle()
    assert all(verdict.is_sound for verdict in verify(bed.room()))


def test_it_is_due_again_only_after_as_many_new_objects(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    # Counted and not guessed from a sample, for a room as small as this.
    monkeypatch.setattr(packing, "_SAMPLE", tuple(f"{number:02x}" for number in range(256)))
    monkeypatch.setattr(collecting, "EVERY", 20)
    busy(bed)
    assert collecting.is_due(bed.room())
    collecting.pack(bed.room())
    assert not collecting.is_due(bed.room())


def test_many_small_packs_and_refs_are_put_together(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MANY_PACKS", 2)
    monkeypatch.setattr(packing, "MANY_LOOSE_REFS", 3)
    busy(bed)
    for number in range(3):
        bed.commit("alice", {"n": f"{number}\n"})
        bed.settle()
        before = objects(bed)
        collecting.pack(bed.room())
        assert before <= objects(bed)

    assert len(list((bed.repository / ".git" / "objects" / "pack").glob("*.pack"))) <= 2
    assert (bed.repository / ".git" / "packed-refs").exists()
    assert bed.fsck() == ""
    bed.commit("bob", {"after": "x\n"})
    bed.settle()
    assert bed.integrated("after") == "x\n"


def test_what_git_does_beside_the_room_breaks_nothing(bed: Bed, tmp_path: Path) -> None:
    busy(bed)
    for command in (("gc", "--quiet", "--prune=now"), ("maintenance", "run", "--quiet"), ("pack-refs", "--all")):
        bed.commit("alice", {command[0]: "x\n"})
        bed.git(*command, cwd=bed.repository)
        bed.settle()
        assert bed.integrated(command[0]) == "x\n"
    bed.git("clone", "--quiet", bed.repository, tmp_path / "clone", cwd=tmp_path)
    bed.git("fetch", "--quiet", bed.repository, "refs/agentroom/*:refs/agentroom/*", cwd=tmp_path / "clone")
    assert bed.git("fsck", "--no-dangling", cwd=tmp_path / "clone") == ""
    assert all(verdict.is_sound for verdict in verify(bed.room()))
    assert len(messages.read(bed.as_agent("alice"), limit=100).messages) >= 3


def test_an_agents_git_neither_collects_nor_nags(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice")
    bed.git("config", "gc.auto", "1", cwd=bed.repository)
    for name, value in agent_environment(bed.room(), parse_agent("alice"), bed.path("alice")).items():
        monkeypatch.setenv(name, value)

    bed.commit("alice", {"a": "x\n"})

    assert bed.git("config", "gc.auto", cwd=bed.path("alice")).strip() == "0"
    assert bed.git("config", "maintenance.auto", cwd=bed.path("alice")).strip() == "false"
    assert list((bed.repository / ".git" / "objects" / "pack").glob("*.pack")) == []


def test_a_worktree_that_is_gone_is_removed_with_its_work_archived_and_a_running_one_stays(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.write("alice", {"staged": "staged only\n"})
    bed.git("add", "staged", cwd=bed.path("alice"))
    shutil.rmtree(bed.path("alice"))

    planned = collecting.collect(bed.room(), dry_run=True)
    assert [(one.agent, one.goes) for one in planned.worktrees] == [("alice", True), ("bob", False)]
    assert "alice" in bed.room().worktrees()
    done = collecting.collect(bed.room())

    (gone, stays) = done.worktrees
    assert (gone.why, stays.goes) == ("its folder was deleted", False)
    assert list(bed.room().worktrees()) == ["bob"]
    (kept,) = gone.kept
    assert bed.git("show", f"{kept}:staged", cwd=bed.repository) == "staged only\n"


def test_silent_worktrees_go_when_asked_unless_something_in_them_cannot_be_archived(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.write("alice", {"draft.txt": "uncommitted\n"})
    bed.write("bob", {".gitignore": "secret\n", "secret": "only here\n"})

    done = collecting.collect(bed.room(), idle=0.0)

    alice, bob = done.worktrees
    assert (alice.goes, bob.goes) == (True, False)
    assert bed.git("show", f"{alice.kept[0]}:draft.txt", cwd=bed.repository) == "uncommitted\n"
    assert "1 ignored files exist only there" in bob.why
    assert (bed.path("bob") / "secret").read_text() == "only here\n"


def test_a_ref_that_names_nothing_keeps_nothing_from_being_packed(bed: Bed) -> None:
    busy(bed)
    (bed.repository / ".git" / "refs" / "agentroom" / "main" / "log" / "broken").write_text("1" * 40 + "\n")

    assert collecting.pack(bed.room()).objects > 50
