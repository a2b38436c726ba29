"""The loop: give each room of the repository its turn, then wait.

It is woken by file-system events and, as a safety net, every two seconds. Nothing is done while the refs and the
worktrees' HEADs are as they were, so that an idle sidecar writes nothing. It can be killed at any point: each step is
repeatable.
"""

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from agentroom_git.core.ids import parse_room
from agentroom_git.core.refnames import RefNames
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.room import logs
from agentroom_git.room.copies import find_copy
from agentroom_git.room.room import Room
from agentroom_git.room.standing_config import read_as_agent, stamp_of_file
from agentroom_git.room.unwatched import write_unwatched
from agentroom_git.sidecar.duties import back_off
from agentroom_git.sidecar.lifecycle import SidecarError, state_path
from agentroom_git.sidecar.service import Service
from agentroom_git.sidecar.watch import POLL_SECONDS, Watch
from agentroom_git.system.allocation import keep_freed_memory
from agentroom_git.system.files import write_json
from agentroom_git.system.locks import try_hold

_PREFIX, _SUFFIX = "refs/heads/agentroom/", "/integration"


def find_rooms(room: Room) -> list[Room]:
    """Return every room that was opened in the repository, configured as this one."""
    found = []
    for name in room.refs.listed(_PREFIX):
        if not name.endswith(_SUFFIX):
            continue
        try:
            parsed = parse_room(name.removeprefix(_PREFIX).removesuffix(_SUFFIX))
        except UsageError:
            continue
        names = RefNames(parsed)
        if find_copy(room.repo, room.refs, names) is not None:
            continue
        refs = replace(room.refs, lock=room.repo.private_dir / parsed / "refs.lock")
        found.append(replace(room, names=names, refs=refs, me=None))
    return found


def serve(room: Room, *, is_stopped: Callable[[], bool], log: TextIO = sys.stderr) -> None:
    """Serve the repository's rooms until told to stop; raise `SidecarError` where another sidecar does."""
    lock = try_hold(room.sidecar_lock)
    if lock is None:
        raise SidecarError("a sidecar serves this repository already", hint="agentroom sidecar status")
    inode = _inode(room.sidecar_lock)
    keep_freed_memory()
    try:
        # Where somebody removed the lock file, another sidecar may hold a new one by now: this one is over.
        _serve(room, lambda: is_stopped() or _inode(room.sidecar_lock) != inode, log)
    finally:
        if _inode(room.sidecar_lock) == inode:
            state_path(room).unlink(missing_ok=True)
        lock.release()


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _serve(room: Room, is_stopped: Callable[[], bool], log: TextIO) -> None:
    with Watch(room.repo.common_dir, room.clock) as watch, closing(_Loop(room, watch, log)) as loop:
        # Watching began before the first look, so that nothing which moves in between is missed.
        write_unwatched(room, {})
        loop.write_state()
        loop.say(f"serving {room.checkout}")
        while not is_stopped():
            pause = loop.round()
            # However much is edited, refs are looked at now and then.
            end = room.clock.monotonic() + POLL_SECONDS
            while watch.wait(
                is_stopped, at_least=pause, at_most=min(loop.next_in(), max(0.0, end - room.clock.monotonic()))
            ):
                loop.look_at_edits()
        loop.say("stopped")


@dataclass(slots=True)
class _Loop:
    """The rooms that are served, by name."""

    room: Room
    watch: Watch
    log: TextIO
    services: dict[str, Service] = field(default_factory=dict)
    state: dict[str, object] = field(init=False)
    pause: float = 0.0
    unwatched: dict[str, str] = field(default_factory=dict)
    config_stamp: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        self.state = {"pid": os.getpid(), "since": logs.stamp(self.room), "last_fold": ""}

    def round(self) -> float:
        """Give each room its turn; return how long to rest, which is nothing unless the repository cannot be read."""
        try:
            self._follow_configuration()
            found = {one.names.room: one for one in find_rooms(self.room)}
            # A room that is served stays one when its integration is gone: it is put back.
            for one in ({name: service.room for name, service in self.services.items()} | found).values():
                if self._service(one).tick():
                    self.state["last_fold"] = logs.stamp(self.room)
                    self.write_state()
                    self.watch.poke()
            self.pause = 0.0
        except AgentroomError as error:
            self.pause = back_off(self.pause)
            self.say(f"{error}; again in {self.pause:g} s")
        except Exception:  # noqa: BLE001 - the loop's boundary: one bad moment must not end everybody's syncing
            self.pause = back_off(self.pause)
            self.say(f"{traceback.format_exc()}again in {self.pause:g} s")
        self._show_unwatched()
        return self.pause

    def _follow_configuration(self) -> None:
        """Serve the rooms anew where the user's file says something else; what it said last holds while it is wrong."""
        stamp = stamp_of_file(self.room.checkout)
        if stamp == self.config_stamp:
            return
        self.config_stamp = stamp
        config, problem = read_as_agent(self.room.checkout, self.room.repo.private_dir)
        if problem:
            self.say(f"{problem}: what the configuration said last holds")
        if config != self.room.config:
            self.close()
            self.say("the configuration has changed and is followed")
        self.room = replace(self.room, config=config, config_problem=problem)

    def look_at_edits(self) -> None:
        """Give what was edited, and what is due, its turn."""
        for service in self.services.values():
            service.look_at_edits()
        self._show_unwatched()

    def next_in(self) -> float:
        """Return the number of seconds after which to look, even if nothing moves."""
        due = [one for service in self.services.values() if (one := service.next_in()) is not None]
        return min(due, default=POLL_SECONDS)

    def write_state(self) -> None:
        write_json(state_path(self.room), self.state)

    def _show_unwatched(self) -> None:
        if self.watch.problems == self.unwatched:
            return
        for where, why in self.watch.problems.items() - self.unwatched.items():
            self.say(f"{where}: {why}")
        self.unwatched = dict(self.watch.problems)
        write_unwatched(self.room, self.unwatched)

    def say(self, text: str) -> None:
        self.log.write(f"{logs.stamp(self.room)} {text}\n")
        self.log.flush()

    def close(self) -> None:
        while self.services:
            self.services.popitem()[1].close()

    def _service(self, room: Room) -> Service:
        name = room.names.room
        if name not in self.services:
            self.services[name] = Service(room, self.say, self.watch)
        return self.services[name]
