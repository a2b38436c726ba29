"""The real sidecar, as a process of its own, beside agents who go on working."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agentroom_git.room import contests, messages, sync_waits, toolmark
from agentroom_git.sidecar import lifecycle
from landings import hook, land, landings
from rooms import Bed, edited, numbered

COMMAND = [sys.executable, "-m", "agentroom_git"]
PATIENCE_SECONDS = 20.0


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE_SECONDS:g} s in vain until {what}")
        time.sleep(0.01)


@pytest.fixture
def served(bed: Bed) -> Iterator[Bed]:
    """A room with alice, bob and a running sidecar."""
    bed.join("alice", "bob")
    lifecycle.start(bed.room())
    yield bed
    lifecycle.stop(bed.room())


def without_autosave(bed: Bed) -> None:
    (bed.repository / ".agentroom.yaml").write_text("autosave: off\n")
    lifecycle.stop(bed.room())
    lifecycle.start(bed.room())


def arrives(bed: Bed, name: str, path: str, text: str) -> None:
    target = bed.path(name) / path
    until(lambda: target.exists() and target.read_text() == text, f"{path} is in {name}'s worktree")


def test_a_commit_of_one_reaches_the_other_and_leaves_its_worktree_clean(served: Bed) -> None:
    served.commit("alice", {"new/file.txt": "hello\n"})

    arrives(served, "bob", "new/file.txt", "hello\n")
    until(lambda: served.tree("agentroom/main/bob") == served.tree(), "bob's branch is at integration")
    assert served.git("status", "--porcelain", cwd=served.path("bob")) == ""


def test_a_commit_by_the_user_reaches_the_agents(served: Bed) -> None:
    (served.repository / "human.txt").write_text("by hand\n")
    served.git("add", "human.txt", cwd=served.repository)
    served.git("commit", "--quiet", "-m", "by hand", cwd=served.repository)

    arrives(served, "alice", "human.txt", "by hand\n")
    arrives(served, "bob", "human.txt", "by hand\n")


def test_the_configuration_is_followed_as_it_changes_and_while_it_is_wrong_what_it_said_last(served: Bed) -> None:
    served.commit("alice", {"n.txt": numbered()})
    arrives(served, "bob", "n.txt", numbered())
    config, log = served.repository / ".agentroom.yaml", lifecycle.log_path(served.room())
    alice, bob = served.path("alice"), served.path("bob")
    config.write_text("autosave: 1s\n")
    until(lambda: "the configuration has changed and is followed" in log.read_text(), "the file is read")

    served.write("alice", {"n.txt": edited(numbered(), 3, "alice")})
    arrives(served, "bob", "n.txt", edited(numbered(), 3, "alice"))
    config.write_text("autosave: often\n")
    until(lambda: "what the configuration said last holds" in log.read_text(), "the problem is told")
    (alice / "n.txt").write_text(edited(numbered(), 3, "alice again"))

    until(lambda: (bob / "n.txt").read_text() == edited(numbered(), 3, "alice again"), "bob has what alice wrote then")
    config.unlink()


def test_a_landing_beside_the_sidecar_is_known_for_one_even_where_a_hook_changed_it(served: Bed) -> None:
    served.commit("alice", {"a.txt": "alice\n"}, "Add a")
    arrives(served, "bob", "a.txt", "alice\n")
    hook(served, "pre-commit", "tr a-z A-Z <a.txt >a.new && mv a.new a.txt && git add a.txt")

    done = land(served)

    (served.repository / ".git" / "hooks" / "pre-commit").unlink()
    arrives(served, "bob", "a.txt", "ALICE\n")
    lock = served.repository / ".git" / "worktrees" / "bob" / "index.lock"
    until(lambda: served.head("bob") == served.room().integration() and not lock.exists(), "bob is synced to it")
    served.commit("bob", {"a.txt": "ALICE\nbob\n"}, "Extend a")
    arrives(served, "alice", "a.txt", "ALICE\nbob\n")
    assert [body.commits for body in landings(served)] == [done.commits]
    assert served.git("for-each-ref", "refs/agentroom/main/contested", cwd=served.repository) == ""


def test_a_worktree_that_is_joined_later_is_served_too(served: Bed) -> None:
    served.join("carol")
    served.commit("carol", {"carol.txt": "late\n"})

    arrives(served, "alice", "carol.txt", "late\n")


def test_refs_that_were_packed_go_on_being_seen(served: Bed) -> None:
    for number in range(3):
        served.git("pack-refs", "--all", "--prune", cwd=served.repository)
        served.commit("alice", {"count.txt": f"{number}\n"})
        arrives(served, "bob", "count.txt", f"{number}\n")


def test_what_was_committed_without_a_sidecar_is_folded_when_it_starts(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"early.txt": "before\n"})

    lifecycle.start(bed.room())
    try:
        arrives(bed, "bob", "early.txt", "before\n")
    finally:
        lifecycle.stop(bed.room())


def test_of_eight_starts_at_once_one_sidecar_runs(bed: Bed) -> None:
    starts = [
        subprocess.Popen([*COMMAND, "sidecar", "start", "--json"], cwd=bed.repository, stdout=subprocess.PIPE)
        for _ in range(8)
    ]
    printed = [start.communicate(timeout=60)[0] for start in starts]
    state = lifecycle.read_state(bed.room())
    try:
        assert [start.returncode for start in starts] == [0] * 8
        assert len(set(printed)) == 1
        assert state.running
    finally:
        lifecycle.stop(bed.room())


def test_after_a_kill_the_next_sidecar_needs_no_manual_step(served: Bed) -> None:
    for number in range(3):
        os.kill(lifecycle.read_state(served.room()).pid, signal.SIGKILL)
        until(lambda: not lifecycle.read_state(served.room()).running, "the lock is free")
        served.commit("alice", {"after.txt": f"kill {number}\n"})
        lifecycle.start(served.room())
        arrives(served, "bob", "after.txt", f"kill {number}\n")


def test_stopping_ends_the_process_and_says_whether_one_ran(served: Bed) -> None:
    assert (lifecycle.stop(served.room()), lifecycle.stop(served.room())) == (True, False)
    assert not lifecycle.read_state(served.room()).running


def test_an_idle_sidecar_writes_nothing(served: Bed) -> None:
    served.commit("alice", {"x": "1\n"})
    arrives(served, "bob", "x", "1\n")
    settled = _whole_state(served.repository / ".git")

    def is_still() -> bool:
        nonlocal settled
        before, settled = settled, _whole_state(served.repository / ".git")
        return before == settled

    until(lambda: _lasts(is_still, 2.5), "nothing is written for a while")


def _lasts(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not condition():
            return False
        time.sleep(0.1)
    return True


def _whole_state(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            status = os.stat(path)
            found[path] = (status.st_mtime_ns, status.st_size)
    return found


def test_a_room_whose_worktree_was_deleted_by_hand_goes_on_for_the_others(served: Bed) -> None:
    served.join("carol")
    subprocess.run(["rm", "-rf", served.path("carol")], check=True)
    served.commit("alice", {"x": "on\n"})

    arrives(served, "bob", "x", "on\n")


class TestHabits:
    """What agents do to their worktrees all day; none of it may lose anything."""

    def test_amend(self, served: Bed) -> None:
        served.commit("alice", {"a.txt": "first\n"})
        arrives(served, "bob", "a.txt", "first\n")
        served.write("alice", {"a.txt": "second\n"})
        served.git("commit", "--quiet", "--all", "--amend", "-m", "amended", cwd=served.path("alice"))

        arrives(served, "bob", "a.txt", "second\n")
        assert served.integrated("a.txt") == "second\n"

    def test_reset_hard_takes_nothing_from_the_others_and_is_told(self, served: Bed) -> None:
        served.commit("alice", {"a.txt": "done\n"})
        arrives(served, "bob", "a.txt", "done\n")
        served.git("reset", "--quiet", "--hard", "HEAD~1", cwd=served.path("alice"))

        alice = served.as_agent("alice")
        until(lambda: any(m.kind == "held" for m in messages.unread(alice).messages), "alice is told")
        assert not (served.path("alice") / "a.txt").exists()
        assert (served.path("bob") / "a.txt").read_text() == "done\n"

        subprocess.run([*COMMAND, "sync"], cwd=served.path("alice"), check=True, capture_output=True)
        assert (served.path("alice") / "a.txt").read_text() == "done\n"

    def test_switching_to_a_branch_of_her_own(self, served: Bed) -> None:
        served.git("switch", "--quiet", "-c", "feature", cwd=served.path("alice"))
        served.commit("alice", {"f.txt": "feature\n"})

        arrives(served, "bob", "f.txt", "feature\n")
        alice = served.as_agent("alice")
        until(lambda: any("not on its own branch" in m.text for m in messages.unread(alice).messages), "she is told")
        served.git("switch", "--quiet", "agentroom/main/alice", cwd=served.path("alice"))
        arrives(served, "alice", "f.txt", "feature\n")

    def test_stash_and_pop_around_a_sync(self, served: Bed) -> None:
        served.commit("alice", {"n.txt": numbered()})
        arrives(served, "bob", "n.txt", numbered())
        until(lambda: served.tree("agentroom/main/bob") == served.tree(), "bob is synced")
        served.write("bob", {"n.txt": edited(numbered(), 15, "bob's draft")})
        served.git("stash", "--quiet", cwd=served.path("bob"))
        served.commit("alice", {"n.txt": edited(numbered(), 2, "alice")})
        arrives(served, "bob", "n.txt", edited(numbered(), 2, "alice"))
        until(lambda: served.git("status", "--porcelain", cwd=served.path("bob")) == "", "bob's index is in step")
        served.git("stash", "pop", "--quiet", cwd=served.path("bob"))

        expected = edited(edited(numbered(), 2, "alice"), 15, "bob's draft")
        assert (served.path("bob") / "n.txt").read_text() == expected

    def test_a_staged_hunk_keeps_its_worktree_waiting_until_it_is_committed(self, served: Bed) -> None:
        served.commit("alice", {"n.txt": numbered()})
        arrives(served, "bob", "n.txt", numbered())
        until(lambda: served.tree("agentroom/main/bob") == served.tree(), "bob is synced")
        served.write("bob", {"n.txt": edited(numbered(), 15, "staged by bob")})
        served.git("add", "n.txt", cwd=served.path("bob"))
        served.commit("alice", {"n.txt": edited(numbered(), 2, "alice")})

        bob = served.as_agent("bob")
        until(lambda: any(m.kind == "waits" for m in messages.unread(bob).messages), "bob is told that he waits")
        assert served.git("show", ":n.txt", cwd=served.path("bob")) == edited(numbered(), 15, "staged by bob")

        served.git("commit", "--quiet", "-m", "bob's", cwd=served.path("bob"))
        expected = edited(edited(numbered(), 2, "alice"), 15, "staged by bob")
        arrives(served, "bob", "n.txt", expected)
        arrives(served, "alice", "n.txt", expected)

    def test_an_untracked_file_of_the_same_name_is_never_overwritten(self, served: Bed) -> None:
        without_autosave(served)
        served.write("bob", {"notes.txt": "bob's own notes\n"})
        served.commit("alice", {"notes.txt": "alice's notes\n", "other.txt": "x\n"})

        bob = served.as_agent("bob")
        until(lambda: any(m.kind == "waits" for m in messages.unread(bob).messages), "bob is told that he waits")
        assert (served.path("bob") / "notes.txt").read_text() == "bob's own notes\n"

        (served.path("bob") / "notes.txt").rename(served.path("bob") / "mine.txt")
        arrives(served, "bob", "notes.txt", "alice's notes\n")
        assert (served.path("bob") / "mine.txt").read_text() == "bob's own notes\n"

    def test_an_edit_of_the_same_line_is_saved_folded_and_recorded_as_contested(self, served: Bed) -> None:
        served.commit("alice", {"n.txt": numbered()})
        arrives(served, "bob", "n.txt", numbered())
        until(lambda: served.tree("agentroom/main/bob") == served.tree(), "bob is synced")
        served.write("bob", {"n.txt": edited(numbered(), 5, "bob's")})
        served.commit("alice", {"n.txt": edited(numbered(), 5, "alice's")})

        def is_settled() -> bool:
            texts = {(served.path(name) / "n.txt").read_text() for name in ("alice", "bob")}
            return len(texts) == 1 and len(list(contests.read_contests(served.room()))) == 1

        until(is_settled, "both have the same text, and the contest is on record")
        bob = served.as_agent("bob")
        assert not any(m.kind == "waits" for m in messages.unread(bob).messages)
        assert served.git("log", "-1", "--format=%an %s", "--grep=save", "agentroom/main/bob", cwd=served.repository)

    def test_without_autosave_an_edit_of_the_same_line_waits_for_its_agent(self, served: Bed) -> None:
        without_autosave(served)
        served.commit("alice", {"n.txt": numbered()})
        arrives(served, "bob", "n.txt", numbered())
        until(lambda: served.tree("agentroom/main/bob") == served.tree(), "bob is synced")
        served.write("bob", {"n.txt": edited(numbered(), 5, "bob's")})
        served.commit("alice", {"n.txt": edited(numbered(), 5, "alice's")})

        bob = served.as_agent("bob")
        until(lambda: any(m.kind == "waits" for m in messages.unread(bob).messages), "bob is told that he waits")
        assert (served.path("bob") / "n.txt").read_text() == edited(numbered(), 5, "bob's")

    def test_uncommitted_edits_elsewhere_do_not_keep_the_others_work_out(self, served: Bed) -> None:
        served.write("bob", {"README.md": "bob is editing\n"})
        served.commit("alice", {"a.txt": "alice\n"})

        arrives(served, "bob", "a.txt", "alice\n")
        assert (served.path("bob") / "README.md").read_text() == "bob is editing\n"


def test_a_worktree_is_synced_as_soon_as_its_agents_tool_has_ended(served: Bed) -> None:
    room = served.as_agent("bob")
    git_dir = str(room.repo.git_dir)
    toolmark.follow(git_dir, "PreToolUse", "Bash")
    served.commit("alice", {"a.txt": "x\n"})
    until(lambda: "bob" in sync_waits.waits(room), "bob's worktree waits")
    assert not (served.path("bob") / "a.txt").exists()

    toolmark.follow(git_dir, "PostToolUse", "Bash")

    arrives(served, "bob", "a.txt", "x\n")


def test_a_sidecar_whose_lock_was_removed_ends_by_itself(served: Bed) -> None:
    pid = lifecycle.read_state(served.room()).pid
    served.room().sidecar_lock.unlink()

    def has_ended() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"

    until(has_ended, "the old sidecar is gone")
