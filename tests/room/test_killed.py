import pytest

from agentroom_git.core.ids import parse_agent
from agentroom_git.room import coordination, running
from agentroom_git.room.assignment import assign
from agentroom_git.room.killed import close_killed
from agentroom_git.system.files import write_json
from agentroom_git.system.locks import try_hold
from rooms import Bed

ALICE = parse_agent("alice")


@pytest.fixture
def room(bed: Bed) -> Bed:
    """alice's run has left its record, as if it were killed; she has a task and holds it."""
    bed.join("alice")
    write_json(running.run_record(bed.room(), ALICE), {"pid": 1, "since": "", "command": "work"})
    assign(bed.as_agent("alice"), "posting rules")
    return bed


def silence(bed: Bed) -> None:
    """Make alice one who has given no sign of life since the machine was started."""
    (bed.room().private / "heartbeat" / "alice.json").unlink()


def story(bed: Bed) -> list[str]:
    return bed.git("log", "-2", "--format=%s", "refs/agentroom/main/log/alice", cwd=bed.repository).splitlines()


def test_a_killed_run_is_closed_with_what_it_left_and_its_claims_are_given_back(room: Bed) -> None:
    silence(room)

    assert close_killed(room.room()) == ["alice"]

    left, abandoned = story(room)
    assert left == "alice left"
    assert abandoned.startswith("alice ended with work left (its run was killed): task ")
    assert coordination.live_claims(room.room()) == []
    assert close_killed(room.room()) == []


def test_one_that_gave_a_sign_of_life_within_its_lease_is_left_alone(room: Bed) -> None:
    assert close_killed(room.room()) == []
    assert len(coordination.live_claims(room.room())) == 1


def test_one_that_runs_is_left_alone_whatever_it_does(room: Bed) -> None:
    silence(room)
    lock = try_hold(running.run_lock(room.room(), ALICE))
    assert lock is not None

    assert close_killed(room.room()) == []
    lock.release()


def test_one_that_was_never_run_is_left_alone(room: Bed) -> None:
    silence(room)
    running.run_record(room.room(), ALICE).unlink()

    assert close_killed(room.room()) == []
