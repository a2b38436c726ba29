"""One schedule on real git: forty steps drawn by a seed, then everything heals and must converge.

Each schedule draws its own weights, so that some are nearly all of one thing (swarm testing), and a fifth of them has
one dominant fault.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pygit2

from agentroom_git.core.ids import Oid
from agentroom_git.errors import AgentroomError
from agentroom_git.system.failpoint import Failpoint
from simulation import bots, checks, landed, operations, resources, rivals, scenes, tools
from simulation.account import Account
from simulation.bots import Bot
from simulation.claims_watch import ClaimsWatch
from simulation.faults import NO_FAULT, Fault, Steps, draw, run_and_kill
from simulation.folds_watch import FoldsWatch
from simulation.green_watch import GreenWatch
from simulation.habits import draw_habits
from simulation.operations import Operation
from simulation.scenes import LEASES
from simulation.seeds import ScheduleError, Violation, generator
from simulation.words import FILES
from simulation.world import NAMES, World, copy_template, scratch_folder

LEVEL = "real"
STEPS = 40
MOST_IN_A_ROW = 5
ROUNDS_TO_CONVERGE = 12
LANDS = 0.3
"""How many of the schedules end by landing, which takes a third of their time."""
LANDING_STEPS = 20
FAULTS = {"none": 56, "kill": 14, "full": 5, "full-on": 3, "others": 22}


class Schedule:
    """The run of one seed; `trace` says what was done."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = generator(LEVEL, seed)
        self.world = World(folder, self.rng)
        self.account = Account(self.world)
        habits = draw_habits(self.rng)
        self.bots = {name: Bot(name, self.world, self.account, self.rng, habits) for name in NAMES}
        self.claims = ClaimsWatch(self.world)
        self.green = GreenWatch(self.world)
        self.folds = FoldsWatch(self.world)
        self.said = 0
        self.is_nested = False
        self.busy = ""
        self.usual_steps: dict[str, int] = {}
        self.heights: list[Oid] = []
        self.weights = {actor: self.rng.choice((1, 2, 4, 8)) for actor in self.actors()}
        self.faults = dict(FAULTS)
        if self.rng.random() < 0.2:
            self.faults[self.rng.choice(("kill", "full", "others"))] = 120

    def actors(self) -> dict[str, Callable[[], None]]:
        return {
            "agent": self.agent_acts,
            "agents": self.agent_acts,
            "sidecar": self.sidecar_acts,
            "verb": self.agent_asks,
            "rivals": lambda: scenes.agents_contend(self),
            "doubter": lambda: scenes.agent_thinks_again(self),
            "time": self.time_passes,
            "keeper": self.keeper_acts,
            "comer": self.agent_comes_and_goes,
        }

    def run(self) -> None:
        with operations.without_file_locks():
            for _ in range(STEPS):
                self.step()
            self.heal()
            self.green.check_end()
            checks.at_the_end(self.world, self.account, self.claims)
            if self.rng.random() < LANDS:
                landed.check(self.world, draw(self.rng, {"none": 1, "kill": 1}, LANDING_STEPS))

    def step(self) -> None:
        self.heights = [self.world.reader.integration()]
        actors = self.actors()
        actors[self.rng.choices(list(self.weights), list(self.weights.values()))[0]]()
        self.world.clock.sleep(1)
        checks.at_every_step(self.world, self.heights)
        self.green.look()
        self.folds.look()
        for bot in self.bots.values():
            bots.check_dropped(bot)
        self.claims.look()

    def agent_acts(self) -> None:
        """Let one agent do a few things in a row."""
        bot = self.bots[self.rng.choice(NAMES)]
        for _ in range(1 if self.is_nested else self.rng.randint(1, MOST_IN_A_ROW)):
            if self.rng.random() < (0.5 if bot.reading else 0.12):
                self.let(bot.name, tools.write_whole if bot.reading else tools.read_whole)
                continue
            tools.forget(bot)
            bot.act()

    def let(self, name: str, action: Callable[[Bot], None]) -> None:
        """Let an agent do this."""
        self.world.say(f"{name} {action.__name__}")
        self.bots[name].do(action)

    def sidecar_acts(self) -> None:
        name = self.rng.choice(NAMES)
        self.perform(
            self.rng.choice(
                (
                    operations.fold,
                    operations.round_of_the_sidecar,
                    operations.round_of_the_sidecar,
                    operations.sync,
                    operations.fold_one(name),
                    operations.sync_one(name),
                    operations.project,
                    operations.autosave(name),
                    operations.gate,
                )
            )
        )

    def agent_asks(self) -> None:
        self.perform(self.draw_verb(self.rng.choice([name for name in NAMES if name != self.busy])))

    def draw_verb(self, name: str) -> Operation:
        kind = self.rng.randrange(10)
        if kind < 5:
            return self.draw_claim(name)
        if kind < 7:
            return self.say_something(name)
        return operations.read(name) if kind < 9 else operations.take_turn(name)

    def draw_claim(self, name: str) -> Operation:
        """Return something that moves the table of claims."""
        rng = self.rng
        paths = sorted({rng.choice(("dir", *(path.decode() for path in FILES))) for _ in range(rng.randint(1, 2))})
        kind = rng.randrange(5)
        if kind < 2:
            return operations.claim(name, paths, shared=rng.random() < 0.2, ttl=rng.choice(LEASES))
        if kind == 2:
            return operations.release(name, rng.choice((None, paths)))
        if kind == 3:
            return operations.hand_over(name, paths, rng.choice([other for other in NAMES if other != name]))
        return operations.auto_claim(name, paths[0])

    def say_something(self, name: str) -> Operation:
        self.said += 1
        return operations.broadcast(name, f"word {self.said} of {name}")

    def draw_sign_of_life(self, name: str) -> Operation:
        return self.rng.choice((self.say_something(name), operations.read(name), operations.take_turn(name)))

    def agent_comes_and_goes(self) -> None:
        """Once in a while: most steps find nobody who would."""
        name = self.rng.choice(NAMES)
        if self.rng.random() < 0.25 and self.bots[name].adding is None:
            self.bots[name].do(bots.take_lock_away)
            self.bots[name].reading = None  # what a session has read ends with it
            self.perform(operations.leave_and_join(name))

    def time_passes(self) -> None:
        self.pass_time(self.rng.choice((1, 30, 200, 4000)))

    def pass_time(self, seconds: float, *, jumps: float = 0.3) -> None:
        """Let time pass; with a chance of `jumps` the wall clock is set meanwhile."""
        self.world.clock.sleep(seconds)
        if self.rng.random() < jumps:
            self.world.clock.skew = self.rng.choice((-3600.0, 0.0, 3600.0))
        self.world.say(f"{seconds:g} s pass, the wall clock is {self.world.clock.skew:+g} s off")

    def keeper_acts(self) -> None:
        """Somebody cleans the repository up, between two operations."""
        # What a running `git add` has just written, git itself would prune.
        prune = "--no-prune" if any(bot.adding for bot in self.bots.values()) else "--prune=now"
        command = self.rng.choice((("gc", "--quiet", prune), ("pack-refs", "--all"), ("worktree", "prune")))
        self.world.say(f"git {' '.join(command)}")
        self.world.git(*command, check=False)

    def perform(self, operation: Operation) -> None:
        usual = self.usual_steps.get(operation.__qualname__, 0)
        fault = NO_FAULT if self.is_nested else draw(self.rng, self.faults, usual)
        self.world.say(f"{operation.__name__}{fault}")
        agent = getattr(operation, "agent", "")
        if agent:
            self.claims.acted.add(agent)
            self.bots[agent].dropped = None
        if fault.kind == "kill":
            salt = self.rng.getrandbits(64)
            run_and_kill(partial(self._do_elsewhere, operation, salt=salt), fault)
            return
        self.attempt(operation, fault)

    def _do_elsewhere(self, operation: Operation, failpoint: Failpoint, salt: int) -> None:
        self.world.begin_other_keys(salt)
        operation(self.world, failpoint)

    def attempt(self, operation: Operation, fault: Fault) -> None:
        self.busy = self.busy or getattr(operation, "agent", "")
        started, steps = self.world.clock.elapsed, Steps(fault, self.others_act, self.folds.look_within)
        try:
            operation(self.world, steps)
            self.usual_steps[operation.__qualname__] = steps.count
            self.claims.note(getattr(operation, "agent", ""), started)
        except AgentroomError as error:
            self.world.say(f"  error: {error}")
        except (OSError, pygit2.GitError) as error:
            if not fault.kind.startswith("full"):
                raise Violation("I8", f"{operation.__name__} failed without a fault: {error!r}") from error
            self.world.say(f"  error: {error}")
        finally:
            self.busy = self.busy if self.is_nested else ""

    def others_act(self, step: str) -> None:
        """Let others do something in the middle of an operation: agents at their files, or another sidecar.

        Most often it is what the step must be safe from.
        """
        self.world.say(f"  before {step!r}:")
        self.is_nested = True
        try:
            for _ in range(self.rng.randint(1, 3)):
                if self.rng.random() >= 0.6 or not rivals.act(self, step):
                    self.rng.choice((self.agent_acts, self.agent_acts, self.agent_asks, self.sidecar_acts))()
                self.heights.append(self.world.reader.integration())
        finally:
            self.is_nested = False

    def heal(self) -> None:
        """Nothing goes wrong any more: agents finish what they were at, and the sidecar runs until all is quiet."""
        self.world.say("heal")
        for name in NAMES:
            self.attempt(operations.join(name), NO_FAULT)
        self.round()
        for bot in self.bots.values():
            for action in (bots.finish_adding, bots.take_lock_away, bots.end_operation):
                bot.do(action)
            if not bot.do(_commit_everything) or not bot.do(bots.switch_back):
                raise Violation("I8", f"{bot.name} cannot commit after everything was restarted")
        for _ in range(ROUNDS_TO_CONVERGE):
            before = checks.state_of(self.world)
            self.round()
            if checks.state_of(self.world) == before:
                break
        else:
            raise Violation("I9", "folds and syncs go on although nobody does anything")
        self.say_last_words()
        self.round()

    def say_last_words(self) -> None:
        """Let everybody read and write once more, those who read being killed first."""
        for name in NAMES:
            self.attempt(operations.broadcast(name, f"nearly the end of {name}"), NO_FAULT)
        for number, name in enumerate(NAMES):
            # Whoever reads is killed before it has shown what it read, or after.
            fault = Fault("kill", 1 + number % 2)
            run_and_kill(partial(self._do_elsewhere, operations.read(name), salt=number), fault)
        for name in NAMES:
            # Every ref is moved once more, so that a lock that a kill left on it is met.
            for verb in (operations.take_turn(name), operations.broadcast(name, f"the end of {name}")):
                self.attempt(verb, NO_FAULT)
            self.attempt(operations.claim(name, [f"end-of-{name}"], shared=False, ttl=5), NO_FAULT)
        self.attempt(operations.gate, NO_FAULT)

    def round(self) -> None:
        self.attempt(operations.round_of_the_sidecar, NO_FAULT)


def _commit_everything(bot: Bot) -> None:
    bot.git("add", "--all")
    if bot.git("status", "--porcelain"):
        bot.git("commit", "--quiet", "-m", bot.message())


def run(seed: int) -> None:
    """Run the schedule of one seed; raise `ScheduleError` where an invariant does not hold."""
    with scratch_folder() as folder:
        copy_template(folder)
        held = resources.held(folder)
        schedule = Schedule(folder, seed)
        try:
            schedule.run()
            resources.check(folder, held)
        except Exception as error:
            raise ScheduleError(LEVEL, seed, schedule.world.trace, error) from error
