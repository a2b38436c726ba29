"""Undoing folds: their inverse is one more commit of the set, so that nothing which was folded comes back by itself.

The commit is made on integration, whose author had seen everything; undoing it is undoing its own fold. Where later
folds changed the same lines, nothing is decided here: they are undone too, or the inverse is folded as a contest.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from agentroom_git.core import trailers
from agentroom_git.core.escape import one_line, path_text
from agentroom_git.core.events import Notice
from agentroom_git.core.ids import BASE, HUMAN, AgentName, Oid
from agentroom_git.core.landings import Undid
from agentroom_git.core.tree import Party, Voice, merge_trees
from agentroom_git.errors import UsageError
from agentroom_git.git.folds import read_fold, write_commit
from agentroom_git.room import aftermath, logs
from agentroom_git.room.folding import Folder
from agentroom_git.room.landed import fold_chain
from agentroom_git.room.notices import fold_lock, notice_key, tell
from agentroom_git.room.room import Room

MAX_MINIMISED = 40
"""Later folds among which the least that must be undone, too, is looked for one by one."""
MAX_TOLD = 20


@dataclass(frozen=True, slots=True)
class Step:
    """One fold that is undone, or that is in the way: whose it is and what it was."""

    fold: Oid
    agent: AgentName
    subject: str


@dataclass(frozen=True, slots=True)
class Undoing:
    """What became of undoing `steps`. `made` is the fold of their inverse, None where nothing was to be done.

    `blocked_by` are later folds that changed the same lines of `paths`; `foreign` are steps that the acting agent may
    not undo. Where there are any, nothing was done. `already` are folds that were undone before, which are no steps,
    each with the fold that did it.
    """

    steps: tuple[Step, ...]
    made: Oid | None
    blocked_by: tuple[Step, ...]
    paths: tuple[str, ...]
    foreign: tuple[Step, ...]
    already: tuple[tuple[Oid, Oid], ...] = ()

    @property
    def is_refused(self) -> bool:
        return self.made is None and bool(self.blocked_by or self.foreign or (self.steps and self.paths))


def find_fold(room: Room, name: str) -> Oid:
    """Return the fold of this name, or the one that brought the commit of this name in."""
    wanted = room.history.resolve(name)
    if wanted is None:
        raise UsageError(f"{ascii(name[:80])} names no commit", hint="agentroom log, or git log, lists the folds")
    found = None
    for fold in fold_chain(room, room.integration()):
        if fold == wanted:
            return fold
        if not room.history.reaches(fold, wanted):
            break
        found = fold
    if found is None or room.history.reaches(room.history.parents(found)[0], wanted):
        raise UsageError(f"no fold brought {wanted[:10]} into this room", hint="agentroom log lists the folds")
    return found


def folds_of(room: Room, agent: AgentName, since: datetime | None) -> list[Oid]:
    """Return the agent's folds since then, newest first, but for those that undo."""
    history = room.history
    found = []
    for fold in fold_chain(room, room.integration()):
        if since is not None and history.commit(fold).commit_time < since.timestamp():
            break
        (head,) = read_fold(history, fold).folded[:1]
        if head.agent == agent and not trailers.values(history.message(head.id), trailers.UNDID):
            found.append(fold)
    return found


def undo(room: Room, wanted: Collection[Oid], *, later: bool = False, contested: bool = False) -> Undoing:
    """Fold the inverse of these folds and tell their authors, unless later folds built on them.

    With `later` those are undone, too; with `contested` the inverse of a single fold is folded as if made right on it,
    and what later folds changed is contested. An agent undoes its own folds only.
    """
    tip = room.integration()
    undone = _undone(room, tip, wanted)
    already = tuple((fold, undone[fold]) for fold in wanted if fold in undone)
    folds = [fold for fold in fold_chain(room, tip) if fold in set(wanted) - set(undone)]
    if already and not folds:
        return Undoing((), None, (), (), (), already)
    tree, paths = _invert(room, room.history.tree_of(tip), folds)
    blocking = _blocking(room, tip, folds, paths) if paths else []
    if blocking and later:
        folds = [fold for fold in fold_chain(room, tip) if fold in {*folds, *blocking}]
        tree, paths = _invert(room, room.history.tree_of(tip), folds)
        blocking = []
    steps = tuple(_step(room, fold) for fold in folds)
    foreign = tuple(step for step in steps if room.me not in (None, step.agent))
    refused = Undoing(steps, None, tuple(_step(room, one) for one in blocking), _texts(paths), foreign, already)
    if foreign or (paths and not (contested and len(folds) == 1)):
        return refused
    parent = tip
    if paths:
        parent, tree = folds[0], room.history.tree_of(room.history.parents(folds[0])[0])
    elif tree == room.history.tree_of(tip):
        return Undoing(steps, None, (), (), (), already)
    return Undoing(steps, _fold_inverse(room, steps, parent, tree), (), _texts(paths), (), already)


