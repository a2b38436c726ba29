"""Bringing one worktree from one commit to another while its agent works in it.

Everything happens under the worktree's `index.lock` and `HEAD.lock` and the branch's own lock: files, then index, then
branch. A branch that moved without its index would make the agent's next commit revert the others' work silently; files
that moved without the branch would put the others' work into it. Whatever stops the sync on the way, the files go back,
and only then the locks.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2.enums import RepositoryOpenFlag

from agentroom_git.core.contested import Entry
from agentroom_git.errors import AgentroomError
from agentroom_git.git import half_save
from agentroom_git.git.checkout_outcome import Advanced, Reason, Waits
from agentroom_git.git.checkout_plan import Plan, Planner, has_modes
from agentroom_git.git.commit_mark import is_commit_marked
from agentroom_git.git.displacement import (
    NOTHING,
    Act,
    Bench,
    Journal,
    Step,
    apply_step,
    make_bench,
    sweep,
    unfinished,
)
from agentroom_git.git.index_file import IndexCopy, IndexUnreadableError
from agentroom_git.git.late_writers import LATE_SECONDS, Behind, Brought
from agentroom_git.git.operations import operation_under_way
from agentroom_git.git.ref_lock import mark_lock
from agentroom_git.git.repo import common_dir_of, head_branch
from agentroom_git.git.taking_back import TakingBack, tip_of
from agentroom_git.git.tree_diff import Change
from agentroom_git.git.worktree_lock import clear_own_stale_lock, has_traces, hold, is_taken
from agentroom_git.system.clock import Clock
from agentroom_git.system.exchange import ExchangeError, Folder, Mark
from agentroom_git.system.failpoint import Failpoint, silent
from agentroom_git.system.pids import is_git_at_work_in, own_name

__all__ = ["LATE_SECONDS", "Advanced", "Brought", "Waits", "advance", "recover", "sweep"]

REFLOG_MESSAGE = "agentroom: sync"
_MISMATCH: dict[Act, Reason] = {
    Act.SWAP: "dirty",
    Act.REMOVE: "dirty",
    Act.ADD: "untracked",
    Act.MAKE_DIRECTORY: "untracked",
}


class NotAWorktreeError(AgentroomError):
    """The directory is not the worktree of a repository; git would look for one above it."""


class BranchError(AgentroomError):
    """git could not move the branch of a worktree whose files were ready."""


def advance(
    worktree: Path,
    branch: str,
    old: str,
    new: str,
    *,
    stage: Path,
    clock: Clock,
    failpoint: Failpoint = silent,
) -> Brought:
    """Bring a worktree that is on `branch` at commit `old` to commit `new`, with its index and its branch.

    Files that the agent has not touched are replaced. Edited ones get what is new with the edits, still uncommitted, on
    top. Where that would decide a contest, or something untracked or staged is in the way, the worktree waits and
    nothing is changed. First takes back what a sync that was killed left half done.

    `stage` is a directory of this worktree alone, on its file system: displaced files stay there until `sweep`.
    `failpoint` is called with the name of each step that changes something, before it.

    What is returned still has to look at late writers, once `LATE_SECONDS` have passed: that is its `outcome()`. So of
    many worktrees none waits for the writers of another.

    Raises KeyError for a commit or object that the repository lacks.
    """
    handle = _open(worktree)
    with Folder(worktree, has_modes=has_modes(handle)) as tree:
        return _Sync(handle, tree, f"refs/heads/{branch}", old, new, stage, clock, failpoint).run()


def recover(worktree: Path, *, stage: Path, clock: Clock, failpoint: Failpoint = silent) -> bool:
    """Finish or take back what a sync or a save that was killed left in the worktree, its locks included; true if any.

    Its locks go only after its files: in between, the agent's git would commit others' work as the agent's own. Where
    HEAD has left the branch of that sync, the files are the agent's and stay until HEAD is back. `advance` does so
    first, too; this is for a worktree that needs nothing else. Callers hold the sync lock: two must not take over the
    same locks.
    """
    handle = _open(worktree)
    git_dir = Path(handle.path).resolve()
    if not has_traces(git_dir) and not unfinished(stage, git_dir) and not half_save.is_left(git_dir):
        return False
    with Folder(worktree, has_modes=has_modes(handle)) as tree:
        return _Sync(handle, tree, "", "", "", stage, clock, failpoint).recover()


def _open(worktree: Path) -> pygit2.Repository:
    try:
        handle = pygit2.Repository(str(worktree), RepositoryOpenFlag.NO_SEARCH)
    except pygit2.GitError as error:
        raise NotAWorktreeError(f"{worktree}: {error}", hint="git worktree repair") from error
    if not handle.workdir or not os.path.samefile(handle.workdir, worktree):
        raise NotAWorktreeError(f"{worktree} belongs to {handle.workdir or handle.path}", hint="git worktree repair")
    handle.set_ident("agentroom", "agentroom@localhost")  # for the reflog; the user may have set no name
    return handle


@dataclass(frozen=True, slots=True)
class _Staged:
    """The index entries to set, the steps with their new files made, and what tells those files from a later save.

    `edited` are the paths whose new file has uncommitted edits on top.
    """

    wanted: dict[bytes, Entry | None]
    steps: tuple[Step, ...]
    marks: dict[bytes, Mark]
    edited: frozenset[bytes]


class _Sync:
    def __init__(
        self,
        handle: pygit2.Repository,
        tree: Folder,
        ref: str,
        old: str,
        new: str,
        stage: Path,
        clock: Clock,
        failpoint: Failpoint,
    ) -> None:
        self._handle = handle
        self._git_dir = Path(handle.path).resolve()
        self._tree = tree
        self._ref = ref
        self._old = old
        self._new = new
        self._stage = stage
        self._clock = clock
        self._failpoint = failpoint
        self._back = TakingBack(handle, self._git_dir, tree, stage, clock, failpoint)

    def recover(self) -> bool:
        if self._back.is_any_left():
            return self._back.recover() is None
        return clear_own_stale_lock(self._git_dir)

    def run(self) -> Brought:
        hindrance = self._back.recover() or self._state()
        if hindrance is None and is_taken(self._git_dir):
            hindrance = Waits("locked")
        if hindrance is not None:
            return Brought(hindrance)
        tip = tip_of(self._handle, self._ref)
        if tip != self._old:
            return Brought(Advanced((), ()) if tip == self._new else Waits("moved"))
        with make_bench(self._stage, self._clock, has_modes=self._tree.has_modes) as bench:
            return self._run_on(bench)

    def _state(self) -> Waits | None:
        """Return what the worktree's own folder says to wait for."""
        if head_branch(self._handle) != self._ref:
            return Waits("branch")
        under_way = operation_under_way(self._git_dir)
        if under_way:
            return Waits("operation", detail=under_way)
        if is_commit_marked(self._git_dir):
            return Waits("operation", detail="a commit is under way")
        return None

    def _hindrance_since(self, index: IndexCopy) -> Waits | None:
        if not index.is_current():
            return Waits("locked", detail="git has just written the index")
        hindrance = self._state()
        # A commit reads HEAD before it takes index.lock and gives that back before it moves the branch: under our
        # locks, a git that started earlier may be on either side of them, and would fail or commit what it never saw.
        if hindrance is None and is_git_at_work_in(Path(self._handle.workdir)):
            return Waits("locked", detail="git is at work there")
        return hindrance

    def _run_on(self, bench: Bench) -> Brought:
        try:
            with IndexCopy(self._git_dir) as index:
                staged = self._prepare(bench, index)
                outcome = staged if isinstance(staged, Waits) else self._sync(bench, staged, index)
        except IndexUnreadableError as error:
            bench.discard()
            return Brought(Waits("index", detail=error.message))
        except (AgentroomError, OSError):
            # A full disk, say: what was staged must not keep it full.
            if not bench.is_begun:
                bench.discard()
            raise
        if isinstance(staged, Waits) or not bench.is_begun:
            bench.discard()
            return Brought(outcome)
        tree = self._tree
        known = bench.taken_out, bench.untouched
        return Brought(outcome, Behind(tree.root, bench.path, tree.has_modes, staged.steps, *known))

    def _prepare(self, bench: Bench, index: IndexCopy) -> _Staged | Waits:
        """Find out what to do and make the new files and the new index, before anything is locked."""
        ends, scratch = (self._old, self._new), bench.path / "attributes"
        planner = Planner(self._handle, self._tree, *ends, lambda path: index.entry(path) is not None, scratch)
        plan = _staged_paths(index, planner.changes) or planner.plan()
        if isinstance(plan, Waits):
            return plan
        wanted = {path: after for path, (_, after) in plan.changes.items()}
        if not index.edit(wanted):
            return Waits("staged", detail="a staged file is where a directory goes")
        steps, marks = self._stage_files(bench, planner, plan)
        self._failpoint("write journal")
        bench.write_journal(self._journal(steps))
        # Only now: the disk is asked for the journal at once, and the index is large.
        if wanted:
            index.write_ahead()
        edited = frozenset(action.path for action in plan.actions if action.edited is not None)
        return _Staged(wanted, steps, marks, edited)

    def _stage_files(self, bench: Bench, planner: Planner, plan: Plan) -> tuple[tuple[Step, ...], dict[bytes, Mark]]:
        steps: list[Step] = []
        marks = dict(plan.settled)
        for number, action in enumerate(plan.actions):
            after = NOTHING
            if action.act in (Act.SWAP, Act.ADD):
                self._failpoint(f"stage {number}")
                content, after = planner.result(action)
                mark = bench.stage(number, content)
                if action.edited is None:  # otherwise the index has to say that the file is modified
                    marks[action.path] = mark
            steps.append(Step(action.act, action.path, action.before, after))
        return tuple(steps), marks

    def _journal(self, steps: tuple[Step, ...]) -> Journal:
        return Journal(own_name(), self._git_dir, self._ref, self._tree.has_modes, self._old, self._new, steps)

    def _sync(self, bench: Bench, staged: _Staged, index: IndexCopy) -> Advanced | Waits:
        # Looked at once more before, since git fails at once where it meets our lock, even if we then give way.
        hindrance = self._hindrance_since(index)
        if hindrance is not None:
            return hindrance
        with hold(self._git_dir, self._failpoint) as is_held:
            hindrance = self._hindrance_since(index) if is_held else Waits("locked")
            if hindrance is not None:
                return hindrance
            self._failpoint("begin")
            bench.begin()
            try:
                outcome = self._sync_or_refuse(bench, staged, index)
            except BaseException:
                self._back.take_back(bench, self._journal(staged.steps))
                raise
            if isinstance(outcome, Waits):
                self._back.take_back(bench, self._journal(staged.steps))
            else:
                self._failpoint("finish")
                bench.finish()
            return outcome

    def _sync_or_refuse(self, bench: Bench, staged: _Staged, index: IndexCopy) -> Advanced | Waits:
        try:
            with self._handle.transaction() as transaction:
                return self._sync_with_branch(transaction, bench, staged, index)
        except ExchangeError as error:
            return Waits("exchange", detail=error.message)
        except pygit2.GitError as error:
            if "lock" not in str(error):
                raise BranchError(f"{self._ref} could not be moved: {error}", hint="run: agentroom doctor") from error
            return Waits("locked", detail=f"somebody removed the branch's lock: {error}")

    def _sync_with_branch(
        self, transaction: pygit2.ReferenceTransaction, bench: Bench, staged: _Staged, index: IndexCopy
    ) -> Advanced | Waits:
        self._failpoint("lock branch")
        try:
            transaction.lock_ref(self._ref)
        except pygit2.GitError as error:
            return Waits("locked", detail=str(error))
        self._failpoint("mark branch lock")
        mark_lock(common_dir_of(self._git_dir), self._ref)
        if tip_of(self._handle, self._ref) != self._old:
            return Waits("moved")
        refused = self._sync_files_and_index(bench, staged, index)
        if refused is not None:
            return refused
        self._failpoint("move branch")
        transaction.set_target(self._ref, self._new, message=REFLOG_MESSAGE)
        return Advanced(
            tuple(step.path for step in staged.steps if step.act in (Act.SWAP, Act.ADD)),
            tuple(step.path for step in staged.steps if step.act is Act.REMOVE),
            edited=tuple(sorted(staged.edited)),
        )

    def _sync_files_and_index(self, bench: Bench, staged: _Staged, index: IndexCopy) -> Waits | None:
        for number, step in enumerate(staged.steps):
            self._failpoint(f"{step.act} {number}")
            if not apply_step(self._tree, bench, number, step):
                return Waits(_MISMATCH[step.act], (step.path,))
        self._failpoint("write index")
        if staged.wanted:
            index.install(self._trusted_statuses(staged.marks, bench.placed))
        return None

    def _trusted_statuses(
        self, marks: dict[bytes, Mark], placed: Mapping[bytes, os.stat_result]
    ) -> dict[bytes, os.stat_result]:
        """The status of each file that nobody has saved since it was made or read: a later save changes its own."""
        found = {path: placed.get(path) or self._tree.status(path) for path in marks}
        return {path: status for path, status in found.items() if status is not None and Mark.of(status) == marks[path]}


def _staged_paths(index: IndexCopy, changes: Mapping[bytes, Change]) -> Waits | None:
    """The paths of which the index holds neither what the old commit has nor what the new one has."""
    paths = index.conflicts() or tuple(
        path for path, sides in sorted(changes.items()) if index.entry(path) not in sides
    )
    return Waits("staged", paths) if paths else None
