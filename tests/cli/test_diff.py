"""What a user or an agent sees of work that is not yet where it is to go."""

import json
import os
import shutil
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest

from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.errors import UsageError
from agentroom_git.room import comparing, landing
from agentroom_git.room.comparing import compare
from agentroom_git.room.room import Room
from rooms import Bed, Git, edited, numbered

ALICE = AgentName("alice")
COMMAND = [sys.executable, "-m", "agentroom_git", "diff"]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], cwd=cwd, capture_output=True, timeout=60)


def paths(bed: Bed, agent: AgentName | None, *only: str) -> list[str]:
    return [file.path for file in compare(bed.room(), agent, only).found.files]


@pytest.fixture
def working(bed: Bed) -> Bed:
    """Alice has a commit that is not folded, an edit, a deletion and new files; bob's work is folded."""
    bed.join("alice", "bob")
    bed.commit("alice", {"f.txt": numbered(), "gone.txt": "gone\n"})
    bed.commit("bob", {"bobs.txt": "bob\n"})
    bed.settle()
    bed.commit("alice", {"f.txt": edited(numbered(), 2, "committed")})
    bed.write("alice", {"f.txt": edited(edited(numbered(), 2, "committed"), 9, "edited"), "gone.txt": None})
    bed.write("alice", {"new/ü.txt": "new\n", ".env": "SECRET=hunter2\n"})
    (bed.path("alice") / "bin").write_bytes(b"\0\1\r\n")
    return bed


def test_an_agents_diff_is_all_that_it_has_and_nobody_else_has(working: Bed) -> None:
    shown = compare(working.room(), ALICE)

    lines = {file.path: (file.added, file.removed) for file in shown.found.files}
    assert lines == {
        ".env": (1, 0), "bin": (None, None), "f.txt": (2, 2), "gone.txt": (0, 1), "new/ü.txt": (1, 0),
    }  # fmt: skip


def test_the_patch_applies_where_it_is_to_go(working: Bed, tmp_path: Path) -> None:
    inside = run(cwd=working.path("alice"))
    outside = run("--of", "alice", cwd=working.repository)
    assert (inside.returncode, inside.stdout) == (0, outside.stdout)
    assert inside.stderr == b"what alice has and the others have not: 5 files\n"

    working.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "there"), "agentroom/main/integration",
                cwd=working.repository)  # fmt: skip
    subprocess.run(["git", "apply", "-"], cwd=tmp_path / "there", input=inside.stdout, check=True)
    for name in ("f.txt", "new/ü.txt", "bin"):
        assert (tmp_path / "there" / name).read_bytes() == (working.path("alice") / name).read_bytes()
    assert not (tmp_path / "there" / "gone.txt").exists()


def test_looking_changes_nothing_and_keeps_no_copy(working: Bed) -> None:
    git_dir = Path(working.git("rev-parse", "--absolute-git-dir", cwd=working.path("alice")).strip())
    before = ((git_dir / "index").read_bytes(), working.git("count-objects", "-v", cwd=working.repository))

    assert ".env" in paths(working, ALICE)

    assert ((git_dir / "index").read_bytes(), working.git("count-objects", "-v", cwd=working.repository)) == before
    assert {entry.name for entry in git_dir.iterdir() if entry.is_dir()} <= {"logs", "refs"}


def test_paths_limit_it_from_any_folder(working: Bed) -> None:
    assert paths(working, ALICE, "new", "f.txt") == ["f.txt", "new/ü.txt"]
    done = run("ü.txt", "--stat", cwd=working.path("alice") / "new")
    assert done.stdout.decode() == "new/ü.txt | +1 -0\n"
    # A file may be called like a pattern: nothing here is one.
    assert paths(working, ALICE, "*.txt") == []


def test_the_users_diff_is_what_land_brings(working: Bed) -> None:
    assert paths(working, None) == ["bobs.txt", "f.txt", "gone.txt"]
    # What the user committed meanwhile is nothing that the room takes away.
    (working.repository / "mine.txt").write_text("mine\n")
    working.git("add", "mine.txt", cwd=working.repository)
    working.git("commit", "--quiet", "-m", "mine", cwd=working.repository)
    assert paths(working, None) == ["bobs.txt", "f.txt", "gone.txt"]

    assert not landing.land(working.room(), landing.Choices()).is_refused
    working.settle()
    assert run(cwd=working.repository).stderr == b"what the room has and main has not: nothing\n"


