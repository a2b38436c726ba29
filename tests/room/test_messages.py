"""Every message reaches its reader, once, and only what concerns it."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentroom_git.core.events import Notice
from agentroom_git.core.ids import SIDECAR, parse_agent
from agentroom_git.errors import UsageError
from agentroom_git.room import coordination, inbox, logs, messages, presence, scratchpad, tasks
from agentroom_git.room.glance import NEWEST, Glance, glance_at
from agentroom_git.room.room import Room
from agentroom_git.system.clock import SystemClock
from rooms import Bed


class LaterClock(SystemClock):
    """The system's clock, some seconds ahead."""

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def _later(room: Room, seconds: float) -> Room:
    return replace(room, clock=LaterClock(seconds))


def _texts(room: Room, **options: int) -> list[str]:
    return [message.text for message in messages.read(room, **options).messages]


@pytest.fixture
def pair(bed: Bed) -> Iterator[tuple[Room, Room]]:
    """The rooms of alice and bob."""
    bed.join("alice", "bob")
    return bed.as_agent("alice"), bed.as_agent("bob")


def test_messages_are_read_oldest_first_and_once(pair: tuple[Room, Room]) -> None:
    alice, bob = pair
    for number in range(5):
        messages.broadcast(alice, f"message {number}")
    assert _texts(bob, limit=2) == ["message 0", "message 1"]
    assert messages.unread(bob).more == 0
    assert _texts(bob) == ["message 2", "message 3", "message 4"]
    assert _texts(bob) == []
    assert messages.count_unread(alice, parse_agent("bob")) == 0


def test_only_the_addressee_reads_what_is_said_to_one(bed: Bed, pair: tuple[Room, Room]) -> None:
    bed.join("carol")
    alice, bob = pair
    messages.broadcast(alice, "for bob", to="bob")
    messages.broadcast(alice, "for all")
    assert _texts(bob) == ["for bob", "for all"]
    assert _texts(bed.as_agent("carol")) == ["for all"]


def test_a_later_broadcast_on_a_topic_supersedes_an_unread_one_of_the_same_sender(pair: tuple[Room, Room]) -> None:
    alice, bob = pair
    messages.broadcast(alice, "port 1", topic="port")
    messages.broadcast(alice, "without a topic")
    messages.broadcast(alice, "port 2", topic="port")
    messages.broadcast(alice, "also without")
    assert _texts(bob) == ["without a topic", "port 2", "also without"]
    messages.broadcast(alice, "port 3", topic="port")
    assert _texts(bob) == ["port 3"]


def test_a_kill_between_showing_and_marking_shows_again(pair: tuple[Room, Room]) -> None:
    alice, bob = pair
    messages.broadcast(alice, "hello")
    with pytest.raises(KeyboardInterrupt), messages.taking(bob):
        raise KeyboardInterrupt
    assert _texts(bob) == ["hello"]


def test_marking_twice_or_late_never_moves_the_cursor_back(pair: tuple[Room, Room]) -> None:
    alice, bob = pair
    messages.broadcast(alice, "one")
    first = messages.unread(bob)
    messages.broadcast(alice, "two")
    assert _texts(bob) == ["one", "two"]
    before = inbox.cursor_of(bob, bob.agent())
    messages.mark_read(bob, first.messages)
    assert inbox.cursor_of(bob, bob.agent()) == before


def test_the_inbox_is_the_same_whatever_becomes_of_its_file(pair: tuple[Room, Room]) -> None:
    alice, bob = pair
    chance = random.Random(5)
    file: Path = bob.private / "inbox" / "bob.json"
    said = [f"message {number}" for number in range(60)]
    heard: list[str] = []
    for number, text in enumerate(said):
        messages.broadcast(alice, text)
        if chance.random() < 0.4:
            heard += _texts(bob, limit=chance.randrange(1, 4))
        if chance.random() < 0.3:
            file.unlink(missing_ok=True)
        elif chance.random() < 0.2:
            old = file.read_text() if file.exists() else ""
            heard += _texts(bob, limit=1)
            file.write_text(chance.choice([old, "{", '{"v":1}', '{"v":1,"boot":"","cursor":[],"scanned":3}']))
        assert number < 100
    while found := _texts(bob):
        heard += found
    assert heard == said


def test_a_notice_counts_only_in_the_sidecars_log(pair: tuple[Room, Room]) -> None:
    alice, bob = pair
    notice = Notice("held", ("bob",), "your work was withdrawn", ())
    logs.record(alice, notice)
    assert _texts(bob) == []
    logs.record(alice, notice, writer=SIDECAR)
    assert _texts(bob) == ["your work was withdrawn"]


