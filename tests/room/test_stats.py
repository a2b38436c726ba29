import sys
from pathlib import Path

import pytest

from agentroom_git.agents.launch import run_agent
from agentroom_git.core.ids import parse_agent
from agentroom_git.room import abandonment, coordination, stats
from agentroom_git.room.assignment import assign
from agentroom_git.room.stats import AgentStats
from rooms import Bed


def of(bed: Bed, name: str) -> AgentStats:
    (found,) = [one for one in stats.read_stats(bed.room()) if one.agent == name]
    return found


def commit_under_hooks(bed: Bed, name: str, files: dict[str, str]) -> int:
    """Commit as the agent's command does under `agentroom run`, with the room's hooks."""
    script = "import pathlib, subprocess, sys\n"
    for path, text in files.items():
        script += f"pathlib.Path({path!r}).parent.mkdir(parents=True, exist_ok=True)\n"
        script += f"pathlib.Path({path!r}).write_text({text!r})\n"
    script += "subprocess.run(['git', 'add', '--all'], check=True)\n"
    script += "subprocess.run(['git', 'commit', '-qm', 'work'], check=True)\nsys.exit(3)\n"
    return run_agent(bed.room(), parse_agent(name), [sys.executable, "-c", script])


def test_a_run_counts_with_its_time_and_exit_code(bed: Bed) -> None:
    bed.join("alice")
    assert commit_under_hooks(bed, "alice", {"src/a.py": "a = 1\n"}) == 3

    found = of(bed, "alice")

    (run,) = found.runs
    assert (run.exit_code, found.commits, found.changed) == (3, 1, ("src/a.py",))
    assert run.seconds is not None
    assert found.seconds == run.seconds > 0


def test_what_was_changed_without_a_claim_is_told_from_the_commits_trailers(bed: Bed) -> None:
    bed.join("alice", "bob")
    coordination.claim(bed.as_agent("alice"), ["src/a.py", "lib"])
    commit_under_hooks(bed, "alice", {"src/a.py": "a = 1\n", "lib/b.py": "b = 1\n", "docs/c.md": "c\n"})

    assert of(bed, "alice").unclaimed == ("docs/c.md",)


def test_of_a_commit_without_trailers_a_claim_that_its_agent_once_had_counts(bed: Bed) -> None:
    bed.join("alice", "bob")
    coordination.claim(bed.as_agent("alice"), ["src"])
    bed.commit("alice", {"src/a.py": "a = 1\n", "b.py": "b = 1\n"})
    bed.fold()

    assert (of(bed, "alice").unclaimed, of(bed, "alice").claimed, of(bed, "alice").holds) == (("b.py",), 1, 1)


def test_an_edit_of_what_another_holds_is_told_from_who_held_it_when_it_was_folded(bed: Bed) -> None:
    bed.join("alice", "bob")
    alice = bed.as_agent("alice")
    bed.commit("bob", {"src/before.py": "a = 1\n"})
    bed.fold()
    coordination.claim(alice, ["src"])
    bed.commit("bob", {"src/during.py": "a = 1\n", "b.py": "b = 1\n"})
    bed.fold()
    if stats.read_stats(bed.room()):  # what was counted so far is not counted again
        coordination.release(alice, None)
    bed.commit("bob", {"src/after.py": "a = 1\n"})
    bed.fold()

    assert (of(bed, "bob").of_others, of(bed, "alice").of_others) == (("src/during.py",), ())
    (bed.room().private / stats.FILE_NAME).unlink()
    assert of(bed, "bob").of_others == ("src/during.py",)


def test_work_that_came_by_sync_is_not_the_receivers(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"a.py": "a = 1\n"})
    bed.settle()
    bed.commit("bob", {"b.py": "b = 1\n"})
    bed.settle()

    assert (of(bed, "alice").changed, of(bed, "bob").changed) == (("a.py",), ("b.py",))


def test_refusals_and_ends_with_work_left_count(bed: Bed) -> None:
    bed.join("alice", "bob")
    alice, bob = bed.as_agent("alice"), bed.as_agent("bob")
    coordination.claim(alice, ["src"])
    coordination.claim(bob, ["src/x.py"])
    assign(bob, "statements")
    for _ in range(3):
        abandonment.at_stop(bob, "s", is_again=False)
    abandonment.after_exit(alice, 1, restarts_left=1)

    found = of(bed, "bob")
    assert (found.refused, found.urged, found.restarted, found.abandoned) == (1, 2, 0, 1)
    assert (of(bed, "alice").urged, of(bed, "alice").restarted) == (0, 1)


@pytest.mark.parametrize("damage", ["none", "gone", "garbage", "other version"])
def test_counting_on_gives_what_counting_anew_does(bed: Bed, damage: str) -> None:
    bed.join("alice", "bob")
    for number in range(3):
        coordination.claim(bed.as_agent("alice"), [f"d{number}"])
        bed.commit("alice", {f"d{number}/a.py": "a = 1\n", f"e{number}.py": "e = 1\n"})
        bed.fold()
        stats.read_stats(bed.room())
    file = Path(bed.room().private / stats.FILE_NAME)
    texts = {"garbage": '{"v": 1, "tips": 7}', "other version": '{"v": 0}'}
    if damage == "gone":
        file.unlink()
    elif damage in texts:
        file.write_text(texts[damage])

    found = of(bed, "alice")

    assert (found.commits, found.claimed, len(found.changed)) == (3, 3, 6)
    assert found.unclaimed == ("e0.py", "e1.py", "e2.py")
