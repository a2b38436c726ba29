"""Contests are settled by commits that change what is contested, after they had seen it."""

from collections.abc import Callable

import pytest

from agentroom_git.room import contests
from agentroom_git.room.aftermath import after_folds
from rooms import Bed, edited, numbered


@pytest.fixture
def contest(bed: Bed) -> contests.Contest:
    """An open contest over line 5, with alice's and bob's version."""
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 5, "from alice(1)")})
    bed.commit("bob", {"n.txt": edited(numbered(), 5, "bob had another idea")})
    bed.settle()
    (found,) = contests.read_contests(bed.room())
    return found


def _put(bed: Bed, name: str, last: bool) -> None:
    """Give the agent's commit the lowest or the highest id: the engine merges heads in this order."""
    others = [other for other in ("alice", "bob", "carol") if other != name]
    for attempt in range(400):
        heads = [bed.head(other) for other in others]
        if bed.head(name) > max(heads) if last else bed.head(name) < min(heads):
            return
        # The others' ids may leave hardly any beyond theirs.
        for amended in (name, *(others if attempt % 10 == 9 else ())):
            bed.git("commit", "--quiet", "--amend", "-m", f"attempt {attempt}", cwd=bed.path(amended))
    raise AssertionError("no such id was found")


def test_only_who_changes_the_lines_of_three_versions_closes_their_contests(bed: Bed) -> None:
    bed.join("alice", "bob", "carol")
    bed.commit("alice", {"f.txt": numbered(), "m.txt": numbered()})
    bed.settle()
    for name in ("alice", "bob", "carol"):
        theirs = edited(numbered(), 5, f"{name}'s")
        bed.commit(name, {"f.txt": theirs, "m.txt": theirs})
    _put(bed, "carol", last=False)
    bed.settle()
    records = contests.open_records(bed.room())
    current = (bed.path("carol") / "f.txt").read_text()

    bed.commit("carol", {"m.txt": "first\n" + current})
    contests.close_edited(bed.room(), bed.fold().made)
    assert contests.open_records(bed.room()) == records
    bed.sync()
    bed.commit("bob", {"f.txt": edited(current, 5, "what all can live with")})
    contests.close_edited(bed.room(), bed.fold().made)
    assert {one.record.path: one.closed_by for one in contests.read_contests(bed.room())} == {
        "f.txt": "bob",
        "m.txt": "",
    }


def test_a_whole_version_that_a_fold_replaced_is_not_settled_by_the_next_commit(bed: Bed) -> None:
    bed.join("alice", "bob", "carol")
    bed.settle()
    for name in ("alice", "bob", "carol"):
        bed.commit(name, {"n.txt": edited(numbered(), 3, f"{name}'s")})
    _put(bed, "carol", last=False)
    bed.settle()
    records = contests.open_records(bed.room())

    bed.commit("carol", {"other.txt": "x\n"})
    contests.close_edited(bed.room(), bed.fold().made)

    assert contests.open_records(bed.room()) == records


@pytest.mark.parametrize(
    "beside",
    [
        lambda lines: [*lines[:4], "above", *lines[4:]],
        lambda lines: [*lines[:5], "below", *lines[5:]],
        lambda lines: [*lines[:3], "changed", *lines[4:]],
        lambda lines: [*lines[:5], "changed", *lines[6:]],
    ],
    ids=["insert above", "insert below", "change above", "change below"],
)
def test_an_edit_beside_the_lines_leaves_it_open(
    bed: Bed, contest: contests.Contest, beside: Callable[[list[str]], list[str]]
) -> None:
    lines = (bed.path("bob") / "n.txt").read_text().splitlines()
    bed.commit("bob", {"n.txt": "\n".join(beside(lines)) + "\n"})

    contests.close_edited(bed.room(), bed.fold().made)

    assert contests.open_records(bed.room()) == [contest.record]


def test_putting_the_lost_lines_beside_those_that_stand_closes_it(bed: Bed, contest: contests.Contest) -> None:
    bed.commit("bob", {"n.txt": edited(numbered(), 5, "from alice(1)\nbob had another idea")})

    contests.close_edited(bed.room(), bed.fold().made)

    assert contests.open_records(bed.room()) == []


