"""What wakes the sidecar and what does not, with the kernel's own events."""

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentroom_git.sidecar import folders
from agentroom_git.sidecar.elsewhere import Elsewhere
from agentroom_git.sidecar.folders import Folders, Touched
from agentroom_git.sidecar.watch import Watch
from agentroom_git.system.clock import SystemClock
from conftest import Git

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs inotify")
PATIENCE_SECONDS = 20.0


@pytest.fixture
def seen() -> Iterator[Folders]:
    opened = Folders(most=1000)
    yield opened
    opened.close()


def never(path: bytes) -> bool:
    return False


@linux
class TestFolders:
    def test_a_write_a_rename_and_a_deletion_are_seen_by_their_paths(self, seen: Folders, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        seen.watch("t", os.fsencode(tmp_path), never)

        (tmp_path / "a" / "new.txt").write_text("1\n")
        (tmp_path / "a" / "new.txt").rename(tmp_path / "b.txt")
        (tmp_path / "b.txt").unlink()

        assert {one.path for one in seen.read()} == {b"a/new.txt", b"b.txt"}
        assert seen.read() == []

    def test_a_folder_that_appears_is_watched_and_counts_as_changed_as_a_whole(
        self, seen: Folders, tmp_path: Path
    ) -> None:
        seen.watch("t", os.fsencode(tmp_path), never)
        (tmp_path / "a" / "b").mkdir(parents=True)
        assert Touched("t", b"a", is_folder=True) in seen.read()

        (tmp_path / "a" / "b" / "c.txt").write_text("1\n")

        assert seen.read() == [Touched("t", b"a/b/c.txt")]

    def test_a_folder_that_was_renamed_is_seen_under_its_new_name_only(self, seen: Folders, tmp_path: Path) -> None:
        (tmp_path / "old" / "inner").mkdir(parents=True)
        seen.watch("t", os.fsencode(tmp_path), never)
        (tmp_path / "old").rename(tmp_path / "new")
        assert {one.path for one in seen.read()} == {b"old", b"new"}

        (tmp_path / "new" / "inner" / "x.txt").write_text("1\n")

        assert seen.read() == [Touched("t", b"new/inner/x.txt")]

    def test_a_folder_that_was_removed_and_made_again_is_watched_again(self, seen: Folders, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        seen.watch("t", os.fsencode(tmp_path), never)
        shutil.rmtree(tmp_path / "a")
        (tmp_path / "a").mkdir()
        seen.read()

        (tmp_path / "a" / "x.txt").write_text("1\n")

        assert seen.read() == [Touched("t", b"a/x.txt")]

    def test_nothing_in_a_skipped_folder_is_seen_or_costs_a_watch(self, seen: Folders, tmp_path: Path) -> None:
        (tmp_path / "node_modules" / "deep").mkdir(parents=True)
        seen.watch("t", os.fsencode(tmp_path), lambda path: path == b"node_modules")
        (tmp_path / "node_modules" / "deep" / "x.js").write_text("1\n")
        (tmp_path / "node_modules" / "later").mkdir()

        assert seen.read() == []

    def test_a_link_to_a_folder_is_not_followed(self, seen: Folders, tmp_path: Path) -> None:
        (tmp_path / "outside").mkdir()
        (tmp_path / "tree").mkdir()
        (tmp_path / "tree" / "link").symlink_to(tmp_path / "outside")
        seen.watch("t", os.fsencode(tmp_path / "tree"), never)

        (tmp_path / "outside" / "x.txt").write_text("1\n")

        assert seen.read() == []

    def test_a_tree_beyond_the_limit_is_given_up_as_a_whole_with_the_reason(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folders, "MAX_WATCHES_OF_TREE", 3)
        seen = Folders(most=5)
        for name in ("big/1", "big/2", "big/3", "small", "other/1/2"):
            (tmp_path / name).mkdir(parents=True)

        assert "3" in seen.watch("big", os.fsencode(tmp_path / "big"), never)
        assert seen.watch("small", os.fsencode(tmp_path / "small"), never) == ""
        assert seen.watch("other", os.fsencode(tmp_path / "other"), never) == ""
        (tmp_path / "big" / "1" / "x").write_text("unseen\n")
        (tmp_path / "small" / "x").write_text("seen\n")
        assert seen.read() == [Touched("small", b"x")]
        seen.close()

    def test_a_tree_that_outgrows_the_limit_later_says_so(
        self, seen: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folders, "MAX_WATCHES_OF_TREE", 2)
        assert seen.watch("t", os.fsencode(tmp_path), never) == ""
        for name in ("a", "b"):
            (tmp_path / name).mkdir()

        seen.read()

        assert seen.problem("t") != ""


def test_where_there_is_no_inotify_another_watcher_tells_the_same(tmp_path: Path) -> None:
    (tmp_path / "skipped").mkdir()
    seen = Elsewhere()
    seen.watch("t", os.fsencode(tmp_path), lambda path: path == b"skipped")
    found: set[bytes] = set()
    number = 0
    # Its thread takes a moment to begin, and says nothing when it has.
    while b"x.txt" not in found and number < 400:
        (tmp_path / "skipped" / "y.txt").write_text(f"{number}\n")
        (tmp_path / "x.txt").write_text(f"{number}\n")
        SystemClock().sleep(0.05)
        found |= {one.path for one in seen.read()}
        number += 1
    seen.close()

    assert found == {b"x.txt"}


class TestWatch:
    @pytest.fixture
    def watch(self, repository: Path) -> Iterator[Watch]:
        with Watch(repository / ".git", SystemClock()) as watch:
            yield watch

    def wakes(self, watch: Watch) -> bool:
        """Whether the next wait is ended by what has happened already: otherwise it would last too long."""
        before = SystemClock().monotonic()
        watch.wait(lambda: False, at_least=0.0, at_most=PATIENCE_SECONDS)
        return SystemClock().monotonic() - before < PATIENCE_SECONDS

    def sleeps(self, watch: Watch) -> bool:
        """Whether nothing that has happened wakes."""
        watch.wait(lambda: False, at_least=0.0, at_most=0.0)
        watch._read()
        return not watch._has_moved

    def test_a_commit_packing_and_a_commit_after_it_wake(self, watch: Watch, repository: Path, git: Git) -> None:
        for command in (
            ("commit", "--quiet", "--allow-empty", "-m", "one"),
            ("pack-refs", "--all", "--prune"),
            ("commit", "--quiet", "--allow-empty", "-m", "two"),
            ("update-ref", "refs/agentroom/main/log/alice", "HEAD"),
        ):
            git(*command, cwd=repository)
            assert self.wakes(watch), command
            assert self.sleeps(watch)

    @linux
    def test_reading_commands_and_locks_of_the_users_wake_nobody(
        self, watch: Watch, repository: Path, git: Git
    ) -> None:
        (repository / "README.md").write_text("edited\n")
        git("status", cwd=repository)
        git("add", "README.md", cwd=repository)
        (repository / ".git" / "refs" / "heads" / "main.lock").touch()
        (repository / ".git" / "refs" / "heads" / "main.lock").unlink()

        assert self.sleeps(watch)

    @linux
    def test_a_merge_that_stops_in_a_worktree_wakes(self, watch: Watch, repository: Path, git: Git) -> None:
        git("worktree", "add", "--quiet", "-b", "side", "../side", cwd=repository)
        assert self.wakes(watch)
        (repository / ".git" / "worktrees" / "side" / "MERGE_HEAD").write_text("0" * 40)

        assert self.wakes(watch)

    def test_a_poke_from_another_thread_wakes(self, watch: Watch) -> None:
        threading.Thread(target=watch.poke).start()

        assert self.wakes(watch)

    @linux
    def test_while_nothing_happens_nobody_is_woken_before_the_time(self, watch: Watch) -> None:
        watch.wait(lambda: False, at_least=0.0, at_most=0.3)

        assert watch.wakes <= 2  # one, and one more where the first ended a moment early

    @linux
    def test_edits_in_a_followed_worktree_are_kept_until_they_are_taken(self, watch: Watch, tmp_path: Path) -> None:
        top = tmp_path / "tree"
        (top / "src").mkdir(parents=True)
        (top / ".git").write_text("gitdir: elsewhere\n")
        watch.follow(top, lambda path: path == b"build")
        (top / "src" / "a.py").write_text("a = 1\n")
        (top / ".git").write_text("gitdir: there\n")

        assert self.wakes(watch)
        assert watch.take(top) == {Touched(str(top), b"src/a.py")}
        assert watch.take(top) == set()
        watch.unfollow(top)
        (top / "src" / "a.py").write_text("a = 2\n")
        assert self.sleeps(watch)
