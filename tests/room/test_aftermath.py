"""What follows from a fold: a commit to what somebody else holds is told to both."""

import pytest

from agentroom_git.room import coordination, messages
from agentroom_git.room.aftermath import after_folds
from rooms import Bed


def _told(bed: Bed, name: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.kind, one.paths) for one in messages.unread(bed.as_agent(name)).messages]


def test_a_commit_to_a_held_path_is_told_to_both_once(bed: Bed) -> None:
    bed.join("alice", "bob", "carol")
    coordination.claim(bed.as_agent("alice"), ["src"])
    bed.commit("bob", {"src/app.py": "bob\n", "free.txt": "x\n"})

    made = bed.fold().made
    after_folds(bed.room(), made)
    after_folds(bed.room(), made)

    assert _told(bed, "alice") == _told(bed, "bob") == [("claimed-edit", ("src/app.py",))]
    assert _told(bed, "carol") == []


def test_the_holders_own_commits_and_shared_claims_are_no_news(bed: Bed) -> None:
    bed.join("alice", "bob")
    coordination.claim(bed.as_agent("alice"), ["src"])
    coordination.claim(bed.as_agent("alice"), ["docs"], shared=True)
    bed.commit("alice", {"src/app.py": "alice\n"})
    bed.commit("bob", {"docs/x.md": "bob\n"})

    after_folds(bed.room(), bed.fold().made)

    assert (_told(bed, "alice"), _told(bed, "bob")) == ([], [])


def test_what_a_merge_brings_in_is_not_blamed_on_who_merged(bed: Bed) -> None:
    bed.join("alice", "bob")
    coordination.claim(bed.as_agent("alice"), ["src"])
    bed.commit("alice", {"src/app.py": "alice\n"})
    bed.commit("bob", {"b.txt": "bob\n"})
    bed.git("merge", "--quiet", "--no-edit", "agentroom/main/alice", cwd=bed.path("bob"))

    after_folds(bed.room(), bed.fold("bob").made)

    assert _told(bed, "bob") == []


@pytest.mark.parametrize(
    ("level", "told"), [("off", []), ("advise", ["bob"]), ("warn", ["alice", "bob"]), ("refuse", ["alice", "bob"])]
)
def test_the_level_for_the_fold_says_who_is_told(bed: Bed, level: str, told: list[str]) -> None:
    bed.join("alice", "bob")
    (bed.repository / ".agentroom.yaml").write_text(f"enforce: {{fold: {level}}}\n")
    coordination.claim(bed.as_agent("alice"), ["src"])
    bed.commit("bob", {"src/app.py": "bob\n"})

    after_folds(bed.room(), bed.fold().made)

    assert [name for name in ("alice", "bob") if _told(bed, name)] == told
