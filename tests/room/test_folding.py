"""Folding real commits of real worktrees."""

import pytest

from agentroom_git.core.history import Head
from agentroom_git.core.ids import AgentName, Oid, parse_agent
from agentroom_git.git import contested_refs
from agentroom_git.git.refs import Refs
from agentroom_git.room import contests, messages
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.folding import Folder, observe_branches
from agentroom_git.room.verifying import verify
from rooms import Bed, edited, numbered


def test_commits_of_two_agents_to_different_files_are_both_in_integration(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.commit("bob", {"b.txt": "bob\n"})

    report = bed.fold()

    assert [(made.agent, made.contested) for made in report.made] == [("alice", ()), ("bob", ())]
    assert (bed.integrated("a.txt"), bed.integrated("b.txt")) == ("alice\n", "bob\n")


def test_folding_again_changes_nothing(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "alice\n"})
    first = bed.fold()

    again = bed.fold()

    assert (again.made, again.integration) == ((), first.integration)


def test_edits_of_distant_lines_of_one_file_merge(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 2, "alice was here")})
    bed.commit("bob", {"n.txt": edited(numbered(), 15, "bob was here")})

    report = bed.fold()

    assert all(not made.contested for made in report.made)
    assert bed.integrated("n.txt") == edited(edited(numbered(), 2, "alice was here"), 15, "bob was here")


def test_a_region_changed_by_two_is_recorded_with_every_version_and_told_to_both(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 5, "total = alice(1)")})
    bed.commit("bob", {"n.txt": edited(numbered(), 5, "bob said otherwise")})

    report = bed.fold()

    (record,) = [one for made in report.made for one in made.contested]
    room = bed.room()
    (stored,) = contested_refs.read_all(room.refs, room.names.contested)
    assert (stored.id, stored.path, stored.agents) == (record.id, "n.txt", (("alice",), ("bob",)))
    assert set(stored.sides) == {b"total = alice(1)\n", b"bob said otherwise\n"}
    for name in ("alice", "bob"):
        unread = messages.unread(bed.as_agent(name))
        assert [(m.kind, m.paths) for m in unread.messages] == [("contested", ("n.txt",))]


def test_the_tree_does_not_depend_on_who_was_folded_first(bed: Bed) -> None:
    bed.join("alice", "bob", "carol")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    for number, name in enumerate(("alice", "bob", "carol"), 5):
        bed.commit(name, {"n.txt": edited(edited(numbered(), 5, f"mine {name}"), 9 + number, f"own of {name}")})
    start = bed.room().integration()
    trees = set()
    for order in (("alice", "bob", "carol"), ("carol", "bob", "alice"), ("bob", "alice", "carol"), ()):
        bed.git("update-ref", "refs/heads/agentroom/main/integration", start, cwd=bed.repository)
        for name in order:
            bed.fold(name)
        bed.fold()
        trees.add(bed.tree())

    assert len(trees) == 1


def test_every_folded_commit_is_an_ancestor_of_integration(bed: Bed) -> None:
    bed.join("alice", "bob")
    commits = [bed.commit("alice", {"x": f"alice {n}\n"}) for n in range(3)]
    commits += [bed.commit("bob", {"x": f"bob {n}\n"}) for n in range(3)]

    bed.fold()

    assert all(bed.is_ancestor(commit) for commit in commits)


def test_an_amended_commit_replaces_the_one_that_was_folded(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    old = bed.commit("alice", {"n.txt": edited(numbered(), 3, "typo")})
    bed.commit("bob", {"b.txt": "bob\n"})
    bed.fold()
    bed.write("alice", {"n.txt": edited(numbered(), 3, "corrected")})
    bed.git("commit", "--quiet", "--all", "--amend", "-m", "corrected", cwd=bed.path("alice"))

    bed.fold()

    assert bed.integrated("n.txt") == edited(numbered(), 3, "corrected")
    assert bed.integrated("b.txt") == "bob\n"
    assert bed.is_ancestor(old)
    assert bed.is_ancestor(bed.head("alice"))


def test_a_mere_step_back_is_held_and_takes_nothing_from_the_others(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"a.txt": "alice\n"})
    bed.fold()
    bed.git("reset", "--quiet", "--hard", "HEAD~1", cwd=bed.path("alice"))

    report = bed.fold()

    assert (report.held, report.made) == ((AgentName("alice"),), ())
    assert bed.integrated("a.txt") == "alice\n"
    assert [m.kind for m in messages.unread(bed.as_agent("alice")).messages] == ["held"]


