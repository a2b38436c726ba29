"""Waiting wakes on what concerns the caller, and looks once a second."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from agentroom_git.errors import UsageError
from agentroom_git.room import coordination, messages, waiting
from agentroom_git.room.room import Room
from agentroom_git.room.waiting import Woken
from agentroom_git.system.clock import SystemClock
from rooms import Bed


@dataclass
class StepClock(SystemClock):
    """A clock on which only sleeping takes time; `then` happens at the end of each sleep."""

    then: Callable[[int], None]
    at: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds
        self.slept.append(seconds)
        self.then(len(self.slept))


def _wait(
    room: Room, seconds: float, then: Callable[[int], None] = lambda _: None, *kinds: str
) -> tuple[Woken, StepClock]:
    clock = StepClock(then)
    return waiting.wait(replace(room, clock=clock), seconds, kinds=kinds), clock


def test_with_nothing_to_wake_for_it_looks_once_a_second_until_the_time_is_over(bed: Bed) -> None:
    bed.join("alice")
    woken, clock = _wait(bed.as_agent("alice"), 3.5)
    assert (woken, clock.slept) == (Woken("", 3.5), [1.0, 1.0, 1.0, 0.5])


def test_a_message_wakes_its_reader_and_stays_unread(bed: Bed) -> None:
    bed.join("alice", "bob", "carol")
    alice, bob = bed.as_agent("alice"), bed.as_agent("bob")

    def then(number: int) -> None:
        messages.broadcast(bob, "done", to="alice" if number == 2 else "carol")

    woken, _ = _wait(alice, 60, then)
    assert woken == Woken("messages", 2.0, unread=1)
    assert [one.text for one in messages.read(alice).messages] == ["done"]


def test_a_message_that_is_there_already_wakes_at_once(bed: Bed) -> None:
    bed.join("alice", "bob")
    messages.broadcast(bed.as_agent("bob"), "before")
    assert _wait(bed.as_agent("alice"), 60)[0] == Woken("messages", 0.0, unread=1)
    assert _wait(bed.as_agent("alice"), 2, lambda _: None, "claims")[0] == Woken("", 2.0)


def test_what_was_refused_wakes_when_it_is_free_and_nothing_else_does(bed: Bed) -> None:
    bed.join("alice", "bob")
    alice, bob = bed.as_agent("alice"), bed.as_agent("bob")
    coordination.claim(bob, ["src", "docs"])
    coordination.claim(alice, ["src/app.py"])

    def then(number: int) -> None:
        coordination.release(bob, ["docs"] if number == 1 else ["src"])

    assert _wait(alice, 60, then, "claims")[0] == Woken("claims", 2.0, free=("src",))


def test_the_work_of_others_wakes_who_waits_for_folds(bed: Bed) -> None:
    bed.join("alice", "bob")

    def then(number: int) -> None:
        name = "alice" if number == 1 else "bob"
        bed.commit(name, {name: "x\n"})
        bed.fold()

    woken, _ = _wait(bed.as_agent("alice"), 60, then, "folds")
    assert (woken.reason, woken.seconds, woken.integration) == ("folds", 2.0, bed.room().integration())


@pytest.mark.parametrize(("seconds", "kinds"), [(-1, ()), (3601, ()), (1, ("tests",)), (float("nan"), ())])
def test_what_cannot_be_waited_for_is_refused(bed: Bed, seconds: float, kinds: tuple[str, ...]) -> None:
    bed.join("alice")
    with pytest.raises(UsageError):
        waiting.wait(bed.as_agent("alice"), seconds, kinds=kinds)
