"""Commits for the user's branch, made by the user's own git in a worktree of their own: with the user's identity,
signature and hooks, and away from the user's checkout. Nothing that the user has moves before all of them are made.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core.escape import one_line
from agentroom_git.core.ids import Oid, parse_oid
from agentroom_git.errors import AgentroomError
from agentroom_git.git.repo import Repo
from agentroom_git.git.worktrees import list_worktrees, remove_worktree
from agentroom_git.system.locks import held
from agentroom_git.system.process import Finished, git_as_the_user, users_git

PREFIX = ".land-"
LOCK_SECONDS = 120.0
# The user's hooks may run a whole test suite.
COMMIT_SECONDS = 3600.0
_NO_OBJECT = "failed to write commit object"
_SIGNING = re.compile(r"(?i)gpg|sign|ssh|load key|smime|x509")
_NOBODY = re.compile(r"tell me who you are|empty ident|auto-detect (?:email|name)|no (?:email|name) was given")


class DeliveryError(AgentroomError):
    """The user's git refused a step; their branch is where it was."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Site:
    """A detached worktree in which commits are made one on top of the other; `hooks` is where the user's hooks are."""

    path: Path
    hooks: Path

    def commit(self, tree: Oid, message: str, *, verify: bool) -> Oid:
        """Commit this tree with the user's own git and return the commit, whose tree hooks may have changed."""
        self._run("read-tree", "--reset", "-u", tree)
        return self._commit(message, verify=verify)

    def merge(self, fold: Oid, message: str, *, verify: bool) -> Oid:
        """Commit the fold's tree as a merge of the fold."""
        self._run("merge", "--quiet", "--no-ff", "--no-commit", "--strategy=ours", fold)
        self._run("read-tree", "--reset", "-u", fold)
        return self._commit(message, verify=verify)

    def _commit(self, message: str, *, verify: bool) -> Oid:
        options = () if verify else ("--no-verify",)
        text = message.encode("utf-8", "replace")
        self._run("commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "--file=-", *options, stdin=text)
        return parse_oid(self._run("rev-parse", "HEAD").out.decode().strip())

    def _run(self, *arguments: str, stdin: bytes = b"") -> Finished:
        hooks = f"core.hooksPath={self.hooks}"
        done = users_git("-c", hooks, *arguments, cwd=self.path, stdin=stdin, seconds=COMMIT_SECONDS)
        if done.code != 0:
            said, hint = _reason(done) if arguments[0] == "commit" else (done.message, "")
            text = f"git {arguments[0]} refused: {one_line(said, 300)}; your branch is where it was"
            raise DeliveryError(text, hint=hint)
        return done


def _reason(done: Finished) -> tuple[str, str]:
    """Return what of a refused commit's words says why, and what to do about it."""
    text = done.err.decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("[GNUPG:]")]
    if _NO_OBJECT in done.message and len(lines) > 1:
        # Git's last line says only that there is none; the programs that it calls say why before it.
        said = "; ".join(line.rstrip(":") for line in lines[:-1][-3:])
        hint = "correct git config user.signingKey, or sign nothing: git config commit.gpgSign false"
        return said, hint if _SIGNING.search(said) else "correct what it says"
    if _NOBODY.search(text):
        return done.message, "git config user.name NAME; git config user.email ADDRESS"
    is_gits = done.message.startswith("fatal: ")
    return done.message, "correct what it says" + ("" if is_gits else "; --no-verify leaves your hooks out")


@contextmanager
def open_site(repo: Repo, checkout: Path, folder: Path, start: Oid) -> Iterator[Site]:
    """Make a detached worktree at `start` below `folder` for the block; the caller orders those who do."""
    clear_sites(repo, folder)
    path = folder / f"{PREFIX}{os.getpid()}"
    path.parent.mkdir(parents=True, exist_ok=True)
    add = ("worktree", "add", "--quiet", "--detach", str(path), start)
    with held(repo.private_dir / "worktrees.lock", seconds=LOCK_SECONDS, what="the lock on worktrees"):
        done = users_git(*add, cwd=checkout, seconds=COMMIT_SECONDS)
    if done.code != 0:
        said = one_line(done.message, 300)
        raise DeliveryError(f"git could not make a worktree to commit in: {said}", hint="run: agentroom doctor")
    try:
        yield Site(path, _hooks(checkout))
    finally:
        clear_sites(repo, folder)


def _hooks(checkout: Path) -> Path:
    """Return where git finds hooks in the user's checkout: a relative path would mean another folder at the site."""
    found = os.fsdecode(git_as_the_user("rev-parse", "--git-path", "hooks", cwd=checkout).out.rstrip(b"\n"))
    return Path(os.path.normpath(checkout / found))


def clear_sites(repo: Repo, folder: Path) -> None:
    """Remove what this or a killed run left: nobody works in such a worktree, and what it made is committed."""
    for found in list_worktrees(repo):
        if found.path.parent == folder and found.path.name.startswith(PREFIX):
            remove_worktree(repo, found)
            shutil.rmtree(found.path, ignore_errors=True)


def fast_forward(checkout: Path, commit: Oid, *, autostash: bool) -> None:
    """Bring the branch that is checked out there, and its files, to the commit, unless edits are in the way."""
    stash = "--autostash" if autostash else "--no-autostash"
    options = ("--ff-only", "--quiet", "--no-overwrite-ignore", stash)
    done = users_git("merge", *options, commit, cwd=checkout, seconds=COMMIT_SECONDS)
    if done.code != 0:
        said = one_line(" ".join(done.err.decode("utf-8", "replace").split()), 300)
        raise DeliveryError(f"git could not move your branch: {said}", hint="git status says what is in the way")


def has_untracked(checkout: Path, folder: bytes) -> bool:
    """Return whether anything in the folder, ignored or not, is not tracked."""
    done = git_as_the_user("ls-files", "-z", "--others", "--", os.fsdecode(folder), cwd=checkout)
    if done.code != 0:
        raise DeliveryError(f"git ls-files failed in {checkout}: {done.message}", hint="run it there by hand")
    return bool(done.out)


def edited_paths(checkout: Path) -> set[bytes]:
    """Return the tracked paths that differ from HEAD in the checkout, staged or not."""
    options = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=dirty")
    done = git_as_the_user("status", *options, cwd=checkout)
    if done.code != 0:
        raise DeliveryError(f"git status failed in {checkout}: {done.message}", hint="run it there by hand")
    return {record[3:] for record in done.out.split(b"\0") if record}