def test_an_agent_whose_folder_is_gone_shows_its_commits(working: Bed) -> None:
    shutil.rmtree(working.path("alice"))

    assert paths(working, ALICE) == ["f.txt"]


def test_a_file_whose_filter_only_the_repository_defines_is_named_and_not_shown(working: Bed) -> None:
    working.write("alice", {".gitattributes": "*.dat filter=odd\n", "x.dat": "x\n"})

    done = run("--json", cwd=working.path("alice"))

    shown = json.loads(done.stdout)["found"]
    assert shown["left"] == [["x.dat", "only the repository defines its filter 'odd'"]]
    assert "x.dat" not in [file["path"] for file in shown["files"]]


def test_in_the_middle_of_a_merge_the_files_are_shown_as_they_are(working: Bed) -> None:
    bob = working.commit("bob", {"f.txt": edited(numbered(), 2, "bob's")})
    working.git("add", "--all", cwd=working.path("alice"))
    working.git("commit", "--quiet", "-m", "all", cwd=working.path("alice"))
    working.git("merge", bob, cwd=working.path("alice"), check=False)

    assert b"+<<<<<<<" in compare(working.room(), ALICE, ["f.txt"]).found.patch


def test_where_two_met_more_than_once_only_what_nobody_else_has_is_shown(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"alices.txt": "alice\n"})
    bob = bed.commit("bob", {"bobs.txt": "bob\n"})
    bed.fold()
    bed.git("merge", "--quiet", "--no-edit", bob, cwd=bed.path("alice"))
    bed.commit("alice", {"new.txt": "new\n"})

    assert paths(bed, ALICE) == ["new.txt"]


def test_a_sync_in_between_makes_nobodys_work_the_agents(working: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    working.git("checkout", "--quiet", ".", cwd=working.path("alice"))
    working.git("clean", "--quiet", "-fd", cwd=working.path("alice"))
    working.fold()
    working.sync("alice")
    working.commit("bob", {"late.txt": "bob's\n"})
    synced: list[object] = []

    def sync_once(room: Room, integration: Oid, tip: Oid) -> Oid:
        found = shared(room, integration, tip)
        if not synced:
            working.fold()
            synced.extend(working.sync("alice"))
        return found

    shared = comparing._shared
    monkeypatch.setattr(comparing, "_shared", sync_once)

    assert paths(working, ALICE) == []
    assert synced


def test_odd_places_and_odd_files_keep_nothing_else_from_being_shown(git: Git, tmp_path: Path) -> None:
    root = tmp_path / "a:b" / "repository"
    root.mkdir(parents=True)
    git("init", "--quiet", "--initial-branch=main", cwd=root)
    (root / "f.txt").write_text("f\n")
    (root / "latin.txt").write_bytes(b"caf\xe9\n")
    git("add", ".", cwd=root)
    git("commit", "--quiet", "-m", "start", cwd=root)
    bed = Bed(git, root).open()
    alice = bed.join("alice")[0]
    git("update-index", "--split-index", cwd=alice)
    (alice / "f.txt").unlink()
    os.mkfifo(alice / "f.txt")
    (alice / "latin.txt").write_bytes(b"caf\xe9 au lait\n")
    git("init", "--quiet", str(alice / "nested"), cwd=alice)
    (alice / "nested" / "n.txt").write_text("n\n")

    done = run("--json", cwd=alice)

    found = json.loads(done.stdout)
    assert [file["path"] for file in found["found"]["files"]] == ["latin.txt"]
    assert found["found"]["left"] == [["f.txt", "it is no file"], ["nested/", "it is a repository of its own"]]
    subprocess.run(["git", "apply", "-"], cwd=root, input=b64decode(found["patch_base64"]), check=True)
    assert (root / "latin.txt").read_bytes() == b"caf\xe9 au lait\n"
    assert run("latin.txt", "--stat", cwd=alice).stdout == b"latin.txt | +1 -1\n"


def test_who_is_not_here_has_no_diff(bed: Bed) -> None:
    with pytest.raises(UsageError, match="no agent 'carol' in this room"):
        compare(bed.room(), AgentName("carol"))
    assert bed.tree("HEAD") == compare(bed.room(), None).since
