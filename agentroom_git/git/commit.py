"""A commit made in a worktree by us: objects first, then one swap of the branch that HEAD is on; no hook is run."""

from dataclasses import replace

import pygit2
from pygit2.enums import RepositoryOpenFlag

from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.git.log import signature
from agentroom_git.git.refs import Refs
from agentroom_git.git.worktrees import Worktree
from agentroom_git.git.writing import writing


def commit_tree(refs: Refs, worktree: Worktree, tree: Oid, head: Oid, who: AgentName, message: str) -> Oid | None:
    """Commit the tree on top of `head` in somebody's name; None where the worktree's branch is not at `head` any more.

    Opened in the worktree, so that its own reflog tells of the commit.
    """
    handle = pygit2.Repository(str(worktree.path), RepositoryOpenFlag.NO_SEARCH)
    author = signature(who, refs.clock.now())
    handle.set_ident(author.name, author.email)
    parents = [pygit2.Oid(hex=head)]
    with writing():
        made = Oid(str(handle.create_commit(None, author, author, message, pygit2.Oid(hex=tree), parents)))
    note = f"commit: {message.splitlines()[0]}"
    is_moved = replace(refs, handle=handle).swap(worktree.branch or "HEAD", made, head, message=note)
    return made if is_moved else None
