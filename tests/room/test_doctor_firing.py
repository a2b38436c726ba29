"""The doctor tries whether the commit hook fires where agents work."""

import pytest

from agentroom_git.room import hooks
from agentroom_git.room.doctor.firing import examine_hooks
from rooms import Bed


def test_hooks_that_fire_are_told_for_all_worktrees(bed: Bed) -> None:
    bed.join("alice", "bob")

    assert [(one.level, one.text) for one in examine_hooks(bed.room())] == [
        ("ok", "the commit hook of agentroom run fires in 2 worktrees")
    ]


def test_the_repositorys_own_hook_is_not_run_by_the_trial(bed: Bed) -> None:
    own = bed.repository / ".git/hooks/prepare-commit-msg"
    own.parent.mkdir(exist_ok=True)
    own.write_text("#!/bin/sh\ntouch ran\n")
    own.chmod(0o755)
    bed.join("alice")

    assert [one.level for one in examine_hooks(bed.room())] == ["ok"]
    assert not (bed.path("alice") / "ran").exists()


def test_a_hook_that_cannot_fire_is_a_problem_with_its_remedy(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice")
    monkeypatch.setattr(hooks, "SCRIPT", "README.md")

    (finding,) = examine_hooks(bed.room())

    assert finding.level == "problem"
    assert finding.text.startswith("the commit hook does not fire in alice's worktree")
    assert finding.remedy


def test_without_agents_there_is_nothing_to_try(bed: Bed) -> None:
    assert list(examine_hooks(bed.room())) == []
