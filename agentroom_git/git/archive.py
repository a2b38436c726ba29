"""Keeping what a worktree holds and integration does not: tips and uncommitted work, each under a ref of its own."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

import pygit2

from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.errors import AgentroomError
from agentroom_git.git.log import author_environment
from agentroom_git.git.refs import Refs
from agentroom_git.git.repo import Repo
from agentroom_git.git.worktrees import Worktree
from agentroom_git.system.process import Finished, git

# Refs that git keeps in a worktree's own entry.
_OWN_REFS = ("refs/worktree/", "refs/bisect/", "refs/rewritten/")


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


def keep_snapshot(refs: Refs, prefix: str, taken: Oid) -> str:
    """Keep a snapshot unless one of the same files, index and commit is kept already; return the ref that has it."""
    wanted = _content(refs.handle, taken)
    for name, oid in refs.listed(prefix).items():
        if oid in refs.handle and _content(refs.handle, oid) == wanted:
            return name
    return keep(refs, prefix, taken)


def _content(handle: pygit2.Repository, commit: Oid) -> tuple[str, ...]:
    """Return what a snapshot holds: all but the moment at which it was taken."""
    found = handle[commit].peel(pygit2.Commit)
    indexes = (str(parent.tree_id) for parent in found.parents[1:])
    return (found.message, str(found.tree_id), *map(str, found.parent_ids[:1]), *indexes)


def snapshot(worktree: Worktree, agent: AgentName) -> Oid | None:
    """Return a commit of the worktree as it is on disk, with its index as second parent; None where both are clean.

    Untracked files are in it; ignored ones are where they are tracked or staged. A merge's conflicts are in it as the
    files show them, without an index. Raises `ArchiveError` when git cannot read the files.
    """
    if worktree.head is None:
        raise ArchiveError(f"{worktree.path} has no commit to archive its edits on", hint="commit them by hand")
    unmerged = _run(worktree, "ls-files", "--unmerged", "-z").out
    head = _tree_of(worktree, worktree.head)
    has_index = (worktree.git_dir / "index").exists()
    staged = _tree_of_index(worktree) if has_index and not unmerged else head
    files = _tree_of_files(worktree)
    if head == staged == files:
        return None
    parents = [worktree.head]
    if staged != head:
        parents.append(_commit(worktree, staged, f"index of {agent}", [worktree.head], agent))
    return _commit(worktree, files, f"uncommitted work of {agent}", parents, agent)


def snapshot_index(repo: Repo, worktree: Worktree, agent: AgentName) -> Oid | None:
    """Return a commit of what was staged in a worktree whose folder is gone, or None where nothing was.

    Raises `ArchiveError` where there is an index and no commit to compare it with.
    """
    index = worktree.git_dir / "index"
    if not index.exists():
        return None
    if worktree.head is None:
        raise ArchiveError(f"HEAD of {worktree.name} names no commit to archive on", hint=f"look into {index}")
    done = git("write-tree", cwd=repo.common_dir, env={"GIT_INDEX_FILE": str(index)})
    if done.code != 0 or _text(done) == _tree_of(worktree, worktree.head, repo.common_dir):
        return None
    return _commit(worktree, _text(done), f"index of {agent}", [worktree.head], agent, repo.common_dir)


def _tree_of_index(worktree: Worktree) -> str:
    """Write the tree of what is staged, from a copy: git would note the result in the index itself."""
    with tempfile.TemporaryDirectory(dir=worktree.git_dir) as folder:
        copy = Path(folder) / "index"
        shutil.copyfile(worktree.git_dir / "index", copy)
        return _text(_run(worktree, "write-tree", env={"GIT_INDEX_FILE": str(copy)}))


def _tree_of_files(worktree: Worktree) -> str:
    """Write the tree of what is on disk, by an index of its own that trusts none of the worktree's flags and dates."""
    with tempfile.TemporaryDirectory(dir=worktree.git_dir) as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _run(worktree, "read-tree", "HEAD", env=env)
        _add_all(worktree, env)
        tracked = _run(worktree, "ls-files", "-z").out
        listed = b"".join(name + b"\0" for name in tracked.split(b"\0") if name and _is_file(worktree, name))
        _run(worktree, "update-index", "--add", "-z", "--stdin", env=env, stdin=listed)
        return _text(_run(worktree, "write-tree", env=env))


