"""Waiting until something concerns the acting agent, looking once a second at what moved and at nothing else.

What it waits for is decided on the room's state and not on an event that it happens to see: an answer that came between
two calls is found at the first look.
"""

from dataclasses import dataclass, field

from agentroom_git.core.claims import Claim, ClaimsError
from agentroom_git.core.events import Refused
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.patterns import overlaps
from agentroom_git.errors import UsageError
from agentroom_git.git import folds
from agentroom_git.room import leases, messages
from agentroom_git.room.coordination import live_claims
from agentroom_git.room.digest import read_digest
from agentroom_git.room.room import Room

MESSAGES, CLAIMS, FOLDS = "messages", "claims", "folds"
KINDS = (MESSAGES, CLAIMS, FOLDS)
LOOK_SECONDS = 1.0
BEAT_SECONDS = 30.0
MAX_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Woken:
    """`reason` is messages, claims, folds, or empty where the time ran out; `free` are what others held before."""

    reason: str
    seconds: float
    unread: int = 0
    free: tuple[str, ...] = ()
    integration: str = ""


@dataclass(slots=True)
class _Watch:
    """What was seen at the beginning: what others held, and where integration was."""

    room: Room
    agent: AgentName
    kinds: frozenset[str]
    refused: tuple[str, ...] = ()
    held: frozenset[str] = frozenset()
    integration: Oid | None = None
    seen: dict[str, Oid | None] = field(default_factory=dict)

    def start(self) -> None:
        newest = read_digest(self.room, self.agent).refused
        body = newest.event.body if newest else None
        self.refused = body.paths if isinstance(body, Refused) else ()
        self.held = self._held_by_others()
        self.integration = self.room.integration()

    def look(self) -> Woken | None:
        """Return what there is to wake for. Logs and folds are only looked into when a ref moved."""
        freed = sorted(self.held - self._held_now()) if self.held else []
        if freed:
            return Woken(CLAIMS, 0.0, free=tuple(freed))
        refs = self.room.refs
        now = {**refs.listed(self.room.names.own), self.room.names.integration: self.room.integration()}
        if now == self.seen:
            return None
        self.seen = dict(now)
        if MESSAGES in self.kinds and (unread := messages.unread(self.room, limit=1)).messages:
            return Woken(MESSAGES, 0.0, unread=unread.more + 1)
        if FOLDS in self.kinds and self._is_folded():
            return Woken(FOLDS, 0.0, integration=self.room.integration())
        return None

    def _held_now(self) -> frozenset[str]:
        return frozenset(claim.path for claim in self._others())

    def _held_by_others(self) -> frozenset[str]:
        """Return what others hold of what the agent was last refused, or where that is nothing, all they hold."""
        held = self._others() if CLAIMS in self.kinds else []
        in_the_way = {claim.path for claim in held if any(overlaps(claim.path, path) for path in self.refused)}
        return frozenset(in_the_way or {claim.path for claim in held})

    def _others(self) -> list[Claim]:
        try:
            return [one.claim for one in live_claims(self.room) if one.claim.agent != self.agent and not one.is_stale]
        except ClaimsError:
            return []

    def _is_folded(self) -> bool:
        """Return whether another agent's work was folded since the beginning."""
        history, tip = self.room.history, self.room.integration()
        while tip != self.integration and folds.is_fold(history, tip):
            if any(head.agent != self.agent for head in folds.read_fold(history, tip).folded):
                return True
            parents = history.parents(tip)
            if not parents:
                break
            tip = parents[0]
        return False


def wait(room: Room, seconds: float, *, kinds: tuple[str, ...] = ()) -> Woken:
    """Return when something concerns the acting agent, at once where it does already, or after `seconds`.

    Without kinds: messages for it, and claims of others that are gone. Folds wake only who asks for them. Nothing is
    marked as read. The agent's claims live on while it waits.
    """
    agent = room.agent()
    if not 0 <= seconds <= MAX_SECONDS:
        raise UsageError(f"cannot wait {seconds:g} s", hint=f"between 0 and {MAX_SECONDS:g} s")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise UsageError(f"cannot wait for {ascii(unknown[0][:40])}", hint=f"one of {', '.join(KINDS)}")
    watch = _Watch(room, agent, frozenset(kinds or (MESSAGES, CLAIMS)))
    watch.start()
    started = beaten = room.clock.monotonic()
    leases.beat(room)
    while True:
        found = watch.look()
        now = room.clock.monotonic()
        left = seconds - (now - started)
        if found is not None or left <= 0:
            found = found or Woken("", 0.0)
            return Woken(found.reason, round(now - started, 1), found.unread, found.free, found.integration)
        if now - beaten >= BEAT_SECONDS:
            leases.beat(room)
            beaten = now
        room.clock.sleep(min(LOOK_SECONDS, left))
