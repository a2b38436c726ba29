"""The sidecar's life: one per repository, told by a lock that the kernel frees when its holder dies.

The file with its pid is for showing and for sending it a signal; whether it runs is only what the lock says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.errors import AgentroomError
from agentroom_git.room import disk, trust
from agentroom_git.room.room import Room
from agentroom_git.room.unwatched import read_unwatched
from agentroom_git.system.clock import Clock
from agentroom_git.system.files import read_json
from agentroom_git.system.locks import is_held
from agentroom_git.system.process import has_ended, own_command, start_detached, terminate

START_SECONDS = 20.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02


class SidecarError(AgentroomError):
    """The sidecar could not be started or stopped."""


@dataclass(frozen=True, slots=True)
class State:
    """`pid`, `since` and `last_fold` (ISO times) are what the running sidecar wrote of itself.

    `disk` says why nothing is folded or synced, where a disk has too little room; otherwise it is empty.
    `unwatched` are the worktrees and folders of which it gets no events, each with the reason.
    """

    running: bool
    pid: int
    since: str
    last_fold: str
    log: str
    disk: str
    unwatched: tuple[str, ...]


def state_path(room: Room) -> Path:
    return room.repo.private_dir / "sidecar.json"


def log_path(room: Room) -> Path:
    return room.repo.private_dir / "sidecar.log"


def read_state(room: Room) -> State:
    running = is_held(room.sidecar_lock)
    record = read_json(state_path(room)) if running else {}
    pid = record.get("pid")
    return State(
        running=running,
        pid=pid if isinstance(pid, int) else 0,
        since=str(record.get("since", "")),
        last_fold=str(record.get("last_fold", "")),
        log=str(log_path(room)),
        disk=disk.shortage(room),
        unwatched=read_unwatched(room),
    )


def start(room: Room) -> State:
    """Start the sidecar unless one runs, and wait until it is ready; of several starts at once one wins.

    The first start by the user pins the commands of `.agentroom.yaml` (`room/trust.py`).
    """
    trust.pin_first(room)
    found = read_state(room)
    if found.running and found.pid:
        return found
    room.repo.private_dir.mkdir(parents=True, exist_ok=True)
    mine = start_detached([*own_command(), "sidecar", "run"], cwd=room.checkout, log=log_path(room))
    if not _wait(room.clock, START_SECONDS, lambda: _is_settled(room, mine)):
        raise SidecarError("the sidecar did not start", hint=f"its log is {log_path(room)}")
    return read_state(room)


def _is_settled(room: Room, mine: int) -> bool:
    """Return whether the process serves, or has given up as another does: else it would serve once that one stops."""
    serving = read_state(room).pid
    return serving == mine or (serving != 0 and has_ended(mine))


def stop(room: Room) -> bool:
    """Stop the sidecar and wait for its end; return whether one ran."""
    found = read_state(room)
    if not found.running:
        return False
    _wait(room.clock, POLL_SECONDS * 50, lambda: read_state(room).pid != 0 or not is_held(room.sidecar_lock))
    found = read_state(room)
    if found.pid:
        terminate(found.pid)
    if not _wait(room.clock, STOP_SECONDS, lambda: not is_held(room.sidecar_lock)):
        raise SidecarError(f"the sidecar (pid {found.pid}) did not stop", hint=f"kill {found.pid}: nothing is lost")
    return True


def _wait(clock: Clock, seconds: float, is_done: Callable[[], bool]) -> bool:
    deadline = clock.monotonic() + seconds
    while not is_done():
        if clock.monotonic() > deadline:
            return False
        clock.sleep(POLL_SECONDS)
    return True
