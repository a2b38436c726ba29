"""How long nobody has been in a worktree, and for how long it has been gone."""

from collections.abc import Mapping

from agentroom_git.core.ids import AgentName
from agentroom_git.git.activity import last_activity
from agentroom_git.git.worktrees import Worktree, prepared_seconds
from agentroom_git.room import leases
from agentroom_git.room.room import Room
from agentroom_git.system.files import read_json, write_json

_RECORD = "gone.json"


def silent_seconds(room: Room, agent: AgentName, worktree: Worktree) -> float | None:
    """Return how long ago the agent last gave a sign of life or its worktree changed, or None where nobody can tell.

    What the worktree shows outlasts a reboot, and is there without hooks, too. It is dated by the wall clock.
    """
    left = last_activity(worktree)
    if left is None:
        return None
    seen = leases.seconds_since_seen(room, agent)
    silent = max(0.0, room.clock.now().timestamp() - left)
    return silent if seen is None else min(silent, seen)


def gone_seconds(room: Room, found: Mapping[AgentName, Worktree], *, note: bool) -> dict[AgentName, float]:
    """Return for how long each worktree has been seen gone since the machine started; `note` records those seen now.

    One on a disk that is not there just now looks the same as one that was deleted; so does one whose parent is gone,
    which is not counted.
    """
    now, boot = room.clock.monotonic(), room.clock.boot_id()
    record = read_json(room.private / _RECORD)
    known = record.get("seen") if record.get("boot") == boot else None
    known = known if isinstance(known, dict) else {}
    gone = {agent: f"{one.name} {prepared_seconds(one)}" for agent, one in found.items() if _is_gone(one)}
    since = {key: float(at) if isinstance(at := known.get(key), int | float) else now for key in gone.values()}
    if note and since != known:
        write_json(room.private / _RECORD, {"boot": boot, "seen": since})
    return {agent: max(0.0, now - since[key]) for agent, key in gone.items()}


def _is_gone(worktree: Worktree) -> bool:
    try:
        worktree.path.lstat()
    except FileNotFoundError:
        return worktree.path.parent.is_dir()
    except OSError:
        return False
    return False
