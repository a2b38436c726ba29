"""What counts as an uncommitted edit of a worktree."""

import os
from pathlib import Path

import pytest

from agentroom_git.core.ids import Oid
from agentroom_git.git import dirt as dirts
from agentroom_git.git.dirt import Dirt, DirtError, Edit
from conftest import Git


def _head(git: Git, top: Path) -> Oid:
    return Oid(git("rev-parse", "HEAD", cwd=top).strip())


@pytest.fixture
def dirt(repository: Path, git: Git) -> Dirt:
    (repository / ".gitignore").write_text("build/\n*.log\n")
    git("add", ".gitignore", cwd=repository)
    git("commit", "--quiet", "-m", "ignore", cwd=repository)
    return Dirt(repository, _head(git, repository))


def _blob(git: Git, top: Path, path: str) -> Oid:
    return Oid(git("rev-parse", f"HEAD:{path}", cwd=top).strip())


def test_edits_new_files_and_deletions_are_found_by_a_scan_and_one_by_one(
    dirt: Dirt, repository: Path, git: Git
) -> None:
    (repository / "README.md").write_text("edited\n")
    (repository / "new.txt").write_text("new\n")
    (repository / "src" / "app.py").unlink()
    (repository / "x.log").write_text("ignored\n")

    assert dirt.scan() == {b"README.md", b"new.txt", b"src/app.py"}
    assert dirt.look(b"README.md") == Edit(b"README.md", _blob(git, repository, "README.md"), b"edited\n")
    assert dirt.look(b"new.txt") == Edit(b"new.txt", None, b"new\n")
    assert dirt.look(b"src/app.py") == Edit(b"src/app.py", _blob(git, repository, "src/app.py"), None, is_gone=True)
    assert [dirt.look(path) for path in (b"x.log", b"src/util.py", b"src", b"no/such")] == [None] * 4


def test_a_file_as_at_head_is_no_edit_whatever_its_line_ends_and_the_index(
    dirt: Dirt, repository: Path, git: Git
) -> None:
    text = (repository / "README.md").read_bytes()
    git("config", "core.autocrlf", "true", cwd=repository)
    (repository / "README.md").write_bytes(text.replace(b"\n", b"\r\n"))
    assert dirt.look(b"README.md") is None

    (repository / "src" / "app.py").write_text("staged\n")
    git("add", "src/app.py", cwd=repository)
    found = dirt.look(b"src/app.py")
    assert found is not None
    assert found.text == b"staged\n"


def test_another_head_is_another_comparison(dirt: Dirt, repository: Path, git: Git) -> None:
    (repository / "README.md").write_text("edited\n")
    assert dirt.look(b"README.md") is not None
    git("commit", "--quiet", "--all", "-m", "edited", cwd=repository)

    dirt.head = _head(git, repository)

    assert dirt.look(b"README.md") is None


def test_links_large_files_and_files_behind_a_filter_have_no_text(
    dirt: Dirt, repository: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dirts, "MAX_TEXT", 100)
    (tmp_path / "outside.txt").write_text("not ours\n")
    (repository / "link.txt").symlink_to(tmp_path / "outside.txt")
    (repository / "large.txt").write_text("x" * 101)
    (repository / ".gitattributes").write_text("*.up filter=upper\n")
    (repository / "a.up").write_text("text\n")

    assert dirt.look(b"link.txt") is None
    assert dirt.look(b"large.txt") == Edit(b"large.txt", None, None)
    assert dirt.look(b"a.up") == Edit(b"a.up", None, None)
    git("add", "a.up", cwd=repository)
    git("commit", "--quiet", "-m", "filtered", cwd=repository)
    dirt.head = _head(git, repository)
    assert dirt.look(b"a.up") is None


def test_a_name_that_is_no_text_is_looked_at_like_any_other(dirt: Dirt, repository: Path) -> None:
    (Path(os.fsdecode(os.fsencode(repository) + b"/n\xff.txt"))).write_text("1\n")

    assert dirt.look(b"n\xff.txt") == Edit(b"n\xff.txt", None, b"1\n")
    assert b"n\xff.txt" in dirt.scan()


def test_ignored_folders_and_repositories_inside_are_skipped(dirt: Dirt, repository: Path, git: Git) -> None:
    (repository / "inner").mkdir()
    git("init", "--quiet", cwd=repository / "inner")

    assert [dirt.skips(path) for path in (b"build", b"inner", b"src", b"src/build")] == [True, True, False, True]


def test_a_worktree_that_libgit2_cannot_read_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(DirtError, match=r"nowhere"):
        Dirt(tmp_path / "nowhere", Oid("0" * 40))
