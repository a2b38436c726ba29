"""What a sync of one worktree comes to: it went forward, or it waits. Waiting is an answer, not an error."""

from dataclasses import dataclass
from typing import Literal

Reason = Literal[
    "dirty",  # a file has edits that contest what is new
    "untracked",  # something that git does not track, ignored or not, is where a new file goes
    "staged",  # the index has something else for a path that changes
    "filter",  # a path needs a filter program or another encoding
    "operation",  # a merge, rebase, cherry-pick, bisect or commit is under way
    "locked",  # somebody holds index.lock, HEAD.lock or the branch's lock
    "branch",  # HEAD is not on the branch
    "moved",  # the branch is not at the expected commit
    "exchange",  # files cannot be exchanged here
    "index",  # its index is of a kind that only git writes
    "submodule",  # a submodule with files in it is where a file goes
    "case",  # a new path that the file system takes for another
    "unsafe",  # a path that must not be written
]


@dataclass(frozen=True, slots=True)
class Advanced:
    """The worktree, its index and its branch are at the new commit.

    `late` are paths that a program went on writing through a file it had open before, or wrote without a save that the
    sync had taken out for a moment: what the worktree lacks of it is kept in the stage. `edited` are those of the
    written that have uncommitted edits on top.
    """

    written: tuple[bytes, ...]
    removed: tuple[bytes, ...]
    late: tuple[bytes, ...] = ()
    edited: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """Nothing was changed. `paths` are those that stand in the way; `late` as for `Advanced`."""

    reason: Reason
    paths: tuple[bytes, ...] = ()
    detail: str = ""
    late: tuple[bytes, ...] = ()
