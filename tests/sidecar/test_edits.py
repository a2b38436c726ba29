"""Edits that nobody has committed yet, seen by the real sidecar beside agents who go on working."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from agentroom_git.core.ids import AgentName
from agentroom_git.room import coordination, messages, running
from agentroom_git.room.config import Autosave
from agentroom_git.room.doctor.machine import examine_sidecar
from agentroom_git.room.unwatched import write_unwatched
from agentroom_git.sidecar import folders, lifecycle
from agentroom_git.sidecar.edits import SCAN_SECONDS, Edits
from agentroom_git.sidecar.watch import Watch
from agentroom_git.system.locks import held
from rooms import Bed, edited, numbered

PATIENCE_SECONDS = 30.0


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE_SECONDS:g} s in vain until {what}")
        time.sleep(0.02)


@pytest.fixture
def joined(bed: Bed) -> Bed:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    return bed


@pytest.fixture
def served(joined: Bed) -> Iterator[Bed]:
    lifecycle.start(joined.room())
    yield joined
    lifecycle.stop(joined.room())


def _kinds(bed: Bed, name: str) -> list[str]:
    return [one.kind for one in messages.unread(bed.as_agent(name)).messages]


def test_an_uncommitted_edit_of_what_another_holds_is_told_to_both_once(served: Bed) -> None:
    coordination.claim(served.as_agent("alice"), ["src"])
    served.write("bob", {"src/app.py": "bob = 1\n"})
    until(lambda: "claimed-edit" in _kinds(served, "alice"), "alice is told")

    served.write("bob", {"src/app.py": "bob = 2\n", "n.txt": edited(numbered(), 1, "free")})
    served.git("commit", "--quiet", "--all", "-m", "now committed", cwd=served.path("bob"))
    until(lambda: (served.path("alice") / "n.txt").read_text().startswith("free"), "the commit has arrived")

    assert _kinds(served, "alice") == _kinds(served, "bob") == ["claimed-edit"]


def test_edits_that_would_clash_are_told_to_both_and_withdrawn(served: Bed) -> None:
    served.write("alice", {"n.txt": edited(numbered(), 5, "alice")})
    served.write("bob", {"n.txt": edited(numbered(), 5, "bob")})
    until(lambda: "warning" in _kinds(served, "alice") and "warning" in _kinds(served, "bob"), "both are warned")

    messages.read(served.as_agent("alice"))
    served.write("bob", {"n.txt": numbered()})

    until(lambda: _kinds(served, "alice") == ["withdrawn"], "alice, who read it, is told that it has passed")
    assert _kinds(served, "bob") == []


def test_an_uncommitted_write_that_lacks_what_arrived_is_told_to_both(served: Bed) -> None:
    arrived = edited(numbered(), 15, "what alice found")
    served.commit("alice", {"n.txt": arrived})
    until(lambda: (served.path("bob") / "n.txt").read_text() == arrived, "alice's work has arrived")
    until(lambda: served.tree("agentroom/main/bob") == served.tree(), "bob's branch, too")

    served.write("bob", {"n.txt": edited(numbered(), 3, "bob")})

    until(lambda: _kinds(served, "alice") == _kinds(served, "bob") == ["stale"], "both are told")
    assert (served.path("bob") / "n.txt").read_text() == edited(numbered(), 3, "bob")


def test_edits_in_new_folders_and_in_worktrees_that_joined_later_are_seen(served: Bed) -> None:
    served.join("carol")
    coordination.claim(served.as_agent("alice"), ["deep"])
    served.write("carol", {"deep/er/file.txt": "carol\n"})

    until(lambda: "claimed-edit" in _kinds(served, "alice"), "alice is told")


def test_what_was_edited_without_a_sidecar_is_seen_when_it_starts(joined: Bed) -> None:
    for name in ("alice", "bob"):
        joined.write(name, {"n.txt": edited(numbered(), 5, name)})
    lifecycle.start(joined.room())
    try:
        until(lambda: "warning" in _kinds(joined, "bob"), "bob is warned")
    finally:
        lifecycle.stop(joined.room())


def test_files_that_sync_and_checkouts_write_are_nobodys_edits(served: Bed) -> None:
    coordination.claim(served.as_agent("alice"), ["n.txt"])
    for number in range(3):
        served.commit("alice", {"n.txt": edited(numbered(), 5, f"alice {number}")})
        until(lambda: served.tree("agentroom/main/bob") == served.tree(), "bob has it")
        served.git("switch", "--quiet", "--detach", "HEAD~1", cwd=served.path("bob"))
        served.git("switch", "--quiet", "agentroom/main/bob", cwd=served.path("bob"))
    served.write("bob", {"mark.txt": "bob\n"})
    coordination.claim(served.as_agent("alice"), ["mark.txt"])
    served.write("bob", {"mark.txt": "bob again\n"})
    until(lambda: "claimed-edit" in _kinds(served, "bob"), "the mark is seen")

    paths = [one.paths for one in messages.unread(served.as_agent("bob")).messages if one.kind == "claimed-edit"]
    assert paths == [("mark.txt",)]
    assert "warning" not in _kinds(served, "bob")


class TestWithoutEvents:
    """Worktrees of more folders than may be watched, looked at in this process at times that the test says."""

    @pytest.fixture
    def duty(self, joined: Bed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edits]:
        monkeypatch.setattr(folders, "MAX_WATCHES_OF_TREE", 1)
        room = joined.room()
        with Watch(room.repo.common_dir, room.clock) as watch:
            yield Edits(room, watch)

    def test_a_worktree_that_cannot_be_watched_is_looked_at_now_and_then(self, joined: Bed, duty: Edits) -> None:
        now = duty.room.clock.monotonic()
        coordination.claim(joined.as_agent("alice"), ["src"])
        assert duty.run(now, True) == SCAN_SECONDS
        joined.write("bob", {"src/app.py": "bob = 1\n"})
        duty.run(now + SCAN_SECONDS - 1, False)
        assert _kinds(joined, "alice") == []

        duty.run(now + SCAN_SECONDS, False)

        assert _kinds(joined, "alice") == _kinds(joined, "bob") == ["claimed-edit"]

    def test_the_reason_is_shown_while_a_sidecar_runs(self, joined: Bed, duty: Edits) -> None:
        duty.run(duty.room.clock.monotonic(), True)
        write_unwatched(joined.room(), duty.watch.problems)
        assert lifecycle.read_state(joined.room()).unwatched == ()

        with held(joined.room().sidecar_lock, seconds=5.0, what="the sidecar's lock"):
            shown = lifecycle.read_state(joined.room()).unwatched
            found = [one.text for one in examine_sidecar(joined.room()) if one.level == "notice"]

        unseen = {one.rpartition(": ")[0].rpartition(": ")[0] for one in shown}
        assert {str(joined.path("alice")), str(joined.path("bob"))} <= unseen
        assert len(found) == len(shown)


@pytest.fixture
def quiet(joined: Bed) -> Iterator[Bed]:
    """A room that saves after a second of quiet, served."""
    (joined.repository / ".agentroom.yaml").write_text("autosave: 1s\n")
    lifecycle.start(joined.room())
    yield joined
    lifecycle.stop(joined.room())


def test_after_a_quiet_time_edits_and_new_files_are_committed_and_reach_the_others(quiet: Bed) -> None:
    with held(running.run_lock(quiet.room(), AgentName("bob")), seconds=5.0, what="the run lock"):
        quiet.write("bob", {"n.txt": edited(numbered(), 2, "bob"), "new.txt": "new\n"})
        until(lambda: (quiet.path("alice") / "new.txt").exists(), "alice has bob's new file")

    until(lambda: (quiet.path("alice") / "n.txt").read_text() == edited(numbered(), 2, "bob"), "and his edit")


def test_a_worktree_that_cannot_be_looked_at_keeps_nobody_elses_edits_from_being_seen(joined: Bed) -> None:
    room = joined.room()
    coordination.claim(joined.as_agent("alice"), ["src"])
    with Watch(room.repo.common_dir, room.clock) as watch:
        duty = Edits(room, watch)
        now = room.clock.monotonic()
        duty.run(now, True)
        joined.join("carol")
        index = joined.repository / ".git" / "worktrees" / "carol" / "index"
        index.write_bytes(b"DIRC damaged")
        joined.write("bob", {"src/app.py": "bob = 1\n"})
        watch.wait(lambda: False, at_least=0.0, at_most=PATIENCE_SECONDS)
        while "claimed-edit" not in _kinds(joined, "alice"):
            now += 2
            duty.run(now, True)

        assert set(duty.desks) == {"alice", "bob"}
        assert "its edits are not seen" in watch.problems[str(joined.path("carol"))]


def test_a_burst_is_one_commit_after_the_quiet_time_and_none_before(joined: Bed) -> None:
    room = joined.room()
    room = replace(room, config=replace(room.config, autosave=Autosave(at_turns=False, quiet=30)))
    before, now = joined.head("bob"), room.clock.monotonic()
    with Watch(room.repo.common_dir, room.clock) as watch:
        duty = Edits(room, watch)
        duty.run(now, True)
        for number in range(4):
            joined.write("bob", {"n.txt": edited(numbered(), 2, f"draft {number}")})
            watch.wait(lambda: False, at_least=0.0, at_most=PATIENCE_SECONDS)
            duty.run(now + 25 * number + 1, False)
            duty.run(now + 25 * number + 24, False)
            assert joined.head("bob") == before
        duty.run(now + 75 + 30, False)
        assert joined.head("bob") == before

        while duty.run(now + 75 + 31, False) is not None:
            now += 1  # a git command of ours was still seen in the worktree

    shown = "--format=%an|%s|%(trailers:key=Agentroom-Agent,valueonly)"
    log = joined.git("log", shown, f"{before}..", cwd=joined.path("bob"))
    assert log.split() == ["bob|bob:", "save", "n.txt|bob"]
    assert joined.git("show", "HEAD:n.txt", cwd=joined.path("bob")) == edited(numbered(), 2, "draft 3")
