"""Paths that lead out of a worktree or into git's own folder, in commits that are folded and synced."""

import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ObjectType

from agentroom_git.core.paths import is_safe_path
from agentroom_git.git.checkout import Waits
from agentroom_git.room import messages
from rooms import Bed
from worktree_pair import Link, Pair, files_of

IGNORED_BY_HFS = ("\u200c", "\u200d", "\u200e", "\u200f", "\u202a", "\u202e", "\u206a", "\u206f", "\ufeff")


def _spellings() -> Iterator[bytes]:
    """Yield names that some file system takes for .git, or for the folder above."""
    yield from (b".", b"..", b"", b".git", b"git~1", b"GIT~1", b"Git~1")
    for letters in itertools.product("gG", "iI", "tT"):
        yield f".{''.join(letters)}".encode()
    for end in (b".", b" ", b"...", b" .", b". ", b":", b"::$INDEX_ALLOCATION", b":x", b"\\config", b"\\..\\x"):
        yield b".git" + end
        yield b".GIT" + end
        yield b"git~1" + end
    for mark, place in itertools.product(IGNORED_BY_HFS, range(5)):
        name = ".git"
        yield (name[:place] + mark + name[place:]).encode()
    yield from ("\u200c.g\u200di\ufefft".encode(), ".G\u200cIT".encode(), b"..\\..\\x", b"a\\.git\\config", b"x" * 256)


def _paths() -> list[bytes]:
    """Each spelling as a file, as a folder at the top and below one, and as the last name of a longer path."""
    found = []
    for name in dict.fromkeys(_spellings()):
        found += [name, name + b"/config", b"docs/" + name + b"/hooks/pre-commit", b"docs/deep/" + name]
    return [*found, b"../outside", b"docs/../../outside", b"/outside", b"docs//x", b"./x", b"a/../b"]


HOSTILE = _paths()
# A tree with an empty name is one that libgit2 does not read at all.
STORABLE = [path for path in HOSTILE if all(path.split(b"/"))]


def _commit_with(handle: pygit2.Repository, path: bytes, parent: str) -> str:
    """Make a commit that has the path, with trees written as bytes: git's own commands refuse some of these."""
    *folders, name = path.split(b"/")
    id = handle.create_blob(b"pwned\n").raw
    tree = handle.write(ObjectType.TREE, b"100644 " + name + b"\0" + id)
    for folder in reversed(folders):
        tree = handle.write(ObjectType.TREE, b"40000 " + folder + b"\0" + tree.raw)
    base = handle.read(handle[parent].peel(pygit2.Tree).id)[1]
    raw = handle.read(tree)[1]
    tree = handle.write(ObjectType.TREE, b"".join(sorted([raw, base] if raw < base else [base, raw])))
    who = pygit2.Signature("mallory", "mallory@example.invalid", 0, 0)
    return str(handle.create_commit(None, who, who, "hostile", tree, [parent]))


def test_there_are_two_hundred_of_them_and_none_passes_for_safe() -> None:
    assert len(STORABLE) >= 200
    assert [path for path in HOSTILE if is_safe_path(path)] == []