def test_a_message_of_more_than_the_budget_waits_behind_the_oldest(pair: tuple[Room, Room]) -> None:
    alice, bob = pair
    for size in (300, 300, 1200, 10):
        messages.broadcast(alice, "x" * size)
    found = messages.unread(bob, max_bytes=1500)
    assert ([len(one.text) for one in found.messages], found.more) == ([300, 300], 2)
    escaped = messages.size_of(replace(found.messages[0], text="\x1b" * 300))
    assert escaped >= 1200


def test_what_nobody_read_for_ten_minutes_is_shown_to_its_sender_once(pair: tuple[Room, Room]) -> None:
    alice, bob = pair
    messages.broadcast(alice, "is anybody there")
    messages.broadcast(alice, "and another")
    assert _texts(alice) == []
    (first, second) = messages.read(_later(alice, 601)).messages
    assert (first.kind, first.text) == (
        "undelivered", f"nobody has read what you said at {first.at}: is anybody there",
    )  # fmt: skip
    assert second.text.endswith(": and another")
    assert messages.read(_later(alice, 5000)).messages == ()
    (alice.private / "inbox" / "alice.json").unlink()
    assert messages.read(_later(alice, 9000)).messages == ()
    assert _texts(bob) == ["is anybody there", "and another"]


def test_what_one_reader_has_read_is_not_reported(pair: tuple[Room, Room]) -> None:
    alice, bob = pair
    messages.broadcast(alice, "hello")
    assert _texts(bob) == ["hello"]
    assert messages.read(_later(alice, 601)).messages == ()


def test_what_is_said_to_an_empty_room_is_shown_to_its_sender_at_once(bed: Bed) -> None:
    bed.join("alice", "bob")
    presence.leave(bed.room(), parse_agent("bob"))
    alice = bed.as_agent("alice")
    messages.broadcast(alice, "hello")
    messages.broadcast(alice, "you, too", to="bob")
    (everyone, bob) = messages.read(alice).messages
    assert everyone.text == f"nobody is in the room to read what you said at {everyone.at}: hello"
    assert bob.text == f"bob is not in the room to read what you said at {bob.at}: you, too"


def test_tasks_and_notes_reach_those_whom_they_concern(bed: Bed) -> None:
    bed.join("alice", "bob", "carol")
    alice, bob, carol = (bed.as_agent(name) for name in ("alice", "bob", "carol"))
    task = tasks.add(alice, "round half up")
    tasks.add(bob, "nobody else's")
    scratchpad.add_note(carol, "ids are numbers", "schema")
    coordination.claim(carol, ["src"])
    assert [_texts(room) for room in (alice, bob, carol)] == [[], [], []]

    tasks.finish(bob, task.id, "in ledger.py")
    tasks.add(bob, "then this", needs=[task.id])
    scratchpad.add_note(bob, "ids are text", "schema")
    scratchpad.add_note(bob, "slow", "src/app.py")
    scratchpad.add_note(bob, "look @alice")
    assert [(m.kind, m.topic, m.text) for m in messages.read(alice).messages] == [
        ("task", "", f"did task {task.id}: round half up (in ledger.py)"),
        ("task", "", f"added a task: then this (needs {task.id})"),
        ("note", "", "look @alice"),
    ]
    assert [(m.kind, m.topic, m.text) for m in messages.read(carol).messages] == [
        ("note", "schema", "ids are text"),
        ("note", "src/app.py", "slow"),
    ]
    assert _texts(bob) == []


@pytest.mark.parametrize(
    ("text", "topic", "to"), [("", "", ""), ("x" * 2001, "", ""), ("x", "t" * 81, ""), ("x", "", "Bob")]
)
def test_what_cannot_be_said_is_refused(pair: tuple[Room, Room], text: str, topic: str, to: str) -> None:
    with pytest.raises(UsageError):
        messages.broadcast(pair[0], text, topic=topic, to=to)
    assert messages.read(pair[1]).messages == ()


def test_status_counts_what_waits_and_of_very_much_the_newest(pair: tuple[Room, Room]) -> None:
    alice, bob = pair
    reader = parse_agent("bob")
    for number in range(NEWEST - 2):
        messages.broadcast(alice, f"message {number}", topic=f"topic {number // 2}")
    assert glance_at(bob, reader) == Glance(NEWEST // 2 - 1, True)
    for number in range(3):
        messages.broadcast(alice, f"and {number}")
    assert glance_at(bob, reader) == Glance(NEWEST // 2 + 2, True)  # the inbox is known by now
    inbox.file_of(bob, reader).unlink()
    messages.broadcast(alice, "one more")
    glance = glance_at(bob, reader)
    assert not glance.is_all
    assert NEWEST // 3 < glance.count < messages.count_unread(bob, reader)
    for _ in range(5):
        messages.read(bob, limit=1000)
    assert glance_at(bob, reader) == Glance(0, True)
