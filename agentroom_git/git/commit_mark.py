"""The mark that a worktree's hooks leave while `git commit` runs them: it may hold none of git's locks meanwhile."""

from pathlib import Path

from agentroom_git.system.pids import is_alive, own_name

COMMIT_MARK = "agentroom-commit"
"""File in the worktree's git directory that names the git process that makes the commit."""


def is_commit_marked(git_dir: Path) -> bool:
    """Whether a commit is under way in the worktree of this git directory.

    A commit that a hook refused leaves its mark: it counts only while the very process runs that it names.
    """
    try:
        name = (git_dir / COMMIT_MARK).read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return False
    # A bare pid may be anybody's by now, and is written only where nothing tells when a process started.
    return is_alive(name) and (" " in name or " " not in own_name().strip())
