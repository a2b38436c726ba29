"""What `sync` commits of an agent's edits, and what it leaves."""

from pathlib import Path

from agentroom_git.core.ids import AgentName
from agentroom_git.room import turn
from agentroom_git.room.saving import save_edits
from rooms import Bed


def _save(bed: Bed, name: str = "alice") -> tuple[tuple[str, ...], dict[str, str]]:
    room = bed.as_agent(name)
    saved = save_edits(room, AgentName(name), turn.own_worktree(room, AgentName(name)))
    return saved.paths, dict(saved.left)


def test_edits_deletions_and_new_text_files_are_committed_under_the_agents_name(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"README.md": "new\n", "src/util.py": None, "src/added.py": "x = 1\n"})

    assert _save(bed) == (("README.md", "src/util.py", "src/added.py"), {})
    assert bed.git(
        "log", "-1", "--format=%an|%(trailers:key=Agentroom-Agent,valueonly)", cwd=bed.path("alice")
    ).startswith("alice|alice")
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == ""


def test_secrets_binary_and_large_new_files_are_left_with_the_reason(bed: Bed) -> None:
    bed.join("alice")
    top = bed.path("alice")
    (top / ".env").write_text("KEY=1\n")
    (top / "image.bin").write_bytes(b"\0\1")
    (top / "large.txt").write_text("x" * 1_100_000)

    assert _save(bed) == (
        (),
        {
            ".env": "it looks like a secret",
            "image.bin": "it is binary",
            "large.txt": "it is larger than 1024 KiB",
        },
    )


def test_staged_changes_are_the_agents_own_to_commit(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"README.md": "staged\n", "src/app.py": "edited\n"})
    bed.git("add", "README.md", cwd=bed.path("alice"))

    paths, left = _save(bed)

    assert (paths, set(left)) == ((), {"README.md", "src/app.py"})
    assert bed.git("diff", "--cached", "--name-only", cwd=bed.path("alice")) == "README.md\n"


def test_what_is_uncommitted_inside_a_submodule_is_left_alone(bed: Bed, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "l.txt").write_text("l\n")
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "l")):
        bed.git(*command, cwd=library)
    bed.join("alice")
    top = bed.path("alice")
    bed.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "sub", cwd=top)
    bed.git("commit", "--quiet", "-m", "sub", cwd=top)
    (top / "sub" / "l.txt").write_text("dirty\n")

    assert _save(bed) == ((), {})
    bed.write("alice", {"README.md": "edited\n"})
    assert _save(bed) == (("README.md",), {})
