"""Files change places in one step, nothing is overwritten, and no link is followed out of the tree."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentroom_git.system import exchange as door
from agentroom_git.system.exchange import Content, ExchangeUnsupportedError, Folder, Kind, Mark, Move, exchange, move

ROUNDS = 1500  # in each of which the other thread flips the directory several times


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Folder]:
    (tmp_path / "tree").mkdir()
    with Folder(tmp_path / "tree") as folder:
        yield folder


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Folder]:
    (tmp_path / "stage").mkdir()
    with Folder(tmp_path / "stage") as folder:
        yield folder


def file(data: bytes) -> Content:
    return Content(Kind.FILE, data)


def test_two_files_change_places(tree: Folder, stage: Folder) -> None:
    (tree.root / "a").mkdir()
    tree.create(b"a/x", file(b"old"))
    stage.create(b"0", Content(Kind.SYMLINK, b"anywhere"))

    assert exchange(tree, b"a/x", stage, b"0")

    assert tree.read(b"a/x") == Content(Kind.SYMLINK, b"anywhere")
    assert stage.read(b"0") == file(b"old")


@pytest.mark.parametrize("missing", ["x", "no/x"])
def test_an_exchange_with_nothing_changes_nothing(tree: Folder, stage: Folder, missing: str) -> None:
    stage.create(b"0", file(b"new"))

    assert not exchange(tree, missing.encode(), stage, b"0")

    assert stage.read(b"0") == file(b"new")
    assert list(tree.root.iterdir()) == []


def test_a_move_makes_the_directories_that_it_needs(tree: Folder, stage: Folder) -> None:
    stage.create(b"0", file(b"new"))

    assert move(stage, b"0", tree, b"a/b/c") is Move.DONE
    assert tree.read(b"a/b/c") == file(b"new")
    assert move(stage, b"0", tree, b"d") is Move.MISSING


@pytest.mark.parametrize("there", [file(b"mine"), Content(Kind.SYMLINK, b"nowhere")])
def test_a_move_never_overwrites(tree: Folder, stage: Folder, there: Content) -> None:
    tree.create(b"x", there)
    stage.create(b"0", file(b"new"))

    assert move(stage, b"0", tree, b"x") is Move.OCCUPIED
    assert move(stage, b"0", tree, b"x/below") is Move.OCCUPIED

    assert tree.read(b"x") == there
    assert stage.read(b"0") == file(b"new")


def test_files_are_read_by_kind_without_following_or_waiting(tree: Folder, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    tree.create(b"plain", file(b"1"))
    tree.create(b"run", Content(Kind.EXECUTABLE, b"2"))
    tree.create(b"link", Content(Kind.SYMLINK, b"../secret"))
    (tree.root / "dir").mkdir()
    (tree.root / "way").symlink_to(tmp_path)
    os.mkfifo(tree.root / "pipe")

    found = {name: tree.read(name) for name in (b"plain", b"run", b"link", b"dir", b"pipe", b"none", b"way/secret")}

    assert found == {
        b"plain": file(b"1"),
        b"run": Content(Kind.EXECUTABLE, b"2"),
        b"link": Content(Kind.SYMLINK, b"../secret"),
        b"dir": Content(Kind.DIRECTORY),
        b"pipe": Content(Kind.OTHER),
        b"none": Content(Kind.MISSING),
        b"way/secret": Content(Kind.BLOCKED),
    }


def test_executables_read_as_plain_files_where_modes_mean_nothing(tree: Folder) -> None:
    tree.create(b"run", Content(Kind.EXECUTABLE, b"2"))

    with Folder(tree.root, has_modes=False) as folder:
        assert folder.read(b"run") == file(b"2")


@pytest.mark.parametrize(("kind", "mode"), [(Kind.FILE, 0o640), (Kind.EXECUTABLE, 0o750)])
def test_new_files_follow_the_umask(tree: Folder, kind: Kind, mode: int) -> None:
    before = os.umask(0o027)
    try:
        tree.create(b"x", Content(kind, b""))
    finally:
        os.umask(before)
    assert (tree.root / "x").stat().st_mode & 0o777 == mode


def test_a_mark_changes_with_every_save(tree: Folder) -> None:
    tree.create(b"x", file(b"1"))
    _, mark = tree.look(b"x")
    path = tree.root / "x"
    assert mark == Mark.of(path.stat())
    os.utime(path, ns=(0, 1))
    assert tree.look(b"x")[1] != mark


def test_emptied_directories_are_pruned_up_to_one_that_is_not(tree: Folder) -> None:
    (tree.root / "a/b/c").mkdir(parents=True)
    tree.create(b"a/kept", file(b""))

    tree.prune(b"a/b/c/gone")

    assert sorted(path.name for path in tree.root.rglob("*")) == ["a", "kept"]


def test_the_leaves_of_a_directory_are_found_without_following_links(tree: Folder, tmp_path: Path) -> None:
    (tree.root / "a/b").mkdir(parents=True)
    tree.create(b"a/x", file(b""))
    tree.create(b"a/b/y", file(b""))
    (tree.root / "a/way").symlink_to(tmp_path)

    assert sorted(tree.leaves(b"a")) == [b"a/b/y", b"a/way", b"a/x"]


def test_support_is_found_out_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert door.is_supported(tmp_path)
    monkeypatch.setattr(door, "_rename_call", None)
    assert not door.is_supported(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_the_system_cannot_do_is_said(tree: Folder, stage: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.create(b"x", file(b""))
    stage.create(b"0", file(b""))
    monkeypatch.setattr(door, "_rename_call", None)
    with pytest.raises(ExchangeUnsupportedError):
        exchange(tree, b"x", stage, b"0")


def test_nothing_is_written_outside_while_a_directory_is_flipped_to_a_link(
    tree: Folder, stage: Folder, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_bytes(b"outside")
    (tree.root / "dir").mkdir()
    (tree.root / "other").symlink_to(outside)
    over = threading.Event()

    def flip() -> None:
        while not over.is_set():
            exchange(tree, b"dir", tree, b"other")

    flipper = threading.Thread(target=flip)
    flipper.start()
    try:
        for _ in range(ROUNDS):
            stage.create(b"0", file(b"new"))
            exchange(tree, b"dir/x", stage, b"0")
            move(stage, b"0", tree, b"dir/x")
            move(tree, b"dir/x", stage, b"0")
            for name in (b"dir/x", b"other/x"):
                assert tree.read(name).data != b"outside"
            (stage.root / "0").unlink(missing_ok=True)
    finally:
        over.set()
        flipper.join()
    assert [(path.name, path.read_bytes()) for path in outside.iterdir()] == [("x", b"outside")]
