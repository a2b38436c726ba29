"""Agents come and go: every way in ends in a usable worktree, and no way out loses anything."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agentroom_git.core.events import Joined, Left, Recorded
from agentroom_git.core.ids import parse_agent
from agentroom_git.errors import UsageError
from agentroom_git.room import logs, presence
from agentroom_git.room.preparing import SetupError
from agentroom_git.room.presence import Arrival
from rooms import Bed


def _join(bed: Bed, name: str = "alice") -> Arrival:
    return presence.join(bed.room(), parse_agent(name))


def _moves(bed: Bed, name: str = "alice") -> list[str]:
    found = logs.read_log(bed.room(), parse_agent(name))
    bodies = [item.event.body for item in found if isinstance(item, Recorded)]
    return [body.type for body in reversed(bodies) if isinstance(body, Joined | Left)]


# Joining


def test_an_agent_gets_a_worktree_on_its_own_branch_at_integration(bed: Bed) -> None:
    arrival = _join(bed)

    assert arrival.is_new
    assert arrival.worktree.path == bed.repository.parent / "repository.agents" / "alice"
    assert arrival.worktree.branch == "refs/heads/agentroom/main/alice"
    assert bed.head("alice") == bed.room().integration()
    assert bed.as_agent("alice").me == "alice"
    assert _moves(bed) == ["joined"]


def test_joining_again_changes_nothing_in_the_worktree(bed: Bed) -> None:
    first = _join(bed)
    bed.write("alice", {"README.md": "edited\n"})

    again = _join(bed)

    assert (again.is_new, again.worktree) == (False, first.worktree)
    assert (bed.path("alice") / "README.md").read_text() == "edited\n"


JOIN = """
import sys
from pathlib import Path
from agentroom_git.core.ids import parse_agent
from agentroom_git.room import presence
from agentroom_git.room.room import open_room
from agentroom_git.system.clock import SystemClock
room = open_room(Path(sys.argv[1]), SystemClock())
print(presence.join(room, parse_agent(sys.argv[2])).is_new)
"""


def _join_in_processes(bed: Bed, names: list[str]) -> list[bool]:
    root = Path(presence.__file__).parents[2]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", JOIN, bed.repository, name], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for name in names
    ]
    ended = [one.communicate(timeout=100) for one in started]
    assert [errors.decode() for _, errors in ended] == [""] * len(names)
    return [out.strip() == b"True" for out, _ in ended]


def test_eight_processes_that_join_at_once_all_get_usable_worktrees(bed: Bed) -> None:
    names = [f"agent-{number}" for number in range(8)]

    assert _join_in_processes(bed, names) == [True] * 8

    for name in names:
        bed.commit(name, {f"{name}.txt": f"{name}\n"})
    assert len(bed.fold().made) == 8
    assert all(bed.integrated(f"{name}.txt") == f"{name}\n" for name in names)
    bed.fsck()


def test_eight_processes_that_join_under_one_name_share_one_worktree(bed: Bed) -> None:
    assert sorted(_join_in_processes(bed, ["alice"] * 8)) == [False] * 7 + [True]

    assert list(bed.room().worktrees()) == ["alice"]
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == ""


def test_a_worktree_that_was_deleted_is_made_again_on_the_same_branch(bed: Bed) -> None:
    bed.join("alice")
    tip = bed.commit("alice", {"a.txt": "alice\n"})
    bed.write("alice", {"staged.txt": "staged\n"})
    bed.git("add", "staged.txt", cwd=bed.path("alice"))
    shutil.rmtree(bed.path("alice"))

    arrival = _join(bed)

    assert arrival.is_new
    assert bed.head("alice") == tip
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == ""
    kept = bed.room().refs.listed("refs/agentroom/main/archive/alice/")
    assert bed.git("show", f"{list(kept)[-1]}:staged.txt", cwd=bed.repository) == "staged\n"


def test_a_detached_commit_of_a_deleted_worktree_is_kept(bed: Bed) -> None:
    bed.join("alice")
    bed.git("checkout", "--quiet", "--detach", cwd=bed.path("alice"))
    lost = bed.commit("alice", {"a.txt": "one\n"})
    bed.git("checkout", "--quiet", "--detach", "agentroom/main/alice", cwd=bed.path("alice"))
    head = bed.commit("alice", {"a.txt": "two\n"})
    shutil.rmtree(bed.path("alice"))

    _join(bed)

    kept = bed.room().refs.listed("refs/agentroom/main/archive/alice/")
    assert sorted(kept.values()) == sorted([lost, head])


def test_a_lost_pointer_is_mended_with_the_edits_in_place(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"README.md": "edited\n", "new.txt": "new\n"})
    (bed.path("alice") / ".git").unlink()

    arrival = _join(bed)

    assert not arrival.is_new
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == " M README.md\n?? new.txt\n"


@pytest.mark.parametrize("lost", ["nothing", "HEAD", "index", ".git", "folder"])
def test_a_join_that_was_killed_while_git_made_the_worktree_is_done_again(bed: Bed, lost: str) -> None:
    made = _join(bed).worktree
    for name in ("agentroom-identity", "agentroom-ready", *([lost] if lost in ("HEAD", "index") else [])):
        (made.git_dir / name).unlink()
    (made.git_dir / "locked").write_text("initializing")
    (made.path / "README.md").unlink()
    if lost == ".git":
        for entry in made.path.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    if lost == "folder":
        shutil.rmtree(made.path)
    assert bed.room().worktrees() == {}

    arrival = _join(bed)

    assert arrival.is_new
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == ""
    assert list(bed.room().worktrees()) == ["alice"]
    bed.fsck()


def test_a_join_that_was_killed_before_it_wrote_the_identity_is_completed(bed: Bed) -> None:
    bed.configure("setup: touch ready.txt\n")
    made = _join(bed).worktree
    for name in ("agentroom-identity", "agentroom-ready", "locked"):
        (made.git_dir / name).unlink()
    (made.path / "ready.txt").unlink()

    assert _join(bed).worktree.identity == made.identity
    assert (made.path / "ready.txt").exists()


@pytest.mark.parametrize("kind", ["file", "folder", "link", "link to nowhere"])
def test_what_is_in_the_way_is_left_alone_and_named(bed: Bed, kind: str) -> None:
    path = bed.path("alice")
    path.parent.mkdir()
    if kind == "file":
        path.write_text("mine\n")
    elif kind == "folder":
        path.mkdir()
        (path / "mine.txt").write_text("mine\n")
    else:
        path.symlink_to(bed.repository if kind == "link" else "nowhere")

    with pytest.raises(UsageError, match="is in the way of alice's worktree") as refused:
        _join(bed)

    assert refused.value.hint == "move it away"
    assert _moves(bed) == []
    assert bed.room().worktrees() == {}


def test_an_empty_folder_is_not_in_the_way(bed: Bed) -> None:
    bed.path("alice").mkdir(parents=True)
    assert _join(bed).is_new


def test_a_copied_repository_makes_worktrees_of_its_own(bed: Bed, tmp_path: Path) -> None:
    bed.join("alice")
    bed.write("alice", {"README.md": "edited\n"})
    other = Bed(bed.git, tmp_path / "copy")
    shutil.copytree(bed.repository, other.repository, symlinks=True)

    arrival = _join(other)

    assert arrival.is_new
    assert arrival.worktree.path == tmp_path / "copy.agents" / "alice"
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == " M README.md\n"
    other.commit("alice", {"c.txt": "copy\n"})
    other.fold()
    assert (other.integrated("c.txt"), bed.integrated("c.txt")) == ("copy\n", None)


def test_a_repository_that_was_moved_takes_its_worktrees_along(bed: Bed, tmp_path: Path) -> None:
    bed.join("alice")
    path = bed.path("alice")
    bed.write("alice", {"README.md": "edited\n"})
    moved = Bed(bed.git, bed.repository.rename(tmp_path / "moved"))

    arrival = _join(moved)

    assert (arrival.is_new, arrival.worktree.path) == (False, path)
    assert bed.git("status", "--porcelain", cwd=path) == " M README.md\n"


def test_without_a_room_nobody_joins(repository: Path, bed: Bed, tmp_path: Path) -> None:
    other = tmp_path / "other"
    bed.git("clone", "--quiet", repository, other, cwd=tmp_path)
    with pytest.raises(UsageError, match="there is no room 'main'"):
        _join(Bed(bed.git, other))
    assert not (tmp_path / "other.agents").exists()


# What a new worktree is given


def test_files_folders_and_patterns_are_copied_where_the_worktree_lacks_them(bed: Bed) -> None:
    top = bed.repository
    (top / ".gitignore").write_text("*.local\n.env\nassets/\n")
    bed.git("add", ".gitignore", cwd=top)
    bed.git("commit", "--quiet", "-m", "Ignore", cwd=top)
    bed.fold()
    (top / ".env").write_text("KEY=1\n")
    (top / ".env").chmod(0o600)
    (top / "src" / "one.local").write_text("1\n")
    (top / "src" / "deep").mkdir()
    (top / "src" / "deep" / "two.local").write_text("2\n")
    (top / "assets" / "a").mkdir(parents=True)
    (top / "assets" / "a" / "b.bin").write_bytes(b"\0\1")
    (top / "assets" / "link").symlink_to("a/b.bin")
    (top / "unwanted.local").write_text("no\n")
    bed.configure("copy: [.env, src, 'src/**/*.local', assets/, 'missing*', README.md]\n")

    arrival = _join(bed)

    assert arrival.copied == (".env", "assets/a/b.bin", "assets/link", "src/deep/two.local", "src/one.local")
    path = bed.path("alice")
    assert (path / ".env").read_text() == "KEY=1\n"
    assert (path / ".env").stat().st_mode & 0o777 == 0o600
    assert (path / "assets" / "link").readlink() == Path("a/b.bin")
    assert bed.git("status", "--porcelain", cwd=path) == ""


def test_nothing_is_copied_through_a_link(bed: Bed, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret\n")
    (bed.repository / "loose").symlink_to(outside)
    (bed.repository / "shared").symlink_to("../outside")
    bed.git("add", "shared", cwd=bed.repository)
    bed.git("commit", "--quiet", "-m", "Link", cwd=bed.repository)
    bed.fold()
    (tmp_path / "repository.agents" / "outside").mkdir(parents=True)  # where the link leads from a worktree
    bed.configure("copy: ['loose/*', 'shared/*', loose]\n")

    arrival = _join(bed)

    assert arrival.copied == ("loose",)
    assert (bed.path("alice") / "loose").is_symlink()
    assert list((tmp_path / "repository.agents" / "outside").iterdir()) == []


def test_a_deleted_file_does_not_come_back_by_copying(bed: Bed) -> None:
    bed.git("branch", "agentroom/main/alice", "agentroom/main/integration", cwd=bed.repository)
    bed.join("bob")
    bed.git("switch", "--quiet", "--ignore-other-worktrees", "agentroom/main/alice", cwd=bed.path("bob"))
    bed.commit("bob", {"src/util.py": None})
    bed.git("switch", "--quiet", "agentroom/main/bob", cwd=bed.path("bob"))
    bed.configure("copy: src\n")

    assert _join(bed).copied == ()
    assert not (bed.path("alice") / "src" / "util.py").exists()


def test_setup_runs_in_the_worktree_once(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    bed.configure("setup:\n- echo $AGENTROOM_AGENT >> who.txt\n- git rev-parse --show-toplevel >> who.txt\n")

    _join(bed)
    _join(bed)

    assert (bed.path("alice") / "who.txt").read_text() == f"alice\n{bed.path('alice')}\n"


@pytest.mark.parametrize(
    ("command", "says"), [("echo no network >&2; exit 3", "no network"), ("sleep 30", "within 1 s")]
)
def test_a_failing_setup_names_the_command_keeps_the_worktree_and_is_tried_again(
    bed: Bed, command: str, says: str
) -> None:
    bed.configure(f"setup: [touch before.txt, '{command}']\nsetup_seconds: 1\n")

    with pytest.raises(SetupError, match=says) as failed:
        _join(bed)

    assert repr(command) in failed.value.message
    assert "agentroom join alice" in failed.value.hint
    assert (bed.path("alice") / "before.txt").exists()
    assert _moves(bed) == ["joined"]
    bed.configure("setup: touch after.txt\n")
    assert not _join(bed).is_new
    assert (bed.path("alice") / "after.txt").exists()
