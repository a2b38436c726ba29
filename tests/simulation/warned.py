"""Early warning by seed: agents edit and do not commit, take edits back, commit; a forecast looks after each thing.

What the fold of two agents' edits as they are would contest, the two have been told, once; what would not any more is
withdrawn; and nobody is told who shares no file with anybody.
"""

from collections import Counter
from itertools import combinations
from pathlib import Path

from agentroom_git.core.contested import Entry
from agentroom_git.core.escape import path_text
from agentroom_git.core.events import Notice, Withdrawn
from agentroom_git.core.fold import Engine
from agentroom_git.core.history import Head
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.objects import FILE
from agentroom_git.git import folds
from agentroom_git.room.edits import Desk
from agentroom_git.room.logs import read_events
from agentroom_git.room.warning import GRACE_SECONDS, Forecast
from agentroom_git.system.failpoint import silent
from simulation import bots, operations
from simulation.account import Account
from simulation.bots import Bot
from simulation.seeds import ScheduleError, Violation, generator
from simulation.world import NAMES, World, copy_template, scratch_folder

LEVEL = "warning"
STEPS = 25
MOST_REGIONS = 3
"""Of one file and pair: more are told as one."""

Shared = tuple[str, tuple[str, ...]]
"""A path and the two agents who are told of it."""


class Warned:
    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = generator(LEVEL, seed)
        self.world = World(folder, self.rng)
        account = Account(self.world)
        self.bots = {name: Bot(name, self.world, account, self.rng, {}) for name in NAMES}
        self.forecast = Forecast(self.world.reader)

    def run(self) -> None:
        for _ in range(STEPS):
            self.act()
            self.look()
            self.check()
        self.settle()
        self.look()
        if standing := _standing(self.world):
            raise Violation("I5", f"nobody edits anything, and warnings stand: {standing}")

    def act(self) -> None:
        bot = self.bots[self.rng.choice(NAMES)]
        kind = self.rng.choices(("edit", "take back", "create", "delete", "settle", "restart"), (12, 4, 2, 1, 1, 1))[0]
        self.world.say(f"{bot.name}: {kind}")
        if kind == "settle":
            self.settle()
        elif kind == "restart":
            self.forecast = Forecast(self.world.reader)
        else:
            bot.do({"edit": bots.edit, "take back": bots.clean_up, "create": bots.create}.get(kind, bots.delete_file))

    def settle(self) -> None:
        for bot in self.bots.values():
            bot.do(_commit_all)
            operations.round_of_the_sidecar(self.world, silent)
        operations.round_of_the_sidecar(self.world, silent)

    def look(self) -> None:
        """Look until what has passed is withdrawn; then nothing more comes of looking."""
        for _ in range(2):
            self.forecast.update(self.forecast.find(self.desks()), self.world.clock.monotonic())
            self.world.clock.sleep(GRACE_SECONDS)
        before = _standing(self.world)
        self.forecast.update(self.forecast.find(self.desks()), self.world.clock.monotonic())
        if _standing(self.world) != before:
            raise Violation("I5", f"told again, though nothing changed: {before} became {_standing(self.world)}")

    def desks(self) -> dict[AgentName, Desk]:
        found = {}
        for agent, worktree in self.world.reader.worktrees().items():
            assert worktree.head is not None
            found[agent] = Desk.open(agent, worktree, worktree.head)
            found[agent].look_at_all()
        return found

    def check(self) -> None:
        standing, desks = _standing(self.world), self.desks()
        untold = self.contested(desks) - standing.keys()
        if untold:
            raise Violation("I5", f"would be contested, and nobody was warned: {sorted(untold)}")
        for (path, pair), count in standing.items():
            if count > MOST_REGIONS or not all(path.encode() in desks[AgentName(name)].edits for name in pair):
                raise Violation("I5", f"{pair} were warned of {path} {count} times, and edit {sorted(desks)}")

    def contested(self, desks: dict[AgentName, Desk]) -> set[Shared]:
        """Return what a fold of any two agents' edits, committed as they are, would contest."""
        found: set[Shared] = set()
        heads = [self.committed(desk) for desk in desks.values() if desk.edits]
        for one, other in combinations(heads, 2):
            pair = tuple(sorted((one.agent, other.agent)))
            records = Engine(self.world.reader.history).fold([one, other]).contested
            found |= {(path_text(record.path), pair) for record in records}
        return found

    def committed(self, desk: Desk) -> Head:
        history = self.world.reader.history
        changes = {
            path: None if edit.is_gone or edit.text is None else Entry(history.write_blob(edit.text), FILE)
            for path, edit in desk.edits.items()
        }
        tree = history.write_tree(history.tree_of(desk.dirt.head), changes)
        at = self.world.clock.now()
        return Head(folds.write_commit(history, tree, desk.dirt.head, desk.agent, "edits", at), desk.agent)


def _commit_all(bot: Bot) -> None:
    bot.git("add", "--all")
    if bot.git("status", "--porcelain"):
        bot.git("commit", "--quiet", "-m", bot.message())


def _standing(world: World) -> Counter[Shared]:
    """Return how many warnings stand for which path and pair, from the log; each is withdrawn once at most."""
    told: dict[Oid, Shared] = {}
    for item in sorted(read_events(world.reader)[0], key=lambda item: item.event.lamport):
        body = item.event.body
        if isinstance(body, Notice) and body.kind == "warning":
            told[item.id] = (body.paths[0], body.to)
        elif isinstance(body, Withdrawn) and told.pop(Oid(body.notice), None) is None:
            raise Violation("I5", f"withdrawn, and does not stand: {body.text}")
    return Counter(told.values())


def run(seed: int) -> None:
    """Run the schedule of one seed; raise `ScheduleError` where an invariant does not hold."""
    with scratch_folder() as folder:
        copy_template(folder)
        schedule = Warned(folder, seed)
        try:
            with operations.without_file_locks():
                schedule.run()
        except Exception as error:
            raise ScheduleError(LEVEL, seed, schedule.world.trace, error) from error
