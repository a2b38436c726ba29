"""The mark that a worktree's hooks leave while `git commit` runs them: it may hold none of git's locks meanwhile."""

from pathlib import Path

from agentroom_git.system.pids import is_alive

COMMIT_MARK = "agentroom-commit"
"""File in the worktree's git directory that names the git process which makes the commit."""


def is_commit_marked(git_dir: Path) -> bool:
    """Whether a commit is under way in the worktree of this git directory."""
    try:
        words = (git_dir / COMMIT_MARK).read_text(encoding="utf-8", errors="replace").split()
    except FileNotFoundError:
        return False
    return bool(words) and is_alive(words[0])
