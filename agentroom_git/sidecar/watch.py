"""Waiting for something to move in the repository or to be edited in a worktree; a look now and then is a safety net.

Where the system has inotify, the sidecar's own thread sleeps until the kernel wakes it, and an idle repository wakes
nobody. Elsewhere a thread of watchfiles does the same. A signal ends the wait at once.
"""

import os
import re
import select
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol

from agentroom_git.sidecar.folders import Folders, Touched
from agentroom_git.system.clock import Clock
from agentroom_git.system.inotify import is_available, most_watches

POLL_SECONDS = 2.0
"""How often to look without being told to: for file systems that send no events."""

SETTLE_SECONDS = 0.001
"""How long to wait for what follows an event: a commit sends a dozen."""

EDITS_SECONDS = 0.4
"""How long edits are gathered before they wake: an agent's tool writes several files, or commits them at once."""

# Editors, other tools and a second repository of the user need watches, too.
_SHARE_OF_WATCHES = 0.5
_DEFAULT_WATCHES = 8192
_STOP_LOOKS_SECONDS = 0.2

Skips = Callable[[bytes], bool]


class Source(Protocol):
    """Where events come from: a file descriptor that is readable when there are some."""

    def fileno(self) -> int: ...
    def watch(self, name: str, root: bytes, skips: Skips) -> str: ...
    def forget(self, name: str) -> None: ...
    def problem(self, name: str) -> str: ...
    def read(self) -> list[Touched]: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class Watch:
    """Watches the refs and worktrees of a repository, and the files of the worktrees that it is told to follow.

    `wakes` counts how often the waiting thread was woken, by whatever. `problems` says why something is not watched, by
    the path of the worktree, or `git:` and the folder.
    """

    common_dir: Path
    clock: Clock
    wakes: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    _source: Source = field(init=False)
    _pipe: tuple[int, int] = field(init=False)
    _old_signal_fd: int = -1
    _has_moved: bool = False
    _touched: dict[str, set[Touched]] = field(default_factory=dict)
    _edited_at: float | None = None

    def __enter__(self) -> "Watch":
        self._pipe = os.pipe()
        for end in self._pipe:
            os.set_blocking(end, False)
        if threading.current_thread() is threading.main_thread():
            self._old_signal_fd = signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
        self._source = _open_source()
        for name in _GIT_TREES:
            (self.common_dir / name).mkdir(exist_ok=True)
        for name in _GIT_TREES:
            tree = f"git:{name}"
            self._note_problem(tree, self._source.watch(tree, os.fsencode(self.common_dir / name), _GIT_TREES[name]))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.set_wakeup_fd(self._old_signal_fd)
        self._source.close()
        for end in self._pipe:
            os.close(end)

    def poke(self) -> None:
        """Make the next wait return at once; from any thread."""
        # Full: it is readable already. Closed: nobody waits any more.
        with suppress(OSError):
            os.write(self._pipe[1], b"\0")

    def follow(self, top: Path, skips: Skips) -> None:
        """Watch the files of a worktree from now on, anew where they are watched already; its path is its name."""
        name = str(top)
        self._note_problem(name, self._source.watch(name, os.fsencode(top), lambda path: _is_git(path) or skips(path)))

    def unfollow(self, top: Path) -> None:
        self._source.forget(str(top))
        self._touched.pop(str(top), None)
        self.problems.pop(str(top), None)

    def has_touched(self, top: Path) -> bool:
        return str(top) in self._touched

    def take(self, top: Path) -> set[Touched]:
        """Return what was touched in a followed worktree since the last call."""
        return self._touched.pop(str(top), set())

    def wait(self, is_stopped: Callable[[], bool], *, at_least: float, at_most: float) -> bool:
        """Return when something moved or was touched, or after `at_most` seconds; not before `at_least` unless stopped.

        What is touched between two calls makes the second one return at once. Edits are gathered for a moment; the
        answer is whether they alone ended the wait.
        """
        start = self.clock.monotonic()
        while (left := start + at_least - self.clock.monotonic()) > 0 and not is_stopped():
            self._select(min(left, _STOP_LOOKS_SECONDS))
        while not self._has_moved and not is_stopped():
            now, end = self.clock.monotonic(), start + at_most
            if self._edited_at is not None and self._edited_at + EDITS_SECONDS < end:
                end = self._edited_at + EDITS_SECONDS
            if now >= end:
                break
            self._select(end - now)
        if self._has_moved:
            self.clock.sleep(SETTLE_SECONDS)
            self._read()
        is_edited = self._edited_at is not None and not self._has_moved
        self._has_moved, self._edited_at = False, None
        return is_edited

    def _select(self, seconds: float) -> None:
        select.select([self._pipe[0], self._source.fileno()], [], [], seconds)
        self.wakes += 1
        self._read()

    def _read(self) -> None:
        with suppress(BlockingIOError):
            # A signal's number or a poke: in both cases there is something to look at.
            self._has_moved |= bool(os.read(self._pipe[0], 4096))
        for touched in self._source.read():
            if not touched.path and touched.is_folder:
                self._note_problem(touched.tree, self._source.problem(touched.tree))
            if touched.tree.startswith("git:"):
                self._has_moved |= _concerns_us(touched)
            elif not _is_git(touched.path):
                self._touched.setdefault(touched.tree, set()).add(touched)
                if self._edited_at is None:
                    self._edited_at = self.clock.monotonic()

    def _note_problem(self, name: str, problem: str) -> None:
        if problem:
            self.problems[name] = problem
        else:
            self.problems.pop(name, None)


_GIT_TREES: dict[str, Skips] = {
    "": lambda path: True,
    "refs": lambda path: False,
    # An entry's own folder says whether a rebase or a merge is under way; its reflogs say nothing new.
    "worktrees": lambda path: path.count(b"/") > 0,
}
# Private git folders and locks in the making.
_OURS = re.compile(rb"agentroom-git-|.*\.agentroom-")
_PACKED = (b"packed-refs", b"refs", b"worktrees")


def _concerns_us(touched: Touched) -> bool:
    """Leave out locks and half-written files: what they stand for moves when they go."""
    if touched.tree == "git:":
        return touched.path in _PACKED
    name = touched.path.rpartition(b"/")[2]
    return not name.endswith((b".lock", b".tmp")) and _OURS.match(name) is None


def _is_git(path: bytes) -> bool:
    return path == b".git" or path.startswith(b".git/")


def _open_source() -> Source:
    if is_available():
        return Folders(int((most_watches() or _DEFAULT_WATCHES) * _SHARE_OF_WATCHES))
    from agentroom_git.sidecar.elsewhere import Elsewhere  # noqa: PLC0415 - watchfiles costs memory where inotify is

    return Elsewhere()
