"""Folding: bring new commits of every worktree, and of the user's branch, into integration.

Under the fold lock, which only saves work: objects and contested records are written first, then the events that
announce them, then integration moves by one swap. A crash before the swap leaves nothing that the next fold does not
do again with the same result, as records and events are recognised by their keys.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from agentroom_git.core.carried import carry
from agentroom_git.core.contested import Contested, describe_contested
from agentroom_git.core.dropped import find_dropped
from agentroom_git.core.escape import one_line, path_text
from agentroom_git.core.events import Notice, Reopened, Rewrote
from agentroom_git.core.fold import Engine, Folded, distinct
from agentroom_git.core.history import Head
from agentroom_git.core.ids import BASE, SIDECAR, AgentName, Oid
from agentroom_git.core.landings import Landed
from agentroom_git.core.plan import Held, Observed, Rewritten, Take, plan_fold
from agentroom_git.core.rewrite import replace_own
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.git import contested_refs, folds, log
from agentroom_git.git.folds import Fold, Tip
from agentroom_git.git.operations import operation_under_way
from agentroom_git.git.repo import packs_changed
from agentroom_git.git.worktrees import Worktree
from agentroom_git.git.writing import UnwritableError
from agentroom_git.room import base, disk, landed, logs, quarantine, rewriting
from agentroom_git.room.digest import closed_contests, read_digests
from agentroom_git.room.gathering import close_replaced, gather_open
from agentroom_git.room.notices import fold_lock, keyed, notice_key, tell
from agentroom_git.room.room import Room

REMEMBER_SECONDS = 3600.0
MANY = 8


@dataclass(frozen=True, slots=True)
class Branch:
    """A head to look at: whose it is, and the full name of the branch it is on (`-` detached, empty for none).

    `under_way` is what git is in the middle of there: until it has ended, HEAD is nothing that the agent has decided.
    """

    agent: AgentName
    head: Oid
    name: str
    under_way: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """One fold: the commit, whose work came in, and what it contested."""

    id: Oid
    agent: AgentName
    folded: Oid
    contested: tuple[Contested, ...]


@dataclass(frozen=True, slots=True)
class FoldReport:
    integration: Oid
    made: tuple[Made, ...]
    held: tuple[AgentName, ...]
    failed: tuple[tuple[AgentName, str], ...]


@dataclass(frozen=True, slots=True)
class _Brought:
    """What a fold brings in: how far which branch, the head for it, and what was contested in making that head."""

    branch: Branch
    head: Head
    contested: tuple[Contested, ...] = ()


@dataclass(slots=True)
class Folder:
    """Folds the branches of one room; keeps the engine's memory between calls.

    What the engine remembers are objects that no ref may name, which a gc prunes in the end: the memory lasts for an
    hour, a fraction of git's own grace, and not beyond a gc.
    """

    room: Room
    engine: Engine = field(init=False)
    remembers: tuple[float, int] = (0.0, 0)

    def __post_init__(self) -> None:
        self.engine = Engine(self.room.history)

    def fold(self, only: Collection[AgentName] = ()) -> FoldReport:
        """Fold what is new, of all branches or of the named agents'; concurrent calls wait for each other."""
        room = self.room
        room.integration()
        disk.require_room(room)
        with fold_lock(room):
            self._forget_in_time()
            made: list[Made] = []
            at_rest: list[AgentName] = []
            failed: list[tuple[AgentName, str]] = []
            branches = observe_branches(room)
            refuse_unknown(only, {branch.agent for branch in branches})
            for branch in _in_order(branches):
                if branch.under_way or (only and branch.agent not in only):
                    continue
                try:
                    for outcome in self._outcomes(branch):
                        made.extend([outcome] if isinstance(outcome, Made) else [])
                        at_rest.extend([branch.agent] if isinstance(outcome, Held) else [])
                except AgentroomError as error:
                    self.engine = Engine(room.history)
                    failed.append((branch.agent, str(error)))
            return FoldReport(room.integration(), tuple(made), tuple(at_rest), tuple(failed))

    def _outcomes(self, branch: Branch) -> Iterator[Made | Held]:
        """Fold one branch to its end: what comes after a landing is a fold of its own."""
        outcome = self.fold_branch(branch)
        while outcome is not None:
            yield outcome
            is_more = branch.agent == BASE and isinstance(outcome, Made) and outcome.folded != branch.head
            outcome = self.fold_branch(branch) if is_more else None

    def _forget_in_time(self) -> None:
        now, packed = self.room.clock.monotonic(), packs_changed(self.room.repo)
        if packed != self.remembers[1] or now - self.remembers[0] > REMEMBER_SECONDS:
            self.engine = Engine(self.room.history)
            self.remembers = (now, packed)

    def fold_commit(self, commit: Oid, agent: AgentName) -> Made | None:
        """Fold a commit that no branch names; None where integration has it."""
        room = self.room
        with fold_lock(room):
            while not room.history.reaches(room.integration(), commit):
                previous = folds.read_fold(room.history, room.integration())
                made = self._write(_Brought(Branch(agent, commit, ""), Head(commit, agent)), previous)
                if self._publish(made, previous):
                    return made
        return None

    def _publish(self, made: Made, previous: Fold) -> bool:
        refs = self.room.refs
        is_moved = refs.swap(self.room.names.integration, made.id, previous.id, message="agentroom: fold")
        if is_moved:
            close_replaced(self.room, made.id)
        return is_moved

    def fold_branch(self, branch: Branch) -> Made | Held | None:
        """Fold one branch; a swap that somebody else's fold made fail is tried again on the new integration.

        A commit with a path that must not be written is not folded: see `room/quarantine.py`.
        """
        while True:
            previous = folds.read_fold(self.room.history, self.room.integration())
            decision = plan_fold(_observe(self.room, branch, previous))
            if isinstance(decision, Held):
                _tell_held(self.room, branch, decision)
                return decision
            if not isinstance(decision, Take | Rewritten):
                return None
            unsafe = quarantine.unsafe_paths(self.room, previous.id, branch.head)
            if unsafe:
                _tell_unsafe(self.room, branch, unsafe)
                return None
            if branch.agent == BASE:
                brought = self._fold_base(branch, decision, previous)
            elif isinstance(decision, Rewritten):
                before = rewriting.stood_for(self.room, previous.id, branch.agent, decision.old)
                brought = self._join(branch, decision.old, before)
            else:
                brought = _Brought(branch, Head(branch.head, branch.agent))
            made = self._write(brought, previous)
            if self._publish(made, previous):
                return made

    def _write(self, brought: _Brought, previous: Fold) -> Made:
        room, branch, head = self.room, brought.branch, brought.head
        heads, folded = self._compute(head, branch.head, previous)
        joined = carry(room.history, brought.contested, room.history.tree_of(head.id), folded.tree)
        gathered = gather_open(room, previous, folded.tree, distinct((*folded.gathered, *joined)))
        contested = tuple(one.record for one in gathered)
        for record in contested:
            is_new = contested_refs.store(room.refs, room.names.contested, record, room.clock.now())
            self._open(record, head.id, may_be_closed=not is_new and folds.find_place(previous, record.id) is None)
        tips = _moved(previous.tips, branch, room.names.branch_ref(branch.agent)) if branch.name else previous.tips
        id = folds.write_fold(
            room.history, room.names.room, previous, folded.tree, heads, tips, head, gathered, room.clock.now()
        )
        return Made(id, branch.agent, branch.head, contested)

    def _open(self, record: Contested, head: Oid, *, may_be_closed: bool) -> None:
        """Tell of a contest; open one again that was closed and comes back with `head`, and then tell of it again."""
        is_closed = may_be_closed and record.id in closed_contests(read_digests(self.room))
        _tell_contested(self.room, record, notice_key("contested", record.id, *([head] if is_closed else [])))
        if is_closed:
            self._record(Reopened(record.id, path_text(record.path)), notice_key("reopened", record.id, head))

    def _compute(self, head: Head, tip: Oid, previous: Fold) -> tuple[frozenset[Head], Folded]:
        """Return the heads of the grown set and its fold, in which what the fold drops is recorded, too.

        No input stops the room: where the fold itself fails, integration's side stands, the failure is recorded, and
        the commit becomes an ancestor of integration all the same.
        """
        history = self.room.history
        everyone = previous.heads | {head}
        kept = history.maximal(frozenset(one.id for one in everyone))
        heads = frozenset(one for one in everyone if one.id in kept)
        try:
            folded = self.engine.fold(heads)
            trees = (history.tree_of(previous.id), history.tree_of(tip), folded.tree)
            whole = {record.path for record in folded.contested if not record.start}
            dropped = find_dropped(history, head.agent, *trees, whole)
            return heads, Folded(folded.tree, (*folded.contested, *dropped), (*folded.gathered, *dropped))
        except UnwritableError:
            # No fault of the commit's: it is folded when the disk has room again.
            raise
        except Exception as error:  # noqa: BLE001 - the boundary that keeps every other agent's work flowing
            tree = history.tree_of(previous.id)
            failure = (_failure(history.tree_of(head.id), head, previous, tree, error),)
            return previous.heads, Folded(tree, failure, failure)

    def _fold_base(self, branch: Branch, decision: Take | Rewritten, previous: Fold) -> _Brought:
        """Return how far the user's branch is folded now, and the head for it: what landed is folded by itself."""
        room = self.room
        if isinstance(decision, Rewritten):
            before = landed.stood_for(room, previous.id, decision.old) or decision.old
            found = landed.stand_again(room, self.engine, branch.head, previous.id, before)
            if found is None:
                return self._join(branch, decision.old, before)
            self._rewrote(branch, decision.old, found.stands)
        else:
            found = landed.stand_for(room, self.engine, branch.head, previous.id)
        if found.landing is not None:
            body = landed.describe(room, found.landing, branch.name.removeprefix("refs/heads/"), previous.id)
            self._record(body, notice_key("landed", found.landing.fold, found.commit))
        return _Brought(replace(branch, head=found.commit), Head(found.stands, BASE))

    def _record(self, body: Landed | Rewrote | Reopened, key: str) -> None:
        log.append(self.room.refs, self.room.names.log(SIDECAR), keyed(self.room, body, key), self.room.clock.now())

    def _rewrote(self, branch: Branch, old: Oid, join: Oid) -> None:
        self._record(Rewrote(branch.agent, old, branch.head, join), notice_key("rewrote", old, branch.head))
        if branch.agent == BASE:
            tell(self.room, base.rewritten(self.room, old, branch.head), key=notice_key("base", old, branch.head))

    def _join(self, branch: Branch, tip: Oid, old: Oid) -> _Brought:
        """Return the commit that stands for a rewritten branch: all that others did, and of its own only the new.

        `tip` is where the branch was, `old` what stood for it. The commit's content and time depend on the two and on
        the new tip alone, so that a repeated fold makes the same commit.
        """
        room, history, new = self.room, self.room.history, branch.head
        folded = replace_own(self.engine, branch.agent, old, new, rewriting.own_commits(room, branch.agent, old, new))
        join = folds.write_join(history, branch.agent, old, new, folded.tree, history.commit(new).commit_time)
        self._rewrote(branch, tip, join)
        return _Brought(branch, Head(join, branch.agent), folded.contested)


