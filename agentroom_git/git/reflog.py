"""Reflogs: a worktree's own outlives the branch that HEAD is on, a branch's own says who moved it."""

from pathlib import Path

import pygit2

from agentroom_git.core.ids import Oid


def is_moved_by(common_dir: Path, ref: str, program: bytes) -> bool:
    """Return whether the reflog of the ref tells of a move with a message that begins with this word."""
    try:
        lines = (common_dir / "logs" / ref).read_bytes().splitlines()
    except OSError:
        return False
    return any(line.partition(b"\t")[2].startswith(program) for line in lines)


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
