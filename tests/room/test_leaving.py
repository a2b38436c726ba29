"""No way out of the room loses anything, and nothing is removed that is not kept."""

import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentroom_git.core.events import Joined, Left, Recorded
from agentroom_git.core.ids import AgentName, Oid, parse_agent
from agentroom_git.errors import UsageError
from agentroom_git.git import archive, aside
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room import coordination, logs, presence, running
from agentroom_git.room.presence import Departure, WorkUnderWayError
from agentroom_git.room.room import Room, acting_as, open_room
from agentroom_git.system.clock import SystemClock
from agentroom_git.system.locks import held
from rooms import Bed

ALICE = parse_agent("alice")


def _leave(bed: Bed, name: str = "alice", *, discard_ignored: bool = False) -> Departure:
    return presence.leave(bed.room(), parse_agent(name), discard_ignored=discard_ignored)


def _moves(bed: Bed, name: str = "alice") -> list[str]:
    found = logs.read_log(bed.room(), parse_agent(name))
    bodies = [item.event.body for item in found if isinstance(item, Recorded)]
    return [body.type for body in reversed(bodies) if isinstance(body, Joined | Left)]


def _configure(bed: Bed, text: str) -> None:
    (bed.repository / ".agentroom.yaml").write_text(text)


def test_committed_work_is_folded_and_the_worktree_goes(bed: Bed) -> None:
    bed.join("alice")
    tip = bed.commit("alice", {"a.txt": "alice\n"})

    departure = _leave(bed)

    assert departure == Departure(bed.path("alice"), (), ())
    assert not bed.path("alice").exists()
    assert bed.integrated("a.txt") == "alice\n"
    assert bed.git("rev-parse", "agentroom/main/alice", cwd=bed.repository).strip() == tip
    assert _moves(bed) == ["joined", "left"]


def test_staged_unstaged_and_untracked_work_can_be_had_back(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"README.md": "staged\n"})
    bed.git("add", "README.md", cwd=bed.path("alice"))
    bed.write("alice", {"README.md": "edited\n", "src/app.py": None, "new/file.txt": "new\n"})
    before = bed.git("status", "--porcelain", "-uall", cwd=bed.path("alice"))

    departure = _leave(bed)

    assert departure.kept == ("refs/agentroom/main/archive/alice/1",)
    assert not bed.path("alice").exists()
    # A snapshot has the shape of a stash: git itself restores it.
    bed.join("alice")
    bed.git("stash", "apply", "--quiet", "--index", departure.kept[0], cwd=bed.path("alice"))
    after = bed.git("status", "--porcelain", "-uall", cwd=bed.path("alice"))
    assert sorted(after.splitlines()) == sorted(before.splitlines())
    assert (bed.path("alice") / "new" / "file.txt").read_text() == "new\n"


