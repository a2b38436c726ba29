"""The gate at work: check the newest fold, move green, and when the check fails find out who broke it.

Each step is one run of the check, or what follows from the runs; what is known is kept by tree. So a gate that was
killed goes on where it stood, and newer folds are checked before an older search goes on.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from agentroom_git.core.checks import PASSED, Tally
from agentroom_git.core.ids import Oid
from agentroom_git.core.search import Broken, Run, Step, plan_search
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.git.folds import write_commit
from agentroom_git.room import trust
from agentroom_git.room.gate import choosing, telling
from agentroom_git.room.gate.bench import Attention, Bench, StoppedError, occupied
from agentroom_git.room.gate.culprits import Probe, find_partner
from agentroom_git.room.gate.line import Line, read_line
from agentroom_git.room.gate.reading import Check, last_check, last_results, read_green
from agentroom_git.room.gate.results import Known, Results
from agentroom_git.room.gate.state import write_state
from agentroom_git.room.room import Room


class NoCheckError(UsageError):
    """There is no check to run."""


@dataclass(slots=True)
class Gate:
    """Runs the check of one room; `say` is told what comes out, one line at a time."""

    room: Room
    attention: Attention = field(default_factory=Attention)
    say: Callable[[str], None] = lambda text: None
    bench: Bench = field(init=False)
    results: Results = field(init=False)

    def __post_init__(self) -> None:
        commands = trust.commands(self.room)
        if not commands.check and self.room.config.check:
            raise NoCheckError("the check is not trusted yet", hint="agentroom trust shows it, and lets it be run")
        if not commands.check:
            raise NoCheckError("no check is configured", hint="set check: in .agentroom.yaml, then: agentroom trust")
        self.bench = Bench(self.room, commands, self.attention)
        self.results = Results(self.room, commands.fingerprint)

    def check_tip(self, *, again: bool = False) -> Check:
        """Return the result on integration's tip, run now unless its tree is known; with `again`, in any case."""
        with self._turn():
            tip = self.room.integration()
            tree = self.room.history.tree_of(tip)
            if again:
                self.results.forget(tree)
            known = self.results.known(tree) or self._check(tip)
            return self._conclude(tip, known)

    def settle(self, *, again: bool = False) -> Check:
        """Check what is newest, and go on until nothing is left to find out; return the result on the tip.

        Raises `GateError` where the check cannot be run at all, which status shows until it can.
        """
        fingerprint = self.bench.commands.fingerprint
        try:
            check = self.check_tip(again=again)
            while self._step():
                check = self.check_tip()
        except StoppedError:
            raise
        except AgentroomError as error:
            write_state(self.room, self.room.integration(), fingerprint, str(error))
            raise
        write_state(self.room, check.commit, fingerprint)
        return check

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Have the gate to oneself, with what others found out meanwhile."""
        with occupied(self.room):
            self.results = Results(self.room, self.bench.commands.fingerprint)
            choosing.finish(self.room)
            yield

    def _step(self) -> bool:
        """Do one thing about the folds since green; False where nothing is left."""
        with self._turn():
            line = self._catch_up(read_line(self.room))
            return self._follow(line, self._plan(line))

    def _catch_up(self, line: Line) -> Line:
        """Say what a gate that was killed had found out and not said; return the line from where green is then."""
        said = last_results(self.room)
        before = read_green(self.room)
        for commit in line.commits:
            known = self.results.known(self.room.history.tree_of(commit))
            if known and (said.get(commit) != known.summary.result or known.tally.is_good):
                self._conclude(commit, known)
        return line if read_green(self.room) == before else read_line(self.room)

    def _plan(self, line: Line) -> Step:
        def tally(index: int) -> Tally:
            return self.results.tally(line.tree(line.commits[index]))

        tip = len(line.commits) - 1
        if not self._plain(line.commits[tip]).runs:
            return Run(tip)
        return plan_search(len(line.commits), 0 if line.is_green else None, tally)

    def _plain(self, commit: Oid) -> Tally:
        return self.results.tally(self.room.history.tree_of(commit))

    def _follow(self, line: Line, step: Step) -> bool:
        if isinstance(step, Run):
            commit = line.commits[step.index]
            if line.tree(commit) == self.room.history.tree_of(commit) or not self._plain(commit).runs:
                self._conclude(commit, self._check(commit))
            else:
                self._probe(Probe(line.tree(commit), commit))
            return True
        return isinstance(step, Broken) and self._explain(line, line.commits[step.index])

    def _explain(self, line: Line, broken: Oid) -> bool:
        """Take one step towards a better candidate, or towards whom to blame; False where all is said."""
        if broken in line.explained:
            return False
        known = self.results.known(line.tree(broken))
        tail = known.last.tail if known else ""
        if known and known.last.seconds <= self.room.config.choose_seconds and self._choose(broken):
            return True
        found = find_partner(line, self.results, broken)
        if isinstance(found, Probe):
            self._probe(found)
            return True
        blamed = telling.record_blame(self.room, broken, found, tail)
        self.say(blamed.subject())
        return True

    def _choose(self, broken: Oid) -> bool:
        """Try the next combination of candidates, or take one that passes; False where none is left."""
        combinations = choosing.find_combinations(self.room, broken)
        for number, combination in enumerate(combinations):
            tally = self.results.tally(combination.tree)
            if not tally.runs:
                self.say(f"trying {combination.text}")
                self._probe(Probe(combination.tree, broken))
                return True
            if tally.is_good:
                chosen = choosing.take(self.room, broken, combination, self.results, combinations[: number + 1])
                if chosen is not None:
                    self.say(f"took {combination.text}")
                    return True
        return False

    def _check(self, commit: Oid) -> Known:
        self.say(f"checking {commit[:10]} {self.room.history.subject(commit)}")
        known = self.results.add(self.room.history.tree_of(commit), self.bench.run(commit))
        self.say(f"  {known.last.result} after {known.last.seconds} s")
        return known

    def _probe(self, probe: Probe) -> None:
        """Check a tree that is no fold's: on a commit that no ref will name."""
        subject = f"what the gate tries on {probe.on[:10]}"
        now = self.room.clock.now()
        commit = write_commit(self.room.history, probe.tree, probe.on, telling.AGENTROOM, subject, now)
        self._check(commit)

    def _conclude(self, commit: Oid, known: Known) -> Check:
        """Write down what is known of a fold, move green if it passed, and return it."""
        run = known.summary
        telling.record_result(self.room, commit, run)
        if run.result == PASSED and telling.advance_green(self.room, commit):
            self.say(f"green is {commit[:10]}")
        at = last_check(self.room, commit)
        return Check(commit, run.result, run.seconds, at.at if at else "", run.tail)


def check_now(room: Room, *, again: bool = False) -> Check:
    """Run the check on integration's tip, unless its tree is known; raise `NoCheckError` where there is none."""
    return Gate(room).check_tip(again=again)
