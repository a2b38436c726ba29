"""A worktree that is clean where it matters is brought forward: files, index and branch."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ConfigLevel

from agentroom_git.git.checkout import Advanced, NotAWorktreeError, sweep
from worktree_pair import BASE, Link, Pair, Program, StillClock, files_of, write

CHANGES: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "modify": ({}, {"src/app.py": b"app = 2\n"}),
    "add": ({}, {"src/new.py": b"new\n"}),
    "add in a new directory": ({}, {"deep/er/new.py": b"new\n"}),
    "empty file": ({}, {"empty": b""}),
    "delete": ({}, {"src/app.py": None}),
    "delete a directory's last file": ({}, {"docs/a.txt": None, "docs/b.txt": None}),
    "make executable": ({}, {"src/app.py": Program(b"app = 1\n")}),
    "make plain": ({"run": Program(b"#!/bin/sh\n")}, {"run": b"#!/bin/sh\n"}),
    "add a program": ({}, {"run": Program(b"#!/bin/sh\n")}),
    "add a link": ({}, {"link": Link("src/app.py")}),
    "add a dangling link out of the tree": ({}, {"link": Link("/nowhere/at/all")}),
    "change a link": ({"link": Link("README.md")}, {"link": Link("src/app.py")}),
    "remove a link": ({"link": Link("README.md")}, {"link": None}),
    "file to link": ({}, {"README.md": Link("src/app.py")}),
    "link to file": ({"link": Link("README.md")}, {"link": b"a file now\n"}),
    "link to a directory becomes a directory": ({"link": Link("docs")}, {"link/x": b"x\n"}),
    "directory becomes a link": ({}, {"docs": Link("src")}),
    "file to directory": ({}, {"README.md/x": b"x\n", "README.md/y/z": b"z\n"}),
    "directory to file": ({}, {"docs": b"a file now\n"}),
    "unicode name": ({"grün.txt": b"1\n"}, {"grün.txt": b"2\n", "日本/ファイル": b"x\n"}),
    "newline in a name": ({"a\nb": b"1\n"}, {"a\nb": b"2\n", "c\nd/e": b"x\n"}),
    "a name that is not text": ({"x\udcff.txt": b"1\n"}, {"x\udcff.txt": b"2\n", "y\udcfe/z": b"x\n"}),
    "name that looks like an option": ({}, {"-x": b"x\n"}),
    "binary": ({"blob": bytes(range(256))}, {"blob": bytes(range(255, -1, -1))}),
    "no final newline": ({}, {"src/app.py": b"app = 2"}),
    "same tree": ({}, {}),
    "many": ({}, {f"many/{n}.txt": f"{n}\n".encode() for n in range(150)}),
    "carriage returns by attribute": (
        {".gitattributes": b"*.txt text eol=crlf\n", "crlf.txt": b"1\r\n2\r\n"},
        {"crlf.txt": b"1\r\n2\r\n3\r\n", "other.txt": b"x\r\n"},
    ),
    "zero bytes in a file that is text by attribute": (
        {".gitattributes": b"*.txt text eol=crlf\n", "zero.txt": b"1\0\r\n2\r\n"},
        {"zero.txt": b"1\0\r\n2\r\n3\0\r\n"},
    ),
    "attributes that change with the files": (
        {"one.txt": b"1\n", "src/two.txt": b"1\n"},
        {".gitattributes": b"*.txt text eol=crlf\n", "one.txt": b"1\r\n2\r\n", "src/two.txt": b"1\r\n2\r\n"},
    ),
    "attributes that go away with the files": (
        {".gitattributes": b"one.txt text eol=crlf\n", "one.txt": b"1\r\n"},
        {".gitattributes": None, "one.txt": b"1\n2\n"},
    ),
    "ident": ({".gitattributes": b"*.c ident\n", "a.c": b"/* $Id$ */\n"}, {"a.c": b"/* $Id$ */\nint x;\n"}),
}


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES.keys())
def test_a_clean_worktree_gets_what_git_would_check_out(
    pair: Pair, tmp_path: Path, before: dict[str, object], after: dict[str, object]
) -> None:
    pair.commit(BASE | before)
    old = pair.add_worktree()
    oracle = tmp_path / "oracle"
    pair.git("worktree", "add", "--quiet", "--detach", str(oracle), old)
    new = pair.commit(after)

    outcome = pair.advance(new)

    assert isinstance(outcome, Advanced), outcome
    assert pair.tip() == new
    assert pair.is_clean()
    pair.git("checkout", "--quiet", "--detach", new, cwd=oracle)
    assert files_of(pair.agent) | {b".git": None} == files_of(oracle) | {b".git": None}
    assert pair.git("ls-files", "--stage", "-z", cwd=pair.agent) == pair.git("ls-files", "--stage", "-z", cwd=oracle)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """Where the user's and the system's settings for all repositories are."""
    folder = tmp_path / "outside"
    folder.mkdir()
    levels, paths = (ConfigLevel.XDG, ConfigLevel.SYSTEM), pygit2.settings.search_path
    before = [paths[level] for level in levels]
    for level in levels:
        paths[level] = str(folder)
    yield folder
    for level, path in zip(levels, before, strict=True):
        paths[level] = path


CRLF = "*.py text eol=crlf\n"


def _autocrlf(pair: Pair, outside: Path) -> None:
    pair.git("config", "core.autocrlf", "true")


def _own_file(pair: Pair, outside: Path) -> None:
    pair.git("config", "core.attributesFile", str(outside / "mine"))
    (outside / "mine").write_text(CRLF)


def _file_of_the_repository(pair: Pair, outside: Path) -> None:
    (pair.main / ".git/info").mkdir(exist_ok=True)
    (pair.main / ".git/info/attributes").write_text(CRLF)


def _file_of_the_user(pair: Pair, outside: Path) -> None:
    (outside / "attributes").write_text(CRLF)


def _file_of_the_system(pair: Pair, outside: Path) -> None:
    (outside / "gitattributes").write_text(CRLF)


def _file_in_a_folder(pair: Pair, outside: Path) -> None:
    (pair.agent / "src/.gitattributes").write_text(CRLF)


def _file_that_only_the_index_has(pair: Pair, outside: Path) -> None:
    (pair.agent / ".gitattributes").write_text(CRLF)
    pair.git("add", ".gitattributes", cwd=pair.agent)
    (pair.agent / ".gitattributes").unlink()


@pytest.mark.parametrize(
    "say",
    [
        _autocrlf,
        _own_file,
        _file_of_the_repository,
        _file_of_the_user,
        _file_of_the_system,
        _file_in_a_folder,
        _file_that_only_the_index_has,
    ],
)
def test_lines_end_as_whatever_git_reads_says(pair: Pair, outside: Path, say: Callable[[Pair, Path], None]) -> None:
    pair.commit(BASE)
    pair.add_worktree()
    new = pair.commit({"src/app.py": b"app = 2\n"})

    say(pair, outside)

    assert isinstance(pair.advance(new), Advanced)
    assert (pair.agent / "src/app.py").read_bytes() == b"app = 2\r\n"


def test_the_changed_paths_are_reported(pair: Pair) -> None:
    pair.commit(BASE)
    pair.add_worktree()

    outcome = pair.advance(pair.commit({"src/app.py": b"2\n", "new": b"x\n", "docs/a.txt": None}))

    assert outcome == Advanced((b"src/app.py", b"new"), (b"docs/a.txt",))


def test_the_way_there_and_back_ends_where_it_began(pair: Pair) -> None:
    old = pair.commit(BASE)
    pair.add_worktree()
    before = files_of(pair.agent)
    new = pair.commit({"README.md/x": b"x\n", "docs": b"file\n", "src/app.py": None, "run": Program(b"x")})

    pair.advance(new)
    pair.advance(old)

    assert files_of(pair.agent) == before
    assert pair.is_clean()


def test_unrelated_edits_staged_and_untracked_files_are_kept_byte_for_byte(pair: Pair) -> None:
    pair.commit(BASE | {".gitignore": b"*.log\n"})
    pair.add_worktree()
    write(pair.agent / "README.md", b"my edit\n")
    write(pair.agent / "docs/a.txt", b"my staged edit\n")
    pair.git("add", "docs/a.txt", cwd=pair.agent)
    write(pair.agent / "docs/a.txt", b"my staged edit\nand more\n")
    write(pair.agent / "docs/b.txt", None)
    write(pair.agent / "src/mine.py", b"untracked\n")
    write(pair.agent / "src/mine.log", b"ignored\n")
    before = pair.status(), files_of(pair.agent)

    outcome = pair.advance(pair.commit({"src/app.py": b"app = 2\n", "src/new.py": b"new\n"}))

    assert isinstance(outcome, Advanced)
    changed = {b"src/app.py", b"src/new.py"}
    after = {path: found for path, found in files_of(pair.agent).items() if path not in changed}
    assert after == {path: found for path, found in before[1].items() if path not in changed}
    assert pair.status() == before[0]
    assert pair.git("show", ":docs/a.txt", cwd=pair.agent) == "my staged edit\n"


def test_files_that_already_hold_the_new_content_are_taken_over_untouched(pair: Pair) -> None:
    pair.commit(BASE)
    pair.add_worktree()
    write(pair.agent / "src/app.py", b"app = 2\n")
    write(pair.agent / "src/new.py", b"new\n")
    write(pair.agent / "docs/a.txt", None)
    inode = (pair.agent / "src/app.py").stat().st_ino

    outcome = pair.advance(pair.commit({"src/app.py": b"app = 2\n", "src/new.py": b"new\n", "docs/a.txt": None}))

    assert outcome == Advanced((), ())
    assert (pair.agent / "src/app.py").stat().st_ino == inode
    assert pair.is_clean()


def test_new_files_follow_the_umask(pair: Pair) -> None:
    pair.commit(BASE)
    pair.add_worktree()
    new = pair.commit({"plain": b"x\n", "run": Program(b"x\n")})
    before = os.umask(0o027)
    try:
        pair.advance(new)
    finally:
        os.umask(before)

    assert (pair.agent / "plain").stat().st_mode & 0o777 == 0o640
    assert (pair.agent / "run").stat().st_mode & 0o777 == 0o750


def test_line_endings_that_git_takes_for_unmodified_do_not_stop_a_sync(pair: Pair) -> None:
    pair.commit(BASE | {".gitattributes": b"*.txt text\n"})
    pair.add_worktree()
    write(pair.agent / "docs/a.txt", b"a\r\n")

    outcome = pair.advance(pair.commit({"docs/a.txt": b"a\nb\n"}))

    assert isinstance(outcome, Advanced)
    assert (pair.agent / "docs/a.txt").read_bytes() == b"a\nb\n"


def test_the_move_is_in_the_reflogs_of_branch_and_worktree(pair: Pair) -> None:
    pair.commit(BASE)
    pair.add_worktree()
    new = pair.commit({"src/app.py": b"app = 2\n"})

    pair.advance(new)

    for ref in ("HEAD", "agent"):
        line = pair.git("reflog", "--no-abbrev", "--max-count=1", ref, "--", cwd=pair.agent)
        assert line == f"{new} {ref}@{{0}}: agentroom: sync\n"


def test_an_index_of_version_4_is_read_and_written(pair: Pair) -> None:
    pair.commit(BASE)
    pair.add_worktree()
    pair.git("update-index", "--index-version=4", cwd=pair.agent)

    outcome = pair.advance(pair.commit({"src/app.py": b"app = 2\n", "docs/a.txt": None}))

    assert isinstance(outcome, Advanced)
    assert pair.status() == ""


def test_an_index_that_is_absent_counts_as_everything_removed(pair: Pair) -> None:
    pair.commit(BASE)
    pair.add_worktree()
    (pair.git_dir / "index").unlink()

    outcome = pair.advance(pair.commit({"src/new.py": b"new\n"}))

    assert isinstance(outcome, Advanced)
    assert pair.git("ls-files", cwd=pair.agent) == "src/new.py\n"


def test_the_index_keeps_its_date_so_that_a_save_right_after_it_is_still_seen(pair: Pair) -> None:
    pair.commit(BASE)
    pair.add_worktree()
    index, path = pair.git_dir / "index", pair.agent / "README.md"
    # A save of the same size, as old as the index and in a file whose change time tells nothing either.
    pair.git("config", "core.trustctime", "false")
    long_ago = 1_700_000_000 * 10**9
    os.utime(path, ns=(long_ago, long_ago))
    pair.git("update-index", "--refresh", cwd=pair.agent)
    with path.open("r+b") as file:
        file.write(b"# LEDGER\n")
    for file_of_one_date in (path, index):
        os.utime(file_of_one_date, ns=(long_ago, long_ago))
    assert pair.status() == " M README.md\n"

    pair.advance(pair.commit({"src/app.py": b"app = 2\n"}))

    assert pair.status() == " M README.md\n"


def test_submodules_are_left_alone_and_their_index_entry_moves(pair: Pair, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    library = Pair(inner)
    first = library.commit({"lib.py": b"1\n"})
    second = library.commit({"lib.py": b"2\n"})
    pair.commit(BASE)
    pair.add_worktree()
    pair.git("update-index", "--add", "--cacheinfo", f"160000,{first},vendor/lib")
    pair.git("commit", "--quiet", "--message", "add")
    added = pair.git("rev-parse", "HEAD").strip()
    pair.git("update-index", "--cacheinfo", f"160000,{second},vendor/lib")
    pair.git("commit", "--quiet", "--message", "bump")
    bumped = pair.git("rev-parse", "HEAD").strip()
    pair.git("rm", "--cached", "--quiet", "vendor/lib")
    pair.git("commit", "--quiet", "--message", "remove")
    removed = pair.git("rev-parse", "HEAD").strip()

    assert isinstance(pair.advance(added), Advanced)
    assert pair.is_clean()
    assert list((pair.agent / "vendor/lib").iterdir()) == []
    assert isinstance(pair.advance(bumped), Advanced)
    assert pair.git("ls-files", "--stage", "vendor", cwd=pair.agent) == f"160000 {second} 0\tvendor/lib\n"
    write(pair.agent / "vendor/lib/mine.py", b"mine\n")
    assert isinstance(pair.advance(removed), Advanced)
    assert (pair.agent / "vendor/lib/mine.py").read_bytes() == b"mine\n"


def test_a_tool_that_has_the_old_file_open_loses_nothing_and_is_reported(pair: Pair) -> None:
    pair.commit(BASE)
    pair.add_worktree()
    new = pair.commit({"src/app.py": b"app = 2\n"})

    class SlowWriter(StillClock):
        def sleep(self, seconds: float) -> None:
            file.write(b"written late\n")
            file.flush()

    pair.clock = SlowWriter()
    with (pair.agent / "src/app.py").open("ab") as file:
        outcome = pair.advance(new)

    assert isinstance(outcome, Advanced)
    assert outcome.late == (b"src/app.py",)
    kept = [path.read_bytes() for path in pair.stage.rglob("*") if path.is_file()]
    assert b"app = 1\nwritten late\n" in kept
    assert sweep(pair.stage, -1.0, pair.clock) == (b"src/app.py",)
    assert b"app = 1\nwritten late\n" in [path.read_bytes() for path in pair.stage.rglob("*") if path.is_file()]


def test_displaced_files_are_swept_after_their_time(pair: Pair) -> None:
    pair.commit(BASE)
    pair.add_worktree()
    pair.advance(pair.commit({"src/app.py": b"app = 2\n"}))

    assert sweep(pair.stage, 60.0, pair.clock) == ()
    assert len(list(pair.stage.iterdir())) == 1
    assert sweep(pair.stage, -1.0, pair.clock) == ()
    assert list(pair.stage.iterdir()) == []


def test_nothing_happens_when_the_branch_is_there_already(pair: Pair) -> None:
    old = pair.commit(BASE)
    pair.add_worktree()
    new = pair.commit({"src/app.py": b"app = 2\n"})
    pair.advance(new)
    before = pair.snapshot()

    assert pair.advance(new, old=old) == Advanced((), ())
    assert pair.snapshot() == before


def test_a_directory_that_has_lost_its_git_file_is_refused(pair: Pair) -> None:
    pair.commit(BASE)
    nested = pair.main / "nested"
    pair.git("worktree", "add", "--quiet", "-b", "agent", str(nested))
    pair.agent = nested
    new = pair.commit({"src/app.py": b"app = 2\n"})
    (nested / ".git").unlink()
    before = files_of(nested)

    with pytest.raises(NotAWorktreeError):
        pair.advance(new, old=pair.tip())

    assert files_of(nested) == before
    assert subprocess.run(["git", "diff", "--quiet"], cwd=pair.main).returncode == 0