def test_a_detached_commit_is_folded_and_one_on_another_branch_stays_there(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.git("checkout", "--quiet", "--detach", cwd=bed.path("alice"))
    detached = bed.commit("alice", {"a.txt": "alice\n"})
    bed.git("switch", "--quiet", "-c", "topic", cwd=bed.path("bob"))
    topic = bed.commit("bob", {"b.txt": "bob\n"})

    assert (_leave(bed, "alice").kept, _leave(bed, "bob").kept) == ((), ())

    assert bed.is_ancestor(detached)
    assert bed.git("rev-parse", "topic", cwd=bed.repository).strip() == topic


def test_a_commit_that_cannot_be_folded_is_archived(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice")
    bed.git("checkout", "--quiet", "--detach", cwd=bed.path("alice"))
    detached = bed.commit("alice", {"a.txt": "alice\n"})

    monkeypatch.setattr(presence.Folder, "fold", lambda *_: None)
    departure = _leave(bed)

    assert bed.room().refs.listed("refs/agentroom/main/archive/alice/") == {departure.kept[0]: detached}


def test_commits_that_only_the_reflog_names_are_archived(bed: Bed) -> None:
    bed.join("alice")
    lost = bed.commit("alice", {"a.txt": "alice\n"})
    bed.git("reset", "--quiet", "--hard", "HEAD~1", cwd=bed.path("alice"))

    departure = _leave(bed)

    assert [bed.room().refs.get(name) for name in departure.kept] == [lost]


def test_claims_are_given_back(bed: Bed) -> None:
    bed.join("alice")
    coordination.claim(acting_as(bed.room(), ALICE), ["src"])

    _leave(bed)

    assert coordination.live_claims(bed.room()) == []


def test_leaving_twice_and_leaving_without_having_joined_are_refused(bed: Bed) -> None:
    bed.join("alice")
    _leave(bed)
    for name in ("alice", "bob"):
        with pytest.raises(UsageError, match=f"{name} has no worktree"):
            _leave(bed, name)
    assert _moves(bed) == ["joined", "left"]


def test_who_left_may_join_again_on_the_same_branch(bed: Bed) -> None:
    bed.join("alice")
    tip = bed.commit("alice", {"a.txt": "alice\n"})
    _leave(bed)

    assert presence.join(bed.room(), ALICE).is_new
    assert bed.head("alice") == tip


def test_leaving_while_running_is_refused(bed: Bed) -> None:
    bed.join("alice")
    with held(running.run_lock(bed.room(), ALICE), seconds=1, what="test"):
        assert running.is_running(bed.room(), ALICE)
        with pytest.raises(UsageError, match="alice is running"):
            _leave(bed)
    assert bed.path("alice").exists()
    assert _moves(bed) == ["joined"]


def _merge(bed: Bed) -> None:
    bed.git("merge", "--quiet", "--no-commit", "--no-ff", "side", cwd=bed.path("alice"))


def _conflict(bed: Bed) -> None:
    bed.commit("alice", {"side.txt": "mine\n"})
    bed.git("rebase", "--quiet", "side", cwd=bed.path("alice"), check=False)


@pytest.mark.parametrize(("begin", "says"), [(_merge, "a merge is under way"), (_conflict, "a rebase is under way")])
def test_leaving_in_the_middle_of_an_operation_is_refused(bed: Bed, begin: Callable[[Bed], None], says: str) -> None:
    bed.join("alice")
    bed.git("switch", "--quiet", "-c", "side", cwd=bed.path("alice"))
    bed.commit("alice", {"side.txt": "theirs\n"})
    bed.git("switch", "--quiet", "agentroom/main/alice", cwd=bed.path("alice"))
    begin(bed)
    before = bed.git("status", "--porcelain", cwd=bed.path("alice"))

    with pytest.raises(WorkUnderWayError, match=says):
        _leave(bed)

    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == before


def test_a_worktree_that_somebody_locked_stays(bed: Bed) -> None:
    bed.join("alice")
    bed.git("worktree", "unlock", bed.path("alice"), cwd=bed.repository)
    bed.git("worktree", "lock", "--reason", "mine", bed.path("alice"), cwd=bed.repository)

    with pytest.raises(WorkUnderWayError, match="is locked: mine") as refused:
        _leave(bed)

    assert refused.value.hint == f"git worktree unlock {bed.path('alice')}"
    bed.git("worktree", "unlock", bed.path("alice"), cwd=bed.repository)
    _leave(bed)
    assert not bed.path("alice").exists()


def test_links_go_and_what_they_lead_to_stays(bed: Bed, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "package.js").write_text("kept\n")
    bed.join("alice")
    (bed.path("alice") / ".gitignore").write_text("node_modules\n")
    (bed.path("alice") / "node_modules").symlink_to(outside)
    (bed.path("alice") / "linked").symlink_to(outside)

    departure = _leave(bed)

    assert not bed.path("alice").exists()
    assert (outside / "package.js").read_text() == "kept\n"
    assert bed.git("ls-tree", "--name-only", departure.kept[0], "linked", cwd=bed.repository) == "linked\n"


def test_ignored_files_that_exist_only_there_keep_the_worktree(bed: Bed) -> None:
    (bed.repository / ".gitignore").write_text("*.db\n.env\nbuild/\n__pycache__/\n")
    bed.git("add", ".gitignore", cwd=bed.repository)
    bed.git("commit", "--quiet", "-m", "Ignore", cwd=bed.repository)
    bed.fold()
    (bed.repository / ".env").write_text("KEY=1\n")
    _configure(bed, "copy: .env\n")
    bed.join("alice")
    bed.write("alice", {"data.db": "data\n", "build/out.bin": "built\n", "src/__pycache__/x.pyc": "x"})

    departure = _leave(bed)

    assert departure.left_behind == ("data.db",)
    assert (bed.path("alice") / "data.db").read_text() == "data\n"
    assert _leave(bed, discard_ignored=True).left_behind == ()
    assert not bed.path("alice").exists()


def test_a_repository_of_its_own_below_the_worktree_keeps_it(bed: Bed) -> None:
    bed.join("alice")
    nested = bed.path("alice") / "vendor" / "lib"
    nested.mkdir(parents=True)
    bed.git("init", "--quiet", cwd=nested)
    bed.git("commit", "--quiet", "--allow-empty", "-m", "x", cwd=nested)

    assert _leave(bed).left_behind == ("vendor/lib/",)
    assert nested.exists()


def test_a_repository_without_a_commit_stays_behind_and_the_rest_is_archived(bed: Bed) -> None:
    bed.join("alice")
    place = bed.path("alice") / "own [1]"
    place.mkdir()
    bed.git("init", "--quiet", cwd=place)
    (place / "inside.txt").write_text("x\n")
    (bed.path("alice") / "own 1").write_text("beside\n")

    departure = _leave(bed)

    assert departure.left_behind == ("own [1]/",)
    names = bed.git("ls-tree", "-r", "--name-only", departure.kept[0], cwd=bed.repository).splitlines()
    assert "own 1" in names
    assert not [name for name in names if "inside" in name]


def test_leaving_a_deleted_worktree_drops_only_its_entry(bed: Bed) -> None:
    bed.join("alice")
    tip = bed.commit("alice", {"a.txt": "alice\n"})
    shutil.rmtree(bed.path("alice"))

    departure = _leave(bed)

    assert departure.path == bed.repository / ".git" / "worktrees" / "alice"
    assert bed.is_ancestor(tip)
    assert bed.room().worktrees() == {}


def test_leaving_from_a_copy_never_touches_the_original(bed: Bed, tmp_path: Path) -> None:
    bed.join("alice")
    bed.write("alice", {"new.txt": "new\n"})
    other = Bed(bed.git, tmp_path / "copy")
    shutil.copytree(bed.repository, other.repository, symlinks=True)

    _leave(other)

    assert other.room().worktrees() == {}
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == "?? new.txt\n"


def test_a_lost_pointer_does_not_lose_the_edits_of_who_leaves(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"new.txt": "new\n"})
    (bed.path("alice") / ".git").unlink()

    departure = _leave(bed)

    assert bed.git("show", f"{departure.kept[0]}:new.txt", cwd=bed.repository) == "new\n"
    assert not bed.path("alice").exists()


def _meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something after the work was archived, when its claims are given back."""
    release = coordination.release_all

    def late(room: Room, agent: AgentName) -> None:
        act()
        release(room, agent)

    monkeypatch.setattr(coordination, "release_all", late)


def test_what_is_saved_after_the_work_was_archived_is_archived_too(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice")
    bed.write("alice", {"early.txt": "early\n"})
    _meanwhile(monkeypatch, lambda: bed.write("alice", {"late.txt": "late\n"}))

    departure = _leave(bed)

    first, second = departure.kept
    assert "late.txt" not in bed.git("ls-tree", "--name-only", first, cwd=bed.repository)
    assert bed.git("show", f"{second}:late.txt", cwd=bed.repository) == "late\n"
    assert not bed.path("alice").exists()
    (last, *_) = logs.read_log(bed.room(), ALICE)
    assert isinstance(last, Recorded)
    assert last.event.body == Left(-1, departure.kept)


def test_a_commit_on_no_branch_made_after_the_work_was_archived_is_archived(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed.join("alice")
    bed.git("checkout", "--quiet", "--detach", cwd=bed.path("alice"))
    made: list[Oid] = []
    _meanwhile(monkeypatch, lambda: made.append(bed.commit("alice", {"late.txt": "late\n"})))

    departure = _leave(bed)

    assert [bed.room().refs.get(name) for name in departure.kept] == made


@pytest.mark.parametrize("gone", ["folder", "entry"])
def test_a_worktree_that_somebody_removes_meanwhile_is_told(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    bed.join("alice")
    (bed.repository / ".git" / "worktrees" / "alice" / "locked").unlink()
    removed = bed.path("alice") if gone == "folder" else bed.repository / ".git" / "worktrees" / "alice"
    record = logs.record

    def recorded(*given: Any, **named: Any) -> Any:
        shutil.rmtree(removed)
        return record(*given, **named)

    monkeypatch.setattr(logs, "record", recorded)

    with pytest.raises(WorkUnderWayError, match="somebody else removed alice's worktree"):
        _leave(bed)


def test_an_ignored_file_that_comes_late_keeps_the_worktree(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice")
    record = logs.record
    late = {".gitignore": "secret\n", "secret": "only here\n"}

    def recorded(*given: Any, **named: Any) -> Any:
        bed.write("alice", late)
        return record(*given, **named)

    monkeypatch.setattr(logs, "record", recorded)

    assert _leave(bed).left_behind == ("secret",)
    assert (bed.path("alice") / "secret").exists()


def _while_aside(monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], object], times: int = 1) -> None:
    """Let a process that went along write in each of the first looks at the worktree in its private place."""
    look, count = archive.lost_commits, itertools.count()

    def busy(worktree: Worktree) -> list[Oid]:
        if worktree.path.parent.name == aside.FOLDER and next(count) < times:
            act(worktree.path)
        return look(worktree)

    monkeypatch.setattr(archive, "lost_commits", busy)


def test_what_a_process_that_went_along_writes_during_the_last_look_is_archived(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed.join("alice")
    _while_aside(monkeypatch, lambda place: (place / "late.txt").write_text("late\n"))

    (kept,) = _leave(bed).kept

    assert bed.git("show", f"{kept}:late.txt", cwd=bed.repository) == "late\n"
    assert not bed.path("alice").exists()


def test_what_is_written_by_the_path_after_the_worktree_was_put_aside_stays_there(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed.join("alice")
    _while_aside(monkeypatch, lambda place: bed.write("alice", {"late.txt": "late\n"}))

    assert _leave(bed).kept == ()
    assert [path.name for path in bed.path("alice").iterdir()] == ["late.txt"]
    assert bed.git("worktree", "list", cwd=bed.repository).count("\n") == 1


def test_where_something_goes_on_writing_nothing_is_removed(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice")
    monkeypatch.setattr(presence, "LOOKS", 3)
    count = itertools.count()
    _while_aside(monkeypatch, lambda place: (place / "busy.txt").write_text(f"{next(count)}\n"), times=9)

    with pytest.raises(WorkUnderWayError, match="goes on writing"):
        _leave(bed)
    assert (bed.path("alice") / "busy.txt").read_text() == "2\n"
    assert not (bed.path("alice").parent / aside.FOLDER).exists()


def _killed_at(bed: Bed, stop: str) -> None:
    def failpoint(step: str) -> None:
        if step == stop:
            os._exit(9)

    child = os.fork()
    if child == 0:
        try:
            presence.leave(open_room(bed.repository, SystemClock(), failpoint=failpoint), ALICE)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("step", ["look once more", "remove worktree"])
@pytest.mark.parametrize("then", ["leaves", "joins"])
def test_a_leave_that_was_killed_is_done_again_or_undone(bed: Bed, step: str, then: str) -> None:
    bed.join("alice")
    bed.write("alice", {"edit.txt": "edited\n"})
    _killed_at(bed, step)
    assert not bed.path("alice").exists()

    if then == "joins":
        bed.join("alice")
        assert (bed.path("alice") / "edit.txt").read_text() == "edited\n"
        assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == "?? edit.txt\n"
    assert _leave(bed).kept == ("refs/agentroom/main/archive/alice/1",)
    assert bed.git("show", "refs/agentroom/main/archive/alice/1:edit.txt", cwd=bed.repository) == "edited\n"
    assert list(bed.path("alice").parent.iterdir()) == []


def test_a_removal_that_was_killed_half_way_is_swept(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice")
    monkeypatch.setattr(aside, "_remove_rest", _refuse)
    with pytest.raises(OSError, match="worktrees/alice"):
        _leave(bed)
    monkeypatch.undo()
    assert (bed.path("alice").parent / aside.FOLDER / "alice" / "README.md").exists()

    bed.join("bob")

    assert [path.name for path in bed.path("alice").parent.iterdir()] == ["bob"]
    assert not (bed.repository / ".git/worktrees/alice").exists()


def _refuse(git_dir: Path) -> None:
    raise OSError(f"{git_dir} cannot be removed")


def test_what_is_kept_already_is_not_kept_again(bed: Bed) -> None:
    (bed.repository / ".gitignore").write_text("secret\n")
    bed.join("alice")
    bed.write("alice", {".gitignore": "secret\n", "secret": "only here\n", "edit.txt": "edited\n"})
    bed.git("add", ".gitignore", cwd=bed.path("alice"))

    kept = _leave(bed).kept

    assert len(kept) == 1
    assert _leave(bed).kept == kept
    bed.write("alice", {"edit.txt": "edited again\n"})
    assert _leave(bed).kept == ("refs/agentroom/main/archive/alice/2",)


@pytest.mark.parametrize("folder", ["there", "gone"])
def test_a_head_that_a_power_cut_emptied_loses_nothing_of_who_leaves(bed: Bed, folder: str) -> None:
    bed.join("alice")
    bed.write("alice", {"staged.txt": "staged\n"})
    bed.git("add", "staged.txt", cwd=bed.path("alice"))
    bed.room().worktrees()[ALICE].git_dir.joinpath("HEAD").write_bytes(b"")
    if folder == "gone":
        shutil.rmtree(bed.path("alice"))

    departure = _leave(bed)

    assert bed.git("show", f"{departure.kept[0]}:staged.txt", cwd=bed.repository) == "staged\n"
    assert bed.room().worktrees() == {}


def test_what_was_staged_on_a_branch_that_is_gone_is_archived_by_who_joins_anew(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"staged.txt": "staged\n"})
    bed.git("add", "staged.txt", cwd=bed.path("alice"))
    bed.git("update-ref", "-d", "refs/heads/agentroom/main/alice", cwd=bed.repository)
    shutil.rmtree(bed.path("alice"))

    assert presence.join(bed.room(), ALICE).is_new

    (kept,) = bed.room().refs.listed("refs/agentroom/main/archive/alice/")
    assert bed.git("show", f"{kept}:staged.txt", cwd=bed.repository) == "staged\n"


def test_a_join_after_a_power_cut_finds_the_edits_in_place(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"edit.txt": "edited\n"})
    git_dir = bed.room().worktrees()[ALICE].git_dir
    for name in ("HEAD", "agentroom-identity"):
        (git_dir / name).write_bytes(b"")

    assert not presence.join(bed.room(), ALICE).is_new

    assert (bed.path("alice") / "edit.txt").read_text() == "edited\n"
    assert bed.as_agent("alice").me == ALICE


def test_everything_that_an_agent_ever_committed_is_reachable_after_it_left(bed: Bed) -> None:
    bed.join("alice")
    commits: list[Oid] = []
    for number in range(3):
        commits.append(bed.commit("alice", {"a.txt": f"{number}\n"}))
        if number == 1:
            bed.git("commit", "--quiet", "--amend", "-m", "amended", cwd=bed.path("alice"))
        bed.fold() if number == 0 else None
    bed.git("checkout", "--quiet", "--detach", cwd=bed.path("alice"))
    commits.append(bed.commit("alice", {"b.txt": "b\n"}))
    bed.git("switch", "--quiet", "agentroom/main/alice", cwd=bed.path("alice"))

    _leave(bed)

    assert bed.git("rev-list", *commits, "--not", "--all", cwd=bed.repository) == ""


def _delete_branch(bed: Bed) -> None:
    bed.git("update-ref", "-d", "refs/heads/agentroom/main/alice", cwd=bed.repository)


@pytest.mark.parametrize("is_gone", [False, True], ids=["alone", "with its folder"])
def test_an_agent_whose_branch_was_deleted_can_leave(bed: Bed, is_gone: bool) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "not folded yet\n"})
    _delete_branch(bed)
    if is_gone:
        shutil.rmtree(bed.path("alice"))

    _leave(bed)

    assert bed.integrated("a.txt") == "not folded yet\n"
    assert "alice" not in bed.room().worktrees()


def test_joining_puts_a_deleted_branch_back_where_it_was_and_keeps_the_edits(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("bob", {"b.txt": "bob\n"})
    bed.settle()
    tip = bed.head("alice")
    bed.write("alice", {"b.txt": "edited\n"})
    _delete_branch(bed)

    bed.join("alice")

    assert bed.head("alice") == tip
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == " M b.txt\n"


def test_a_deleted_branch_without_a_reflog_begins_again_at_integration(bed: Bed) -> None:
    (path,) = bed.join("alice")
    (bed.repository / ".git" / "worktrees" / path.name / "logs" / "HEAD").write_text("garbage\n")
    _delete_branch(bed)

    bed.join("alice")

    assert bed.head("alice") == bed.room().integration()
