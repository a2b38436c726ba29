"""What becomes of a path in each case that is not a matter of lines: real commits, folded by the engine."""

from collections.abc import Mapping
from pathlib import Path

import pygit2
import pytest

from agentroom_git.core.contested import Contested, Entry
from agentroom_git.core.fold import Engine, Folded
from agentroom_git.core.history import Head
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.tree import Party, Voice, merge_trees
from agentroom_git.git.objects import GitHistory, empty_tree

FILE, EXECUTABLE, LINK, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o160000
TEXT = b"".join(b"line %d\n" % number for number in range(1, 21))
Files = Mapping[str, bytes | tuple[bytes, int] | None]


def _edit(number: int, new: bytes, text: bytes = TEXT) -> bytes:
    lines = text.splitlines(keepends=True)
    lines[number - 1] = new + b"\n"
    return b"".join(lines)


class Case:
    """Two agents' commits on one base, in a repository without a worktree."""

    def __init__(self, folder: Path) -> None:
        self.handle = pygit2.init_repository(str(folder / "case.git"), bare=True)
        self.objects = GitHistory(self.handle)

    def commit(self, name: str, files: Files, parent: Oid | None = None) -> Oid:
        tree = self.objects.tree_of(parent) if parent else empty_tree(self.handle)
        tree = self.objects.write_tree(tree, {path.encode(): self._entry(data) for path, data in files.items()})
        who = pygit2.Signature(name, "t@example.invalid", 1_700_000_000, 0)
        parents = [parent] if parent else []
        return Oid(
            str(self.handle.create_commit(None, who, who, f"{name}\n\nAgentroom-Agent: {name}\n", tree, parents))
        )

    def _entry(self, data: bytes | tuple[bytes, int] | None) -> Entry | None:
        if data is None:
            return None
        text, mode = data if isinstance(data, tuple) else (data, FILE)
        return Entry(Oid(text.decode()) if mode == SUBMODULE else self.objects.write_blob(text), mode)

    def fold(self, base: Files, ours: Files, theirs: Files) -> tuple[dict[str, bytes | str], list[tuple[str, str]]]:
        """Return what integration has by path, and the kind and path of each record; the same whoever is first."""
        root = self.commit("base", base)
        tips = [self.commit("alice", ours, root), self.commit("bob", theirs, root)]
        names = (AgentName("alice"), AgentName("bob"))
        heads = [Head(tip, name) for tip, name in zip(tips, names, strict=True)]
        folded = Engine(self.objects).fold(heads)
        assert Engine(GitHistory(self.handle)).fold(heads[::-1]) == folded
        return self._files(folded), [(record.kind, record.path.decode()) for record in folded.contested]

    def _files(self, folded: Folded) -> dict[str, bytes | str]:
        found: dict[str, bytes | str] = {}
        for path, (_, entry) in self.objects.changes(None, folded.tree).items():
            assert entry is not None
            found[path.decode()] = entry.id if entry.mode == SUBMODULE else self.objects.blob(entry.id)
        return found


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


RENAME = {"old.py": None, "new.py": TEXT}
EDIT = {"old.py": _edit(5, b"five")}


@pytest.mark.parametrize("sides", [(RENAME, EDIT), (EDIT, RENAME)], ids=["renamed first", "edited first"])
def test_an_edit_follows_a_file_that_the_other_renamed(case: Case, sides: tuple[Files, Files]) -> None:
    assert case.fold({"old.py": TEXT}, *sides) == ({"new.py": _edit(5, b"five")}, [])


@pytest.mark.parametrize("turned", [False, True])
def test_a_file_renamed_with_changes_is_merged_with_an_edit_of_its_old_name(case: Case, turned: bool) -> None:
    sides = ({"old.py": None, "d/new.py": _edit(15, b"fifteen")}, EDIT)
    expected = {"d/new.py": _edit(15, b"fifteen", _edit(5, b"five"))}
    assert case.fold({"old.py": TEXT}, *(sides[::-1] if turned else sides)) == (expected, [])


@pytest.mark.parametrize("turned", [False, True])
def test_a_contested_line_of_a_renamed_file_is_recorded_under_the_new_name(case: Case, turned: bool) -> None:
    sides = ({"old": None, "new": _edit(5, b"A B")}, {"old": _edit(5, b"C D")})
    files, records = case.fold({"old": TEXT}, *(sides[::-1] if turned else sides))
    assert list(files) == ["new"]
    assert files["new"] in (_edit(5, b"A B"), _edit(5, b"C D"))
    assert records == [("text", "new")]


def test_what_shares_less_than_half_is_no_rename(case: Case) -> None:
    other = b"".join(b"else %d\n" % number for number in range(20))
    files, records = case.fold({"old": TEXT}, {"old": None, "new": other}, {"old": _edit(5, b"five")})
    assert files == {"old": _edit(5, b"five"), "new": other}
    assert records == [("modify/delete", "old")]