def _undone(room: Room, tip: Oid, wanted: Collection[Oid]) -> dict[Oid, Oid]:
    """Return which folds down to the oldest of these are undone as things are, each with the fold that did it."""
    history, waiting = room.history, set(wanted)
    found: dict[Oid, Oid] = {}
    for fold in fold_chain(room, tip):
        waiting.discard(fold)
        for head in read_fold(history, fold).folded[:1] if fold not in found else ():
            for undid in trailers.values(history.message(head.id), trailers.UNDID):
                found.setdefault(Oid(undid), fold)
        if not waiting:
            break
    return found


def _texts(paths: Collection[bytes]) -> tuple[str, ...]:
    return tuple(path_text(path) for path in sorted(paths))


def _step(room: Room, fold: Oid) -> Step:
    (head,) = read_fold(room.history, fold).folded[:1]
    return Step(fold, head.agent, one_line(room.history.subject(head.id), 100))


def _invert(room: Room, tree: Oid, folds: Sequence[Oid]) -> tuple[Oid, set[bytes]]:
    """Return the tree without what these folds, newest first, made of it, and the paths where that is contested."""
    history = room.history
    blocked: set[bytes] = set()
    for fold in folds:
        before = history.tree_of(history.parents(fold)[0])
        parties = [Party(one, (Voice(BASE, one, 1, one),)) for one in (tree, before)]
        merged = merge_trees(history, history.tree_of(fold), parties[0], parties[1])
        tree = merged.tree
        blocked.update(record.path for record in merged.contested)
    return tree, blocked


def _blocking(room: Room, tip: Oid, folds: Sequence[Oid], paths: set[bytes]) -> list[Oid]:
    """Return the later folds that must be undone, too, newest first: as few as make the inverse clean."""
    history = room.history
    later: list[Oid] = []
    for fold in fold_chain(room, tip):
        if fold == folds[-1]:
            break
        before = history.tree_of(history.parents(fold)[0])
        if fold not in folds and not paths.isdisjoint(history.changes(before, history.tree_of(fold))):
            later.append(fold)
    for fold in later[:MAX_MINIMISED]:
        fewer = [one for one in later if one != fold]
        chosen = [one for one in fold_chain(room, tip) if one in {*folds, *fewer}]
        if not _invert(room, history.tree_of(tip), chosen)[1]:
            later = fewer
    return later


def _fold_inverse(room: Room, steps: Sequence[Step], parent: Oid, tree: Oid) -> Oid:
    who = room.me or HUMAN
    agents = tuple(sorted({step.agent for step in steps}))
    text = steps[0].subject if len(steps) == 1 else f"{len(steps)} folds of {', '.join(agents)}"
    undid = [step.fold for step in steps]
    at = room.clock.now()
    room.failpoint("fold an inverse")
    says = [(trailers.UNDID, fold) for fold in undid]
    commit = write_commit(room.history, tree, parent, who, f"undo {undid[0][:10]}: {text}", at, says)
    made = Folder(room).fold_commit(commit, who)
    if made is None:
        raise UsageError("somebody else folded this inverse just now", hint="agentroom log")
    logs.record(room, Undid(tuple(undid[:MAX_TOLD]), agents, commit, text))
    _tell_authors(room, steps, made.id, who)
    aftermath.after_folds(room, [made])
    return made.id


def _tell_authors(room: Room, steps: Sequence[Step], made: Oid, who: AgentName) -> None:
    with fold_lock(room):
        for agent in sorted({step.agent for step in steps} - {who, BASE, HUMAN}):
            mine = [f'{step.fold[:10]} "{step.subject}"' for step in steps if step.agent == agent]
            shown = ", ".join(mine[:3]) + (f" and {len(mine) - 3} more" if len(mine) > 3 else "")
            text = f"{who} undid {shown}; committing it again does not bring it back, agentroom undo {made[:10]} does"
            tell(room, Notice("undone", (agent,), text, ()), key=notice_key("undone", made, agent))


def describe(done: Undoing) -> Iterator[str]:
    """Yield what became of it, a line at a time."""
    for fold, by in done.already:
        yield f"{fold[:10]} is undone already; to take it up again: agentroom undo {by[:10]}"
    if done.already and not done.steps:
        return
    for step in done.foreign:
        yield f"not undone: {step.fold[:10]} is {step.agent}'s ({step.subject}): ask the user"
    if done.foreign:
        return
    for step in done.blocked_by:
        yield f"{step.fold[:10]} by {step.agent} builds on it: {step.subject}"
    if done.is_refused:
        yield f"not undone: later folds changed the same lines of {', '.join(done.paths[:5])}"
    elif done.made is None:
        yield "nothing to undo: integration has none of it any more" if done.steps else "nothing to undo"
    else:
        for step in done.steps:
            yield f"undid {step.fold[:10]} of {step.agent}: {step.subject}"
        yield f"as {done.made[:10]}; to take it up again: agentroom undo {done.made[:10]}"
