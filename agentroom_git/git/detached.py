"""A worktree of the program's own: nobody's, on no branch, at whatever commit it is put, made anew where it is broken.

Files are written by libgit2, so that no filter which the repository configures is run: what a filter would have made of
a file stays what was committed. Untracked files go at every move, ignored ones stay: they are caches.
"""

import os
import shutil
import stat
from pathlib import Path

import pygit2
from pygit2.enums import CheckoutStrategy

from agentroom_git.core.ids import Oid
from agentroom_git.git.repo import Repo
from agentroom_git.git.worktrees import LOCK_SECONDS, OWN_REASON, Worktree, WorktreeError, find_at
from agentroom_git.system.locks import held
from agentroom_git.system.process import git


def provide(repo: Repo, path: Path, commit: Oid) -> tuple[Worktree, bool]:
    """Return the worktree at `path`, made at the commit where there is no sound one, and whether it is new.

    Whatever else is at the path goes: the caller gives a path that is the program's own.
    """
    found = find_at(repo, path)
    if found is not None and not found.problem and not path.is_symlink() and not path.parent.is_symlink():
        return found, False
    remove(repo, path)
    with held(repo.private_dir / "worktrees.lock", seconds=LOCK_SECONDS, what="the lock on worktrees"):
        path.parent.mkdir(parents=True, exist_ok=True)
        options = ("--quiet", "--detach", "--no-checkout", "--lock", str(path), commit)
        done = git("worktree", "add", *options, cwd=repo.common_dir)
        made = find_at(repo, path)
        if done.code != 0 or made is None:
            raise WorktreeError(f"git could not make the worktree {path}: {done.message}", hint="run: agentroom doctor")
        (made.git_dir / "locked").write_text(f"{OWN_REASON}the check runs here\n")
        return made, True


def put(worktree: Worktree, commit: Oid) -> None:
    """Make the files those of the commit, and HEAD name it; raise `WorktreeError` where that cannot be done.

    The caller sees to it that nothing else runs there: a lock that a killed git left is removed.
    """
    (worktree.git_dir / "index.lock").unlink(missing_ok=True)
    try:
        handle = pygit2.Repository(str(worktree.path))
        found = handle[commit].peel(pygit2.Commit)
        strategy = CheckoutStrategy.FORCE | CheckoutStrategy.REMOVE_UNTRACKED
        handle.checkout_tree(found, strategy=strategy)  # type: ignore[no-untyped-call] # pygit2 gives it no types
        handle.set_head(found.id)
    except (KeyError, pygit2.GitError, OSError) as error:
        raise WorktreeError(f"{worktree.path} could not be brought to {commit[:10]}: {error}") from error
    # libgit2 leaves repositories alone that lie in its way.
    cleaned = git("clean", "-ffdq", cwd=worktree.path)
    if cleaned.code != 0:
        raise WorktreeError(f"{worktree.path} could not be cleaned: {cleaned.message}")


def remove(repo: Repo, path: Path) -> None:
    """Remove the worktree with everything in it, and what else is at its path; nothing a link leads to."""
    found = find_at(repo, path)
    if found is None and not os.path.lexists(path.parent):
        # Taking the lock would make the private folder where there is none.
        return
    with held(repo.private_dir / "worktrees.lock", seconds=LOCK_SECONDS, what="the lock on worktrees"):
        for place in (path.parent, path):
            if place.is_symlink() or place.is_file():
                place.unlink()
        if path.is_dir():
            _unprotect(path)
            shutil.rmtree(path)
        if found is not None:
            shutil.rmtree(found.git_dir, ignore_errors=True)


def _unprotect(folder: Path) -> None:
    """Let what a program has protected from its own removal be removed."""
    for place, _, _ in os.walk(folder):
        os.chmod(place, stat.S_IRWXU)