def refuse_unknown(named: Collection[AgentName], known: Collection[AgentName]) -> None:
    """Raise `UsageError` for an agent that is named and not known."""
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise UsageError(f"no agent {unknown[0]!r} in this room", hint="agentroom status lists who is here")


def observe_branches(room: Room, worktrees: Mapping[AgentName, Worktree] | None = None) -> list[Branch]:
    """Return what there is to fold: the HEAD of each agent's worktree, and the user's branch.

    Where a worktree is gone or belongs to another repository, the agent's branch stands for it.
    """
    found: dict[AgentName, Branch] = {}
    for agent, worktree in (room.worktrees() if worktrees is None else worktrees).items():
        if not worktree.problem and worktree.head is not None:
            under_way = operation_under_way(worktree.git_dir)
            found[agent] = Branch(agent, worktree.head, worktree.branch or "-", under_way)
    for writer in logs.writers(room, besides=found):
        own = room.names.branch_ref(writer)
        tip = room.refs.get(own)
        if tip is not None:
            found[writer] = Branch(writer, tip, own)
    name = base.base_branch(room)
    tip = room.refs.get(name) if name else None
    if name and tip is not None:
        found[BASE] = Branch(BASE, tip, name)
    return [found[agent] for agent in sorted(found)]


def _in_order(branches: list[Branch]) -> list[Branch]:
    """Return the branches in the order in which they are folded, which changes no result.

    The engine merges the heads of a set in the order of their ids, and remembers the first ones: where many are new,
    each new one costs one merge if it comes last, and as many as there are heads if it comes first.
    """
    return sorted(branches, key=lambda branch: branch.head) if len(branches) > MANY else branches


