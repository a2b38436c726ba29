"""The newest lines of the room's story, told without reading what is older."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from agentroom_git.core.ids import Oid, parse_agent
from agentroom_git.git.refs import chain
from agentroom_git.room import coordination, messages
from agentroom_git.room.status import read_story
from agentroom_git.system.clock import SystemClock
from rooms import Bed


def _a_room_that_said_much(bed: Bed) -> None:
    bed.join("alice", "bob")
    alice, bob = bed.as_agent("alice"), bed.as_agent("bob")
    for number in range(8):
        messages.broadcast(alice, f"message {number}")
        messages.read(bob)
        if number % 3 == 0:
            messages.broadcast(bob, f"answer {number}")
    bed.commit("alice", {"a.txt": "1\n"})
    bed.fold()


def test_the_newest_lines_are_the_end_of_the_whole_story(bed: Bed) -> None:
    _a_room_that_said_much(bed)
    lines, _ = read_story(bed.room())
    for limit in range(1, len(lines) + 2):
        assert read_story(bed.room(), limit)[0] == lines[-limit:]
    said, _ = read_story(bed.room(), 4, only=("broadcast",))
    assert said == [line for line in lines if line.kind == "broadcast"][-4:]


def test_what_is_older_is_not_read(bed: Bed) -> None:
    _a_room_that_said_much(bed)
    room = bed.room()
    log = chain(room.repo.handle, room.refs.get(room.names.log(parse_agent("alice"))))
    oldest = Oid(str(list(islice(log, 6))[-1].id))
    (room.repo.common_dir / "objects" / oldest[:2] / oldest[2:]).unlink()
    assert len(read_story(bed.room(), 3)[0]) == 3
    assert read_story(bed.room(), 3)[1] == []
    assert [problem.id for problem in read_story(bed.room())[1]] != []


class Skewed(SystemClock):
    """A clock that is some days off."""

    def __init__(self, days: int) -> None:
        self.days = days

    def now(self) -> datetime:
        return super().now() + timedelta(days=self.days)


def test_a_wrong_clock_neither_hides_an_event_nor_puts_it_elsewhere(bed: Bed) -> None:
    bed.join("alice", "bob")
    alice, bob = bed.as_agent("alice"), bed.as_agent("bob")
    bed.commit("alice", {"a.txt": "1\n"})
    first = bed.fold().integration
    messages.broadcast(replace(alice, clock=Skewed(-10)), "the past")
    coordination.claim(replace(bob, clock=Skewed(10)), ["b.txt"])
    messages.broadcast(alice, "the present")
    bed.commit("alice", {"a.txt": "2\n"})
    second = bed.fold().integration

    lines, _ = read_story(bed.room(), 5)

    assert [line.kind for line in lines] == ["fold", "broadcast", "claimed", "broadcast", "fold"]
    assert [lines[0].commit, lines[-1].commit] == [first, second]
    assert ["the past" in lines[1].text, "the present" in lines[3].text] == [True, True]
