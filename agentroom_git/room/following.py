"""Following the room from outside: what is new in its story since the last look."""

from dataclasses import dataclass, field

from agentroom_git.core.ids import Oid
from agentroom_git.room.room import Room
from agentroom_git.room.status import read_story
from agentroom_git.room.story import Line

MOST_AT_ONCE = 500


@dataclass(slots=True)
class Follower:
    """Looks at the refs of the room, and reads the story only where one of them moved."""

    room: Room
    _refs: dict[str, Oid | None] = field(default_factory=dict)
    _told: frozenset[str] = frozenset()

    def news(self, limit: int = MOST_AT_ONCE) -> list[Line]:
        """Return the lines that are new since the last call, oldest first: the newest `limit` of them."""
        refs = self.room.refs
        now = {**refs.listed(self.room.names.own), self.room.names.integration: self.room.integration()}
        if now == self._refs:
            return []
        lines = read_story(self.room, max(limit, len(self._told)))[0]
        new = [line for line in lines if line.id not in self._told][-limit:]
        self._refs, self._told = dict(now), frozenset(line.id for line in lines)
        return new
