"""Watching where the system has no inotify: a thread of watchfiles for each tree, which hands over what it sees."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from watchfiles import Change, watch

from agentroom_git.sidecar.folders import Touched

STEP_MS = 50
"""How often the library's thread looks into its queue: 1 ms would wake the processor a thousand times a second."""

DEBOUNCE_MS = 50


@dataclass(slots=True)
class _Tree:
    root: bytes
    skips: Callable[[bytes], bool]
    stop: threading.Event = field(default_factory=threading.Event)

    def path(self, full: str) -> bytes:
        return os.path.relpath(os.fsencode(full), self.root)

    def wants(self, _: Change, full: str) -> bool:
        parts = self.path(full).split(b"/")[:-1]
        return not any(self.skips(b"/".join(parts[: count + 1])) for count in range(len(parts)))


class Elsewhere:
    """The watched trees, by name."""

    def __init__(self) -> None:
        self._trees: dict[str, _Tree] = {}
        self._pipe = os.pipe()
        self._lock = threading.Lock()
        self._found: set[Touched] = set()
        for end in self._pipe:
            os.set_blocking(end, False)

    def fileno(self) -> int:
        return self._pipe[0]

    def watch(self, name: str, root: bytes, skips: Callable[[bytes], bool]) -> str:
        self.forget(name)
        tree = self._trees[name] = _Tree(os.path.realpath(root), skips)
        threading.Thread(target=self._run, args=(name, tree), name=f"watch {name}", daemon=True).start()
        return ""

    def forget(self, name: str) -> None:
        tree = self._trees.pop(name, None)
        if tree is not None:
            tree.stop.set()

    def problem(self, name: str) -> str:
        return ""

    def read(self) -> list[Touched]:
        try:
            os.read(self._pipe[0], 4096)
        except BlockingIOError:
            return []
        with self._lock:
            found, self._found = self._found, set()
        return list(found)

    def close(self) -> None:
        for name in list(self._trees):
            self.forget(name)

    def _run(self, name: str, tree: _Tree) -> None:
        for changes in watch(
            os.fsdecode(tree.root),
            watch_filter=tree.wants,
            step=STEP_MS,
            debounce=DEBOUNCE_MS,
            stop_event=tree.stop,
            ignore_permission_denied=True,
            raise_interrupt=False,
        ):
            with self._lock:
                self._found.update(Touched(name, tree.path(path)) for _, path in changes)
            with suppress(OSError):  # full: it is readable already
                os.write(self._pipe[1], b"\0")
