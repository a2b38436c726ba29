"""A worktree's own reflog: it outlives the branch that HEAD is on."""

from pathlib import Path

import pygit2

from agentroom_git.core.ids import Oid


def last_commit(handle: pygit2.Repository, git_dir: Path) -> Oid | None:
    """Return the newest commit that the reflog of the worktree's HEAD names and that is there, or None."""
    try:
        lines = (git_dir / "logs" / "HEAD").read_bytes().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        words = line.split(b" ", 2)
        name = words[1].decode("ascii", "replace") if len(words) == 3 else ""
        try:
            return Oid(str(handle[name].peel(pygit2.Commit).id))
        except (KeyError, ValueError, pygit2.GitError):
            continue
    return None
