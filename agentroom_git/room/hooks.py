"""git's hooks in agents' worktrees: given by environment, so that nothing runs in the user's own checkout.

One script stands for every hook and runs the one of the same name that was there before, wherever `core.hooksPath` put
it.
"""

import os
import shutil
from pathlib import Path

from agentroom_git.resources import hooks_dir
from agentroom_git.room.room import Room
from agentroom_git.system.process import git

SCRIPT = "dispatch"
# Hooks whose mere presence costs a process on every ref or index change are stood for only where the repository has
# one.
ALWAYS = ("pre-commit", "prepare-commit-msg", "post-commit")


def install_hooks(room: Room, worktree: Path) -> tuple[Path, Path]:
    """Put the hooks for agents in place; return their folder and the folder of the repository's own."""
    ours = room.private / "hooks"
    own = _own_hooks(worktree)
    ours.mkdir(parents=True, exist_ok=True)
    for name in {*ALWAYS, *_names(own)}:
        target = ours / name
        new = ours / f".{name}.{os.getpid()}"
        shutil.copyfile(hooks_dir() / SCRIPT, new)
        new.chmod(0o755)
        new.replace(target)
    return ours, own


def _own_hooks(worktree: Path) -> Path:
    """Return where git would look for hooks in this worktree without us."""
    done = git("rev-parse", "--git-path", "hooks", cwd=worktree)
    return Path(os.path.normpath(worktree / done.out.decode("utf-8", "surrogateescape").strip()))


def _names(folder: Path) -> set[str]:
    if not folder.is_dir():
        return set()
    return {entry.name for entry in folder.iterdir() if entry.suffix != ".sample" and os.access(entry, os.X_OK)}
