"""Syncing: bring integration into the agents' worktrees, and say of each that waits why it does."""

import errno
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from agentroom_git.core.escape import one_line, path_text
from agentroom_git.core.events import Notice
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.plan import Place, Stay, plan_sync
from agentroom_git.errors import AgentroomError
from agentroom_git.git.checkout import LATE_SECONDS, Advanced, Brought, advance, recover, sweep
from agentroom_git.git.folds import read_fold
from agentroom_git.git.operations import operation_under_way
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room import making_way, reading, toolmark
from agentroom_git.room.config import BETWEEN_TOOLS
from agentroom_git.room.displaced import KEEP_SECONDS, stage_dir
from agentroom_git.room.folding import held_agents, refuse_unknown
from agentroom_git.room.notices import fold_lock, notice_key, tell
from agentroom_git.room.quarantine import unsafe_paths
from agentroom_git.room.room import Room
from agentroom_git.room.sync_waits import QUIET, Waiting, file_of, waiting
from agentroom_git.system.clock import Clock
from agentroom_git.system.files import read_json, write_json
from agentroom_git.system.locks import held
from agentroom_git.system.turns import Turns

LOCK_SECONDS = 60.0
# An event has a limit of size, above which nobody could read it.
MAX_TOLD = 20
MAX_AT_ONCE = 8
_TROUBLE = (AgentroomError, OSError, KeyError)


@dataclass(frozen=True, slots=True)
class Synced:
    """The worktree was brought forward; `late` are files that a program went on writing meanwhile, kept aside."""

    agent: AgentName
    to: Oid
    paths: tuple[str, ...]
    late: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UpToDate:
    agent: AgentName


SyncResult = Synced | Waiting | UpToDate


def sync_room(room: Room, only: Collection[AgentName] = (), *, asked: bool = False) -> list[SyncResult]:
    """Bring integration to all worktrees, or to the named agents'; `asked` is those agents' own request."""
    room.integration()
    with held(room.private / "sync.lock", seconds=LOCK_SECONDS, what="the sync lock"):
        worktrees = room.worktrees()
        refuse_unknown(only, worktrees)
        at_rest = held_agents(room, worktrees)
        planned = [
            _plan(room, agent, worktree, is_held=agent in at_rest, asked=asked)
            for agent, worktree in sorted(worktrees.items())
            if not only or agent in only
        ]
        results = _bring_all(room, planned)
        if not asked:
            results = [_make_way(room, result) for result in results]
        _remember(room, results, whole=not only)
        return results


def _bring_all(room: Room, planned: Sequence["SyncResult | _Move"]) -> list[SyncResult]:
    """Make the moves, each with its own handle in its own worktree, and then look at all late writers.

    One is made after the other, as side by side the first would come when the last does; but while one waits for a
    lock or a slow disk, another goes on.
    """
    turns = Turns(room.clock)
    with ThreadPoolExecutor(max_workers=MAX_AT_ONCE) as pool:
        made = list(pool.map(lambda step: step.run(turns) if isinstance(step, _Move) else step, planned))
    if any(isinstance(one, _Moved) and one.brought.behind is not None for one in made):
        room.clock.sleep(LATE_SECONDS)
    return [one.result() if isinstance(one, _Moved) else one for one in made]


def _make_way(room: Room, result: SyncResult) -> SyncResult:
    """Let edits that are in the way be saved where the room does so by itself; the next fold takes them."""
    if not isinstance(result, Waiting) or result.reason not in making_way.REASONS:
        return result
    saved = making_way.make_way(room, result.agent, room.worktrees()[result.agent], result.paths)
    if saved.commit is None and not saved.is_passing:
        return result
    reason = "busy" if saved.commit is None else "unfolded"
    return replace(waiting(room, result.agent, reason, result.paths), late=result.late)


@dataclass(frozen=True, slots=True)
class _Move:
    """A worktree to be brought from one commit to another."""

    room: Room
    agent: AgentName
    worktree: Path
    git_dir: Path
    old: Oid
    new: Oid

    def run(self, turns: Turns) -> "_Moved | Waiting":
        """Make it; one worktree's trouble is told and does not keep the others from being synced."""
        with turns.taken():
            return self._run(turns)

    def _run(self, clock: Clock) -> "_Moved | Waiting":
        room = self.room
        stage = stage_dir(room, self.agent)
        branch = room.names.branch(self.agent)
        ends = (branch, self.old, self.new)
        try:
            sweep(stage, KEEP_SECONDS, clock)
            reading.note_sync(str(self.git_dir), self.old, self.new)
            brought = advance(self.worktree, *ends, stage=stage, clock=clock, failpoint=room.failpoint)
        except _TROUBLE as error:
            return _in_trouble(self, error)
        return _Moved(self, brought)