def test_an_edit_does_not_follow_to_a_name_that_its_own_side_took(case: Case) -> None:
    files, records = case.fold({"old": TEXT}, RENAME | {"old": None}, {"old": _edit(5, b"five"), "new.py": b"mine\n"})
    assert files["old"] == _edit(5, b"five")
    assert ("modify/delete", "old") in records


def test_a_file_renamed_alike_by_both_is_merged_over_what_it_was(case: Case) -> None:
    sides = ({"old": None, "new": _edit(5, b"five")}, {"old": None, "new": _edit(15, b"fifteen")})
    assert case.fold({"old": TEXT}, *sides) == ({"new": _edit(5, b"five", _edit(15, b"fifteen"))}, [])


def test_a_file_renamed_differently_by_both_keeps_both_names_and_is_recorded(case: Case) -> None:
    files, records = case.fold({"old": TEXT}, {"old": None, "one": TEXT}, {"old": None, "two": TEXT})
    assert (files, records) == ({"one": TEXT, "two": TEXT}, [("rename/rename", "old")])


@pytest.mark.parametrize("renamed", [TEXT, _edit(5, b"five")], ids=["as it was", "with a change"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_file_renamed_by_one_and_deleted_by_the_other_stays_and_is_recorded(
    case: Case, turned: bool, renamed: bytes
) -> None:
    sides: tuple[Files, Files] = ({"old": None, "new": renamed}, {"old": None})
    files, records = case.fold({"old": TEXT}, *(sides[::-1] if turned else sides))
    assert (files, records) == ({"new": renamed}, [("rename/delete", "new")])


@pytest.mark.parametrize("turned", [False, True])
def test_of_an_edited_file_that_became_a_folder_one_record_says_that_the_folder_stands(
    case: Case, turned: bool
) -> None:
    sides: tuple[Files, Files] = ({"old": None, "old/x": b"x\n"}, {"old": _edit(5, b"five")})
    files, records = case.fold({"old": TEXT}, *(sides[::-1] if turned else sides))
    assert (files, records) == ({"old/x": b"x\n"}, [("file/folder", "old")])


def test_what_both_deleted_and_one_wrote_anew_is_no_rename(case: Case) -> None:
    other = b"".join(b"else %d\n" % number for number in range(20))
    assert case.fold({"old": TEXT}, {"old": None, "new": other}, {"old": None}) == ({"new": other}, [])


def test_a_line_that_a_doubtful_base_had_is_recorded_where_it_is_dropped(case: Case) -> None:
    shorter = TEXT.split(b"\n", 1)[1]
    for dropped, doubtful, expected in (
        (shorter, (b"old",), [("base", b"old")]),
        (shorter, None, []),
        (shorter, (), []),
        (TEXT + b"more\n", (b"old",), []),
    ):
        base = case.commit("base", {"old": TEXT})
        tips = [base, case.commit("bob", {"old": dropped}, base)]
        parties = [
            Party(case.objects.tree_of(tip), (Voice(AgentName(name), tip, 1, case.objects.tree_of(tip)),))
            for name, tip in zip(("alice", "bob"), tips, strict=True)
        ]
        for ours, theirs in (parties, parties[::-1]):
            merged = merge_trees(case.objects, case.objects.tree_of(base), ours, theirs, doubtful)
            assert merged.tree == case.objects.tree_of(tips[1])
            assert [(record.kind, record.path) for record in merged.contested] == expected


def test_a_line_that_comes_back_over_a_virtual_base_is_recorded(case: Case) -> None:
    lines = TEXT.splitlines(keepends=True)
    moved, shorter = b"".join([*lines[1:], lines[0]]), b"".join(lines[1:])
    base = case.commit("base", {"old": TEXT})
    trees = [case.objects.tree_of(case.commit("alice", {"old": text}, base)) for text in (moved, shorter)]
    parties = [Party(tree, (Voice(AgentName("alice"), tree, 1, tree),)) for tree in trees]
    for doubtful, expected in ((None, []), ((), [("base", b"old")])):
        merged = merge_trees(case.objects, case.objects.tree_of(base), parties[0], parties[1], doubtful)
        assert merged.tree == trees[0]
        assert [(record.kind, record.path) for record in merged.contested] == expected


def test_links_and_submodules_are_never_merged_as_text(case: Case) -> None:
    for kind, mode, ids in (
        ("symlink", LINK, (b"a", b"b", b"c")),
        ("submodule", SUBMODULE, (b"1" * 40, b"2" * 40, b"3" * 40)),
    ):
        base, ours, theirs = ({"x": (one, mode)} for one in ids)
        files, records = case.fold(base, ours, theirs)
        assert files["x"] in (ids[1], ids[2], ids[1].decode(), ids[2].decode())
        assert records == [(kind, "x")]


def test_a_file_that_became_a_link_and_was_edited_is_taken_whole(case: Case) -> None:
    files, records = case.fold({"x": TEXT}, {"x": (b"target", LINK)}, {"x": _edit(5, b"five")})
    assert files["x"] in (b"target", _edit(5, b"five"))
    assert records == [("type", "x")]


def test_a_mode_and_an_edit_are_merged_apart(case: Case) -> None:
    root = case.commit("base", {"x": TEXT})
    heads = [
        Head(case.commit("alice", {"x": (TEXT, EXECUTABLE)}, root), AgentName("alice")),
        Head(case.commit("bob", {"x": _edit(5, b"five")}, root), AgentName("bob")),
    ]
    folded = Engine(case.objects).fold(heads)
    assert case.objects.entry(folded.tree, b"x") == Entry(case.objects.write_blob(_edit(5, b"five")), EXECUTABLE)


CLEAN = {"data/x.txt": _edit(5, b"five")}, {"data/x.txt": _edit(15, b"fifteen")}
BOTH = {"data/x.txt": _edit(5, b"A")}, {"data/x.txt": _edit(5, b"B")}


@pytest.mark.parametrize("place", [".gitattributes", "data/.gitattributes"])
def test_attributes_are_read_from_the_trees(case: Case, place: str) -> None:
    base = {"data/x.txt": TEXT}
    assert case.fold({**base, place: b"*.txt -merge\n"}, *CLEAN)[1] == [("binary", "data/x.txt")]
    files, records = case.fold({**base, place: b"*.txt merge=union\n"}, *BOTH)
    assert (files["data/x.txt"], records) == (_edit(5, b"A\nB"), [])


def test_an_attribute_that_one_side_adds_is_followed(case: Case) -> None:
    ours = {**CLEAN[0], ".gitattributes": b"*.txt binary\n"}
    assert case.fold({"data/x.txt": TEXT}, ours, CLEAN[1])[1] == [("binary", "data/x.txt")]


def test_a_lock_file_is_taken_whole_from_one_side(case: Case) -> None:
    base, ours, theirs = ({"uv.lock": _edit(5, word)} for word in (b"a", b"b", b"c"))
    files, records = case.fold(base, ours, theirs)
    assert files["uv.lock"] in (ours["uv.lock"], theirs["uv.lock"])
    assert records == [("generated", "uv.lock")]


@pytest.mark.parametrize(("one", "other"), [("Read.me", "read.me"), ("caf\u00e9", "cafe\u0301")])
def test_names_that_some_file_systems_take_for_one_are_both_kept_and_recorded(case: Case, one: str, other: str) -> None:
    files, records = case.fold({}, {one: b"1\n"}, {other: b"2\n"})
    assert files == {one: b"1\n", other: b"2\n"}
    assert records == [("twins", min(one, other, key=str.encode))]


def _contest_of_line_ten(
    case: Case, carols: bytes, weights: tuple[int, int, int], claims: tuple[tuple[str, int], ...] = ()
) -> Contested:
    """Merge alice's edit of line 1 and carol's text with bob's edit of line 10; `weights` are theirs and bob's."""
    root = case.commit("base", {"f.txt": TEXT})

    def voice(name: str, text: bytes, weight: int) -> Voice:
        commit = case.commit(name, {"f.txt": text}, root)
        return Voice(AgentName(name), commit, weight, case.objects.tree_of(commit), claims if name == "alice" else ())

    alice, carol, bob = map(voice, ("alice", "carol", "bob"), (_edit(1, b"one"), carols, _edit(10, b"TEN")), weights)
    both = case.objects.tree_of(case.commit("both", {"f.txt": _edit(1, b"one", carols)}, root))
    base = case.objects.tree_of(root)
    (record,) = merge_trees(case.objects, base, Party(both, (alice, carol)), Party(bob.tree, (bob,))).contested
    return record


@pytest.mark.parametrize("claims", [(), (("f.txt", 17),)], ids=["no claim", "alice claims the file"])
def test_who_changed_other_lines_of_a_file_has_no_say_in_these(case: Case, claims: tuple[tuple[str, int], ...]) -> None:
    record = _contest_of_line_ten(case, _edit(10, b"ten"), (9, 1, 2), claims)
    assert (record.agents, record.step) == ((("bob",), ("carol",)), "side")
    assert record.winner == 0, "bob has more commits than carol, and alice's count for her own lines only"


def test_who_removed_a_line_speaks_for_its_removal(case: Case) -> None:
    lines = TEXT.splitlines(keepends=True)
    record = _contest_of_line_ten(case, b"".join(lines[:9] + lines[10:]), (1, 1, 1))
    assert record.agents == (("bob",), ("carol",))
