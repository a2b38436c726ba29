"""Folders watched with what is below them, through inotify, which watches one folder at a time.

A folder that appears is watched from then on, and counts as changed as a whole: what was put into it before the watch
was in place has left no event. Where the system or our own limit allows no more watches, a tree is given up as a whole
and says why: half a tree would be silent about the other half.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from agentroom_git.system.inotify import Happened, Inotify, WatchLimitError

MAX_WATCHES_OF_TREE = 20_000
"""Folders of one tree. More are as a rule something that nobody meant to keep in it, such as unpacked packages."""


@dataclass(frozen=True, slots=True)
class Touched:
    """`path` below the tree's top came, went or was written; where `is_folder`, anything at or below it may have."""

    tree: str
    path: bytes
    is_folder: bool = False


@dataclass(slots=True)
class Tree:
    """`skips` tells of a folder's path below `root` that neither it nor what is in it is to be watched."""

    name: str
    root: bytes
    skips: Callable[[bytes], bool]
    watches: dict[bytes, int] = field(default_factory=dict)
    problem: str = ""


class Folders:
    """The watched trees, by name; one queue for all."""

    def __init__(self, most: int) -> None:
        self._inotify = Inotify()
        self._most = most
        self._trees: dict[str, Tree] = {}
        self._places: dict[int, tuple[Tree, bytes]] = {}

    def fileno(self) -> int:
        """Return what is readable when something was touched."""
        return self._inotify.fileno()

    def close(self) -> None:
        self._inotify.close()

    def watch(self, name: str, root: bytes, skips: Callable[[bytes], bool]) -> str:
        """Watch a tree from now on, anew where it is watched already; return why that is impossible, or nothing."""
        self.forget(name)
        tree = self._trees[name] = Tree(name, root, skips)
        self._add(tree, b"")
        return tree.problem

    def forget(self, name: str) -> None:
        """Watch a tree no more."""
        tree = self._trees.pop(name, None)
        if tree is not None:
            self._drop(tree, b"", with_inner=True)

    def problem(self, name: str) -> str:
        tree = self._trees.get(name)
        return tree.problem if tree else ""

    def read(self) -> list[Touched]:
        """Return what was touched since the last call."""
        found: dict[Touched, None] = {}
        for event in self._inotify.read():
            found.update(dict.fromkeys(self._note(event)))
        return list(found)

    def _note(self, event: Happened) -> Iterator[Touched]:
        if event.is_lost:
            yield from (Touched(name, b"", is_folder=True) for name in self._trees)
            return
        place = self._places.get(event.watch)
        if place is None:
            return
        tree, folder = place
        path = os.path.join(folder, event.name) if event.name else folder
        if event.has_gone and (event.is_folder or not event.name):
            self._drop(tree, path, with_inner=event.has_moved)
        elif event.is_folder and not self._add(tree, path):
            if tree.problem:
                yield Touched(tree.name, b"", is_folder=True)
            return
        yield Touched(tree.name, path, is_folder=event.is_folder or not event.name)

    def _add(self, tree: Tree, top: bytes) -> bool:
        """Watch a folder and those below it; return whether it is to be watched at all."""
        if tree.problem or (top and tree.skips(top)):
            return False
        waiting = [top]
        while waiting:
            path = waiting.pop()
            try:
                below = self._add_one(tree, path)
            except WatchLimitError as error:
                tree.problem = f"its folders are not watched: {error.strerror}"
                self._drop(tree, b"", with_inner=True)
                return False
            waiting += [one for one in below if not tree.skips(one)]
        return True

    def _add_one(self, tree: Tree, path: bytes) -> list[bytes]:
        """Watch one folder; return the folders in it, none where it is gone by now."""
        full = os.path.join(tree.root, path)
        if len(tree.watches) >= MAX_WATCHES_OF_TREE or len(self._places) >= self._most:
            limit = min(MAX_WATCHES_OF_TREE, self._most)
            raise WatchLimitError(0, f"more than the {limit} that one of them may have, or all together")
        try:
            watch = self._inotify.add(full)
            # Listed after the watch is in place: a folder made in between is in one of them at least.
            with os.scandir(full) as entries:
                below = [os.path.join(path, entry.name) for entry in entries if entry.is_dir(follow_symlinks=False)]
        except WatchLimitError:
            raise
        except OSError:
            return []
        self._places[watch] = (tree, path)
        tree.watches[path] = watch
        return below

    def _drop(self, tree: Tree, top: bytes, *, with_inner: bool) -> None:
        inside = top + b"/" if top else b""
        gone = [path for path in tree.watches if path.startswith(inside)] if with_inner else []
        for path in {top, *gone} & tree.watches.keys():
            watch = tree.watches.pop(path)
            if self._places.get(watch, (None, b""))[0] is tree:
                del self._places[watch]
                self._inotify.remove(watch)
