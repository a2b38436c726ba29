"""What to do next about a branch, as data: decided from what was observed, done elsewhere."""

from dataclasses import dataclass

from agentroom_git.core.ids import AgentName, Oid


@dataclass(frozen=True, slots=True)
class Observed:
    """One branch against integration. `tip` is where this very branch stood when it was last folded.

    `is_folded`: integration reaches the head; `is_forward`: the head reaches the tip.
    """

    agent: AgentName
    head: Oid
    tip: Oid | None
    is_folded: bool
    is_forward: bool


@dataclass(frozen=True, slots=True)
class Nothing:
    """Integration has it all."""


@dataclass(frozen=True, slots=True)
class Take:
    """Fold the head."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The branch moved from `old` other than forward and has something new: fold a join of both."""

    old: Oid


@dataclass(frozen=True, slots=True)
class Held:
    """The branch stepped back from `old` and has nothing new: what it left stays, and sync stays away."""

    old: Oid


Decision = Nothing | Take | Rewritten | Held


def plan_fold(seen: Observed) -> Decision:
    """Decide what becomes of a branch's head.

    A worktree that switched to another branch has not rewritten the one it left: only moves on the same branch count.
    """
    if seen.tip is not None and not seen.is_forward:
        return Held(seen.tip) if seen.is_folded else Rewritten(seen.tip)
    return Nothing() if seen.is_folded else Take()


@dataclass(frozen=True, slots=True)
class Place:
    """One worktree against integration, for sync. `is_current`: same tree, and its head reaches every folded commit."""

    is_own_branch: bool
    is_folded: bool
    is_held: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class Stay:
    """Leave the worktree as it is; `reason` is empty where it is up to date."""

    reason: str


@dataclass(frozen=True, slots=True)
class Advance:
    """Bring the worktree to integration."""


def plan_sync(place: Place, *, asked: bool) -> Stay | Advance:
    """Decide whether a worktree is brought forward; `asked` is its agent's own request, which ends a hold."""
    if not place.is_own_branch:
        return Stay("switched")
    if not place.is_folded:
        return Stay("unfolded")
    if place.is_current and not place.is_held:
        return Stay("")
    if place.is_held and not asked:
        return Stay("held")
    return Advance()
