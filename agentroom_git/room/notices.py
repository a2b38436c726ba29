"""What the room itself tells agents: notices in the sidecar's log, written under the fold lock."""

import hashlib
from contextlib import AbstractContextManager

from agentroom_git.core.events import Event, Notice, Recorded, Reopened, Replaced, Rewrote, Withdrawn
from agentroom_git.core.ids import SIDECAR
from agentroom_git.core.landings import Landed
from agentroom_git.git import log
from agentroom_git.room import logs
from agentroom_git.room.room import Room
from agentroom_git.system.locks import held

LOCK_SECONDS = 60.0


def fold_lock(room: Room) -> AbstractContextManager[None]:
    """Order those who fold, and who write to the sidecar's log."""
    return held(room.private / "fold.lock", seconds=LOCK_SECONDS, what="the fold lock")


def notice_key(*parts: str) -> str:
    """Return the key of an event that these parts name, so that a repeated fold writes it once."""
    # Among them are names of files, which need not be UTF-8.
    return hashlib.sha256(" ".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def keyed(room: Room, body: Notice | Withdrawn | Rewrote | Reopened | Replaced | Landed, key: str) -> Event:
    event = logs.new_event(room, SIDECAR, body)
    return Event(event.agent, event.lamport, event.at, event.seen, key, body)


def tell(room: Room, notice: Notice | Withdrawn, *, key: str) -> Recorded:
    """Write a notice to the sidecar's log, once for a key; the caller holds the fold lock."""
    return log.append(room.refs, room.names.log(SIDECAR), keyed(room, notice, key), room.clock.now())
