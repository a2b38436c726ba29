"""Taking back what a sync has done to a worktree: one that is refused on its way, or that was killed.

Locks go only after files: in between, the agent's git would commit others' work as the agent's own.
"""

from dataclasses import dataclass
from pathlib import Path

import pygit2

from agentroom_git.git import half_save
from agentroom_git.git.checkout_outcome import Waits
from agentroom_git.git.commit_mark import is_commit_marked
from agentroom_git.git.displacement import Bench, Journal, undo, unfinished
from agentroom_git.git.index_file import IndexCopy
from agentroom_git.git.operations import operation_under_way
from agentroom_git.git.ref_lock import clear_left
from agentroom_git.git.repo import common_dir_of, head_branch
from agentroom_git.git.tree_diff import Change, diff_trees
from agentroom_git.git.worktree_lock import clear_own_stale_lock, hold_left
from agentroom_git.system.clock import Clock
from agentroom_git.system.exchange import Folder
from agentroom_git.system.failpoint import Failpoint
from agentroom_git.system.pids import is_alive, own_name


@dataclass(frozen=True, slots=True)
class TakingBack:
    """What it needs to know of one worktree; `stage` is where the worktree's syncs keep what they displace."""

    handle: pygit2.Repository
    git_dir: Path
    tree: Folder
    stage: Path
    clock: Clock
    failpoint: Failpoint

    def is_any_left(self) -> bool:
        """Whether there is something half done to be taken back now."""
        return bool(self._pending()) or half_save.is_left(self.git_dir)

    def recover(self) -> Waits | None:
        """Take back what syncs and saves that were killed have left, then release their locks."""
        pending = self._pending()
        if not pending and not half_save.is_left(self.git_dir):
            clear_own_stale_lock(self.git_dir)
            return None
        if any(is_alive(journal.owner) and journal.owner != own_name() for _, journal in pending):
            return Waits("locked")
        with hold_left(self.git_dir, self.failpoint) as is_held:
            if not is_held:
                return Waits("locked")
            pending = self._pending()
            if not all(clear_left(common_dir_of(self.git_dir), journal.ref, self.clock) for _, journal in pending):
                return Waits("locked", detail="the branch is locked")
            for path, journal in pending:
                with Bench(path, has_modes=journal.has_modes) as bench:
                    self.take_back(bench, journal)
            self.failpoint("take back save")
            half_save.take_back(self.handle, self.git_dir)
        clear_own_stale_lock(self.git_dir)  # and what lies beside the locks
        return None

    def _pending(self) -> list[tuple[Path, Journal]]:
        """The syncs to take back: none while HEAD is elsewhere or git amid something, which takes a removed lock."""
        found = unfinished(self.stage, self.git_dir)
        if not found or operation_under_way(self.git_dir) or is_commit_marked(self.git_dir):
            return []
        head = head_branch(self.handle)
        return [(path, journal) for path, journal in found if journal.old == journal.new or journal.ref == head]

    def take_back(self, bench: Bench, journal: Journal) -> None:
        """Put files and index back to the journal's old commit, unless its branch did move on to the new one."""
        self._roll_back(bench, journal)
        self.failpoint("finish taking back")
        bench.finish()

    def _roll_back(self, bench: Bench, journal: Journal) -> None:
        tip = tip_of(self.handle, journal.ref) or journal.old
        if tip != journal.old and (tip == journal.new or self.handle.descendant_of(tip, journal.new)):
            return
        changes = self._changes(journal.old, journal.new)
        since = self._changes(journal.old, tip)
        # An agent that removed our lock and committed may have committed new files of ours: those stay.
        kept = {path for path in changes.keys() & since.keys() if changes[path][1] == since[path][1]}
        changes = {path: change for path, change in changes.items() if path not in kept}
        self.failpoint("undo files")
        undo(self.tree, bench, journal.steps, only=changes.keys())
        self.failpoint("undo index")
        self._restore_index(changes)

    def _restore_index(self, changes: dict[bytes, Change]) -> None:
        with IndexCopy(self.git_dir) as index:
            wanted = {path: before for path, (before, after) in changes.items() if index.entry(path) == after}
            if wanted and index.edit(wanted):
                index.write_ahead()
                index.install({})

    def _changes(self, old: str, new: str) -> dict[bytes, Change]:
        trees = (str(self.handle[commit].peel(pygit2.Tree).id) for commit in (old, new))
        return diff_trees(self.handle, *trees)


def tip_of(handle: pygit2.Repository, ref: str) -> str | None:
    """Return the commit that a branch names, or None where there is no such branch."""
    try:
        return str(handle.lookup_reference(ref).target)
    except KeyError:
        return None
