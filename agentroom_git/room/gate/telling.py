"""What the gate writes for others: events in the sidecar's log, notices to the authors, and the move of green.

Each time the event first, then the ref: green only ever stands on a commit whose passing is recorded.
"""

from collections.abc import Mapping

from agentroom_git.core.checks import Blamed, Checked, Chosen, last_line
from agentroom_git.core.events import Notice, Resolved
from agentroom_git.core.ids import BASE, HUMAN, SIDECAR, AgentName, Oid
from agentroom_git.git import folds
from agentroom_git.room import logs
from agentroom_git.room.contests import read_contests
from agentroom_git.room.gate.reading import chosen_folds, last_check, read_green
from agentroom_git.room.gate.results import Run
from agentroom_git.room.notices import fold_lock, notice_key, tell
from agentroom_git.room.room import Room

AGENTROOM = AgentName("agentroom")
"""In whose name the room's own choices are committed; no agent may be called so."""
MAX_TOLD = 1000
_NOBODY = frozenset({BASE, HUMAN, SIDECAR, AGENTROOM})


def record_result(room: Room, commit: Oid, run: Run) -> None:
    """Write the result on a commit, unless it is the same as the last one there."""
    known = last_check(room, commit)
    if known is None or known.result != run.result:
        with fold_lock(room):
            logs.record(room, Checked(commit, run.result, run.seconds, run.tail), writer=SIDECAR)


def advance_green(room: Room, commit: Oid) -> bool:
    """Move green forward to a commit that has passed; False where it is there, or ahead, or elsewhere."""
    while True:
        green = read_green(room)
        if green == commit or (green is not None and not room.history.reaches(commit, green)):
            return False
        room.failpoint("move green")
        if room.refs.swap(room.names.green, commit, green, message="agentroom: passed the check"):
            return True


def authors_of(room: Room, *fold_ids: Oid) -> tuple[AgentName, ...]:
    """Return the agents whose work these folds brought in; `base` is the user."""
    return tuple(sorted({head.agent for id in fold_ids for head in folds.read_fold(room.history, id).folded}))


def record_blame(room: Room, broken: Oid, partner: Oid | None, tail: str) -> Blamed:
    """Write down which fold broke the check, alone or with a partner, and tell the authors, and only them."""
    agents = authors_of(room, *([broken, partner] if partner else [broken]))
    blamed = Blamed(broken, partner or "", agents, tail)
    together = f" together with {_named(room, partner)}" if partner else ""
    more = f"\n{tail[-MAX_TOLD:]}" if "\n" in tail else ""
    text = f"{_named(room, broken)} broke the check{together}: {last_line(tail)}{more}"
    to = tuple(agent for agent in agents if agent not in _NOBODY)
    with fold_lock(room):
        # Once it is blamed nobody looks at it again, so that comes last.
        if to:
            tell(room, Notice("broken", to, text, ()), key=notice_key("broken", broken))
        logs.record(room, blamed, writer=SIDECAR)
    return blamed


def _named(room: Room, fold: Oid) -> str:
    brought = folds.read_fold(room.history, fold).folded
    parts = [f'{head.agent}\'s {head.id[:10]} "{room.history.subject(head.id)}"' for head in brought]
    return f"{' and '.join(parts)} (fold {fold[:10]})"


def record_choice(room: Room, fold: Oid, broken: Oid, taken: Mapping[str, str], tried: tuple[str, ...]) -> None:
    """Close the contested regions of which candidates were taken, tell whose versions they were, and write it down.

    The event comes last, and only once: so all of it may be repeated after a crash.
    """
    contests = [one for one in read_contests(room) if one.record.id in taken]
    agents = sorted({name for one in contests for side in one.record.agents for name in side} - _NOBODY)
    with fold_lock(room):
        for one in contests:
            if one.is_open:
                how = f"the check passes with {taken[one.record.id]}"
                logs.record(room, Resolved(one.record.id, one.record.path, AGENTROOM, how), writer=SIDECAR)
        if agents:
            what = "; ".join(f"{one.record.path} ({one.record.id}): {taken[one.record.id]}" for one in contests)
            text = f"the check failed with what stood of contested regions, and passes with {what}: that was taken"
            notice = Notice("chosen", tuple(agents), text, tuple(one.record.path for one in contests))
            tell(room, notice, key=notice_key("chosen", fold))
        if fold not in chosen_folds(room):
            logs.record(room, Chosen(fold, broken, tuple(taken), tried), writer=SIDECAR)