def test_a_step_back_followed_by_other_work_withdraws_the_agents_own_commit_only(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"a.txt": "first try\n"})
    bed.commit("bob", {"b.txt": "bob\n"})
    bed.fold()
    bed.git("reset", "--quiet", "--hard", "HEAD~1", cwd=bed.path("alice"))
    bed.commit("alice", {"c.txt": "second try\n"})

    bed.fold()

    assert [bed.integrated(name) for name in ("a.txt", "b.txt", "c.txt")] == [None, "bob\n", "second try\n"]


def test_a_rebase_of_folded_commits_neither_doubles_nor_loses_lines(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 3, "three")}, "three")
    bed.commit("alice", {"m.txt": "module\n"}, "module")
    bed.commit("bob", {"n.txt": edited(numbered(), 17, "bob")})
    bed.fold()
    bed.git("-c", "sequence.editor=sed -i '1{h;d};2{p;x}'", "rebase", "--quiet", "-i", "HEAD~2", cwd=bed.path("alice"))

    bed.fold()

    assert bed.integrated("n.txt") == edited(edited(numbered(), 3, "three"), 17, "bob")
    assert bed.integrated("m.txt") == "module\n"


def test_work_on_another_branch_is_folded_and_coming_back_is_no_rewrite(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "one\n"})
    bed.fold()
    bed.git("switch", "--quiet", "-c", "feature", cwd=bed.path("alice"))
    bed.commit("alice", {"f.txt": "feature\n"})
    bed.fold()
    bed.git("switch", "--quiet", "agentroom/main/alice", cwd=bed.path("alice"))

    report = bed.fold()

    assert (report.made, report.held) == ((), ())
    assert bed.integrated("f.txt") == "feature\n"


def test_commits_on_the_users_branch_reach_the_room_and_the_branch_is_never_touched(bed: Bed) -> None:
    bed.join("alice")
    (bed.repository / "human.txt").write_text("human\n")
    bed.git("add", "human.txt", cwd=bed.repository)
    bed.git("commit", "--quiet", "-m", "by hand", cwd=bed.repository)
    tip = bed.git("rev-parse", "main", cwd=bed.repository)

    bed.settle()

    assert (bed.path("alice") / "human.txt").read_text() == "human\n"
    assert bed.git("rev-parse", "main", cwd=bed.repository) == tip


def test_a_file_modified_by_one_and_deleted_by_another_stays_and_is_recorded(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": None})
    bed.commit("bob", {"n.txt": edited(numbered(), 4, "still needed")})

    report = bed.fold()

    assert bed.integrated("n.txt") == edited(numbered(), 4, "still needed")
    assert [one.kind for made in report.made for one in made.contested] == ["modify/delete"]


def test_a_file_of_one_and_a_folder_of_the_same_name_of_another_both_survive(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"thing": "a file\n"})
    bed.commit("bob", {"thing/inside": "a folder\n"})

    report = bed.fold()

    assert bed.integrated("thing/inside") == "a folder\n"
    (record,) = [one for made in report.made for one in made.contested]
    assert record.kind == "file/folder"
    room = bed.room()
    (stored,) = contested_refs.read_all(room.refs, room.names.contested)
    assert b"a file\n" in stored.sides
    assert bed.fsck() == ""


def test_binary_files_changed_by_two_take_one_side_whole(bed: Bed) -> None:
    bed.join("alice", "bob")
    for name, data in (("alice", b"\0alice"), ("bob", b"\0bob")):
        (bed.path(name) / "image").write_bytes(data)
        bed.git("add", "image", cwd=bed.path(name))
        bed.git("commit", "--quiet", "-m", "image", cwd=bed.path(name))

    report = bed.fold()

    (record,) = [one for made in report.made for one in made.contested]
    assert (record.kind, set(record.agents)) == ("add/add", {("alice",), ("bob",)})
    assert len(set(record.sides)) == 2


def test_folds_can_be_read_back_newest_first(bed: Bed) -> None:
    bed.join("alice", "bob")
    one = bed.commit("alice", {"a": "1\n"})
    two = bed.commit("bob", {"b": "1\n"})
    bed.fold()

    found = [(fold.folded[0].agent, fold.folded[0].id) for fold in read_folds(bed.room())]

    assert found == [("bob", two), ("alice", one)]


