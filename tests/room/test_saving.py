"""What `sync` commits of an agent's edits, and what it leaves."""

from pathlib import Path

import pytest

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


def test_an_index_that_is_split_is_whole_afterwards(bed: Bed) -> None:
    top = bed.join("alice")[0]
    bed.git("update-index", "--split-index", cwd=top)
    new = {f"n{number}.txt": "n\n" for number in range(30)}
    bed.write("alice", {"README.md": "new\n", **new})

    assert _save(bed) == (("README.md", *sorted(new)), {})
    for shared in Path(bed.git("rev-parse", "--absolute-git-dir", cwd=top).strip()).glob("sharedindex.*"):
        shared.unlink()
    assert bed.git("status", "--porcelain", cwd=top) == ""


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


def test_a_filter_of_the_users_own_configuration_is_applied(
    bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed.join("alice")
    bed.commit("alice", {".gitattributes": "*.up filter=upper\n"})
    own = tmp_path / "gitconfig"
    own.write_text('[filter "upper"]\n\tclean = tr a-z A-Z\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    bed.write("alice", {"a.up": "text\n"})

    assert _save(bed) == (("a.up",), {})
    assert bed.git("show", "HEAD:a.up", cwd=bed.path("alice")) == "TEXT\n"


def test_line_ends_follow_the_repositorys_settings(bed: Bed) -> None:
    bed.git("config", "core.autocrlf", "input", cwd=bed.repository)
    bed.join("alice")
    bed.write("alice", {"a.txt": "one\r\ntwo\r\n"})

    assert _save(bed) == (("a.txt",), {})
    assert bed.git("show", "HEAD:a.txt", cwd=bed.path("alice")) == "one\ntwo\n"


def test_the_commit_is_in_the_worktrees_own_reflog(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"README.md": "new\n"})
    _save(bed)

    assert bed.git("log", "-1", "--walk-reflogs", "--format=%gs", cwd=bed.path("alice")).startswith("commit: alice: ")


def test_a_detached_head_moves_and_its_branch_does_not(bed: Bed) -> None:
    bed.join("alice")
    before = bed.head("alice")
    bed.git("switch", "--quiet", "--detach", cwd=bed.path("alice"))
    bed.write("alice", {"README.md": "new\n"})

    assert _save(bed) == (("README.md",), {})
    assert bed.head("alice") != before
    assert bed.git("rev-parse", "agentroom/main/alice", cwd=bed.repository).strip() == before


def test_a_file_that_became_a_folder_is_saved(bed: Bed) -> None:
    bed.join("alice")
    (bed.path("alice") / "README.md").unlink()
    bed.write("alice", {"README.md/part.md": "new\n"})

    assert _save(bed)[1] == {}
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == ""
    assert bed.git("ls-tree", "--name-only", "HEAD", "README.md/", cwd=bed.path("alice")) == "README.md/part.md\n"


def test_a_branch_that_head_left_meanwhile_is_not_moved(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"README.md": "edited\n"})
    room = bed.as_agent("alice")
    before, own = turn.own_worktree(room, AgentName("alice")), bed.head("alice")
    bed.git("switch", "--quiet", "--create", "feature", cwd=bed.path("alice"))

    save_edits(room, AgentName("alice"), before)

    assert bed.git("rev-parse", "agentroom/main/alice", cwd=bed.repository).strip() == own
    assert bed.git("show", "feature:README.md", cwd=bed.repository) == "edited\n"
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == ""
