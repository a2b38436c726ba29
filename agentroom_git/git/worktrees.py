"""Linked worktrees: making and removing them, who works in each, and what its HEAD says.

Identity is a small file in the worktree's own folder under the git common dir, where neither a checkout nor an agent's
`git clean` reaches; a worktree without it is known by its branch. `git worktree` commands are serialised by a lock: run
in parallel they read each other's half-written entries.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pygit2

from agentroom_git.core.ids import AgentName, Oid, RoomName, parse_agent, parse_room
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.git.repo import Repo
from agentroom_git.system.locks import held
from agentroom_git.system.process import git

IDENTITY = "agentroom-identity"
LOCK_SECONDS = 120.0


class WorktreeError(AgentroomError):
    """A worktree could not be made, read or removed."""


@dataclass(frozen=True, slots=True)
class Identity:
    room: RoomName
    agent: AgentName


@dataclass(frozen=True, slots=True)
class Worktree:
    """A linked worktree as the repository lists it.

    `problem` is empty, or says why it cannot be worked in: gone, or not this repository's any more. `branch` is the full
    name of the branch that HEAD is on, empty when detached; `head` is None while unborn or unreadable.
    """

    name: str
    path: Path
    git_dir: Path
    identity: Identity | None
    branch: str
    head: Oid | None
    problem: str


def list_worktrees(repo: Repo) -> list[Worktree]:
    """Return all linked worktrees in order of name, also broken ones."""
    folder = repo.common_dir / "worktrees"
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    return [found for name in names if (found := read_worktree(repo, name)) is not None]


def read_worktree(repo: Repo, name: str) -> Worktree | None:
    """Return one linked worktree, or None where the repository has no complete entry for it."""
    git_dir = repo.common_dir / "worktrees" / name
    try:
        path = Path(os.fsdecode((git_dir / "gitdir").read_bytes().rstrip(b"\n"))).parent
        head = (git_dir / "HEAD").read_text("utf-8", "surrogateescape").strip()
    except OSError:
        return None
    if not path.is_absolute():
        path = (git_dir / path).resolve()
    branch = head.removeprefix("ref:").strip() if head.startswith("ref:") else ""
    return Worktree(
        name=name,
        path=path,
        git_dir=git_dir,
        identity=_read_identity(git_dir) or _identity_of_branch(branch),
        branch=branch,
        head=_resolve(repo.handle, branch or head),
        problem=_problem(path, git_dir),
    )


def _resolve(handle: pygit2.Repository, name: str) -> Oid | None:
    try:
        found = handle.lookup_reference(name).resolve().target if name.startswith("refs/") else name
        return Oid(str(handle[found].peel(pygit2.Commit).id))
    except (KeyError, ValueError, pygit2.GitError):
        return None


def _problem(path: Path, git_dir: Path) -> str:
    pointer = path / ".git"
    try:
        text = pointer.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return "its folder was deleted" if not path.exists() else "its .git file is gone"
    except OSError as error:
        return f"its .git file cannot be read ({error.strerror})"
    target = Path(text.removeprefix("gitdir:").strip())
    if not target.is_absolute():
        target = path / target
    if target.resolve() != git_dir.resolve():
        return f"it belongs to another repository ({target.resolve()})"
    return ""


def _read_identity(git_dir: Path) -> Identity | None:
    try:
        record = json.loads((git_dir / IDENTITY).read_text("utf-8"))
        return Identity(parse_room(record["room"]), parse_agent(record["agent"]))
    except (OSError, ValueError, KeyError, TypeError, UsageError):
        return None


def _identity_of_branch(branch: str) -> Identity | None:
    parts = branch.removeprefix("refs/heads/agentroom/").split("/")
    if not branch.startswith("refs/heads/agentroom/") or len(parts) != 2:
        return None
    try:
        return Identity(parse_room(parts[0]), parse_agent(parts[1]))
    except UsageError:
        return None


def write_identity(git_dir: Path, identity: Identity) -> None:
    record = json.dumps({"room": identity.room, "agent": identity.agent})
    (git_dir / IDENTITY).write_text(record + "\n", "utf-8")


def identity_here(repo: Repo) -> Identity | None:
    """Return whose worktree the repository was opened in, or None in the user's own checkout."""
    if not repo.is_linked:
        return None
    found = read_worktree(repo, repo.git_dir.name)
    return found.identity if found else None


def add_worktree(repo: Repo, path: Path, branch: str, start: Oid) -> Worktree:
    """Make a worktree at `path` on `branch`, which is made at `start` where it does not exist yet.

    Runs the git command, with the user's own hooks and filters, so that checked-out files are what git itself would
    give. Raises `WorktreeError` with git's own words.
    """
    with held(repo.private_dir / "worktrees.lock", seconds=LOCK_SECONDS, what="the lock on worktrees"):
        exists = branch_exists(repo.handle, branch)
        options = [str(path), branch] if exists else ["-b", branch, str(path), start]
        path.parent.mkdir(parents=True, exist_ok=True)
        done = git("worktree", "add", "--quiet", *options, cwd=repo.common_dir)
        if done.code != 0:
            raise WorktreeError(f"git could not make the worktree {path}: {done.message}", hint="run: agentroom doctor")
    wanted = path.resolve()
    for found in list_worktrees(repo):
        if found.path.resolve() == wanted:
            return found
    raise WorktreeError(f"git made the worktree {path} but does not list it", hint="run: agentroom doctor")


def branch_exists(handle: pygit2.Repository, branch: str) -> bool:
    return f"refs/heads/{branch}" in handle.references


def remove_worktree(repo: Repo, worktree: Worktree) -> None:
    """Remove a worktree whose work is kept elsewhere; raise `WorktreeError` when git refuses.

    Ignored files in it (build output, copied configuration) go with it. Of a worktree that is gone, or belongs to another
    repository, only this repository's own entry is removed.
    """
    with held(repo.private_dir / "worktrees.lock", seconds=LOCK_SECONDS, what="the lock on worktrees"):
        if worktree.problem:
            shutil.rmtree(worktree.git_dir)
            return
        done = git("worktree", "remove", "--force", str(worktree.path), cwd=repo.common_dir)
        if done.code != 0:
            raise WorktreeError(f"git could not remove {worktree.path}: {done.message}", hint="close what runs in it")
