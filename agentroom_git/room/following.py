"""Following the room from outside: what is new in its story since the last look."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile

from agentroom_git.core.events import Recorded
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.git import claims_ref
from agentroom_git.git.log import Unreadable
from agentroom_git.git.log_scan import is_continued
from agentroom_git.room import logs, story
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.room import Room
from agentroom_git.room.status import read_story
from agentroom_git.room.story import Line


@dataclass(slots=True)
class Follower:
    """Looks at the refs of the room, and reads of each that moved what came on top of what it was.

    What is new is told by that alone: clocks of agents may differ.
    """

    room: Room
    _logs: dict[AgentName, Oid] = field(default_factory=dict)
    _claims: Oid | None = None
    _integration: Oid | None = None

    def begin(self, limit: int) -> list[Line]:
        """Return the newest lines, oldest first; what comes later is what `news` returns."""
        self._note()
        return read_story(self.room, limit)[0] if limit else []

    def news(self) -> list[Line]:
        """Return all lines that are new since the last call, oldest first."""
        before = Follower(self.room, self._logs, self._claims, self._integration)
        self._note()
        if (before._logs, before._claims, before._integration) == (self._logs, self._claims, self._integration):
            return []
        events = [one for one in self._events(before) if isinstance(one, Recorded)]
        folds = list(takewhile(lambda fold: fold.id != before._integration, read_folds(self.room)))[::-1]
        return story.tell(self.room, events, folds)

    def _note(self) -> None:
        self._logs = logs.writers(self.room)
        self._claims = self.room.refs.get(self.room.names.claims)
        self._integration = self.room.integration()

    def _events(self, before: "Follower") -> Iterator[Recorded | Unreadable]:
        for writer, tip in self._logs.items():
            seen = before._logs.get(writer)
            if tip != seen and self._is_grown(tip, seen):
                yield from logs.read_log(self.room, writer, seen)
        if self._claims != before._claims and self._claims and self._is_grown(self._claims, before._claims):
            yield from claims_ref.read_history(self.room.refs, self.room.names.claims, before._claims)

    def _is_grown(self, tip: Oid, seen: Oid | None) -> bool:
        """Return whether there is something on top of what was seen: a log that was put back has nothing new."""
        return seen is None or is_continued(self.room.refs, tip, seen)
