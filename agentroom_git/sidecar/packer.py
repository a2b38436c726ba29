"""The sidecar's duty to pack what the room wrote, in a process of its own, so that nobody's syncing waits."""

from collections.abc import Callable
from dataclasses import dataclass, field

from agentroom_git.errors import AgentroomError
from agentroom_git.room.collecting import is_due
from agentroom_git.room.room import Room
from agentroom_git.system.child import Child, start_child
from agentroom_git.system.process import own_command

# Looking costs sixteen directory listings.
LOOK_SECONDS = 30.0
RUNNING_SECONDS = 1.0


class PackingEndedError(AgentroomError):
    """The process that packs ended without having done it."""


@dataclass(slots=True)
class PackDuty:
    """Looks now and then, while the room moves, whether there is enough to pack."""

    room: Room
    poke: Callable[[], None]
    name: str = field(init=False, default="packing")
    child: Child | None = None
    looked: float | None = None

    def run(self, now: float, moved: bool) -> float | None:
        """Start packing where it is due; say how an earlier one ended."""
        if self.child is not None:
            code = self.child.code()
            if code is None:
                return RUNNING_SECONDS
            child, self.child = self.child, None
            if code != 0:
                raise PackingEndedError(f"packing ended with {code}: {child.last_line()}")
        if self.room.names.room != self.room.config.room or not moved:
            return None
        if self.looked is not None and now - self.looked < LOOK_SECONDS:
            return LOOK_SECONDS - (now - self.looked)
        self.looked = now
        if not is_due(self.room):
            return None
        log = self.room.private / "packing.log"
        self.child = start_child([*own_command(), "gc", "--pack"], cwd=self.room.checkout, log=log)
        return RUNNING_SECONDS

    def close(self) -> None:
        if self.child is not None:
            self.child.end()
            self.child = None
