"""The scratchpad: short notes by topic that everybody in the room can read; nothing is ever changed or taken away."""

from collections import Counter
from dataclasses import dataclass

from agentroom_git.core.events import Noted, Recorded
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.room import leases, logs
from agentroom_git.room.digest import Digest, read_digests
from agentroom_git.room.room import Room
from agentroom_git.room.saying import checked

MAX_TEXT = 1000
MAX_TOPIC = 80
DEFAULT_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One note; `text` and `topic` are the agent's, to be shown as a quotation."""

    id: Oid
    agent: AgentName
    at: str
    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """The newest notes that were asked for, oldest first, how many came before them, and every topic with its count."""

    notes: tuple[Entry, ...]
    earlier: int
    topics: tuple[tuple[str, int], ...]


def add_note(room: Room, text: str, topic: str = "") -> Recorded:
    """Add a note to the scratchpad."""
    room.integration()
    text = checked(text, "a note", MAX_TEXT)
    topic = checked(topic, "a topic", MAX_TOPIC, may_be_empty=True)
    leases.beat(room)
    return logs.record(room, Noted(text, topic))


def read_notes(room: Room, topic: str = "", *, limit: int = DEFAULT_LIMIT) -> Page:
    """Return the newest notes, of one topic or of all; with a limit of 0 every one of them."""
    room.integration()
    found = all_notes(read_digests(room))
    wanted = [note for note in found if topic in ("", note.topic)]
    shown = wanted[-limit:] if limit else wanted
    return Page(tuple(shown), len(wanted) - len(shown), topics_of(found))


def topics_of(notes: list[Entry]) -> tuple[tuple[str, int], ...]:
    """Return every topic with how many notes it has, by name; notes without one count under an empty name."""
    return tuple(sorted(Counter(note.topic for note in notes).items()))


def all_notes(digests: dict[AgentName, Digest]) -> list[Entry]:
    """Return every note of the room in order."""
    recorded = sorted((one for digest in digests.values() for one in digest.events), key=lambda one: one.order)
    return [
        Entry(one.id, one.event.agent, one.event.at, one.event.body.topic, one.event.body.text)
        for one in recorded
        if isinstance(one.event.body, Noted)
    ]
