"""What a sync took out of a worktree can be found again for an hour."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from agentroom_git.cli.app import register
from agentroom_git.core.ids import AgentName
from agentroom_git.room import messages
from agentroom_git.room.displaced import read_displaced
from agentroom_git.room.room import open_room
from agentroom_git.room.status import read_status
from agentroom_git.room.sync_waits import Waiting
from agentroom_git.room.syncing import sync_room
from agentroom_git.system.clock import SystemClock
from rooms import Bed, edited, numbered

BOB = AgentName("bob")


def test_a_displaced_version_is_named_with_its_path_and_its_file(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"src/f.txt": numbered()})
    bed.settle()
    assert read_displaced(bed.room(), BOB) == []
    bed.write("bob", {"src/f.txt": edited(numbered(), 2, "bob's edit")})
    bed.commit("alice", {"src/f.txt": edited(numbered(), 15, "alice's")})
    bed.settle()

    (kept,) = read_displaced(bed.room(), BOB)

    assert kept.path == "src/f.txt"
    assert Path(kept.file).read_text() == edited(numbered(), 2, "bob's edit")
    assert {one.agent: one.displaced for one in read_status(bed.room()).agents}[BOB] == (kept,)


def test_status_names_the_folder_while_something_is_in_it(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice", "bob")
    monkeypatch.chdir(bed.repository)
    assert "kept for an hour" not in CliRunner().invoke(register("status"), ["status"]).output
    bed.commit("alice", {"README.md": "changed\n"})
    bed.settle()

    shown = CliRunner().invoke(register("status"), ["status"]).output

    assert f"1 replaced version of files of bob, kept for an hour in {bed.room().worktrees_dir}/.stage (" in shown


def test_a_damaged_journal_hides_nothing_else(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"README.md": "changed\n"})
    bed.settle()
    (done,) = (bed.room().worktrees_dir / ".stage/bob").glob("*/done")
    done.write_text("{")

    assert read_displaced(bed.room(), BOB) == []
    assert len(read_status(bed.room()).agents) == 2


def test_an_agent_whose_worktree_waits_is_told_of_a_save_that_was_overwritten_meanwhile(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"README.md": "alice\n"})
    bed.fold()
    file = bed.path("bob") / "README.md"
    text = file.read_text()
    saves = {"swap 0": f"{text}just now\n", "undo index": "alice\nand more\n"}

    def save(step: str) -> None:
        if step in saves:
            file.write_text(saves.pop(step))

    room = open_room(bed.repository, SystemClock(), failpoint=save)

    (waiting,) = sync_room(room, [BOB])

    assert isinstance(waiting, Waiting)
    assert waiting.late == ("README.md",)
    assert "late" in {message.kind for message in messages.unread(bed.as_agent("bob")).messages}
