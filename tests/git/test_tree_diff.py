"""Two trees are compared path by path, as `git diff-tree` without renames does."""

import random
from pathlib import Path

import pygit2
import pytest

from agentroom_git.git.tree_diff import Change, diff_trees
from worktree_pair import BASE, Link, Pair, Program

NAMES = ["a", "b", "c.txt", "d", "a b", "ü", "x\ny"]
LEAVES = [b"1\n", b"2\n", Program(b"1\n"), Link("a"), None]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def diff(pair: Pair, old: str | None, new: str | None) -> dict[bytes, Change]:
    handle = pygit2.Repository(str(pair.main))
    trees = (None if commit is None else str(handle[commit].peel(pygit2.Tree).id) for commit in (old, new))
    return diff_trees(handle, *trees)


def lines(changes: dict[bytes, Change]) -> set[str]:
    """As `git diff-tree --raw -z` has them, without the letter."""
    zero = ("000000", "0" * 40)
    found = set()
    for path, sides in changes.items():
        (old_mode, old_id), (new_mode, new_id) = (zero if e is None else (f"{e.mode:06o}", e.id) for e in sides)
        found.add(f":{old_mode} {new_mode} {old_id} {new_id} {path.decode('utf-8', 'surrogateescape')}")
    return found


def lines_of_git(pair: Pair, old: str, new: str) -> set[str]:
    parts = pair.git("diff-tree", "-r", "-z", "--no-renames", "--full-index", old, new).split("\0")[:-1]
    found = set()
    for status, path in zip(parts[::2], parts[1::2], strict=True):
        *fields, letter = status.split()
        assert letter in "AMDT"
        found.add(" ".join([*fields, path]))
    return found


def test_random_trees_differ_as_git_says(pair: Pair) -> None:
    rng = random.Random(3)
    commits = [pair.commit(BASE)]
    for _ in range(25):
        paths = ["/".join(rng.choices(NAMES, k=rng.randint(1, 4))) for _ in range(6)]
        for path in paths:
            commits.append(pair.commit({path: rng.choice(LEAVES)}))
    for old, new in zip(commits, commits[3:], strict=False):
        assert lines(diff(pair, old, new)) == lines_of_git(pair, old, new)


def test_against_no_tree_every_path_is_added_or_removed(pair: Pair) -> None:
    commit = pair.commit(BASE)

    added, removed = diff(pair, None, commit), diff(pair, commit, None)

    assert added.keys() == removed.keys() == {path.encode() for path in BASE}
    assert all(before is None and after is not None for before, after in added.values())
    assert {path: (after, before) for path, (before, after) in added.items()} == removed
    assert diff(pair, commit, commit) == diff(pair, None, None) == {}


def test_names_that_are_not_text_keep_their_bytes(pair: Pair) -> None:
    commit = pair.commit({"x\udcff/y\udcfe": b"1\n"})

    assert list(diff(pair, None, commit)) == [b"x\xff/y\xfe"]


def test_a_tree_deeper_than_the_stack_is_compared(tmp_path: Path) -> None:
    handle = pygit2.init_repository(str(tmp_path / "deep"), bare=True)
    tree = None
    for _ in range(3000):
        builder = handle.TreeBuilder()
        if tree is None:
            builder.insert("leaf", handle.create_blob(b"x"), pygit2.enums.FileMode.BLOB)
        else:
            builder.insert("d", tree, pygit2.enums.FileMode.TREE)
        tree = builder.write()

    (path,) = diff_trees(handle, None, str(tree))

    assert path == b"d/" * 2999 + b"leaf"


def test_a_missing_tree_is_a_key_error(pair: Pair) -> None:
    commit = pair.commit(BASE)
    handle = pygit2.Repository(str(pair.main))
    with pytest.raises(KeyError):
        diff_trees(handle, "0" * 39 + "1", str(handle[commit].peel(pygit2.Tree).id))


def test_random_folders_differ_as_their_entries_do(tmp_path: Path) -> None:
    """Only what is between the common ends is read: names, ids and modes of few bytes meet at every place there."""
    handle = pygit2.init_repository(str(tmp_path / "bare"), bare=True)
    rng = random.Random(7)
    ids = [handle.create_blob(bytes([number])) for number in range(6)]
    modes = [pygit2.enums.FileMode.BLOB, pygit2.enums.FileMode.BLOB_EXECUTABLE]

    def folder(entries: dict[str, tuple[pygit2.Oid, pygit2.enums.FileMode]]) -> str:
        builder = handle.TreeBuilder()
        for name, (id, mode) in entries.items():
            builder.insert(name, id, mode)
        return str(builder.write())

    names = [f"{letter}{number}" for letter in "abc" for number in range(12)]
    old = {name: (rng.choice(ids), rng.choice(modes)) for name in names}
    for _ in range(200):
        new = dict(old)
        for name in rng.choices(names, k=rng.randint(1, 3)):
            new[name] = (rng.choice(ids), rng.choice(modes))
            if rng.random() < 0.4:
                del new[name]
        changed = {name for name in names if old.get(name) != new.get(name)}
        found = diff_trees(handle, folder(old), folder(new))
        assert found.keys() == {name.encode() for name in changed}
        for path, sides in found.items():
            wanted = [entries.get(path.decode()) for entries in (old, new)]
            assert [(side.id, side.mode) if side else None for side in sides] == [
                (str(one[0]), int(one[1])) if one else None for one in wanted
            ]
        old = new


def test_an_entry_that_a_tree_has_twice_is_no_change(tmp_path: Path) -> None:
    handle = pygit2.init_repository(str(tmp_path / "bare"), bare=True)
    entries = [b"100644 %s\0%s" % (name, bytes(range(20))) for name in (b"a", b"b", b"b")]
    once, twice = (str(handle.write(pygit2.enums.ObjectType.TREE, b"".join(entries[:n]))) for n in (2, 3))

    assert diff_trees(handle, once, twice) == diff_trees(handle, twice, once) == {}


def test_a_tree_that_is_cut_off_is_a_key_error(tmp_path: Path) -> None:
    handle = pygit2.init_repository(str(tmp_path / "bare"), bare=True)
    entry = b"100644 a\0" + bytes(20)
    sound, cut = (str(handle.write(pygit2.enums.ObjectType.TREE, data)) for data in (entry, entry + entry[:-1]))
    with pytest.raises(KeyError):
        diff_trees(handle, sound, cut)
