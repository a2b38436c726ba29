"""What a repository holds, to compare before and after."""

import os
from pathlib import Path

from rooms import Git


def state_of(root: Path) -> dict[str, bytes | str]:
    """Return everything below the folder but what git keeps as history, by path."""
    found: dict[str, bytes | str] = {}
    for folder, below, names in os.walk(root):
        if folder == str(root / ".git"):
            below[:] = [name for name in below if name not in ("objects", "refs", "logs")]
        for name in [*below, *names]:
            path = Path(folder, name)
            key = str(path.relative_to(root))
            if path.is_symlink():
                found[key] = f"-> {path.readlink()}"
            else:
                found[key] = f"folder {path.stat().st_mode:o}" if path.is_dir() else path.read_bytes()
    return found


def refs_of(git: Git, root: Path) -> set[str]:
    """Return the names of all refs."""
    return set(git("for-each-ref", "--format=%(refname)", cwd=root).split())
