"""Invariant I11, watched from outside: green only goes forward, to what passes the check, as is recorded."""

from dataclasses import dataclass

from agentroom_git.core.checks import PASSED, Checked
from agentroom_git.core.ids import Oid
from agentroom_git.room.gate.reading import read_green
from agentroom_git.room.logs import read_events
from simulation.seeds import Violation
from simulation.world import BREAKS_THE_CHECK, World


@dataclass
class GreenWatch:
    world: World
    green: Oid | None = None

    def look(self) -> None:
        """Compare green with what it was; raise `Violation` where it became what it must not."""
        room = self.world.reader
        now = read_green(room)
        if now == self.green:
            return
        if now is None or (self.green is not None and not room.history.reaches(now, self.green)):
            raise Violation("I11", f"green went back from {self.green} to {now}")
        if not room.history.reaches(room.integration(), now):
            raise Violation("I11", f"green is at {now[:10]}, which is not on integration")
        if self._breaks(now):
            raise Violation("I11", f"green is at {now[:10]}, which does not pass the check")
        results = [item.event.body for item in read_events(room)[0] if isinstance(item.event.body, Checked)]
        if not any(body.commit == now and body.result == PASSED for body in results):
            raise Violation("I11", f"green is at {now[:10]}, and no event says that it passed")
        self.green = now

    def check_end(self) -> None:
        """After all is quiet and was checked, green is integration, if that passes."""
        self.look()
        tip = self.world.reader.integration()
        if not self._breaks(tip) and self.green != tip:
            raise Violation("I11", f"{tip[:10]} passes the check, and green is {self.green}")

    def _breaks(self, commit: Oid) -> bool:
        return bool(self.world.git("ls-tree", commit, "--", BREAKS_THE_CHECK))
