"""Refs by compare-and-swap; there is no other way to move one here.

Of libgit2's calls only a transaction is a swap for a ref that may not exist yet: `references.create(force=False)` looks
before it locks, and gave two winners in up to 12 % of races of eight.
"""

import os
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import pygit2

from agentroom_git.core.ids import Oid
from agentroom_git.git.ref_lock import LOCK_SECONDS, RefError, locked_ref
from agentroom_git.system.clock import Clock
from agentroom_git.system.failpoint import Failpoint, silent
from agentroom_git.system.locks import held

__all__ = ["RefError", "Refs", "chain"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refs:
    """The refs of one repository. `lock` orders this program's own writers so that swaps seldom fail.

    `failpoint` is called as `lock REF` and `move REF` before a swap does so.
    """

    handle: pygit2.Repository
    common_dir: Path
    clock: Clock
    lock: Path
    failpoint: Failpoint = silent

    def get(self, name: str) -> Oid | None:
        """Return the object that the ref names, following symbolic refs, or None where it does not exist."""
        try:
            return Oid(str(self.handle.lookup_reference(name).resolve().target))
        except (KeyError, pygit2.InvalidSpecError):
            return None

    def listed(self, prefix: str, *, besides: Collection[str] = ()) -> dict[str, Oid]:
        """Return the refs below `prefix`, which ends with `/`, in order of name; those `besides` are not read.

        libgit2 can only list every ref of the repository, 96 ms for 10,000 loose ones, so the names are read here.
        """
        names = _loose_names(self.common_dir, prefix) | _packed_names(self.common_dir, prefix)
        found = {name: self.get(name) for name in sorted(names.difference(besides))}
        return {name: oid for name, oid in found.items() if oid is not None}

    def swap(self, name: str, new: Oid | None, old: Oid | None, *, message: str = "agentroom") -> bool:
        """Move the ref from `old` (None: absent) to `new` (None: remove it); False when it was not at `old`."""
        self.failpoint(f"lock {name}")
        with locked_ref(self.handle, self.clock, name) as transaction:
            if self.get(name) != old:
                return False
            if new is None:
                transaction.remove(name)
            else:
                transaction.set_target(name, new, message=message)
            self.failpoint(f"move {name}")
            try:
                transaction.commit()
            except pygit2.GitError as error:
                raise RefError(f"{name} could not be moved: {error}", hint="run: agentroom doctor") from error
        return True

    def update(self, name: str, change: Callable[[Oid | None], tuple[Oid | None, T]]) -> T:
        """Apply `change` to the ref until a swap succeeds.

        `change` gets the present value and returns the next one with its answer; returning the present value moves
        nothing. It may be called several times and must only write objects.
        """
        with held(self.lock, seconds=LOCK_SECONDS, what="the lock on the room's refs"):
            for _ in range(1000):
                old = self.get(name)
                new, answer = change(old)
                if new == old or self.swap(name, new, old):
                    return answer
        raise RefError(f"{name} kept moving for 1000 attempts", hint="run: agentroom doctor")


def _loose_names(common_dir: Path, prefix: str) -> set[str]:
    found: set[str] = set()
    waiting = [prefix]
    while waiting:
        below = waiting.pop()
        # What goes away meanwhile, or cannot be read, is no ref.
        with suppress(OSError), os.scandir(f"{common_dir}/{below}") as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{below}{entry.name}/")
                elif not entry.name.endswith(".lock"):
                    found.add(f"{below}{entry.name}")
    return found


def _packed_names(common_dir: Path, prefix: str) -> set[str]:
    path = f"{common_dir}/packed-refs"
    try:
        state = os.stat(path)
    except FileNotFoundError:
        return set()
    names = _parse_packed(path, (state.st_ino, state.st_mtime_ns, state.st_size))
    # Whatever begins with the prefix comes before what has the next character in the place of its slash.
    return set(names[bisect_left(names, prefix) : bisect_left(names, f"{prefix[:-1]}0")])


@lru_cache(maxsize=4)
def _parse_packed(path: str, version: tuple[int, int, int]) -> list[str]:
    """Return the names in a packed-refs file in order; it is only ever replaced, `version` tells one from the next."""
    lines = Path(path).read_text("utf-8", "surrogateescape").splitlines()
    return sorted(line[41:] for line in lines if line[:1] not in ("#", "^"))


def chain(handle: pygit2.Repository, tip: Oid | None, stop: Oid | None = None) -> Iterator[pygit2.Commit]:
    """Yield the commits from `tip` along first parents, newest first, up to and without `stop`."""
    current = tip
    while current is not None and current != stop:
        try:
            commit = handle[current]
        except KeyError as error:
            raise RefError(f"commit {current[:10]} is missing", hint="git fsck says what else is") from error
        if not isinstance(commit, pygit2.Commit):
            raise RefError(f"{current[:10]} is not a commit", hint="run: agentroom doctor")
        yield commit
        current = Oid(str(commit.parent_ids[0])) if commit.parent_ids else None
