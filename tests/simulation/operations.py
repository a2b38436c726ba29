"""What the room does in a schedule: the sidecar's steps and the agents' verbs, as the front ends call them.

The file locks that order the room's own processes are out of force in a schedule (`without_file_locks`): nothing may
rest on them, and two sidecars may then meet in the middle of a fold.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from unittest import mock

from agentroom_git.core.ids import AgentName
from agentroom_git.room import (
    aftermath,
    coordination,
    leases,
    left_locks,
    messages,
    notes,
    presence,
    standing_config,
    syncing,
    turn,
)
from agentroom_git.room.folding import Folder
from agentroom_git.room.gate.work import check_now
from agentroom_git.room.saving import save_edits
from agentroom_git.room.turn import own_worktree
from agentroom_git.system import locks
from agentroom_git.system.failpoint import Failpoint
from simulation.seeds import Violation
from simulation.world import World

Operation = Callable[[World, Failpoint], None]
_parse_config = cache(standing_config.parse_config)


class _FreeLock:
    """A file lock that everybody gets."""

    def __init__(self, *_: object) -> None: ...

    def release(self) -> None: ...


@contextmanager
def without_file_locks() -> Iterator[None]:
    """Let nobody wait for a file lock, and sync one worktree at a time: a schedule is a function of its seed.

    The configuration, which no schedule changes, is parsed once: to do so for each operation is a tenth of the time.
    """
    with (
        mock.patch.object(locks, "_acquire", _FreeLock),
        mock.patch.object(syncing, "MAX_AT_ONCE", 1),
        mock.patch.object(standing_config, "parse_config", _parse_config),
    ):
        yield


def fold(world: World, failpoint: Failpoint) -> None:
    room = world.room(failpoint)
    report = Folder(room).fold()
    aftermath.after_folds(room, report.made)


def fold_one(name: str) -> Operation:
    def run(world: World, failpoint: Failpoint) -> None:
        Folder(world.room(failpoint)).fold([AgentName(name)])

    return _named(run, f"fold {name}")


def sync(world: World, failpoint: Failpoint) -> None:
    syncing.sync_room(world.room(failpoint))


def sync_one(name: str) -> Operation:
    def run(world: World, failpoint: Failpoint) -> None:
        syncing.sync_room(world.room(failpoint), [AgentName(name)])

    return _named(run, f"sync {name}")


def round_of_the_sidecar(world: World, failpoint: Failpoint) -> None:
    left_locks.clear_left_locks(world.room(failpoint))
    fold(world, failpoint)
    sync(world, failpoint)
    project(world, failpoint)


def project(world: World, failpoint: Failpoint) -> None:
    notes.project(world.room(failpoint))


def autosave(name: str) -> Operation:
    def run(world: World, failpoint: Failpoint) -> None:
        room = world.room_of(name, failpoint)
        save_edits(room, AgentName(name), own_worktree(room, AgentName(name)))

    return _named(run, f"autosave {name}")


def gate(world: World, failpoint: Failpoint) -> None:
    """Check what is newest, and move green where it passes."""
    check_now(world.room(failpoint))


def leave_and_join(name: str) -> Operation:
    """Let an agent leave, whose worktree goes, and come again."""

    def run(world: World, failpoint: Failpoint) -> None:
        room = world.room(failpoint)
        presence.leave(room, AgentName(name), discard_ignored=True)
        presence.join(room, AgentName(name))

    return _named(run, f"{name} leaves and joins", name)


def join(name: str) -> Operation:
    def run(world: World, failpoint: Failpoint) -> None:
        presence.join(world.room(failpoint), AgentName(name))

    return _named(run, f"{name} joins", name)


def take_turn(name: str) -> Operation:
    def run(world: World, failpoint: Failpoint) -> None:
        turn.take_turn(world.room_of(name, failpoint))

    return _named(run, f"turn of {name}", name)


def claim(name: str, paths: list[str], *, shared: bool, ttl: int) -> Operation:
    def run(world: World, failpoint: Failpoint) -> None:
        room = world.room_of(name, failpoint)
        answer = coordination.claim(room, paths, reason="work", shared=shared, ttl=ttl)
        if isinstance(answer, coordination.Grant):
            held = {one.claim.token for one in coordination.live_claims(room)}
            missing = [one for one in answer.claims if one.token not in held]
            if missing:
                raise Violation("I6", f"granted, and not in the table: {missing}")
            for one in answer.claims:
                _note(world, f"granted {one.token} to {one.agent}")

    return _named(run, f"{name} claims {' '.join(paths)}{' shared' if shared else ''} for {ttl} s", name)


def auto_claim(name: str, path: str) -> Operation:
    def run(world: World, failpoint: Failpoint) -> None:
        room = world.room_of(name, failpoint)
        leases.beat(room)  # as the hook does that makes such claims
        coordination.auto_claim(room, path)

    return _named(run, f"{name} claims {path} by an edit", name)


def release(name: str, paths: list[str] | None) -> Operation:
    def run(world: World, failpoint: Failpoint) -> None:
        coordination.release(world.room_of(name, failpoint), paths)

    return _named(run, f"{name} releases {'all' if paths is None else ' '.join(paths)}", name)


def hand_over(name: str, paths: list[str], to: str) -> Operation:
    def run(world: World, failpoint: Failpoint) -> None:
        coordination.handoff(world.room_of(name, failpoint), paths, to)

    return _named(run, f"{name} hands {' '.join(paths)} to {to}", name)


def broadcast(name: str, text: str) -> Operation:
    def run(world: World, failpoint: Failpoint) -> None:
        messages.broadcast(world.room_of(name, failpoint), text)
        _note(world, f"said {text}")

    return _named(run, f"{name} says {text}", name)


def read(name: str) -> Operation:
    """Read messages; what is shown stays on the agent's screen whatever comes next."""

    def run(world: World, failpoint: Failpoint) -> None:
        with messages.taking(world.room_of(name, failpoint)) as found:
            for message in found.messages:
                _note(world, f"{name} {message.text}")

    return _named(run, f"{name} reads", name)


def _note(world: World, line: str) -> None:
    handle = os.open(world.shown(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, f"{line}\n".encode())
    finally:
        os.close(handle)


def _named(run: Operation, name: str, agent: str = "") -> Operation:
    run.__name__ = name
    run.agent = agent  # type: ignore[attr-defined]
    return run


def unread(world: World, name: str) -> int:
    """Return how many messages wait for the agent."""
    return messages.count_unread(world.room(), AgentName(name))
