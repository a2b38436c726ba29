"""A commit made in a worktree by us: objects first, then the index, then one swap of the branch that HEAD is on.

No hook is run. The agent's own git comes first: everything is made ready beside its index, and put in place under its
locks only if nothing of git's has happened or happens there. Where the branch does not move after all, or a kill comes
between index and branch, the index is put back (`git/half_save.py`).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pygit2
from pygit2.enums import RepositoryOpenFlag

from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.git import half_save
from agentroom_git.git.commit_mark import is_commit_marked
from agentroom_git.git.log import signature
from agentroom_git.git.operations import operation_under_way
from agentroom_git.git.refs import Refs
from agentroom_git.git.repo import head_branch
from agentroom_git.git.worktree_lock import NAMES, hold, is_taken
from agentroom_git.git.worktrees import Worktree
from agentroom_git.git.writing import writing
from agentroom_git.system.pids import is_git_at_work_in

AT_WORK = "git is at work there"


@dataclass(frozen=True, slots=True)
class Kept:
    """Why nothing was committed; where `is_passing`, it goes by itself."""

    reason: str
    is_passing: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """A worktree's index as it was when its copy was made."""

    index: Path
    mark: tuple[int, int, int]

    @classmethod
    def look(cls, worktree: Worktree) -> "Seen":
        index = worktree.git_dir / "index"
        return cls(index, _mark(index))

    def is_current(self) -> bool:
        return _mark(self.index) == self.mark


def _mark(index: Path) -> tuple[int, int, int]:
    try:
        status = index.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit that is ready to be made on top of `head`: its tree, and the index that goes with it."""

    head: Oid
    tree: Oid
    index: Path
    seen: Seen


def hindrance(worktree: Worktree) -> Kept | None:
    """Return why nothing of ours may be committed in the worktree now."""
    under_way = operation_under_way(worktree.git_dir)
    if under_way:
        return Kept(under_way, is_passing=False)
    if is_taken(worktree.git_dir) or _is_at_work(worktree):
        return Kept(AT_WORK, is_passing=True)
    return None


def commit_draft(refs: Refs, worktree: Worktree, draft: Draft, who: AgentName, message: str) -> Oid | Kept:
    """Make the commit in somebody's name, unless HEAD, its branch or the index moved or git is at work there.

    Opened in the worktree, so that its own reflog tells of the commit.
    """
    handle = pygit2.Repository(str(worktree.path), RepositoryOpenFlag.NO_SEARCH)
    author = signature(who, refs.clock.now())
    handle.set_ident(author.name, author.email)
    parents = [pygit2.Oid(hex=draft.head)]
    with writing():
        made = Oid(str(handle.create_commit(None, author, author, message, pygit2.Oid(hex=draft.tree), parents)))
    # Looked at before the locks, too: git fails at once where it meets one, even if we then give way.
    if not draft.seen.is_current() or _is_at_work(worktree):
        return Kept(AT_WORK, is_passing=True)
    # A detached HEAD is moved under its own lock, which the swap takes.
    names = NAMES if worktree.branch else NAMES[:1]
    with hold(worktree.git_dir, refs.failpoint, names) as is_held:
        if not is_held or not draft.seen.is_current() or _is_at_work(worktree):
            return Kept(AT_WORK, is_passing=True)
        # A switch to a new branch at the same commit leaves the index as it is.
        if (head_branch(handle) or "") != worktree.branch:
            return _MOVED
        note = f"commit: {message.splitlines()[0]}"
        return made if _put_in_place(replace(refs, handle=handle), worktree, draft, made, note) else _MOVED


_MOVED = Kept("its branch moved meanwhile", is_passing=True)


def _put_in_place(refs: Refs, worktree: Worktree, draft: Draft, made: Oid, note: str) -> bool:
    folder, is_moved = draft.index.parent, False
    half_save.note(folder, worktree.branch, draft.head, draft.index, draft.seen.index)
    refs.failpoint("save index")
    draft.index.replace(draft.seen.index)
    try:
        refs.failpoint("save branch")
        is_moved = refs.swap(worktree.branch or "HEAD", made, draft.head, message=note)
    finally:
        if not is_moved:
            half_save.put_back(refs.handle, worktree.git_dir, folder)
    return is_moved


def _is_at_work(worktree: Worktree) -> bool:
    return is_commit_marked(worktree.git_dir) or is_git_at_work_in(worktree.path)
