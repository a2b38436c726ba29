"""The sidecar's duty to check what was folded: a process of its own does it, so that nobody's syncing waits.

The process is started when nothing was folded for a moment, checks what is newest, and ends when nothing is left to
find out. It ends, with the check that it runs, when the sidecar does, also when that is killed.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from agentroom_git.core.ids import Oid
from agentroom_git.errors import AgentroomError
from agentroom_git.room import trust
from agentroom_git.room.gate.bench import reap
from agentroom_git.room.gate.state import is_occupied, read_state
from agentroom_git.room.room import Room
from agentroom_git.system.child import Child, start_child
from agentroom_git.system.process import own_command

# While a check runs, and for noticing that the user has trusted other commands.
RUNNING_SECONDS = 1.0
IDLE_SECONDS = 30.0
LONGEST_WAIT = 10
"""A room that is never quiet is checked after this many quiet moments."""
_RESULTS = (0, 3)


class GateEndedError(AgentroomError):
    """The process that runs the check ended without a result."""


@dataclass(slots=True)
class GateDuty:
    """Keeps one gate at work for the room that the configuration names; the check of others is run by hand."""

    room: Room
    poke: Callable[[], None]
    name: str = field(init=False, default="gate")
    child: Child | None = None
    tip: Oid | None = None
    moved: float = 0.0
    waiting: float | None = None

    def __post_init__(self) -> None:
        if not is_occupied(self.room):
            reap(self.room)

    def run(self, now: float, moved: bool) -> float | None:
        """Start the gate where there is something new and it has been quiet; say how an earlier one ended."""
        if self.room.names.room != self.room.config.room:
            return None
        if self.child is not None:
            return self._look_after(self.child)
        tip = self._unchecked()
        if tip is None:
            self.waiting = None
            return IDLE_SECONDS
        wait = self._quiet_in(now, tip)
        if wait > 0:
            return wait
        self.waiting = None
        command = [*own_command(), "gate", "--parent", str(os.getpid())]
        self.child = start_child(command, cwd=self.room.checkout, log=self.room.private / "gate" / "gate.log")
        return RUNNING_SECONDS

    def close(self) -> None:
        if self.child is not None:
            self.child.end()
            self.child = None

    def _look_after(self, child: Child) -> float:
        code = child.code()
        if code is None:
            return RUNNING_SECONDS
        self.child = None
        if code not in _RESULTS and not read_state(self.room).problem:
            raise GateEndedError(f"the gate ended with {code}: {child.last_line()}")
        return 0.0

    def _unchecked(self) -> Oid | None:
        """Return the tip of integration where the gate has still something to do about it."""
        pinned = trust.standing(self.room).pinned
        tip = self.room.refs.get(self.room.names.integration)
        if pinned is None or not pinned.check or tip is None:
            return None
        state = read_state(self.room)
        return None if (state.tip, state.commands) == (tip, pinned.fingerprint) else tip

    def _quiet_in(self, now: float, tip: Oid) -> float:
        """Return for how many seconds to wait for a quiet moment."""
        quiet = float(self.room.config.check_quiet)
        if tip != self.tip:
            self.tip, self.moved = tip, now
        if self.waiting is None:
            self.waiting = now
        return min(self.moved + quiet - now, self.waiting + LONGEST_WAIT * quiet - now)
