"""A sync that is killed or fails at any of its steps leaves nothing behind that the next one does not put right."""

import os
import subprocess
from pathlib import Path

import pytest

from agentroom_git.git.checkout import Advanced, Waits
from worktree_pair import BASE, KILLED, Link, Pair, Program, assert_no_trace, files_of, kill_at, write

OLD: dict[str, object] = BASE | {"link": Link("README.md"), "run": b"1\n", "kept.txt": b"kept\n", "solid": b"file\n"}
CHANGE: dict[str, object] = {
    "src/app.py": b"app = 2\n",
    "src/new.py": b"new\n",
    "src/util.py": None,
    "run": Program(b"2\n"),
    "link": Link("src/app.py"),
    "docs": b"a file now\n",
    "solid/x": b"x\n",
}


class Stopped(Exception):
    """What a failpoint raises."""


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    pair = Pair(tmp_path)
    pair.commit(OLD)
    pair.add_worktree()
    return pair


def steps_of(pair: Pair, new: str) -> list[str]:
    """The names of all steps of a sync, which is then taken back."""
    old = pair.tip()
    steps: list[str] = []
    assert isinstance(pair.advance(new, failpoint=steps.append), Advanced)
    assert isinstance(pair.advance(old), Advanced)
    return steps


def assert_whole(pair: Pair, commit: str) -> None:
    """The worktree is at the commit, clean, with no trace of a sync in git's directories."""
    assert pair.tip() == commit
    assert pair.status() == ""
    assert_no_trace(pair)


@pytest.mark.parametrize("direction", ["forward", "back"])
def test_after_a_kill_at_any_step_the_next_sync_succeeds(pair: Pair, direction: str) -> None:
    old, new = pair.tip(), pair.commit(CHANGE)
    if direction == "back":
        pair.advance(new)
        old, new = new, old
    for stop in steps_of(pair, new):
        kill_at(pair, new, stop)
        assert isinstance(pair.advance(new, old=old), Advanced), stop
        assert_whole(pair, new)
        pair.advance(old)
        assert_whole(pair, old)


def test_after_a_kill_at_any_step_a_sync_to_another_commit_succeeds(pair: Pair) -> None:
    old, new = pair.tip(), pair.commit(CHANGE)
    other = pair.commit({"src/app.py": b"app = 3\n", "src/new.py": None, "docs": None, "run": b"1\n"})
    for stop in steps_of(pair, new):
        kill_at(pair, new, stop)
        if pair.tip() == new:
            assert isinstance(pair.advance(other, old=new), Advanced), stop
        else:
            assert isinstance(pair.advance(other, old=old), Advanced), stop
        assert_whole(pair, other)
        pair.advance(old)


def test_a_kill_in_the_recovery_from_a_kill_is_recovered_from_too(pair: Pair) -> None:
    old, new = pair.tip(), pair.commit(CHANGE)
    for stop in ("add 8", "move branch"):
        kill_at(pair, new, stop)
        recovery: list[str] = []
        pair.advance(new, old=old, failpoint=recovery.append)
        pair.advance(old)
        for second in dict.fromkeys(recovery):
            kill_at(pair, new, stop)
            kill_at(pair, new, second)
            assert isinstance(pair.advance(new, old=old), Advanced), (stop, second)
            assert_whole(pair, new)
            pair.advance(old)
            assert_whole(pair, old)