def _moved(tips: frozenset[Tip], branch: Branch, own: str) -> frozenset[Tip]:
    """Return the tips with this branch's; of branches that are not the agent's own only the last one is kept."""
    gone = {branch.name} if branch.name == own else {tip.branch for tip in tips} - {own}
    kept = {tip for tip in tips if tip.agent != branch.agent or tip.branch not in gone | {branch.name}}
    return frozenset(kept | {Tip(branch.agent, branch.head, branch.name)})


def _observe(room: Room, branch: Branch, previous: Fold) -> Observed:
    on_it = (tip.id for tip in previous.tips if (tip.agent, tip.branch) == (branch.agent, branch.name))
    known = next((id for id in on_it if id in room.repo.handle), None)
    return Observed(
        agent=branch.agent,
        head=branch.head,
        tip=known,
        is_folded=room.history.reaches(previous.id, branch.head),
        is_forward=known is None or room.history.reaches(branch.head, known),
    )


def held_agents(room: Room, worktrees: Mapping[AgentName, Worktree]) -> frozenset[AgentName]:
    """Return the agents whose branch stepped back and has nothing new."""
    previous = folds.read_fold(room.history, room.integration())
    return frozenset(
        branch.agent
        for branch in observe_branches(room, worktrees)
        if not branch.under_way and isinstance(plan_fold(_observe(room, branch, previous)), Held)
    )