def _add_all(worktree: Worktree, env: dict[str, str]) -> None:
    """Add everything; where git refuses, as it does for a repository without a commit, all but repositories."""
    if git("add", "--all", cwd=worktree.path, env=env).code == 0:
        return
    _run(worktree, "add", "--update", env=env)
    others = _run(worktree, "ls-files", "-z", "--others", "--exclude-standard", env=env).out.split(b"\0")
    files = b"".join(name + b"\0" for name in others if name and not name.endswith(b"/"))
    _run(worktree, "update-index", "--add", "-z", "--stdin", env=env, stdin=files)


def _is_file(worktree: Worktree, name: bytes) -> bool:
    """Return whether a file or link stands at the path, and not behind a link."""
    path = worktree.path / os.fsdecode(name)
    if path.is_dir() and not path.is_symlink():
        return False
    return os.path.lexists(path) and path.parent.resolve() == worktree.path.resolve() / Path(os.fsdecode(name)).parent


def lost_commits(worktree: Worktree) -> list[Oid]:
    """Return the newest of the commits that only the worktree's own reflog or refs name, which go when it does."""
    if worktree.head is None:
        return []
    # Not run in its folder, which may be gone.
    here = f"--git-dir={worktree.git_dir}"
    logged = git(here, "rev-list", "--walk-reflogs", "--ignore-missing", "HEAD", cwd=worktree.git_dir)
    own = [f"--glob={prefix}*" for prefix in _OWN_REFS]
    others = [f"--exclude={prefix}*" for prefix in _OWN_REFS]
    revisions = ("--parents", "--ignore-missing", "--stdin", "HEAD", *own, "--not", *others, "--all")
    done = git(here, "rev-list", *revisions, cwd=worktree.git_dir, stdin=logged.out)
    if done.code != 0 or logged.code != 0:
        raise ArchiveError(f"the reflog of {worktree.name} cannot be read: {done.message}", hint="run: git fsck")
    listed = done.out.decode()
    lines = [line.split() for line in listed.splitlines()]
    parents = {parent for line in lines for parent in line[1:]}
    return [Oid(line[0]) for line in lines if line[0] not in parents]


def _tree_of(worktree: Worktree, commit: Oid, cwd: Path | None = None) -> str:
    return _text(_run(worktree, "rev-parse", f"{commit}^{{tree}}", cwd=cwd))


def _text(done: Finished) -> str:
    return done.out.decode().strip()


def _commit(
    worktree: Worktree, tree: str, message: str, parents: list[Oid], agent: AgentName, cwd: Path | None = None
) -> Oid:
    options = [part for parent in parents for part in ("-p", parent)]
    env = author_environment(agent)
    return Oid(_text(_run(worktree, "commit-tree", tree, *options, "-m", message, env=env, cwd=cwd)))


def _run(
    worktree: Worktree, *arguments: str, env: dict[str, str] | None = None, stdin: bytes = b"", cwd: Path | None = None
) -> Finished:
    done = git(*arguments, cwd=cwd or worktree.path, env=env, stdin=stdin)
    if done.code != 0:
        raise ArchiveError(
            f"git {arguments[0]} failed in {worktree.path}: {done.message}", hint="commit or move the edits by hand"
        )
    return done


def untracked_files(top: Path) -> list[str]:
    """Return every untracked file of a checkout, ignored or not, links as files; nothing of repositories below it."""
    done = git("ls-files", "-z", "--others", cwd=top)
    if done.code != 0:
        raise ArchiveError(f"git ls-files failed in {top}: {done.message}", hint="run it there by hand")
    names = os.fsdecode(done.out).split("\0")
    return sorted(name for name in names if name and not name.endswith("/"))


def ignored_files(worktree: Worktree) -> list[str]:
    """Return the ignored files in the worktree, relative to its top; a repository below it ends with `/`."""
    done = _run(worktree, "ls-files", "-z", "--others", "--ignored", "--exclude-standard")
    return sorted(name for name in os.fsdecode(done.out).split("\0") if name)


def nested_repositories(worktree: Worktree, skipped: Collection[str]) -> Iterator[str]:
    """Yield folders below the worktree's top that are repositories themselves: no snapshot holds what is in them."""
    for folder, below, names in os.walk(worktree.path):
        if folder != str(worktree.path) and (".git" in below or ".git" in names):
            yield os.path.relpath(folder, worktree.path) + "/"
            below.clear()
        below[:] = [name for name in below if name not in skipped and name != ".git"]
