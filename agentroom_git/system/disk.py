"""How much room a file system has."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes: of the whole file system, and free for a user without special rights."""

    total: int
    free: int


def space(path: Path) -> Space:
    """Return the space of the file system that holds the path, or its nearest parent that exists."""
    try:
        found = os.statvfs(path)
    except FileNotFoundError:
        if path == path.parent:
            raise
        return space(path.parent)
    return Space(found.f_frsize * found.f_blocks, found.f_frsize * found.f_bavail)