def test_a_fold_that_lost_the_swap_to_another_is_made_again_on_top(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"a": "1\n"})
    bed.commit("bob", {"b": "1\n"})
    room = bed.room()
    swap = Refs.swap
    rivals = [Folder(bed.room())]

    def swap_after_a_rival(refs: Refs, name: str, new: Oid | None, old: Oid | None, *, message: str = "") -> bool:
        if name == room.names.integration and rivals:
            rival = rivals.pop()
            (branch,) = [one for one in observe_branches(rival.room) if one.agent == "bob"]
            rival.fold_branch(branch)
        return swap(refs, name, new, old, message=message)

    monkeypatch.setattr(Refs, "swap", swap_after_a_rival)
    Folder(room).fold([AgentName("alice")])

    assert (bed.integrated("a"), bed.integrated("b")) == ("1\n", "1\n")


def test_a_clean_merge_that_does_not_parse_is_left_as_git_makes_it_and_told(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"t.py": '"""Doc."""\n# a\n# b\n# c\nx = 1\n'})
    bed.settle()
    bed.commit("alice", {"t.py": '"""Doc."""\nimport os\n# a\n# b\n# c\nx = 1\n'})
    bed.commit("bob", {"t.py": '"""Doc."""\n# a\n# b\n# c\nfrom __future__ import annotations\nx = 1\n'})

    report = bed.fold()

    assert [(one.kind, one.step) for made in report.made for one in made.contested] == [("parse", "clean")]
    merged = '"""Doc."""\nimport os\n# a\n# b\n# c\nfrom __future__ import annotations\nx = 1\n'
    assert bed.integrated("t.py") == merged


def test_a_rebase_is_folded_when_it_has_ended_and_drops_what_it_dropped(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"dropped.txt": "mistake\n"}, "d1")
    bed.commit("alice", {"n.txt": edited(numbered(), 15, "first wording")}, "d2")
    bed.commit("alice", {"z.txt": "z\n"}, "d3")
    bed.fold()
    alice = bed.path("alice")
    todo = "sequence.editor=sed -i -e '/ d1$/d' -e '/ d2$/s/^pick/edit/'"
    bed.git("-c", todo, "rebase", "--quiet", "-i", "HEAD~3", cwd=alice)
    assert bed.fold().made == ()
    bed.write("alice", {"n.txt": edited(numbered(), 15, "second wording")})
    bed.git("commit", "--quiet", "--all", "--amend", "-m", "d2b", cwd=alice)
    assert bed.fold().made == ()
    bed.git("-c", "core.editor=true", "rebase", "--continue", cwd=alice)

    bed.settle()

    assert bed.integrated("dropped.txt") is None
    assert bed.integrated("n.txt") == edited(numbered(), 15, "second wording")
    assert bed.integrated("z.txt") == "z\n"
    assert not (bed.path("bob") / "dropped.txt").exists()


def test_what_an_aborted_rebase_tried_reaches_nobody(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"keep.txt": "kept\n"})
    bed.settle()
    alice = bed.path("alice")
    bed.commit("alice", {"more.txt": "more\n"}, "k1")
    bed.fold()
    bed.git("-c", "sequence.editor=sed -i s/^pick/edit/", "rebase", "--quiet", "-i", "HEAD~1", cwd=alice)
    bed.write("alice", {"keep.txt": "EXPERIMENT\n", "junk.txt": "junk\n"})
    bed.git("add", "--all", cwd=alice)
    bed.git("commit", "--quiet", "--amend", "-m", "exp", cwd=alice)
    bed.fold()
    bed.git("rebase", "--abort", cwd=alice)

    bed.settle()

    assert (bed.integrated("keep.txt"), bed.integrated("junk.txt"), bed.integrated("more.txt")) == (
        "kept\n",
        None,
        "more\n",
    )


def test_a_rewrite_is_seen_after_an_excursion_to_another_branch(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "first\n"})
    bed.fold()
    alice = bed.path("alice")
    bed.git("switch", "--quiet", "--detach", cwd=alice)
    bed.commit("alice", {"aside.txt": "aside\n"})
    bed.fold()
    bed.git("switch", "--quiet", "agentroom/main/alice", cwd=alice)
    bed.write("alice", {"a.txt": "second\n"})
    bed.git("commit", "--quiet", "--all", "--amend", "-m", "amended", cwd=alice)

    report = bed.fold()

    assert all(not made.contested for made in report.made)
    assert (bed.integrated("a.txt"), bed.integrated("aside.txt")) == ("second\n", "aside\n")