@pytest.mark.parametrize("take", ["alice", "bob", "both"])
def test_what_was_taken_by_somebody_who_was_killed_is_closed_all_the_same(
    bed: Bed, contest: contests.Contest, monkeypatch: pytest.MonkeyPatch, take: str
) -> None:
    bed.commit("alice", {"other.txt": "x\n"})
    after_folds(bed.room(), bed.fold().made)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(contests.logs, "record", die)
        with pytest.raises(KeyboardInterrupt):
            contests.resolve(bed.room(), contest.record.id, take)
    assert contests.open_records(bed.room()) == [contest.record]

    after_folds(bed.room(), [])

    assert contests.open_records(bed.room()) == []


def test_where_the_lines_were_deleted_only_an_edit_at_that_place_closes_it(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    without = numbered().replace("line 5\n", "")
    bed.commit("alice", {"n.txt": without}, "shorter\n\nAgentroom-Claim: 9 n.txt")
    bed.commit("bob", {"n.txt": edited(numbered(), 5, "bob's")})
    bed.settle()
    (record,) = contests.open_records(bed.room())
    assert (bed.integrated("n.txt"), record.lines) == (without, 0)

    bed.commit("bob", {"n.txt": edited(without, 6, "a line further")})
    contests.close_edited(bed.room(), bed.fold().made)
    assert contests.open_records(bed.room()) == [record]
    bed.commit("bob", {"n.txt": edited(without, 6, "a line further").replace("line 4\n", "line 4\nagreed\n")})
    contests.close_edited(bed.room(), bed.fold().made)
    assert contests.open_records(bed.room()) == []


@pytest.mark.parametrize("name", ["moved.txt", "moved\t:3+4"])
def test_lines_that_a_third_version_moved_are_replaced_where_they_are(bed: Bed, name: str) -> None:
    bed.join("alice", "bob", "carol")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 5, "alice's")})
    bed.commit("bob", {"n.txt": edited(numbered(), 5, "bob's")})
    bed.commit("carol", {"n.txt": None, name: "first\nsecond\n" + numbered()})
    _put(bed, "carol", last=True)
    bed.settle()
    (record,) = contests.open_records(bed.room())
    assert record.winner is not None
    (loser,) = record.agents[1 - record.winner]

    contests.resolve(bed.room(), record.id, loser)

    assert bed.integrated(name) == "first\nsecond\n" + edited(numbered(), 5, f"{loser}'s")


def test_taking_a_file_in_place_of_a_folder_closes_the_contest_over_what_was_in_it(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"dir/a.txt": numbered(), "dir/b.txt": numbered(9)})
    bed.settle()
    bed.write("alice", {"dir/a.txt": None, "dir/b.txt": None})
    (bed.path("alice") / "dir").rmdir()
    bed.commit("alice", {"dir": "flat\n"})
    bed.commit("bob", {"dir/b.txt": edited(numbered(9), 5, "bob's")})
    bed.settle()
    kinds = {record.kind: record for record in contests.open_records(bed.room())}
    assert kinds.keys() == {"file/folder", "modify/delete"}

    contests.resolve(bed.room(), kinds["file/folder"].id, "alice")

    assert bed.integrated("dir") == "flat\n"
    assert contests.open_records(bed.room()) == []


def test_a_version_is_taken_under_the_name_that_the_file_has_now(bed: Bed, contest: contests.Contest) -> None:
    bed.git("mv", "n.txt", "renamed.txt", cwd=bed.path("alice"))
    bed.git("commit", "--quiet", "-m", "rename", cwd=bed.path("alice"))
    bed.settle()

    contests.resolve(bed.room(), contest.record.id, "alice")

    assert bed.integrated("renamed.txt") == edited(numbered(), 5, "from alice(1)")
    assert bed.integrated("n.txt") is None


def test_what_was_taken_before_does_not_close_the_same_contest_when_it_comes_again(
    bed: Bed, contest: contests.Contest
) -> None:
    bed.commit("alice", {"other.txt": "x\n"})
    after_folds(bed.room(), bed.fold().made)
    contests.resolve(bed.room(), contest.record.id, "base")
    bed.sync()
    assert contest.record.winner is not None
    stands = contest.record.agents[contest.record.winner][0]
    for name, line in (("alice", "from alice(1)"), ("bob", "bob had another idea")):
        claims = "\n\nAgentroom-Claim: 9 n.txt" if name == stands else ""
        bed.commit(name, {"n.txt": edited(numbered(), 5, line)}, f"work{claims}")

    after_folds(bed.room(), bed.fold().made)

    assert [record.id for record in contests.open_records(bed.room())] == [contest.record.id]
