"""Invariant I6, watched from outside: what the table of claims may become from one step to the next."""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations

from agentroom_git.core.claims import Claim, Table, overlaps
from agentroom_git.core.events import Claimed, HandedOver, Recorded
from agentroom_git.git.claims_ref import read_history, read_table
from simulation.seeds import Violation
from simulation.world import World


@dataclass
class ClaimsWatch:
    """`acted` are those that asked for something in this step; `alive`: when each began its last completed verb;
    `not_before`: a time at which a claim was not there yet.
    """

    world: World
    table: Table = Table()
    acted: set[str] = field(default_factory=set)
    alive: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    not_before: dict[int, float] = field(default_factory=dict)
    looked_at: float = 0.0

    def note(self, name: str, began: float) -> None:
        """Book that an agent's verb came to its end, which gave a sign of life as it began."""
        self.acted.add(name)
        self.alive[name] = max(self.alive[name], began)

    def look(self) -> None:
        """Compare the table with what it was; raise `Violation` where it became what it must not."""
        room = self.world.reader
        now = read_table(room.refs, room.names.claims).table
        check_table(self.table, now)
        for claim in self.table.claims:
            if claim.token not in {one.token for one in now.claims}:
                self._check_gone(claim)
        for claim in now.claims:
            self.not_before.setdefault(claim.token, self.looked_at)
        self.table, self.looked_at = now, self.world.clock.elapsed
        self.acted.clear()

    def _check_gone(self, claim: Claim) -> None:
        if claim.agent in self.acted or claim.auto:
            return
        quiet = self.world.clock.elapsed - max(self.alive[claim.agent], self.not_before[claim.token])
        if quiet < claim.ttl:
            raise Violation("I6", f"{claim} was taken {quiet:g} s after its holder's last sign of life")

    def check_history(self) -> None:
        """Every fencing token was given once, and every claim of which its agent was told is in the history."""
        room = self.world.reader
        given: list[str] = []
        granted: set[str] = set()
        for item in read_history(room.refs, room.names.claims):
            if not isinstance(item, Recorded):
                raise Violation("I5", f"unreadable event among the claims: {item}")
            body = item.event.body
            if isinstance(body, Claimed | HandedOver):
                given += body.tokens
                receiver = body.to if isinstance(body, HandedOver) else item.event.agent
                granted |= {f"granted {token} to {receiver}" for token in body.tokens}
        if len(given) != len(set(given)):
            raise Violation("I6", f"a token was given twice: {sorted(given)}")
        forgotten = {line for line in self.world.shown_lines() if line.startswith("granted ")} - granted
        if forgotten:
            raise Violation("I5", f"acknowledged, and not in the claims' history: {sorted(forgotten)}")


def check_table(before: Table, now: Table) -> None:
    """No two agents hold what excludes the other, and tokens only grow."""
    for one, other in combinations(now.claims, 2):
        if one.agent != other.agent and not (one.shared and other.shared) and overlaps(one.path, other.path):
            raise Violation("I6", f"two agents hold the same: {one} and {other}")
    known = {claim.token for claim in before.claims}
    late = [claim for claim in now.claims if claim.token not in known and claim.token <= before.highest]
    if late or now.highest < before.highest:
        raise Violation("I6", f"a token came again: {late}, highest {now.highest} after {before.highest}")
