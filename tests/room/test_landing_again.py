"""What landed, and what comes back of it: the room and the user's branch go on from there without a second edit."""

import pytest

from agentroom_git.git import contested_refs
from agentroom_git.room.verifying import verify
from landings import by_hand, hook, land, landings, subjects, tree, two_agents
from rooms import Bed, edited, numbered


def test_landing_again_has_only_what_is_new(bed: Bed) -> None:
    two_agents(bed)
    first = land(bed)
    assert land(bed).parts == ()
    bed.sync()
    bed.commit("alice", {"a.txt": "alice\nagain\n"}, "Extend a")
    bed.settle()

    second = land(bed)

    assert subjects(bed, f"{first.commits[-1]}..main") == ["Extend a"]
    assert [part.agent for part in second.parts] == ["alice"]
    assert tree(bed) == tree(bed, "agentroom/main/integration")
    assert [body.commits for body in landings(bed)] == [first.commits, second.commits]


def test_work_on_what_landed_meanwhile_is_no_second_edit(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 4, "first")})
    bed.settle()
    # Bob builds on what is about to land, and is folded only after it.
    bed.commit("bob", {"n.txt": edited(numbered(), 4, "second")})
    room = bed.room()
    fold = room.integration()
    room.refs.swap(room.names.green, fold, None)
    land(bed)
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 4, "third")})
    bed.settle()

    assert bed.integrated("n.txt") == edited(numbered(), 4, "third")
    assert bed.git("for-each-ref", "refs/agentroom/main/contested", cwd=bed.repository) == ""
    assert all(verdict.is_sound for verdict in verify(bed.room()))
    land(bed)
    assert tree(bed) == tree(bed, "agentroom/main/integration")


def test_what_the_user_and_an_agent_build_on_a_landing_meets_there(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"n.txt": numbered()})
    land(bed)
    # Alice has not been synced to the landing.
    bed.commit("alice", {"n.txt": edited(numbered(), 4, "alice")})
    (bed.repository / "n.txt").write_text(edited(numbered(), 14, "human"))
    bed.git("commit", "--quiet", "--all", "-m", "by hand", cwd=bed.repository)
    bed.settle()

    assert bed.integrated("n.txt") == edited(edited(numbered(), 4, "alice"), 14, "human")
    assert bed.git("for-each-ref", "refs/agentroom/main/contested", cwd=bed.repository) == ""


def test_a_hook_that_formats_has_its_way_and_nothing_is_contested(bed: Bed) -> None:
    two_agents(bed)
    hook(bed, "pre-commit", "for f in *.txt; do tr a-z A-Z <$f >$f.new; mv $f.new $f; git add $f; done")

    land(bed)
    bed.settle()

    assert bed.git("show", "main:b.txt", cwd=bed.repository) == "BOB\nMORE\n"
    assert tree(bed) == tree(bed, "agentroom/main/integration")
    bed.commit("bob", {"b.txt": "BOB\nMORE\nstill\n"}, "Still more")
    bed.settle()
    assert land(bed).objections == ()
    assert bed.git("show", "main:b.txt", cwd=bed.repository) == "BOB\nMORE\nSTILL\n"


def test_a_step_back_of_the_users_own_commits_is_not_undone_by_landing(bed: Bed) -> None:
    bed.join("alice")
    (bed.repository / "mine.txt").write_text("mine\n")
    bed.git("add", "mine.txt", cwd=bed.repository)
    bed.git("commit", "--quiet", "-m", "mine", cwd=bed.repository)
    bed.commit("alice", {"a.txt": "a\n"})
    bed.settle()
    bed.git("reset", "--quiet", "--hard", "HEAD~1", cwd=bed.repository)

    (held,) = land(bed).objections
    assert held.kind == "held"
    assert held.text.startswith("main stepped back behind")
    assert land(bed, branch="review").objections == (held,)


def test_a_landing_that_was_taken_back_can_be_landed_again(bed: Bed) -> None:
    two_agents(bed)
    land(bed)
    bed.git("reset", "--quiet", "--hard", "HEAD~2", cwd=bed.repository)

    land(bed)

    assert tree(bed) == tree(bed, "agentroom/main/integration")
    assert subjects(bed, "main~2..main") == ["Add a", "Add b (and 1 more)"]


@pytest.mark.parametrize("squash", [True, False])
def test_a_reviewed_branch_that_comes_back_by_squash_or_merge_is_no_second_edit(bed: Bed, squash: bool) -> None:
    bed.join("alice")
    bed.commit("alice", {"n.txt": numbered()}, "Count")
    bed.settle()
    land(bed, branch="review")
    bed.commit("alice", {"n.txt": edited(numbered(), 4, "after the review")}, "Later")
    bed.settle()
    (bed.repository / "other.txt").write_text("meanwhile\n")
    bed.git("add", "other.txt", cwd=bed.repository)
    bed.git("commit", "--quiet", "-m", "Meanwhile", cwd=bed.repository)
    if squash:
        bed.git("merge", "--quiet", "--squash", "review", cwd=bed.repository)
        bed.git("commit", "--quiet", "-m", "Review (#1)", cwd=bed.repository)
    else:
        bed.git("merge", "--quiet", "--no-ff", "-m", "Merge review", "review", cwd=bed.repository)

    bed.settle()

    assert bed.git("for-each-ref", "refs/agentroom/main/contested", cwd=bed.repository) == ""
    assert bed.integrated("n.txt") == edited(numbered(), 4, "after the review")
    assert bed.integrated("other.txt") == "meanwhile\n"
    assert [part.subject for part in land(bed).parts] == ["Later"]


