"""Keeping what a worktree holds and integration does not: tips and uncommitted work, each under a ref of its own."""

import tempfile
from pathlib import Path

from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.errors import AgentroomError
from agentroom_git.git.log import author_environment
from agentroom_git.git.refs import Refs
from agentroom_git.git.repo import Repo
from agentroom_git.git.worktrees import Worktree
from agentroom_git.system.process import Finished, git


class ArchiveError(AgentroomError):
    """Work could not be kept, so that nothing may be removed."""


def keep(refs: Refs, prefix: str, commit: Oid) -> str:
    """Put the commit under the next free number of the prefix, unless it is there already; return the ref."""
    while True:
        present = refs.listed(prefix)
        for name, oid in present.items():
            if oid == commit:
                return name
        numbers = [int(last) for name in present if (last := name.removeprefix(prefix)).isdigit()]
        name = f"{prefix}{max(numbers, default=0) + 1}"
        if refs.swap(name, commit, None):
            return name


def snapshot(repo: Repo, worktree: Worktree, agent: AgentName) -> Oid | None:
    """Return a commit of the worktree as it is on disk, with its index as second parent; None where both are clean.

    Untracked files are in it, ignored ones are not. Raises `ArchiveError` when git cannot read them.
    """
    if not _run(worktree, "status", "--porcelain", "-z", "--untracked-files=all").out:
        return None
    if worktree.head is None:
        raise ArchiveError(f"{worktree.path} has no commit to archive its edits on", hint="commit them by hand")
    index_tree = _run(worktree, "write-tree").out.decode().strip()
    with tempfile.TemporaryDirectory(dir=worktree.git_dir) as folder:
        copy = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _run(worktree, "read-tree", "HEAD", env=copy)
        _run(worktree, "add", "--all", env=copy)
        tree = _run(worktree, "write-tree", env=copy).out.decode().strip()
    who = author_environment(agent)
    index = _commit(worktree, index_tree, f"index of {agent}", [worktree.head], who)
    return _commit(worktree, tree, f"uncommitted work of {agent}", [worktree.head, index], who)


def _commit(worktree: Worktree, tree: str, message: str, parents: list[Oid], env: dict[str, str]) -> Oid:
    options = [part for parent in parents for part in ("-p", parent)]
    done = _run(worktree, "commit-tree", tree, *options, "-m", message, env=env)
    return Oid(done.out.decode().strip())


def _run(worktree: Worktree, *arguments: str, env: dict[str, str] | None = None) -> Finished:
    done = git(*arguments, cwd=worktree.path, env=env)
    if done.code != 0:
        raise ArchiveError(
            f"git {arguments[0]} failed in {worktree.path}: {done.message}", hint="commit or move the edits by hand"
        )
    return done


def ignored_files(worktree: Worktree) -> list[str]:
    """Return the ignored files in the worktree, relative to its top."""
    done = _run(worktree, "ls-files", "-z", "--others", "--ignored", "--exclude-standard")
    return sorted(name for name in done.out.decode("utf-8", "surrogateescape").split("\0") if name)
