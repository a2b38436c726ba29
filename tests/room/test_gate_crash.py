"""A gate that is killed at any step, again and again, ends where an undisturbed one does: nothing twice or left out."""

from collections import Counter
from collections.abc import Callable

import pytest

from agentroom_git.core.checks import Blamed, Checked, Chosen
from agentroom_git.core.events import Body, Notice, Recorded
from agentroom_git.core.ids import SIDECAR
from agentroom_git.room import contests, logs
from agentroom_git.room.gate.reading import last_blame, read_green
from agentroom_git.room.gate.work import Gate
from agentroom_git.room.room import Room, open_room
from agentroom_git.system.clock import SystemClock
from rooms import Bed, edited, numbered


class KilledError(BaseException):
    """What a failpoint raises in place of a kill: nothing may catch it."""


def settle_in_spite_of_kills(bed: Bed) -> set[str]:
    """Run the gate anew after each kill until it comes to its end; return the steps before which it was killed.

    Each run gets one step further: it is killed before the first step, the first time or a later one, that none of the
    runs before it was killed at.
    """
    killed: set[tuple[str, int]] = set()
    for _ in range(500):
        seen: Counter[str] = Counter()

        def failpoint(step: str, seen: Counter[str] = seen) -> None:
            seen[step] += 1
            if (step, seen[step]) not in killed:
                killed.add((step, seen[step]))
                raise KilledError(step)

        try:
            Gate(killable(bed, failpoint)).settle()
        except KilledError:
            continue
        return {step for step, _ in killed}
    pytest.fail("the gate never came to its end")


def killable(bed: Bed, failpoint: Callable[[str], None]) -> Room:
    return open_room(bed.repository, SystemClock(), failpoint=failpoint)


def bodies(bed: Bed) -> list[Body]:
    found = logs.read_log(bed.room(), SIDECAR)
    return [one.event.body for one in found if isinstance(one, Recorded)]


def test_the_author_is_told_once_and_green_stands_right(bed: Bed) -> None:
    bed.configure("check: test ! -e broken\n")
    bed.join("alice", "bob")
    for number in range(2):
        bed.commit("alice", {f"a{number}": "a\n"})
        bed.settle()
    good = bed.room().integration()
    bed.commit("bob", {"broken": "x\n"})
    bed.settle()
    bed.commit("alice", {"late": "a\n"})
    bed.settle()

    assert {"move green", f"move {bed.room().names.log(SIDECAR)}"} <= settle_in_spite_of_kills(bed)

    found = bodies(bed)
    blamed = [one for one in found if isinstance(one, Blamed)]
    assert [one.agents for one in blamed] == [("bob",)]
    assert [one.to for one in found if isinstance(one, Notice) and one.kind == "broken"] == [("bob",)]
    assert read_green(bed.room()) == good
    results = Counter((one.commit, one.result) for one in found if isinstance(one, Checked))
    assert set(results.values()) == {1}
    assert bed.fsck() == ""


def test_a_choice_is_made_once_and_its_region_closed(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 5, "idea(1) of alice"), "a": "a\n"})
    bed.commit("bob", {"n.txt": edited(numbered(), 5, "bob had another"), "b": "b\n"})
    bed.settle()
    both = "grep -q alice n.txt && grep -q bob n.txt"
    bed.configure(f'check: "test ! -e a -o ! -e b || {{ {both}; }}"\n')

    assert {"fold choice", "choice is said"} <= settle_in_spite_of_kills(bed)

    found = bodies(bed)
    assert len([one for one in found if isinstance(one, Chosen)]) == 1
    assert len([one for one in found if isinstance(one, Notice) and one.kind == "chosen"]) == 1
    assert [one.closed_by for one in contests.read_contests(bed.room())] == ["agentroom"]
    assert read_green(bed.room()) == bed.room().integration()
    assert last_blame(bed.room()) is None
