"""Who waits for claims: first come, first served, among the processes of one clone.

A waiter is two private files, numbered in order of arrival: what it asks for, and a lock that the kernel frees when the
waiter dies, however it dies, so that nobody waits behind the dead. Nothing here grants anything: the queue only says
who may ask first, and what is exclusive rests on the swap of the claims ref. Another clone does not see it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core.claims import Request
from agentroom_git.core.ids import AgentName
from agentroom_git.core.patterns import overlaps
from agentroom_git.room.room import Room
from agentroom_git.system.files import read_json, write_json
from agentroom_git.system.locks import held, is_held, try_hold

LOCK_SECONDS = 10.0
LAST = 10**9


@dataclass(frozen=True, slots=True)
class Waiter:
    number: int
    agent: AgentName
    paths: tuple[str, ...]
    shared: bool


@contextmanager
def place(room: Room, ask: Request) -> Iterator[int]:
    """Stand in the queue for the block; gives the number of the place."""
    folder = _folder(room)
    with held(room.private / "queue.lock", seconds=LOCK_SECONDS, what="the queue for claims"):
        _sweep(folder)
        number = max((int(file.stem) for file in folder.glob("*.lock")), default=0) + 1
        alive = try_hold(_lock(folder, number))
        write_json(_file(folder, number), {"agent": ask.agent, "paths": list(ask.paths), "shared": ask.shared})
    try:
        yield number
    finally:
        _file(folder, number).unlink(missing_ok=True)
        if alive is not None:
            alive.release()
        _lock(folder, number).unlink(missing_ok=True)


def ahead(room: Room, ask: Request, number: int = LAST) -> tuple[Waiter, ...]:
    """Return the living waiters with a lower number whose request and this one cannot both be granted."""
    folder = _folder(room)
    waiters = (_read(file) for file in sorted(folder.glob("*.json")) if file.stem.isdigit())
    rivals = [one for one in waiters if one and one.number < number and _is_rival(one, ask)]
    return tuple(one for one in rivals if is_held(_lock(folder, one.number)))


def wants(waiters: Sequence[Waiter], path: str, shared: bool) -> bool:
    """Return whether one of these waits for something that a claim on the path would take away."""
    return any(not (one.shared and shared) and any(overlaps(path, other) for other in one.paths) for one in waiters)


def _is_rival(one: Waiter, ask: Request) -> bool:
    return one.agent != ask.agent and any(wants((one,), path, ask.shared) for path in ask.paths)


def _read(file: Path) -> Waiter | None:
    record = read_json(file)
    paths, agent = record.get("paths"), record.get("agent")
    if not isinstance(paths, list) or not isinstance(agent, str):
        return None
    return Waiter(int(file.stem), AgentName(agent), tuple(map(str, paths)), record.get("shared") is True)


def _sweep(folder: Path) -> None:
    """Remove what dead waiters left; only under the queue's lock, for a number may be given again afterwards."""
    for lock in folder.glob("*.lock"):
        if not is_held(lock):
            _file(folder, int(lock.stem)).unlink(missing_ok=True)
            lock.unlink(missing_ok=True)


def _folder(room: Room) -> Path:
    folder = room.private / "queue"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number:09d}.json"


def _lock(folder: Path, number: int) -> Path:
    return folder / f"{number:09d}.lock"
