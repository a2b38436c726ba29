"""The sidecar's duty to notice runs that were killed with `agentroom run` itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

from agentroom_git.room import killed
from agentroom_git.room.room import Room

LOOK_SECONDS = 30.0


@dataclass(slots=True)
class EndingsDuty:
    """Closes killed runs, half a minute after their last lease has run out at the latest."""

    room: Room
    poke: Callable[[], None]
    name: str = field(init=False, default="endings")
    last: float | None = None

    def run(self, now: float, moved: bool) -> float | None:
        """Look twice a minute, however much moves."""
        if self.last is None or now - self.last >= LOOK_SECONDS:
            self.last = now
            killed.close_killed(self.room)
        return max(1.0, LOOK_SECONDS - (now - self.last))

    def close(self) -> None:
        """Nothing runs for it."""
