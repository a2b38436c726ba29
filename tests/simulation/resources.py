"""Invariant I10: what operations take of this process, they give back."""

import gc
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from simulation.seeds import Violation

_OPEN = Path("/proc/self/fd")
# libgit2 keeps packs open as long as anybody may look into them.
_PACKS = ".git/objects/pack/"


@dataclass(frozen=True)
class Held:
    """Files and folders below the schedule's folder that are open, and threads."""

    files: tuple[str, ...]
    threads: int


def held(folder: Path) -> Held:
    """Return what is held now, and take the ended children of whatever ran before."""
    gc.collect()
    _ended_children()
    return Held(tuple(sorted(_open_below(folder))), threading.active_count())


def check(folder: Path, before: Held) -> None:
    """Nothing more is held than before, and no child was left that nobody waited for."""
    children, now = _ended_children(), held(folder)
    if children or now.threads > before.threads or not set(now.files) <= set(before.files):
        raise Violation("I10", f"not given back: {now} and {children} children, where there was {before}")


def _open_below(folder: Path) -> list[str]:
    found = []
    for entry in os.listdir(_OPEN) if _OPEN.is_dir() else ():
        try:
            target = os.readlink(_OPEN / entry)
        except OSError:
            continue
        if target.startswith(f"{folder}/") and _PACKS not in target:
            found.append(target.removeprefix(f"{folder}/"))
    return found


def _ended_children() -> int:
    """Take those that have ended and that nobody asked for their exit code."""
    count = 0
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return count
        if pid == 0:
            return count
        count += 1