@pytest.mark.parametrize("save", ["in place", "by rename", "delete"])
@pytest.mark.parametrize("path", ["src/app.py", "src/new.py", "src/util.py", "link", "solid/x", "docs"])
def test_an_edit_made_after_a_kill_survives_the_recovery(pair: Pair, path: str, save: str) -> None:
    old, new = pair.tip(), pair.commit(CHANGE)
    for stop in steps_of(pair, new)[-16:]:
        kill_at(pair, new, stop)
        target = pair.agent / path
        if not target.parent.is_dir() or (target.is_dir() and not target.is_symlink()):
            pair.advance(new, old=old)
            pair.advance(old)
            continue
        if save == "in place" and not target.is_symlink():
            target.write_bytes(b"my edit\n")
        else:
            write(target, None if save == "delete" else b"my edit\n")
        expected = None if save == "delete" else b"my edit\n"

        pair.advance(new, old=old)

        if save == "delete" and isinstance(pair.advance(new), Waits | Advanced):
            assert pair.tip() in (old, new)  # a deletion may be found again as a file that was never there
        else:
            assert target.read_bytes() == expected, stop
        assert_no_trace(pair)
        pair.git("reset", "--quiet", "--hard", old, cwd=pair.agent)
        pair.git("clean", "--quiet", "--force", "-d", "-x", cwd=pair.agent)


def test_an_edit_saved_just_before_the_swap_and_a_kill_is_put_back(pair: Pair) -> None:
    old, new = pair.tip(), pair.commit(CHANGE)
    swaps = [step for step in steps_of(pair, new) if step.split()[0] in ("remove", "swap", "add", "write", "move")]
    for number, step in enumerate(swaps[:-1]):

        def save(step: str, saved: str = step, last: str = swaps[number + 1]) -> None:
            if step == saved:
                for path in ("src/app.py", "src/util.py", "src/new.py", "run"):
                    if not (pair.agent / path).exists() or (pair.agent / path).read_bytes() in (b"1\n", b"app = 1\n"):
                        write(pair.agent / path, b"my edit\n")
            if step == last:
                os._exit(KILLED)

        child = os.fork()
        if child == 0:
            try:
                pair.advance(new, failpoint=save)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        edited = [name for name, data in files_of(pair.agent).items() if data[1] == b"my edit\n"]
        # What stands in a bench by its step's number alone is not in the worktree.
        found = [path for path in pair.stage.rglob("*") if path.is_file() and path.name.isdigit()]
        kept = [path for path in found if path.read_bytes() == b"my edit\n"]
        assert edited or kept, step

        outcome = pair.advance(new, old=old)

        after = [name for name, data in files_of(pair.agent).items() if data[1] == b"my edit\n"]
        assert len(after) >= len(edited) + len(kept), step
        assert isinstance(outcome, Waits), step
        assert pair.tip() == old
        assert_no_trace(pair)
        pair.git("reset", "--quiet", "--hard", old, cwd=pair.agent)
        pair.git("clean", "--quiet", "--force", "-d", "-x", cwd=pair.agent)
        subprocess.run(["rm", "-r", str(pair.stage)], check=True)


def test_an_error_at_any_step_takes_everything_back_at_once(pair: Pair) -> None:
    old, new = pair.tip(), pair.commit(CHANGE)
    steps = steps_of(pair, new)
    before = files_of(pair.agent)
    entries = pair.git("ls-files", "--stage", cwd=pair.agent)
    for stop in steps[: steps.index("finish")]:

        def fail(step: str, stop: str = stop) -> None:
            if step == stop:
                raise Stopped(step)

        with pytest.raises(Stopped):
            pair.advance(new, failpoint=fail)

        assert files_of(pair.agent) == before, stop
        assert pair.git("ls-files", "--stage", cwd=pair.agent) == entries
        assert pair.tip() == old
        assert pair.status() == ""
        assert_no_trace(pair)


def test_what_an_agent_commits_after_removing_our_lock_stays_committed(pair: Pair) -> None:
    old, new = pair.tip(), pair.commit(CHANGE)
    for stop in ("swap 5", "write index", "move branch"):
        kill_at(pair, new, stop)
        for name in ("index.lock", "HEAD.lock"):
            (pair.git_dir / name).unlink()
        (pair.main / ".git/refs/heads/agent.lock").unlink()
        write(pair.agent / "kept.txt", b"mine\n")
        pair.git("commit", "--quiet", "--all", "--message", "mine", cwd=pair.agent)
        mine = pair.tip()

        assert pair.advance(new, old=old) == Waits("moved")

        assert pair.tip() == mine
        assert (pair.agent / "kept.txt").read_bytes() == b"mine\n"
        assert_no_trace(pair)
        pair.git("reset", "--quiet", "--hard", old, cwd=pair.agent)
        pair.git("clean", "--quiet", "--force", "-d", "-x", cwd=pair.agent)


