"""What is not committed in a worktree: which files, and a mark that changes whenever one of them does.

Through libgit2, which runs no program that the repository configures.
"""

from pathlib import Path

import pygit2
from pygit2.enums import FileStatus


def dirty_files(worktree: Path) -> dict[str, str]:
    """Return the changed, staged and untracked files, each with a mark of what it is now."""
    handle = pygit2.Repository(str(worktree))
    found = handle.status(untracked_files="all")
    quiet = FileStatus.CURRENT, FileStatus.IGNORED
    return {path: f"{int(flags)} {_mark(worktree / path)}" for path, flags in found.items() if flags not in quiet}


def _mark(path: Path) -> str:
    try:
        status = path.lstat()
    except OSError:
        return "-"
    return f"{status.st_size} {status.st_mtime_ns}"
