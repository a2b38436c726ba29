"""When each of the sidecar's duties has its turn, and that none stands in the way of another."""

from dataclasses import dataclass, field

from agentroom_git.errors import AgentroomError
from agentroom_git.sidecar.duties import LONGEST_PAUSE_SECONDS, Roster


@dataclass
class Scripted:
    """A duty that notes its turns; `again` is what it answers, `failure` what it raises instead."""

    name: str
    again: float | None = None
    failure: Exception | None = None
    turns: list[tuple[float, bool]] = field(default_factory=list)
    closed: bool = False

    def run(self, now: float, moved: bool) -> float | None:
        self.turns.append((now, moved))
        if self.failure:
            raise self.failure
        return self.again

    def close(self) -> None:
        self.closed = True
        if self.failure:
            raise self.failure


def test_a_duty_has_its_turn_at_the_start_when_something_moved_and_when_it_asked_for_it() -> None:
    duty = Scripted("packing", again=10.0)
    roster = Roster([duty], say=print)

    for now, moved in ((0.0, False), (1.0, False), (2.0, True), (11.9, False), (12.0, False)):
        roster.run(now, moved=moved)

    assert duty.turns == [(0.0, True), (2.0, True), (12.0, False)]
    assert roster.next_in(13.0) == 9.0


def test_a_duty_that_asks_for_nothing_waits_until_something_moves() -> None:
    duty = Scripted("gate")
    roster = Roster([duty], say=print)
    roster.run(0.0, moved=False)

    assert roster.next_in(1.0) is None
    roster.run(1000.0, moved=False)
    roster.run(1001.0, moved=True)
    assert duty.turns == [(0.0, True), (1001.0, True)]


def test_a_woken_duty_has_its_turn_in_the_next_round() -> None:
    duty, other = Scripted("edits"), Scripted("gate")
    roster = Roster([duty, other], say=print)
    roster.run(0.0, moved=False)

    roster.wake("edits")

    assert roster.next_in(5.0) == 0.0
    roster.run(5.0, moved=False)
    assert (duty.turns[1:], other.turns[1:]) == ([(5.0, False)], [])


def test_a_duty_that_fails_rests_longer_each_time_and_learns_afterwards_that_something_moved() -> None:
    said: list[str] = []
    duty = Scripted("gate", failure=AgentroomError("the check is gone"))
    roster = Roster([duty], said.append)

    roster.run(0.0, moved=True)
    roster.run(0.4, moved=True)  # still resting
    roster.wake("gate")
    roster.run(0.45, moved=False)
    roster.run(0.5, moved=False)
    duty.failure = None
    roster.run(1.5, moved=False)
    roster.run(1.6, moved=True)

    assert duty.turns == [(0.0, True), (0.5, True), (1.5, True), (1.6, True)]
    assert said == ["gate: the check is gone; again in 0.5 s", "gate: the check is gone; again in 1 s"]


def test_the_rest_after_a_failure_has_a_limit() -> None:
    duty = Scripted("gate", failure=AgentroomError("no"))
    roster = Roster([duty], say=lambda text: None)
    now = 0.0
    for _ in range(12):
        roster.run(now, moved=False)
        now += roster.next_in(now) or 0.0

    assert roster.next_in(duty.turns[-1][0]) == LONGEST_PAUSE_SECONDS


def test_a_failing_duty_does_not_keep_the_others_from_their_turn_or_their_end() -> None:
    said: list[str] = []
    broken, sound = Scripted("broken", failure=AgentroomError("no")), Scripted("sound")
    bug = Scripted("bug", failure=ZeroDivisionError("a bug"))
    roster = Roster([broken, bug, sound], said.append)

    roster.run(0.0, moved=False)
    bug.failure = None
    roster.close()

    assert sound.turns == [(0.0, True)]
    assert (broken.closed, bug.closed, sound.closed) == (True, True, True)
    assert "ZeroDivisionError" in said[1]