def _failure(theirs: Oid, head: Head, previous: Fold, tree: Oid, error: Exception) -> Contested:
    kept = hashlib.sha256(f"{head.id} {tree}".encode()).hexdigest()[:12]
    others = tuple(sorted({one.agent for one in previous.heads}))
    return Contested(
        id=kept,
        path=one_line(f"(all of {head.id[:10]}: {type(error).__name__} {error})", 120).encode(),
        kind="failed",
        step="side",
        start=0,
        lines=0,
        base=None,
        agents=(others, (head.agent,)),
        sides=(tree, theirs),
        winner=0,
    )


def _tell_unsafe(room: Room, branch: Branch, paths: tuple[str, ...]) -> None:
    notice = quarantine.notice_of(branch.agent, branch.head, paths)
    if notice is not None:
        tell(room, notice, key=notice_key("unsafe", branch.agent, branch.head))


def _tell_held(room: Room, branch: Branch, decision: Held) -> None:
    text = (
        f"your branch stepped back from {decision.old[:10]}, which the others have already; nothing was taken from"
        " them, and your worktree is not synced. Run sync to take it up again, or commit what you want instead"
    )
    notice = Notice("held", (branch.agent,), text, ())
    if branch.agent == BASE:
        notice = base.stepped_back(room, decision.old, branch.head)
    tell(room, notice, key=notice_key("held", branch.agent, decision.old, branch.head))


def _tell_contested(room: Room, record: Contested, key: str) -> None:
    agents = sorted({name for names in record.agents for name in names} - {BASE})
    if agents:
        text = f"contested {describe_contested(record)}; every version is in {room.names.contested}{record.id}"
        notice = Notice("contested", tuple(agents), text, (path_text(record.path),))
        tell(room, notice, key=key)
