"""The repository: where it is, what kind it is, and a handle to its objects.

One `Repo` per thread. libgit2 runs no hooks, filters or drivers, so nothing that the repository configures is executed
through this door.
"""

from dataclasses import dataclass
from pathlib import Path

import pygit2

from agentroom_git.core.ids import Oid
from agentroom_git.errors import AgentroomError, UsageError

PRIVATE = "agentroom"
"""Folder under the git common dir for locks, logs and caches: everything in it can be rebuilt."""


class NotARepositoryError(UsageError):
    """There is no git repository here."""


class UnsupportedRepositoryError(UsageError):
    """A repository of a kind that agentroom does not work in."""


class CorruptError(AgentroomError):
    """An object that the repository should have is missing or damaged."""


@dataclass(frozen=True, slots=True)
class Repo:
    """`git_dir` is the worktree's own folder under `common_dir`, or `common_dir` itself in the main checkout."""

    handle: pygit2.Repository
    common_dir: Path
    git_dir: Path
    worktree: Path | None

    @property
    def private_dir(self) -> Path:
        return self.common_dir / PRIVATE

    @property
    def is_linked(self) -> bool:
        """Whether this is a linked worktree and not the user's own checkout."""
        return self.git_dir != self.common_dir


def open_repo(start: Path) -> Repo:
    """Open the repository around `start`; raise `NotARepositoryError` or `UnsupportedRepositoryError`."""
    found = pygit2.discover_repository(str(start))
    if found is None:
        raise NotARepositoryError(
            f"{start} is not in a git repository", hint="go to your project, or make one: git init && git commit"
        )
    try:
        handle = pygit2.Repository(found)
    except pygit2.GitError as error:
        raise _refusal(error, start) from error
    git_dir = Path(handle.path).resolve()
    workdir = Path(handle.workdir).resolve() if handle.workdir else None
    return Repo(handle, common_dir_of(git_dir), git_dir, workdir)


def common_dir_of(git_dir: Path) -> Path:
    """Return the folder that all worktrees of the repository share: refs and their locks are there."""
    pointer = git_dir / "commondir"
    return (git_dir / pointer.read_text().strip()).resolve() if pointer.is_file() else git_dir


def remote_names(repo: Repo) -> tuple[str, ...]:
    """Return the names of the repository's remotes."""
    return tuple(name for name in repo.handle.remotes.names() if name)


def packs_changed(repo: Repo) -> int:
    """Return when packs last came or went: every gc or repack that does something changes it."""
    try:
        return (repo.common_dir / "objects" / "pack").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _refusal(error: pygit2.GitError, start: Path) -> AgentroomError:
    text = str(error)
    if "object format" in text:
        return UnsupportedRepositoryError(
            "this repository names its objects by sha256", hint="agentroom works in sha1 repositories only"
        )
    if "refstorage" in text:
        return UnsupportedRepositoryError(
            "this repository keeps its refs in a reftable", hint="git refs migrate --ref-format=files"
        )
    if "owned by" in text:
        return UnsupportedRepositoryError(
            f"{start} belongs to another user", hint="git config --global --add safe.directory PATH, if you trust it"
        )
    return UnsupportedRepositoryError(f"git cannot open {start}: {text}", hint="try: git -C PATH status")


def head_commit(handle: pygit2.Repository) -> Oid | None:
    """Return the commit that HEAD names, or None where there is none yet."""
    if handle.head_is_unborn:
        return None
    return Oid(str(handle.head.peel(pygit2.Commit).id))


def head_branch(handle: pygit2.Repository) -> str | None:
    """Return the full name of the branch that HEAD is on, or None when it is detached."""
    target = handle.lookup_reference("HEAD").raw_target
    return target.decode("utf-8", "surrogateescape") if isinstance(target, bytes) else None
