"""What the sidecar does again and again beside folding and syncing, one duty apart from the other.

A duty that fails is said in the log and rests for a while, longer each time, while the others go on.
"""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agentroom_git.errors import AgentroomError

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0


class Duty(Protocol):
    """One recurring duty for one room."""

    @property
    def name(self) -> str: ...

    def run(self, now: float, moved: bool) -> float | None:
        """Do what there is to do; return in how many seconds to run again by itself, or None: when something moves.

        `now` is in monotonic seconds. `moved` is whether a ref of the room, its integration or a worktree's HEAD moved
        since the duty last ran without failing. Everybody's syncing waits for the return: what takes longer than some
        milliseconds belongs to a thread or a process of its own, which pokes the loop when it is done.
        """

    def close(self) -> None:
        """End what still runs for the duty: the sidecar stops."""


@dataclass(slots=True)
class _Turn:
    duty: Duty
    due: float | None = 0.0
    moved: bool = True
    pause: float = 0.0

    def is_due(self, now: float) -> bool:
        if self.pause:
            return self.due is not None and now >= self.due
        return self.moved or (self.due is not None and now >= self.due)


@dataclass(slots=True)
class Roster:
    """The duties of one room and when each has its turn; `say` writes to the sidecar's log."""

    duties: Sequence[Duty]
    say: Callable[[str], None]
    _turns: list[_Turn] = field(init=False)

    def __post_init__(self) -> None:
        self._turns = [_Turn(duty) for duty in self.duties]

    def run(self, now: float, *, moved: bool) -> None:
        """Run every duty whose time has come, and all that are not resting where something moved."""
        for turn in self._turns:
            turn.moved |= moved
            if turn.is_due(now):
                self._run(turn, now)

    def wake(self, name: str) -> None:
        """Give the duty of this name a turn in the next round, unless it rests after a failure."""
        for turn in self._turns:
            if turn.duty.name == name and not turn.pause:
                turn.due = 0.0

    def next_in(self, now: float) -> float | None:
        """Return in how many seconds the next duty is due by itself, or None."""
        due = [turn.due for turn in self._turns if turn.due is not None]
        return max(0.0, min(due) - now) if due else None

    def close(self) -> None:
        for turn in self._turns:
            try:
                turn.duty.close()
            except AgentroomError as error:
                self.say(f"{turn.duty.name}: {error}")

    def _run(self, turn: _Turn, now: float) -> None:
        try:
            again = turn.duty.run(now, turn.moved)
        except AgentroomError as error:
            self._rest(turn, now, f"{error};")
        except Exception:  # noqa: BLE001 - the boundary that keeps one duty's bad moment from the others
            self._rest(turn, now, traceback.format_exc())
        else:
            turn.moved, turn.pause = False, 0.0
            turn.due = None if again is None else now + again

    def _rest(self, turn: _Turn, now: float, why: str) -> None:
        turn.pause = back_off(turn.pause)
        turn.due = now + turn.pause
        self.say(f"{turn.duty.name}: {why} again in {turn.pause:g} s")


def back_off(pause: float) -> float:
    """Return how long to rest after one more failure."""
    return min(LONGEST_PAUSE_SECONDS, max(FIRST_PAUSE_SECONDS, pause * 2))