@dataclass(frozen=True, slots=True)
class _Moved:
    """A move that was made, but for the look at late writers."""

    move: _Move
    brought: Brought

    def result(self) -> SyncResult:
        move = self.move
        try:
            done = self.brought.outcome()
        except _TROUBLE as error:
            return _in_trouble(move, error)
        late = tuple(path_text(path) for path in done.late)
        if isinstance(done, Advanced):
            paths = tuple(path_text(path) for path in (*done.written, *done.removed))
            return Synced(move.agent, move.new, paths, late)
        stays = waiting(move.room, move.agent, done.reason, tuple(path_text(path) for path in done.paths))
        return replace(stays, late=late)


def _in_trouble(move: _Move, error: Exception) -> Waiting:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        text = f"the disk of {move.worktree} is full: free space, it goes on by itself"
        return Waiting(move.agent, "full", text, ())
    return Waiting(move.agent, "broken", f"{one_line(str(error))}: run agentroom doctor", ())


def _plan(room: Room, agent: AgentName, worktree: Worktree, *, is_held: bool, asked: bool) -> SyncResult | _Move:
    if worktree.problem or worktree.head is None:
        text = worktree.problem or "its HEAD names no commit"
        return Waiting(agent, "broken", f"{text}: run agentroom doctor", ())
    if operation_under_way(worktree.git_dir):
        return waiting(room, agent, "operation", ())
    integration = room.integration()
    history = room.history
    step = plan_sync(
        Place(
            is_own_branch=worktree.branch == room.names.branch_ref(agent),
            is_folded=history.reaches(integration, worktree.head),
            is_held=is_held,
            is_current=_is_current(room, worktree.head, integration),
        ),
        asked=asked,
    )
    if isinstance(step, Stay):
        return _rest(room, agent, worktree, step.reason)
    if not asked and room.config.sync == BETWEEN_TOOLS and toolmark.is_running(str(worktree.git_dir)):
        return waiting(room, agent, "tool", ())
    return _Move(room, agent, worktree.path, worktree.git_dir, worktree.head, integration)


def _rest(room: Room, agent: AgentName, worktree: Worktree, reason: str) -> Waiting | UpToDate:
    """Leave the worktree where it is, but for what a sync that was killed after its last step left there."""
    try:
        recover(worktree.path, stage=stage_dir(room, agent), clock=room.clock, failpoint=room.failpoint)
    except _TROUBLE as error:
        return Waiting(agent, "broken", f"{one_line(str(error))}: run agentroom doctor", ())
    unsafe = unsafe_paths(room, room.integration(), worktree.head) if reason == "unfolded" and worktree.head else ()
    if unsafe:
        return waiting(room, agent, "refused", unsafe)
    return waiting(room, agent, reason, ()) if reason else UpToDate(agent)


def _is_current(room: Room, head: Oid, integration: Oid) -> bool:
    """Return whether the branch may stay where its agent put it.

    An equal tree is not enough: an agent whose version stood in a contest would go on without having seen it, and
    contest the same lines again with every commit.
    """
    history = room.history
    if history.tree_of(head) != history.tree_of(integration):
        return False
    return all(history.reaches(head, one.id) for one in read_fold(history, integration).heads)


def _remember(room: Room, results: list[SyncResult], *, whole: bool) -> None:
    """Keep who waits and why, and tell each agent once when its reason is new."""
    path = file_of(room)
    before = read_json(path)
    after = {} if whole else dict(before)
    for result in results:
        after.pop(result.agent, None)
        if isinstance(result, Waiting):
            entry = {"reason": result.reason, "text": result.text, "paths": list(result.paths)}
            after[result.agent] = entry
            if before.get(result.agent) != entry and result.reason not in QUIET:
                _tell(room, result)
        if isinstance(result, Synced | Waiting) and result.late:
            _tell_late(room, result)
    if after != before:
        write_json(path, after)


def _tell(room: Room, stays: Waiting) -> None:
    about = f" ({', '.join(stays.paths[:5])})" if stays.paths else ""
    text = f"your worktree does not get the others' work: {stays.text}{about}"
    with fold_lock(room):
        key = notice_key("waits", stays.agent, stays.reason, *stays.paths, room.new_key())
        tell(room, Notice("waits", (stays.agent,), text, stays.paths[:MAX_TOLD]), key=key)


def _tell_late(room: Room, synced: Synced | Waiting) -> None:
    folder = stage_dir(room, synced.agent)
    text = f"a program wrote into files while they were replaced; what it wrote is kept for an hour in {folder}"
    with fold_lock(room):
        key = notice_key("late", synced.agent, room.new_key())
        tell(room, Notice("late", (synced.agent,), text, synced.late[:MAX_TOLD]), key=key)