def test_what_an_agent_commits_on_another_branch_after_removing_our_lock_stays(pair: Pair) -> None:
    old, new = pair.tip(), pair.commit(CHANGE)
    kill_at(pair, new, "write index")
    for name in ("index.lock", "HEAD.lock"):
        (pair.git_dir / name).unlink()
    pair.git("switch", "--quiet", "--create", "feature", cwd=pair.agent)
    pair.git("add", "--all", cwd=pair.agent)
    pair.git("commit", "--quiet", "--message", "mine", cwd=pair.agent)

    assert pair.advance(new, old=old) == Waits("branch")
    assert pair.status() == ""

    pair.git("switch", "--quiet", "agent", cwd=pair.agent)
    assert isinstance(pair.advance(new, old=old), Advanced)
    assert_whole(pair, new)


def test_git_finds_the_locks_of_a_killed_sync_taken_until_its_files_are_back(pair: Pair) -> None:
    old, new = pair.tip(), pair.commit(CHANGE)
    kill_at(pair, new, "write index")
    taken: list[bool] = []

    def look(step: str) -> None:
        if step in ("lock HEAD.lock", "undo files", "undo index", "finish taking back"):
            taken.append((pair.git_dir / "index.lock").exists() and (pair.git_dir / "HEAD.lock").exists())

    pair.advance(new, old=old, failpoint=look)

    assert taken[:4] == [True] * 4


@pytest.mark.parametrize("name", ["index.lock", "HEAD.lock"])
def test_the_lock_of_a_process_of_ours_that_has_died_is_cleared_and_a_foreign_one_is_not(pair: Pair, name: str) -> None:
    new = pair.commit(CHANGE)
    child = subprocess.Popen(["true"])
    child.wait()
    write(pair.git_dir / name, b"")
    assert pair.advance(new) == Waits("locked")
    write(pair.git_dir / name, f"agentroom {child.pid} 1@0\n".encode())
    assert isinstance(pair.advance(new), Advanced)


def test_a_branch_lock_without_a_mark_is_removed_only_after_it_was_watched_and_no_git_is_at_work(pair: Pair) -> None:
    old, new = pair.tip(), pair.commit(CHANGE)
    kill_at(pair, new, "mark branch lock")
    pair.clock.slept = 0.0

    with subprocess.Popen(["git", "cat-file", "--batch"], cwd=pair.main, stdin=subprocess.PIPE) as git:
        assert pair.advance(new, old=old).reason == "locked"  # it may be that git's
        git.kill()
    assert isinstance(pair.advance(new, old=old), Advanced)
    assert pair.clock.slept >= 2.0

    pair.advance(old)
    kill_at(pair, new, "move branch")
    pair.clock.slept = 0.0

    assert isinstance(pair.advance(new, old=old), Advanced)
    assert pair.clock.slept < 2.0


def test_a_sync_whose_branch_lock_somebody_removed_is_taken_back_and_waits(pair: Pair) -> None:
    old, new = pair.tip(), pair.commit(CHANGE)
    lock, marks = pair.main / ".git/refs/heads/agent.lock", []

    def remove(step: str) -> None:
        if step == "move branch":
            marks.append(lock.read_text())
            lock.unlink()

    outcome = pair.advance(new, failpoint=remove)

    assert isinstance(outcome, Waits)
    assert outcome.reason == "locked"
    assert marks[0].startswith(f"agentroom {os.getpid()} ")
    assert_whole(pair, old)


def test_a_sync_that_cannot_be_prepared_leaves_nothing_staged(pair: Pair) -> None:
    new = pair.commit({"README.md": b"# New\n", "docs/a.txt": b"new\n"})

    def fail(step: str) -> None:
        if step == "stage 1":
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        pair.advance(new, failpoint=fail)
    assert list(pair.stage.iterdir()) == []