def test_who_goes_back_to_before_a_rewrite_has_taken_that_back_too(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"keep.txt": "alice\n"})
    bed.commit("bob", {"b.txt": "bob\n"})
    bed.settle()
    alice = bed.path("alice")
    before = bed.git("rev-parse", "HEAD", cwd=alice).strip()
    bed.git("reset", "--quiet", "--hard", bed.git("merge-base", "main", "HEAD", cwd=alice).strip(), cwd=alice)
    bed.commit("alice", {"other.txt": "instead\n"})
    bed.settle()
    assert bed.integrated("keep.txt") is None

    bed.git("reset", "--quiet", "--hard", before, cwd=alice)
    bed.commit("alice", {"more.txt": "more\n"})
    bed.settle()

    assert (bed.integrated("keep.txt"), bed.integrated("other.txt")) == ("alice\n", None)
    assert bed.integrated("b.txt") == "bob\n"


@pytest.mark.parametrize("is_named", [True, False], ids=["commits name their agents", "commits name nobody"])
def test_who_starts_over_from_below_others_work_takes_back_its_own_alone(bed: Bed, is_named: bool) -> None:
    by = {name: f"work\n\nAgentroom-Agent: {name}" if is_named else "work" for name in ("alice", "bob")}
    bed.join("alice", "bob")
    text = numbered()
    bed.commit("alice", {"n.txt": text, "own.txt": "own\n"}, by["alice"])
    bed.settle()
    start = bed.git("rev-parse", "HEAD", cwd=bed.path("alice")).strip()
    bed.commit("alice", {"n.txt": edited(text, 3, "alice"), "gone.txt": "alice\n", "own.txt": None}, by["alice"])
    bed.settle()
    bed.commit("bob", {"n.txt": edited(edited(text, 3, "alice"), 15, "bob"), "b.txt": "bob\n"}, by["bob"])
    bed.settle()
    bed.commit("alice", {"late.txt": "alice\n"}, by["alice"])
    bed.settle()

    bed.git("reset", "--quiet", "--hard", start, cwd=bed.path("alice"))
    bed.commit("alice", {"new.txt": "instead\n"}, by["alice"])
    bed.settle()

    assert bed.integrated("n.txt") == edited(text, 15, "bob")
    assert [bed.integrated(f"{name}.txt") for name in ("gone", "late")] == [None, None]
    assert [bed.integrated(f"{name}.txt") for name in ("own", "b", "new")] == ["own\n", "bob\n", "instead\n"]
    assert bed.git("for-each-ref", "refs/agentroom/main/contested", cwd=bed.repository) == ""
    assert all(verdict.is_sound for verdict in verify(bed.room()))


@pytest.mark.parametrize("value", ["nothing", f"{'0' * 40} bob"])
def test_a_made_up_fold_does_not_stop_the_rewrite_of_its_branch(bed: Bed, value: str) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "a\n"}, f"fold\n\nAgentroom-Folded: {value}")
    author = "--author=agentroom <agentroom@agentroom.invalid>"
    bed.git("commit", "--quiet", "--amend", "--no-edit", author, cwd=bed.path("alice"))
    bed.fold()
    bed.git("reset", "--quiet", "--hard", "HEAD~1", cwd=bed.path("alice"))
    bed.commit("alice", {"b.txt": "b\n"})

    report = bed.fold()

    assert (len(report.made), report.failed) == (1, ())
    assert bed.integrated("b.txt") == "b\n"


def test_what_a_gc_pruned_of_the_engines_memory_is_computed_again(bed: Bed) -> None:
    bed.join("alice", "bob", "carol")
    text = numbered()
    bed.commit("alice", {"n.txt": text})
    bed.settle()
    folder = Folder(bed.room())
    for name, line in (("alice", 2), ("bob", 10)):
        bed.commit(name, {"n.txt": edited(text, line, name)})
    heads = [Head(bed.head(name), parse_agent(name)) for name in ("alice", "bob")]
    folder.engine.fold(heads)
    bed.git("gc", "--quiet", "--prune=now", cwd=bed.repository)

    assert len(folder.fold().made) == 2
    assert bed.integrated("n.txt") == edited(edited(text, 2, "alice"), 10, "bob")
    assert bed.fsck() == ""


def test_an_equal_line_of_another_file_is_not_dropped_with_the_one_that_an_agent_deletes(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"a.py": "import os\nA = 1\n", "b.py": "import os\nB = 1\n"})
    bed.settle()
    bed.commit("alice", {"a.py": "import os\nA = 1\nA2 = 2\n"})
    bed.commit("bob", {"b.py": "B = 1\n"})

    bed.settle()

    assert bed.integrated("b.py") == "B = 1\n"
    assert contests.open_records(bed.room()) == []
