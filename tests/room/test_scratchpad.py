"""The scratchpad: everybody's notes by topic, in order."""

import pytest

from agentroom_git.errors import UsageError
from agentroom_git.room import notes, scratchpad, tasks
from rooms import Bed


def test_notes_of_all_agents_are_read_in_order_and_by_topic(bed: Bed) -> None:
    bed.join("alice", "bob")
    for number in range(4):
        name = "alice" if number % 2 else "bob"
        scratchpad.add_note(bed.as_agent(name), f"note {number}", "schema" if number < 3 else "")

    page = scratchpad.read_notes(bed.room())
    assert [(note.agent, note.topic, note.text) for note in page.notes] == [
        ("bob", "schema", "note 0"),
        ("alice", "schema", "note 1"),
        ("bob", "schema", "note 2"),
        ("alice", "", "note 3"),
    ]
    assert (page.earlier, page.topics) == (0, (("", 1), ("schema", 3)))
    newest = scratchpad.read_notes(bed.room(), "schema", limit=1)
    assert ([note.text for note in newest.notes], newest.earlier) == (["note 2"], 2)
    assert scratchpad.read_notes(bed.room(), "other").notes == ()


@pytest.mark.parametrize(("text", "topic"), [("", "t"), (" \n", ""), ("x" * 1001, ""), ("x", "t" * 81)])
def test_an_empty_or_a_long_note_is_refused(bed: Bed, text: str, topic: str) -> None:
    with pytest.raises(UsageError):
        scratchpad.add_note(bed.room(), text, topic)
    assert scratchpad.read_notes(bed.room()).notes == ()


def test_tasks_and_notes_are_note_lines(bed: Bed) -> None:
    bed.join("alice")
    alice = bed.as_agent("alice")
    task = tasks.add(alice, "round half up", acceptance="0.5 becomes 1")
    tasks.finish(alice, task.id, "in ledger.py")
    scratchpad.add_note(alice, "ids are text", "schema")
    notes.project(bed.room())

    lines = bed.git(
        "notes", "--ref", "agentroom/main", "show", bed.room().integration(), cwd=bed.repository
    ).splitlines()

    assert [line.split(" ", 1)[1] for line in lines if "joined" not in line and "opened" not in line] == [
        f"alice added a task: round half up (done when: 0.5 becomes 1) ({task.id})",
        f"alice did task {task.id}: round half up (in ledger.py)",
        "alice noted [schema]: ids are text",
    ]
