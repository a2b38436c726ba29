"""Every fold can be recomputed from git alone, and what cannot is named."""

from agentroom_git.room.room import open_room
from agentroom_git.room.verifying import verify
from agentroom_git.system.clock import SystemClock
from rooms import Bed, edited, numbered


def _busy(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    for number in range(3):
        bed.commit("alice", {"n.txt": edited(numbered(), 4, f"alice {number}")})
        bed.commit("bob", {"n.txt": edited(numbered(), 4, f"bob {number}"), f"b{number}": "x\n"})
        bed.fold()
    bed.settle()


def test_folds_of_a_busy_room_are_what_they_say(bed: Bed) -> None:
    _busy(bed)

    verdicts = list(verify(bed.room()))

    assert len(verdicts) == 7
    assert all(verdict.is_sound for verdict in verdicts)


def test_a_range_verifies_only_what_it_names(bed: Bed) -> None:
    _busy(bed)

    assert len(list(verify(bed.room(), "agentroom/main/integration~2..agentroom/main/integration"))) == 2


def test_another_clone_verifies_the_same_folds(bed: Bed, tmp_path, git) -> None:
    _busy(bed)
    clone = tmp_path / "clone"
    git("clone", "--quiet", "--mirror", str(bed.repository), str(clone / ".git"), cwd=tmp_path)
    git("config", "core.bare", "false", cwd=clone)

    room = open_room(clone, SystemClock(), to_read=True)
    assert all(verdict.is_sound for verdict in verify(room))


def test_a_fold_whose_tree_was_tampered_with_is_named(bed: Bed, git) -> None:
    _busy(bed)
    tip = bed.room().integration()
    message = git("log", "-1", "--format=%B", tip, cwd=bed.repository)
    parents = git("log", "-1", "--format=%P", tip, cwd=bed.repository).split()
    tree = bed.tree("main")
    forged = git("commit-tree", tree, "-p", parents[0], "-p", parents[1], "-m", message, cwd=bed.repository).strip()
    git("update-ref", "refs/heads/agentroom/main/integration", forged, cwd=bed.repository)

    bad = [verdict for verdict in verify(bed.room()) if not verdict.is_sound]

    assert [verdict.fold for verdict in bad] == [forged]
    assert f"its tree is {tree[:10]}" in bad[0].problem


def test_a_fold_that_names_other_heads_is_named(bed: Bed, git) -> None:
    _busy(bed)
    tip = bed.room().integration()
    message = git("log", "-1", "--format=%B", tip, cwd=bed.repository)
    head = next(line for line in message.splitlines() if line.startswith("Agentroom-Head: "))
    other = bed.room().history.parents(tip)[0]
    forged_message = message.replace(head, f"Agentroom-Head: {other} alice")
    parents = git("log", "-1", "--format=%P", tip, cwd=bed.repository).split()
    forged = git(
        "commit-tree", bed.tree(), "-p", parents[0], "-p", parents[1], "-m", forged_message, cwd=bed.repository
    ).strip()
    git("update-ref", "refs/heads/agentroom/main/integration", forged, cwd=bed.repository)

    (bad,) = [verdict for verdict in verify(bed.room()) if not verdict.is_sound]

    assert bad.problem == "the heads that it names are not those of its parents"


def test_a_missing_contested_record_is_named(bed: Bed, git) -> None:
    _busy(bed)
    for ref in git("for-each-ref", "--format=%(refname)", "refs/agentroom/main/contested", cwd=bed.repository).split():
        git("update-ref", "-d", ref, cwd=bed.repository)

    assert any("contested records are missing" in verdict.problem for verdict in verify(bed.room()))
