"""What somebody does to the branches while the user's hooks take their time over the commits."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agentroom_git.room import landing
from agentroom_git.room.landing import Choices, Landing
from landings import by_hand, kinds, land, subjects, tree, two_agents
from rooms import Bed

COMMITTING, MOVING = "commit for the user's branch", "move the user's branch"


def land_while(bed: Bed, act: Callable[[], object], *, at: str = COMMITTING, **choices: object) -> Landing:
    """Land, and let somebody act once at this step."""
    waiting = [act]

    def step(name: str) -> None:
        if name == at and waiting:
            waiting.pop()()

    return landing.land(replace(bed.room(), failpoint=step), Choices(**choices))  # type: ignore[arg-type] # names


def tip(bed: Bed, branch: str) -> str:
    return bed.git("rev-parse", branch, cwd=bed.repository)


@pytest.mark.parametrize("step", [COMMITTING, MOVING])
def test_a_commit_that_the_user_drops_meanwhile_does_not_come_back(bed: Bed, step: str) -> None:
    by_hand(bed, {"secret.txt": "oops\n"})
    two_agents(bed)

    done = land_while(bed, lambda: bed.git("reset", "--quiet", "--hard", "HEAD~1", cwd=bed.repository), at=step)

    assert (kinds(done), done.commits) == (["meanwhile"], ())
    assert not (bed.repository / "secret.txt").exists()
    assert "by hand" not in subjects(bed, "main")
    assert kinds(land(bed)) == ["held"]


def test_what_the_user_commits_meanwhile_stays_and_is_landed_upon(bed: Bed) -> None:
    two_agents(bed)

    assert kinds(land_while(bed, lambda: by_hand(bed, {"mine.txt": "mine\n"}))) == ["meanwhile"]
    assert subjects(bed, "main")[-1] == "by hand"
    assert kinds(land(bed)) == []
    assert tree(bed) == tree(bed, "agentroom/main/integration")


def test_a_file_that_the_user_edits_meanwhile_is_in_the_way(bed: Bed) -> None:
    two_agents(bed)
    before = tip(bed, "main")

    assert kinds(land_while(bed, lambda: (bed.repository / "src/app.py").write_text("mine\n"))) == ["dirty"]
    assert (tip(bed, "main"), (bed.repository / "src/app.py").read_text()) == (before, "mine\n")


def test_a_branch_checked_out_elsewhere_meanwhile_is_not_moved_under_that_worktree(bed: Bed, tmp_path: Path) -> None:
    two_agents(bed)
    bed.git("switch", "--quiet", "--create", "other", cwd=bed.repository)
    before = tip(bed, "main")
    place = tmp_path / "else"

    done = land_while(bed, lambda: bed.git("worktree", "add", "--quiet", place, "main", cwd=bed.repository))

    assert (kinds(done), tip(bed, "main")) == (["elsewhere"], before)
    assert bed.git("status", "--porcelain", cwd=place) == ""


def stop_in_a_rebase(bed: Bed, *options: str, cwd: Path) -> None:
    bed.git("rebase", "--quiet", *options, "--exec", "false", "HEAD~1", cwd=cwd, check=False)


def test_a_branch_that_is_rebased_is_left_where_it_is_until_the_rebase_has_ended(bed: Bed, tmp_path: Path) -> None:
    by_hand(bed, {"mine.txt": "mine\n"})
    two_agents(bed)
    before = tip(bed, "main")
    stop_in_a_rebase(bed, cwd=bed.repository)

    assert (kinds(land(bed)), tip(bed, "main")) == (["operation"], before)
    bed.git("rebase", "--abort", cwd=bed.repository)
    bed.git("switch", "--quiet", "--detach", cwd=bed.repository)
    place = tmp_path / "else"
    bed.git("worktree", "add", "--quiet", place, "main", cwd=bed.repository)
    stop_in_a_rebase(bed, cwd=place)
    assert (kinds(land(bed)), tip(bed, "main")) == (["operation"], before)
    bed.git("rebase", "--abort", cwd=place)
    bed.git("worktree", "remove", place, cwd=bed.repository)
    assert kinds(land(bed)) == []
    assert tree(bed) == tree(bed, "agentroom/main/integration")


def test_a_branch_that_a_rebase_of_another_takes_along_is_left_where_it_is(bed: Bed) -> None:
    by_hand(bed, {"mine.txt": "mine\n"})
    two_agents(bed)
    before = tip(bed, "main")
    bed.git("switch", "--quiet", "--create", "topic", cwd=bed.repository)
    by_hand(bed, {"more.txt": "more\n"})
    bed.git("rebase", "--quiet", "--update-refs", "--exec", "false", "HEAD~2", cwd=bed.repository, check=False)

    assert (kinds(land(bed)), tip(bed, "main")) == (["operation"], before)


@pytest.mark.parametrize(("first", "then"), [("main", "other"), ("other", "main")])
def test_the_users_files_follow_the_branch_that_they_are_on_when_it_moves(bed: Bed, first: str, then: str) -> None:
    two_agents(bed)
    bed.git("branch", "--quiet", "other", cwd=bed.repository)
    bed.git("switch", "--quiet", first, cwd=bed.repository)

    done = land_while(bed, lambda: bed.git("switch", "--quiet", then, cwd=bed.repository), at=MOVING)

    assert kinds(done) == []
    assert tree(bed) == tree(bed, "agentroom/main/integration")
    assert (bed.repository / "a.txt").exists() == (then == "main")
    assert bed.git("status", "--porcelain", "--untracked-files=no", cwd=bed.repository) == ""


def test_a_commit_that_a_reviewer_makes_meanwhile_is_not_replaced(bed: Bed) -> None:
    two_agents(bed)
    land(bed, branch="review")
    bed.commit("alice", {"more.txt": "more\n"}, "More")
    bed.settle()

    def fix() -> None:
        bed.git("switch", "--quiet", "review", cwd=bed.repository)
        by_hand(bed, {"fix.txt": "fix\n"})
        bed.git("switch", "--quiet", "main", cwd=bed.repository)

    assert kinds(land_while(bed, fix, branch="review")) == ["meanwhile"]
    assert subjects(bed, "review")[-1] == "by hand"
    assert kinds(land(bed, branch="review")) == ["foreign"]


def test_a_branch_for_review_that_somebody_makes_or_takes_up_meanwhile_is_left(bed: Bed, tmp_path: Path) -> None:
    two_agents(bed)
    make = ("branch", "--quiet", "review", "main")
    assert kinds(land_while(bed, lambda: bed.git(*make, cwd=bed.repository), branch="review")) == ["meanwhile"]
    assert tip(bed, "review") == tip(bed, "main")

    take = ("worktree", "add", "--quiet", tmp_path / "else", "review")
    assert kinds(land_while(bed, lambda: bed.git(*take, cwd=bed.repository), branch="review")) == ["elsewhere"]
    assert tip(bed, "review") == tip(bed, "main")
