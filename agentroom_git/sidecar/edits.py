"""The duty that looks at uncommitted edits: told where somebody else holds the path, warned of where they would clash,
looked at for stale writes, and committed after a quiet time.

It looks at files that the kernel reports, and at a whole worktree only when it begins, when events were lost, or now
and then where its folders cannot be watched. It rests after each look for thirty times as long as that took.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agentroom_git.core.escape import path_text
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.errors import AgentroomError
from agentroom_git.git.dirt import DirtError
from agentroom_git.git.operations import operation_under_way
from agentroom_git.git.worktree_lock import is_taken
from agentroom_git.git.worktrees import Worktree, read_worktree
from agentroom_git.room import saving, trespass
from agentroom_git.room.edits import Desk
from agentroom_git.room.room import Room
from agentroom_git.room.warning import Forecast
from agentroom_git.sidecar.stale_writes import StaleWrites
from agentroom_git.sidecar.watch import Watch
from agentroom_git.system.clock import spent
from agentroom_git.system.pids import is_git_at_work_in

NAME = "edits"
REST = 30
"""Of one second, at most one thirtieth is spent on looking."""

LONGEST_REST_SECONDS = 1.0
"""Whatever looking costs, a warning comes within two seconds."""

SCAN_SECONDS = 10.0
RETRY_SECONDS = 0.5


@dataclass(slots=True)
class Edits:
    """`desks` are the worktrees that are looked at; `scanned` when the unwatched ones were, `quiet` the last edits."""

    room: Room
    watch: Watch
    name: str = NAME
    desks: dict[AgentName, Desk] = field(default_factory=dict)
    forecast: Forecast = field(init=False)
    scanned: dict[AgentName, float] = field(default_factory=dict)
    quiet: dict[AgentName, float] = field(default_factory=dict)
    changed: set[AgentName] = field(default_factory=set)
    stale: StaleWrites = field(init=False)
    is_pending: bool = True
    resting_until: float = 0.0

    def __post_init__(self) -> None:
        self.forecast = Forecast(self.room)
        self.stale = StaleWrites(self.room)

    def close(self) -> None:
        for desk in self.desks.values():
            self.watch.unfollow(desk.worktree.path)

    def run(self, now: float, moved: bool) -> float | None:
        if moved:
            self._follow(now)
            self.is_pending = True
        if now < self.resting_until:
            return self.resting_until - now
        before = spent()
        again = [self._look(now), self._scan_again(now), self.stale.run(now, self.desks, self.quiet)]
        if self.changed or self.is_pending or self.forecast.is_passing:
            again.append(self._judge(now))
            self.resting_until = now + min(LONGEST_REST_SECONDS, (spent() - before) * REST)
        again.append(self._save(now))
        return min((one for one in again if one is not None), default=None)

    def _follow(self, now: float) -> None:
        """Take up worktrees that came, HEADs that moved, and drop worktrees that went."""
        found = {agent: one for agent, one in self.room.worktrees().items() if not one.problem and one.head is not None}
        for agent in self.desks.keys() - found.keys():
            self.watch.unfollow(self.desks.pop(agent).worktree.path)
        for agent, worktree in found.items():
            desk = self.desks.get(agent)
            head = worktree.head
            if head is None or operation_under_way(worktree.git_dir):
                continue
            if desk is not None and desk.worktree.path != worktree.path:
                self.watch.unfollow(self.desks.pop(agent).worktree.path)
                desk = None
            if desk is None:
                self._open(agent, worktree, head, now)
            elif desk.dirt.head != head:
                desk.move(worktree, head)
                self.changed.add(agent)

    def _open(self, agent: AgentName, worktree: Worktree, head: Oid, now: float) -> None:
        try:
            desk = Desk.open(agent, worktree, head)
            self.watch.follow(worktree.path, desk.dirt.skips)
            # Following began before the look, so that no edit in between is missed.
            edits = desk.look_at_all()
        except DirtError as error:
            self._give_up(worktree, error)
            return
        self.desks[agent] = desk
        self.scanned[agent] = now
        if edits:
            self.changed.add(agent)
            self.quiet[agent] = now

    def _look(self, now: float) -> float | None:
        """Look at what was touched; return when to try again where some worktree has to wait for its agent's git."""
        again = None
        for agent, desk in list(self.desks.items()):
            if not self.watch.has_touched(desk.worktree.path):
                continue
            if operation_under_way(desk.worktree.git_dir):
                continue
            if is_taken(desk.worktree.git_dir):
                again = RETRY_SECONDS
                continue
            self.quiet[agent] = now
            self.changed.add(agent)
            try:
                self._look_at(desk)
            except DirtError as error:
                # Taken up again when something moves; one agent's broken worktree is no other's.
                self._give_up(desk.worktree, error)
                del self.desks[agent]
        return again

    def _look_at(self, desk: Desk) -> None:
        touched = self.watch.take(desk.worktree.path)
        if any(one.path.rpartition(b"/")[2] == b".gitignore" for one in touched):
            self.watch.follow(desk.worktree.path, desk.dirt.skips)
        if any(one.is_folder for one in touched):
            desk.look_at_all()
        else:
            desk.look(one.path for one in touched)

    def _give_up(self, worktree: Worktree, error: DirtError) -> None:
        self.watch.unfollow(worktree.path)
        self.watch.problems[str(worktree.path)] = f"its edits are not seen: {error}"

    def _scan_again(self, now: float) -> float | None:
        """Look at worktrees whose folders cannot be watched; return in how many seconds to do so again."""
        unwatched = [desk for desk in self.desks.values() if str(desk.worktree.path) in self.watch.problems]
        for desk in unwatched:
            if now - self.scanned.get(desk.agent, 0.0) >= SCAN_SECONDS:
                before = dict(desk.edits)
                desk.look_at_all()
                self.scanned[desk.agent] = now
                if desk.edits != before:
                    self.changed.add(desk.agent)
                    self.quiet[desk.agent] = now
        return SCAN_SECONDS if unwatched else None

    def _judge(self, now: float) -> float | None:
        """Tell of edits that concern others; return when to look again at what may pass by itself."""
        self.is_pending = False
        # What a merge or a rebase has left in the files for now is nothing that the agent has decided.
        desks = {name: one for name, one in self.desks.items() if not operation_under_way(one.worktree.git_dir)}
        for agent in list(self.changed):
            desk = desks.get(agent)
            if desk and trespass.find_untold(self.room, agent, _paths(desk)):
                if not self._is_confirmed([desk], now):
                    return RETRY_SECONDS
                trespass.tell_uncommitted(self.room, agent, _paths(desk))
            self.changed.discard(agent)
        clashes = self.forecast.find(desks)
        new = self.forecast.new(clashes)
        if new:
            concerned = {name for clash in new for name in clash.agents}
            if not self._is_confirmed([desk for desk in desks.values() if desk.agent in concerned], now):
                self.is_pending = True
                return RETRY_SECONDS
            clashes = self.forecast.find(desks)
        return self.forecast.update(clashes, now)

    def _is_confirmed(self, desks: Sequence[Desk], now: float) -> bool:
        """Look again at what was found; return whether it is the agents' work.

        A checkout writes files before it moves HEAD: for a moment they look like edits. So no git may be at work, and
        HEAD stand where it was, both before the second look and after it.
        """
        if not all(map(self._is_at_rest, desks)):
            self._follow(now)
            return False
        for desk in desks:
            desk.look(list(desk.edits))
        return all(map(self._is_at_rest, desks))

    def _is_at_rest(self, desk: Desk) -> bool:
        if is_taken(desk.worktree.git_dir) or is_git_at_work_in(desk.worktree.path):
            return False
        found = read_worktree(self.room.repo, desk.worktree.name)
        return found is not None and found.head == desk.dirt.head

    def _save(self, now: float) -> float | None:
        """Commit what was left alone for the quiet time; return in how many seconds the next worktree is due."""
        wait = self.room.config.autosave.quiet
        due = []
        for agent, since in list(self.quiet.items()) if wait else ():
            desk = self.desks.get(agent)
            if desk is None or not desk.edits:
                del self.quiet[agent]
            elif now - since < wait:
                due.append(since + wait - now)
            else:
                del self.quiet[agent]
                if self._save_one(agent):
                    self.quiet[agent] = now - wait + RETRY_SECONDS
                    due.append(RETRY_SECONDS)
        return min(due, default=None)

    def _save_one(self, agent: AgentName) -> bool:
        """Commit the edits of one agent; return whether a git command of its own made it wait."""
        worktree = self.room.worktrees().get(agent)
        if worktree is None or worktree.problem:
            return False
        try:
            return saving.save_quiet(self.room, agent, worktree).is_passing
        except AgentroomError:
            # Left for the next burst of edits: one agent's trouble is no other's.
            return False


def _paths(desk: Desk) -> set[str]:
    return {path_text(path) for path in desk.edits}
