"""Who wrote lines that another agent's own merge leaves out is told of it."""

from pathlib import Path

import pytest

from agentroom_git.core.events import Notice, Recorded
from agentroom_git.core.ids import SIDECAR
from agentroom_git.room import logs
from agentroom_git.room.aftermath import after_folds
from rooms import Bed, edited, numbered


def told(bed: Bed) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    events = (item.event.body for item in logs.read_log(bed.room(), SIDECAR) if isinstance(item, Recorded))
    return [(one.to, one.paths) for one in events if isinstance(one, Notice) and one.kind == "left-out"]


def fold(bed: Bed) -> None:
    after_folds(bed.room(), bed.fold().made)


@pytest.fixture
def parted(bed: Bed) -> Bed:
    """A room in which alice and bob changed line 5 of one file apart, and alice another one."""
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered(), "other.txt": "old\n"})
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 5, "from alice"), "other.txt": "new\n"})
    bed.commit("bob", {"n.txt": edited(numbered(), 5, "from bob")})
    return bed


@pytest.mark.parametrize("is_folded", [False, True], ids=["before the other's fold", "after it"])
def test_a_merge_that_takes_ones_own_side_is_told_to_the_other(parted: Bed, is_folded: bool) -> None:
    if is_folded:
        parted.fold("alice")
    source = "agentroom/main/integration" if is_folded else "agentroom/main/alice"
    parted.git("merge", "-q", "-X", "ours", "-m", "merge", source, cwd=parted.path("bob"))

    fold(parted)
    fold(parted)

    assert parted.integrated("n.txt") == edited(numbered(), 5, "from bob")
    assert told(parted) == [(("alice",), ("n.txt",))]


def test_a_merge_that_has_what_both_wrote_is_told_to_nobody(parted: Bed) -> None:
    bob: Path = parted.path("bob")
    parted.git("merge", "-q", "--no-commit", "agentroom/main/alice", cwd=bob, check=False)
    (bob / "n.txt").write_text(edited(numbered(), 5, "from bob\nfrom alice"))
    parted.git("commit", "-qam", "merge", cwd=bob)

    fold(parted)

    assert told(parted) == []


def test_what_a_merge_moves_to_another_file_is_not_left_out(parted: Bed) -> None:
    bob: Path = parted.path("bob")
    parted.git("merge", "-q", "-X", "theirs", "--no-commit", "agentroom/main/alice", cwd=bob, check=False)
    parted.git("mv", "n.txt", "moved.txt", cwd=bob)
    parted.git("commit", "-qam", "merge", cwd=bob)

    fold(parted)

    assert told(parted) == []
