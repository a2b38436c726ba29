"""The gate as status shows it."""

from dataclasses import dataclass
from itertools import islice, takewhile

from agentroom_git.core.checks import Blamed
from agentroom_git.room import trust
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.gate.reading import Check, last_blame, last_check, read_green
from agentroom_git.room.gate.state import is_occupied, read_state
from agentroom_git.room.room import Room

MOST_BEHIND = 1000


@dataclass(frozen=True, slots=True)
class GateSummary:
    """Where green is (empty: nothing passed yet), how many folds it is behind, the last result, and what is wrong.

    `blamed` is the last fold found to have broken the check since green. `problem` says why the check cannot be run;
    `warning`, that its commands are not those of the file any more.
    """

    green: str
    behind: int
    running: bool
    check: Check | None
    blamed: Blamed | None
    problem: str
    warning: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The same as sentences, the most important first."""
        behind = f", {self.behind} fold{'' if self.behind == 1 else 's'} behind" if self.behind else ""
        check = self.check
        last = f"; {check.commit[:10]} {check.result} after {check.seconds} s at {check.at}" if check else ""
        now = "; a check is running" if self.running else ""
        state = f"green {f'{self.green[:10]}{behind}' if self.green else 'nowhere yet'}{last}{now}"
        blamed = self.blamed.subject() if self.blamed else ""
        problem = f"the check cannot be run: {self.problem}" if self.problem else ""
        return tuple(line for line in (state, blamed, problem, self.warning) if line)


def read_summary(room: Room) -> GateSummary | None:
    """Return what there is to show, or None where no check is configured and none was ever run."""
    standing = trust.standing(room)
    green = read_green(room)
    has_check = bool(standing.pinned and standing.pinned.check)
    if not has_check and green is None and not standing.warning:
        return None
    newer = takewhile(lambda fold: fold.id != green, islice(read_folds(room), MOST_BEHIND))
    check = last_check(room)
    return GateSummary(
        green=green or "",
        behind=sum(1 for _ in newer) if green else 0,
        running=is_occupied(room),
        check=check,
        blamed=None if check is None or check.has_passed else last_blame(room, green),
        problem=read_state(room).problem,
        warning=standing.warning,
    )
