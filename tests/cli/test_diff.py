"""What a user or an agent sees of work that is not yet where it is to go."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.errors import UsageError
from agentroom_git.room import landing
from agentroom_git.room.comparing import compare
from rooms import Bed, edited, numbered

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


def test_who_is_not_here_has_no_diff(bed: Bed) -> None:
    with pytest.raises(UsageError, match="no agent 'carol' in this room"):
        compare(bed.room(), AgentName("carol"))
    assert Oid(bed.git("rev-parse", "HEAD", cwd=bed.repository).strip()) == compare(bed.room(), None).since
