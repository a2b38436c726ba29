"""An agent that rewrites a whole file from an old version takes nothing away that it has not seen, or all are told."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agentroom_git.core.ids import AgentName
from agentroom_git.room import aftermath, hookcache, messages, reading, stale
from agentroom_git.room.saving import save_edits
from agentroom_git.room.syncing import sync_room
from rooms import Bed, edited, numbered

HOOK = [sys.executable, "-m", "agentroom_git", "hook", "claude"]
TEXT = numbered()
THEIRS = edited(TEXT, 15, "alice's")
MINE = edited(TEXT, 3, "bob's")
BOTH = edited(THEIRS, 3, "bob's")


@pytest.fixture
def room(bed: Bed) -> Bed:
    bed.join("alice", "bob")
    bed.commit("alice", {"f.txt": TEXT})
    bed.settle()
    return bed


def arrive(bed: Bed, text: str = THEIRS, path: str = "f.txt") -> None:
    bed.commit("alice", {path: text})
    bed.settle()
    assert (bed.path("bob") / path).read_text() == text


def noted(bed: Bed) -> int:
    return (bed.repository / ".git/worktrees/bob" / reading.SYNCED).stat().st_size


def seat(bed: Bed) -> hookcache.Seat:
    found = hookcache.find_seat(str(bed.path("bob")))
    assert found is not None
    return found


def read(bed: Bed, path: str = "f.txt") -> None:
    reading.follow(seat(bed), str(bed.path("bob") / path), [], "", is_whole=True)


def look(bed: Bed, path: str = "f.txt") -> stale.Finding | None:
    opened = bed.as_agent("bob")
    return next(iter(stale.look_at_edits(opened, opened.agent(), opened.worktrees()[opened.agent()], [path])), None)


def told(bed: Bed, name: str) -> list[str]:
    return [one.text for one in messages.unread(bed.as_agent(name)).messages if one.kind == "stale"]


def hook(bed: Bed, name: str, **fields: Any) -> str:
    event = {"hook_event_name": name, "cwd": str(bed.path("bob"))} | fields
    done = subprocess.run(
        HOOK, cwd=bed.path("bob"), input=json.dumps(event), text=True, capture_output=True, timeout=60, check=True
    )
    assert done.stderr == ""
    return json.loads(done.stdout)["hookSpecificOutput"]["additionalContext"] if done.stdout else ""


def write_by_tool(bed: Bed, text: str, path: str = "f.txt") -> str:
    bed.write("bob", {path: text})
    return hook(bed, "PostToolUse", tool_name="Write", tool_input={"file_path": str(bed.path("bob") / path)})


def content(bed: Bed, path: str = "f.txt") -> str:
    return (bed.path("bob") / path).read_text()


class TestWithTheReadVersionKnown:
    def test_a_whole_file_write_gets_what_arrived_since_it_was_read_and_its_agent_is_told_at_once(
        self, room: Bed
    ) -> None:
        hook(room, "PostToolUse", tool_name="Read", tool_input={"file_path": str(room.path("bob") / "f.txt")})
        arrive(room)

        answer = write_by_tool(room, MINE)

        assert content(room) == BOTH
        assert "f.txt had changed since you read it: the changes of alice were kept under what you wrote." in answer
        assert told(room, "alice") == ["bob's edit of f.txt was put on top of what had arrived there, unseen by bob"]
        assert room.git("status", "--porcelain", cwd=room.path("bob")) == " M f.txt\n"

    def test_writing_from_memory_again_is_mended_again(self, room: Bed) -> None:
        read(room)
        arrive(room)
        write_by_tool(room, MINE)

        write_by_tool(room, edited(MINE, 4, "bob's, too"))

        assert content(room) == edited(BOTH, 4, "bob's, too")

    def test_a_sync_that_was_tried_in_vain_before_the_read_counts_as_after_it(self, room: Bed) -> None:
        lock = room.repository / ".git/worktrees/bob/index.lock"
        room.commit("alice", {"f.txt": THEIRS})
        room.fold()
        lock.write_text("")
        room.sync("bob")
        read(room)
        for seconds, name in ((2, reading.SYNCED), (1, reading.SEEN)):
            # All of this may happen within one tick of the kernel's clock for files.
            os.utime(lock.with_name(name), (time.time() - seconds,) * 2)
        sizes = [noted(room) for _ in range(3) if room.sync("bob")]
        assert len(set(sizes)) == 1, "a worktree that waits for long takes no more room"
        lock.unlink()
        room.sync("bob")
        assert content(room) == THEIRS

        write_by_tool(room, MINE)

        assert content(room) == BOTH

    def test_a_write_after_reading_again_stands_as_it_is(self, room: Bed) -> None:
        read(room)
        arrive(room)
        read(room)

        assert write_by_tool(room, MINE) == ""
        assert content(room) == MINE
        assert told(room, "alice") == []

    def test_a_write_that_nothing_came_before_opens_no_repository(self, room: Bed) -> None:
        read(room)
        written = [str(room.path("bob") / "f.txt")]
        assert reading.follow(seat(room), "", written, "", is_whole=True) == []
        arrive(room)
        assert reading.follow(seat(room), "", written, "", is_whole=True) == ["f.txt"]

    def test_what_an_agent_wrote_itself_it_knows(self, room: Bed) -> None:
        write_by_tool(room, MINE)
        arrive(room, edited(TEXT, 15, "alice's"), "other.txt")
        room.commit("alice", {"f.txt": THEIRS})
        room.settle()
        assert content(room) == BOTH

        write_by_tool(room, edited(MINE, 4, "more of bob's"))

        assert content(room) == edited(BOTH, 4, "more of bob's")

    def test_where_both_changed_the_same_line_the_write_stands_and_both_are_told(self, room: Bed) -> None:
        read(room)
        arrive(room)

        answer = write_by_tool(room, edited(MINE, 15, "bob's line"))

        assert content(room) == edited(MINE, 15, "bob's line")
        assert "alice's" in answer
        (text,) = told(room, "alice")
        assert text == "bob's edit of f.txt lacks what had arrived there, unseen by bob; missing: alice's"
        assert told(room, "bob") == [text]

    @pytest.mark.parametrize(
        "command",
        [
            "cat f.txt",
            "cat *.txt",
            "cat $NAME",
            "grep -r one .",
            "python show.py",
            "git diff HEAD~",
            "git checkout HEAD~ -- .",
        ],
    )
    def test_what_a_command_may_have_shown_is_not_taken_for_unseen(self, room: Bed, command: str) -> None:
        read(room)
        arrive(room)
        reading.follow(seat(room), "", [], command, is_whole=False)

        write_by_tool(room, MINE)

        assert content(room) == MINE

    @pytest.mark.parametrize(
        "command", ["git add f.txt && git commit -m x", "pytest -q", "wc -l f.txt", "cat other.txt"]
    )
    def test_a_command_that_shows_nothing_of_the_file_changes_nothing(self, room: Bed, command: str) -> None:
        read(room)
        reading.follow(seat(room), "", [], command, is_whole=False)

        assert reading.last_seen(seat(room).git_dir, "f.txt") is not None

    @pytest.mark.parametrize("command", ["sed -n 1,5p f.txt", "git add f.txt; cat f.txt", "git status > f.txt"])
    def test_a_command_that_may_show_or_write_it_makes_it_uncertain(self, room: Bed, command: str) -> None:
        read(room)
        reading.follow(seat(room), "", [], command, is_whole=False)

        assert reading.last_seen(seat(room).git_dir, "f.txt") is None

    def test_a_part_that_was_read_makes_the_rest_uncertain(self, room: Bed) -> None:
        read(room)
        arrive(room)
        asked = {"file_path": str(room.path("bob") / "f.txt"), "offset": 10, "limit": 5}
        hook(room, "PostToolUse", tool_name="Read", tool_input=asked)

        write_by_tool(room, MINE)

        assert content(room) == MINE

    def test_an_edit_in_place_after_a_sync_makes_what_was_seen_uncertain(self, room: Bed) -> None:
        read(room)
        arrive(room)
        reading.follow(seat(room), "", [str(room.path("bob") / "f.txt")], "", is_whole=False)

        assert reading.last_seen(seat(room).git_dir, "f.txt") is None

    def test_a_formatter_that_changed_what_arrived_is_not_taken_for_a_stale_write(self, room: Bed) -> None:
        added = TEXT + "def fresh(amount):\n  return amount\n"
        read(room)
        arrive(room, added)
        room.write("bob", {"f.txt": TEXT + "def fresh( amount ):\n    return  amount\n"})

        assert look(room) is None
        assert content(room) == TEXT + "def fresh( amount ):\n    return  amount\n"

    def test_it_is_mended_before_it_is_saved(self, room: Bed) -> None:
        read(room)
        arrive(room)
        room.write("bob", {"f.txt": MINE})
        opened = room.as_agent("bob")

        saved = save_edits(opened, opened.agent(), opened.worktrees()[opened.agent()])

        assert saved.commit
        assert content(room) == BOTH
        assert room.git("show", "HEAD:f.txt", cwd=room.path("bob")) == BOTH

    def test_if_it_was_committed_already_one_more_commit_puts_it_back(self, room: Bed) -> None:
        read(room)
        arrive(room)
        mine = room.commit("bob", {"f.txt": MINE})

        report = room.fold()
        assert room.integrated("f.txt") == MINE
        aftermath.after_folds(room.room(), report.made)

        assert room.integrated("f.txt") == BOTH
        assert room.is_ancestor(mine)
        room.settle()
        assert content(room) == BOTH
        assert (room.path("alice") / "f.txt").read_text() == BOTH
        assert room.git("log", "-1", "--format=%s", "agentroom/main/integration^2", cwd=room.repository) == (
            f"put back in f.txt what bob's commit {mine[:10]} had not seen\n"
        )
        assert "unseen by bob" in told(room, "alice")[0]
        assert room.fsck() == ""

    def test_it_is_put_back_once_whoever_was_killed_on_the_way(self, room: Bed) -> None:
        aftermath.after_folds(room.room(), [])
        read(room)
        arrive(room)
        aftermath.after_folds(room.room(), [])
        (room.room().private / "followed").write_text(room.room().integration() + "\n")
        room.commit("bob", {"f.txt": MINE})
        room.fold()  # and killed here

        aftermath.after_folds(room.room(), [])

        assert room.integrated("f.txt") == BOTH
        (room.room().private / "followed").write_text(
            room.git("rev-parse", "agentroom/main/integration~2", cwd=room.repository)
        )
        before = room.room().integration()
        aftermath.after_folds(room.room(), [])
        assert room.room().integration() == before
        assert len(told(room, "alice")) == 1

    def test_a_fold_without_anything_stale_makes_no_commit(self, room: Bed) -> None:
        read(room)
        arrive(room)
        read(room)
        room.commit("bob", {"f.txt": MINE})

        aftermath.after_folds(room.room(), room.fold().made)

        assert room.integrated("f.txt") == MINE


class TestFromTheHistoryOfSyncsAlone:
    def test_an_uncommitted_write_that_lacks_what_arrived_is_told_to_both_and_left_as_it_is(self, room: Bed) -> None:
        arrive(room)
        room.write("bob", {"f.txt": MINE})

        finding = look(room)

        assert finding is not None
        assert (finding.is_mended, finding.missing, finding.authors) == (False, (b"alice's\n",), ("alice",))
        assert content(room) == MINE
        for name in ("alice", "bob"):
            assert told(room, name) == [
                "bob's edit of f.txt lacks what had arrived there, unseen by bob; missing: alice's"
            ]

    def test_it_is_told_once(self, room: Bed) -> None:
        arrive(room)
        for text in (MINE, edited(MINE, 4, "more")):
            room.write("bob", {"f.txt": text})
            look(room)

        assert len(told(room, "alice")) == 1

    def test_a_commit_that_lacks_what_arrived_is_told_and_left_as_it_is(self, room: Bed) -> None:
        arrive(room)
        mine = room.commit("bob", {"f.txt": MINE})

        aftermath.after_folds(room.room(), room.fold().made)

        assert room.integrated("f.txt") == MINE
        assert told(room, "alice")[0].startswith(f"bob's commit {mine[:10]} of f.txt lacks what had arrived there")

    @pytest.mark.parametrize(
        "text", [edited(THEIRS, 3, "bob's"), edited(THEIRS, 15, "alice's, said bob"), edited(THEIRS, 16, "bob's")]
    )
    def test_who_builds_on_what_arrived_is_told_nothing(self, room: Bed, text: str) -> None:
        arrive(room)
        room.write("bob", {"f.txt": text})

        assert look(room) is None

    def test_of_two_syncs_the_one_that_is_gone_is_told(self, room: Bed) -> None:
        arrive(room)
        arrive(room, edited(THEIRS, 7, "the second"))
        room.write("bob", {"f.txt": edited(edited(TEXT, 7, "the second"), 3, "bob's")})

        finding = look(room)

        assert finding is not None
        assert finding.missing == (b"alice's\n",)

    def test_what_others_took_away_again_is_not_missed(self, room: Bed) -> None:
        arrive(room)
        arrive(room, TEXT)
        room.write("bob", {"f.txt": MINE})

        assert look(room) is None

    def test_a_file_that_only_its_own_agent_changed_is_never_looked_at(self, room: Bed) -> None:
        arrive(room, "x\n", "other.txt")
        room.commit("bob", {"f.txt": MINE})
        room.settle()
        room.write("bob", {"f.txt": TEXT})

        assert look(room) is None


def _delete(bed: Bed) -> None:
    (bed.path("alice") / "f.txt").unlink()
    bed.git("commit", "--quiet", "--all", "-m", "drop it", cwd=bed.path("alice"))
    bed.settle()
    assert not (bed.path("bob") / "f.txt").exists()


def test_a_write_that_brings_back_what_others_deleted_is_told_to_both(room: Bed) -> None:
    read(room)
    _delete(room)

    answer = write_by_tool(room, MINE)

    assert "f.txt was deleted by alice; it is there again." in answer
    assert told(room, "alice") == ["bob's edit of f.txt brings it back, deleted as it was, unseen by bob"]


def test_a_commit_that_brings_it_back_is_told_too_and_another_file_of_the_same_name_is_not(room: Bed) -> None:
    _delete(room)
    room.commit("bob", {"f.txt": "something else\n"})
    aftermath.after_folds(room.room(), room.fold().made)
    assert told(room, "alice") == []

    (room.path("bob") / "f.txt").unlink()
    room.commit("bob", {})
    mine = room.commit("bob", {"f.txt": MINE})
    aftermath.after_folds(room.room(), room.fold().made)

    assert told(room, "alice") == [
        f"bob's commit {mine[:10]} of f.txt brings it back, deleted as it was, unseen by bob"
    ]


def test_a_commit_over_a_file_whose_name_is_no_utf8_is_told_of(room: Bed) -> None:
    name = os.fsdecode(b"lat\xe9n")
    arrive(room, TEXT, name)
    arrive(room, THEIRS, name)
    room.commit("bob", {name: MINE})

    aftermath.after_folds(room.room(), room.fold().made)

    for agent in ("alice", "bob"):
        assert [text for text in told(room, agent) if r"of lat\xe9n lacks" in text and "alice's" in text]


def test_a_save_while_a_write_is_mended_stays(room: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    read(room)
    arrive(room)
    room.write("bob", {"f.txt": MINE})
    opened = room.as_agent("bob")

    def save(step: str) -> None:
        if step == "mend f.txt":
            room.write("bob", {"f.txt": "saved just now\n"})

    hurried = dataclasses.replace(opened, failpoint=save)
    stale.look_at_edits(hurried, opened.agent(), opened.worktrees()[opened.agent()], ["f.txt"])

    assert content(room) == "saved just now\n"


def test_nothing_is_mended_through_a_folder_that_became_a_link(room: Bed, tmp_path: Path) -> None:
    room.commit("alice", {"deep/f.txt": TEXT})
    room.settle()
    read(room, "deep/f.txt")
    arrive(room, path="deep/f.txt")
    room.write("bob", {"deep/f.txt": MINE})
    outside = tmp_path / "outside"
    (room.path("bob") / "deep").rename(outside)
    (room.path("bob") / "deep").symlink_to(outside)

    assert look(room, "deep/f.txt") is None
    assert (outside / "f.txt").read_text() == MINE


def test_a_sync_that_was_noted_and_did_not_happen_brings_nothing(room: Bed) -> None:
    room.commit("alice", {"f.txt": THEIRS})
    room.fold()
    opened = room.as_agent("bob")
    worktree = opened.worktrees()[AgentName("bob")]
    assert worktree.head is not None
    reading.note_sync(str(worktree.git_dir), worktree.head, opened.integration())

    noted = len(reading.read_syncs(str(worktree.git_dir)))
    assert len(stale.syncs_of(opened, worktree)) == noted - 1
    sync_room(room.room())
    assert len(stale.syncs_of(opened, room.as_agent("bob").worktrees()[AgentName("bob")])) == noted


def test_a_long_history_of_syncs_is_cut_and_stays_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_NOTED", 20)
    pairs = [(f"{number:040x}", f"{number + 1:040x}") for number in range(100)]
    for old, new in pairs:
        reading.note_sync(str(tmp_path), old, new)
        reading.note_sync(str(tmp_path), old, new)

    kept = reading.read_syncs(str(tmp_path))
    assert kept == pairs[-len(kept) :]
    assert 5 <= len(kept) <= 25


def test_a_killed_mending_leaves_one_text_or_the_other_and_no_hindrance(room: Bed) -> None:
    read(room)
    arrive(room)
    write_by_tool(room, MINE)
    stage = room.room().worktrees_dir / ".stage/bob"
    newest = max(path for path in stage.iterdir())
    (newest / "done").rename(newest / "journal")
    text = (newest / "journal").read_text()
    (newest / "journal").write_text(text.replace('"owner":"', '"owner":"999999999 '))
    room.commit("alice", {"f.txt": edited(THEIRS, 18, "later")})

    room.settle()

    assert content(room) == edited(BOTH, 18, "later")
