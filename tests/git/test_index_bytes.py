"""An index edited as bytes is what git would have made of it."""

import hashlib
import os
import random
import subprocess
from pathlib import Path

import pytest

from agentroom_git.core.contested import Entry
from agentroom_git.core.ids import Oid
from agentroom_git.git import index_bytes
from agentroom_git.git.index_bytes import IndexBytes, encode_status
from agentroom_git.git.tree_diff import EXECUTABLE, FILE
from rooms import Git

FOLDERS = ("", "a/", "a/b/", "a.b/", "a-b/", "c/d/e/", "z/")


def _blob(number: int) -> str:
    """The id of a blob that need not be there: an index only names it."""
    return hashlib.sha1(b"%d" % number, usedforsecurity=False).hexdigest()


class Index:
    """An index file beside the repository's own, as git sees it."""

    def __init__(self, repository: Path, path: Path) -> None:
        self._repository, self.path = repository, path

    def git(self, *arguments: str, stdin: str = "") -> str:
        env = dict(os.environ) | {"GIT_INDEX_FILE": str(self.path)}
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=self._repository, env=env, input=stdin, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def put(self, entries: dict[str, Entry | None]) -> None:
        lines = (f"{e.mode:o} {e.id}\t{path}\0" if e else f"0 {'0' * 40}\t{path}\0" for path, e in entries.items())
        self.git("update-index", "-z", "--index-info", stdin="".join(lines))

    def entries(self) -> dict[str, Entry]:
        found = {}
        for record in self.git("ls-files", "-z", "--stage").split("\0"):
            if record:
                mode, id, rest = record.split(" ", 2)
                found[rest.partition("\t")[2]] = Entry(id, int(mode, 8))
        return found

    def tree(self) -> str:
        return self.git("write-tree", "--missing-ok").strip()

    def edit(self, wanted: dict[str, Entry | None]) -> bool:
        parsed = IndexBytes.parse(self.path.read_bytes())
        assert parsed is not None
        if not parsed.edit({path.encode(): entry for path, entry in wanted.items()}):
            return False
        with self.path.open("w+b") as file:
            file.writelines(parsed.pieces())
            parsed.seal(file, {})
        return True


@pytest.fixture
def index(repository: Path, tmp_path: Path) -> Index:
    """An index of some dozens of entries that knows the ids of all folders."""
    made = Index(repository, tmp_path / "index")
    made.put({f"{folder}f{n}.txt": Entry(_blob(n), FILE) for folder in FOLDERS for n in range(4)})
    made.git("write-tree", "--missing-ok")
    return made


@pytest.mark.parametrize("seed", range(12))
def test_random_edits_leave_what_git_itself_would(seed: int, index: Index, repository: Path, tmp_path: Path) -> None:
    rng = random.Random(seed)
    for round_number in range(4):
        before = index.entries()
        wanted: dict[str, Entry | None] = dict.fromkeys(rng.sample(sorted(before), 3))
        for number in range(5):
            path = f"{rng.choice(FOLDERS)}{rng.choice(('f1.txt', 'new', 'x' * rng.randrange(1, 30)))}"
            wanted[path] = Entry(_blob(100 * round_number + number), rng.choice((FILE, EXECUTABLE)))
        assert index.edit(wanted)

        expected = {path: entry for path, entry in (before | wanted).items() if entry is not None}
        again = Index(repository, tmp_path / f"again{round_number}")
        again.put(dict(expected))
        assert index.entries() == expected
        assert index.tree() == again.tree()


def test_a_folder_that_is_emptied_and_a_new_one_are_known_to_git(index: Index) -> None:
    gone: dict[str, Entry | None] = {path: None for path in index.entries() if path.startswith("a/")}
    assert index.edit(gone | {"new/deep/file": Entry(_blob(7), FILE)})
    tree = index.tree()
    assert index.git("ls-tree", "--name-only", tree).split() == ["a-b", "a.b", "c", "f0.txt", "f1.txt", "f2.txt",
                                                                  "f3.txt", "new", "z"]  # fmt: skip


@pytest.mark.parametrize("path", ["a", "a/b", "f1.txt/below"])
def test_nothing_is_changed_where_a_file_would_stand_in_the_way_of_others(path: str, index: Index) -> None:
    before = index.path.read_bytes()
    assert not index.edit({path: Entry(_blob(1), FILE)})
    assert index.path.read_bytes() == before


def test_a_file_may_take_the_place_of_a_folder_that_goes_with_it(index: Index) -> None:
    gone: dict[str, Entry | None] = {path: None for path in index.entries() if path.startswith("z/")}
    assert index.edit(gone | {"z": Entry(_blob(1), FILE)})
    assert index.entries()["z"] == Entry(_blob(1), FILE)


def test_an_index_without_entries_is_filled(index: Index) -> None:
    assert index.edit(dict.fromkeys(index.entries()))
    wanted: dict[str, Entry | None] = {f"{folder}g.txt": Entry(_blob(1), FILE) for folder in FOLDERS}
    assert index.edit(wanted)
    assert index.entries() == wanted


@pytest.mark.parametrize("count", [1, 20])
def test_statuses_are_the_same_bytes_entry_by_entry_and_as_a_whole(
    count: int, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [path.encode() for path in index.entries()][:count]
    status, made = index.path.stat(), []
    for many in (0, 1000):
        monkeypatch.setattr(index_bytes, "_MANY", many)
        parsed = IndexBytes.parse(index.path.read_bytes())
        assert parsed is not None
        assert parsed.edit({path: Entry(Oid(_blob(1)), FILE) for path in paths})
        copy = index.path.with_name(f"copy-{many}")
        with copy.open("w+b") as file:
            file.writelines(parsed.pieces())
            parsed.seal(file, dict.fromkeys(paths, status))
        made.append(copy.read_bytes())

    assert made[0] == made[1]
    assert made[0].count(encode_status(status, FILE)) == count


def test_a_path_of_more_than_four_thousand_bytes_is_found_again(index: Index) -> None:
    path = "/".join(["n" * 200] * 22)
    assert index.edit({path: Entry(_blob(1), FILE)})
    assert index.edit({path: Entry(_blob(2), FILE), "a/f1.txt": None})
    assert index.entries()[path] == Entry(_blob(2), FILE)


def test_an_unfinished_merge_is_told_by_its_paths(index: Index) -> None:
    index.git("update-index", "--index-info", stdin=f"100644 {_blob(1)} 1\tm.txt\n100644 {_blob(2)} 2\tm.txt\n")
    parsed = IndexBytes.parse(index.path.read_bytes())
    assert parsed is not None
    assert parsed.conflicts() == (b"m.txt",)


def test_other_forms_and_damaged_bytes_are_left_to_the_library(index: Index, git: Git) -> None:
    data = index.path.read_bytes()
    assert IndexBytes.parse(data[:-1] + bytes([data[-1] ^ 1])) is None
    assert IndexBytes.parse(b"") is None
    index.git("update-index", "--index-version", "4", "--force-write-index")
    assert IndexBytes.parse(index.path.read_bytes()) is None