def test_none_of_them_is_ever_written_by_a_sync(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    base = pair.commit({"README.md": b"# Ledger\n"})
    pair.add_worktree()
    handle = pygit2.Repository(str(pair.main))
    commits = [_commit_with(handle, path, base) for path in STORABLE]
    before, around = pair.snapshot(), files_of(tmp_path / "main")

    outcomes = {path: pair.advance(commit) for path, commit in zip(STORABLE, commits, strict=True)}

    assert {path for path, one in outcomes.items() if not isinstance(one, Waits) or one.reason != "unsafe"} == set()
    assert pair.snapshot() == before
    assert files_of(tmp_path / "main") == around
    assert sorted(entry.name for entry in tmp_path.iterdir()) in (["agent", "main"], ["agent", "main", "stage"])


def test_a_commit_with_such_a_path_is_not_folded_and_the_others_go_on(bed: Bed) -> None:
    bed.join("alice", "bob", "mallory")
    handle = pygit2.Repository(str(bed.repository))
    hostile = _commit_with(handle, b"docs/.GIT/config", bed.head("mallory"))
    bed.git("update-ref", "refs/heads/agentroom/main/mallory", hostile, cwd=bed.repository)
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.settle()

    assert (bed.path("bob") / "a.txt").read_text() == "alice\n"
    assert not bed.is_ancestor(hostile)
    told = messages.unread(bed.as_agent("mallory")).messages
    assert any("docs/.GIT/config" in one.text and one.kind == "unsafe" for one in told)
    waits = {one.agent: getattr(one, "reason", "") for one in bed.sync()}
    assert waits["mallory"] == "refused"


def test_once_the_path_is_gone_the_branch_is_folded(bed: Bed) -> None:
    bed.join("alice", "mallory")
    start = bed.head("mallory")
    handle = pygit2.Repository(str(bed.repository))
    hostile = _commit_with(handle, b".git/config", start)
    bed.git("update-ref", "refs/heads/agentroom/main/mallory", hostile, cwd=bed.repository)
    assert bed.fold().made == ()
    tree = bed.git("rev-parse", f"{start}^{{tree}}", cwd=bed.repository).strip()
    sound = bed.git("commit-tree", tree, "-p", hostile, "-m", "taken out", cwd=bed.repository).strip()
    bed.git("update-ref", "refs/heads/agentroom/main/mallory", sound, cwd=bed.repository)

    assert [made.agent for made in bed.fold().made] == ["mallory"]
    assert bed.is_ancestor(sound)


def test_names_that_are_only_odd_are_written_as_they_are(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.commit({"README.md": b"# Ledger\n"})
    pair.add_worktree()
    names = ("-x", "--output=x", "a\nb", "a\tb", "\x1b[31mred", "\u202ereversed", "...", ".gitx", "git~2", "C:x", "*")
    new = pair.commit({name: name.encode() for name in names})
    pair.advance(new)

    assert {name: (pair.agent / name).read_bytes() for name in names} == {name: name.encode() for name in names}
    assert pair.is_clean()


def test_a_folder_that_was_a_link_is_never_written_through(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    pair.commit({"README.md": b"# Ledger\n", "dir": Link("../outside")})
    pair.add_worktree()
    new = pair.commit({"dir": None, "dir/pwned": b"pwned\n"})
    pair.advance(new)

    assert list(outside.iterdir()) == []
    assert (pair.agent / "dir" / "pwned").read_bytes() == b"pwned\n"
    assert not (pair.agent / "dir").is_symlink()


FLIP = """
import os, sys
folder, aside, outside, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
print("flipping", flush=True)
for number in range(count):
    try:
        os.rename(folder, aside)
        os.symlink(outside, folder)
        os.unlink(folder)
        os.rename(aside, folder)
    except OSError:
        # A sync has just made or removed the folder.
        if not os.path.lexists(folder) and os.path.lexists(aside):
            os.rename(aside, folder)
        elif os.path.islink(folder):
            os.unlink(folder)
print("done", flush=True)
"""
FLIPS = 10_000


@pytest.mark.timeout(300)
def test_ten_thousand_flips_of_a_folder_to_a_link_let_no_sync_write_outside(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("not yours\n")
    before = files_of(outside)
    pair.commit({"dir/a.txt": b"0\n", "dir/b.txt": b"0\n"})
    pair.add_worktree()
    ends = [pair.tip(), pair.commit({"dir/a.txt": b"1\n", "dir/b.txt": None, "dir/new/c.txt": b"1\n"})]
    arguments = [str(pair.agent / "dir"), str(pair.agent / "aside"), str(outside), str(FLIPS)]
    with subprocess.Popen([sys.executable, "-c", FLIP, *arguments], stdout=subprocess.PIPE, text=True) as flipper:
        assert flipper.stdout is not None
        assert flipper.stdout.readline() == "flipping\n"
        syncs = 0
        while flipper.poll() is None:
            pair.advance(ends[1] if pair.tip() == ends[0] else ends[0])
            assert files_of(outside) == before
            syncs += 1

    assert syncs > 0
    assert files_of(outside) == before
