"""Contested regions can be looked at, and closed by taking a version or by editing."""

import pytest

from agentroom_git.errors import UsageError
from agentroom_git.room import contests
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


@pytest.mark.parametrize(
    ("take", "line"),
    [("alice", "from alice(1)"), ("bob", "bob had another idea"), ("base", "line 5")],
)
def test_taking_a_version_puts_it_on_integration_and_closes_the_contest(
    bed: Bed, contest: contests.Contest, take: str, line: str
) -> None:
    contests.resolve(bed.room(), contest.record.id[:6], take)

    assert bed.integrated("n.txt") == edited(numbered(), 5, line)
    (after,) = contests.read_contests(bed.room())
    assert (after.closed_by, after.how) == ("human", f"took {take}")


def test_taking_both_keeps_each_once(bed: Bed, contest: contests.Contest) -> None:
    contests.resolve(bed.room(), contest.record.id, "both")

    assert bed.integrated("n.txt") == edited(numbered(), 5, "from alice(1)\nbob had another idea")


def test_a_version_is_put_where_its_region_moved_to(bed: Bed, contest: contests.Contest) -> None:
    current = (bed.path("alice") / "n.txt").read_text()
    bed.commit("alice", {"n.txt": f"new first\n{current}", "other": "x\n"})
    bed.settle()

    contests.resolve(bed.as_agent("bob"), contest.record.id, "bob")

    assert bed.integrated("n.txt") == "new first\n" + edited(numbered(), 5, "bob had another idea")
    (after,) = contests.read_contests(bed.room())
    assert after.closed_by == "bob"


def test_editing_the_region_after_seeing_the_contest_closes_it(bed: Bed, contest: contests.Contest) -> None:
    bed.commit("bob", {"n.txt": edited(numbered(), 5, "agreed with alice")})

    contests.close_edited(bed.room(), bed.fold().made)

    (after,) = contests.read_contests(bed.room())
    assert (after.closed_by, after.is_open) == ("bob", False)


def test_editing_elsewhere_in_the_file_leaves_it_open(bed: Bed, contest: contests.Contest) -> None:
    current = (bed.path("bob") / "n.txt").read_text()
    bed.commit("bob", {"n.txt": edited(current, 15, "far away")})

    contests.close_edited(bed.room(), bed.fold().made)

    assert contests.open_records(bed.room()) == [contest.record]


@pytest.mark.parametrize(("id", "take"), [("", "alice"), ("ffff", "alice"), (None, "carol")])
def test_what_cannot_be_meant_is_refused_and_changes_nothing(
    bed: Bed, contest: contests.Contest, id: str | None, take: str
) -> None:
    before = bed.room().integration()

    with pytest.raises(UsageError):
        contests.resolve(bed.room(), contest.record.id if id is None else id, take)
    assert bed.room().integration() == before


def test_a_deleted_file_can_be_taken_back(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": None})
    bed.commit("bob", {"n.txt": edited(numbered(), 4, "needed")})
    bed.settle()
    (record,) = contests.open_records(bed.room())

    contests.resolve(bed.room(), record.id, "alice")

    assert bed.integrated("n.txt") is None


def test_a_mere_rename_settles_nothing(bed: Bed, contest: contests.Contest) -> None:
    bed.git("mv", "n.txt", "renamed.txt", cwd=bed.path("alice"))
    bed.git("commit", "--quiet", "-m", "rename", cwd=bed.path("alice"))

    contests.close_edited(bed.room(), bed.fold().made)

    assert contests.open_records(bed.room()) == [contest.record]