def test_a_landed_branch_that_is_rebased_on_what_came_from_outside_stays_one(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"n.txt": numbered()}, "Count")
    bed.settle()
    start = bed.git("rev-parse", "main", cwd=bed.repository).strip()
    land(bed)
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 4, "later")}, "Later")
    bed.git("branch", "upstream", start, cwd=bed.repository)
    bed.git("switch", "--quiet", "upstream", cwd=bed.repository)
    (bed.repository / "other.txt").write_text("outside\n")
    bed.git("add", "other.txt", cwd=bed.repository)
    bed.git("commit", "--quiet", "-m", "Outside", cwd=bed.repository)
    bed.git("switch", "--quiet", "main", cwd=bed.repository)
    bed.git("rebase", "--quiet", "upstream", cwd=bed.repository)

    bed.settle()

    assert bed.git("for-each-ref", "refs/agentroom/main/contested", cwd=bed.repository) == ""
    assert bed.integrated("n.txt") == edited(numbered(), 4, "later")
    assert bed.integrated("other.txt") == "outside\n"
    assert [part.subject for part in land(bed).parts] == ["Later"]


def test_a_landing_that_the_user_replaces_by_other_work_is_not_taken_from_the_room(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "alice\n"}, "Add a")
    bed.settle()
    land(bed)
    bed.settle()
    bed.git("reset", "--quiet", "--hard", "HEAD~1", cwd=bed.repository)
    (bed.repository / "other.txt").write_text("other\n")
    bed.git("add", "other.txt", cwd=bed.repository)
    bed.git("commit", "--quiet", "-m", "Other", cwd=bed.repository)

    bed.settle()

    assert (bed.integrated("a.txt"), bed.integrated("other.txt")) == ("alice\n", "other\n")
    land(bed)
    assert subjects(bed, "main~2..main") == ["Other", "Add a"]


def test_edits_upon_a_rebased_landing_know_what_landed(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()}, "Count")
    start = bed.git("rev-parse", "main", cwd=bed.repository).strip()
    land(bed)
    bed.settle()
    bed.git("switch", "--quiet", "--create", "upstream", start, cwd=bed.repository)
    by_hand(bed, {"other.txt": "outside\n"})
    bed.git("switch", "--quiet", "main", cwd=bed.repository)
    bed.git("rebase", "--quiet", "upstream", cwd=bed.repository)
    by_hand(bed, {"n.txt": edited(numbered(), 14, "human")})
    bed.commit("alice", {"n.txt": edited(numbered(), 4, "alice")})
    bed.commit("bob", {"n.txt": edited(numbered(), 9, "bob")})
    bed.settle()
    by_hand(bed, {"n.txt": edited(edited(numbered(), 14, "human"), 19, "still human")})
    bed.settle()

    wanted = edited(edited(edited(edited(numbered(), 14, "human"), 19, "still human"), 4, "alice"), 9, "bob")
    assert bed.integrated("n.txt") == wanted
    assert bed.git("for-each-ref", "refs/agentroom/main/contested", cwd=bed.repository) == ""
    assert all(verdict.is_sound for verdict in verify(bed.room()))


def test_what_the_user_amends_into_a_landed_commit_stands_and_the_agents_go_on_from_it(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"n.txt": numbered(), "typo.txt": "tpyo\n"}, "Count")
    bed.settle()
    land(bed)
    bed.settle()
    (bed.repository / "n.txt").write_text(edited(numbered(), 14, "amended"))
    (bed.repository / "typo.txt").unlink()
    bed.git("commit", "--quiet", "--all", "--amend", "--no-edit", cwd=bed.repository)
    by_hand(bed, {"n.txt": edited(edited(numbered(), 14, "amended"), 18, "and more")})
    bed.commit("alice", {"n.txt": edited(numbered(), 4, "alice")}, "Four")
    bed.settle()

    assert bed.integrated("n.txt") == edited(edited(edited(numbered(), 14, "amended"), 18, "and more"), 4, "alice")
    assert bed.integrated("typo.txt") is None
    assert bed.git("for-each-ref", "refs/agentroom/main/contested", cwd=bed.repository) == ""
    assert [part.subject for part in land(bed).parts] == ["Four"]


def test_what_a_rewrite_leaves_contested_is_recorded(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"n.txt": numbered()}, "Count")
    bed.settle()
    land(bed)
    bed.settle()
    bed.git("reset", "--quiet", "--hard", "HEAD~1", cwd=bed.repository)
    by_hand(bed, {"n.txt": "another file of that name\n"})

    made = bed.fold().made

    assert [(record.path, record.kind) for one in made for record in one.contested] == [(b"n.txt", "add/add")]
    room = bed.room()
    (kept,) = contested_refs.read_all(room.refs, room.names.contested)
    assert {b"another file of that name\n", numbered().encode()} == set(kept.sides)
