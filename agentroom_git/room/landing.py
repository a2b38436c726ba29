"""Landing: bring integration, or green, to the user's branch as commits that the user's own git makes.

The commits are made away from the user's checkout. Then the branch moves by one step, and that it did is folded: a
crash before the step leaves the branch where it was, one after it is recognised by the next fold (`room/landed.py`).
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import agentroom_git.git.repo as repositories
from agentroom_git.core import trailers
from agentroom_git.core.checks import last_line
from agentroom_git.core.escape import path_text
from agentroom_git.core.ids import BASE, Oid
from agentroom_git.core.landings import Landed
from agentroom_git.core.objects import Objects
from agentroom_git.core.tree import Party, Voice, merge_trees
from agentroom_git.errors import UsageError
from agentroom_git.git import delivery
from agentroom_git.git.delivery import DeliveryError, Site
from agentroom_git.git.folds import read_fold
from agentroom_git.git.operations import operation_under_way, rebased_branches
from agentroom_git.git.worktrees import list_worktrees
from agentroom_git.room import contests, landing_text, logs, notes, trust
from agentroom_git.room.base import NAME_IT, base_branch, missing
from agentroom_git.room.config import parse_branch
from agentroom_git.room.folding import Folder
from agentroom_git.room.gate.reading import last_check, read_green
from agentroom_git.room.landed import INTENT, landed_fold, offers_on
from agentroom_git.room.portions import Portion, cut, read_changes
from agentroom_git.room.present_names import as_named_now
from agentroom_git.room.room import Room
from agentroom_git.system.files import write_json
from agentroom_git.system.locks import held

LOCK_SECONDS = 30.0
MAX_SHOWN = 5
_STASH = "refs/stash"


class LandingError(UsageError):
    """There is no branch to land on, or not from here."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How to land. `branch` is a branch for review instead of the user's; `title` the subject of a single commit.

    `contested` and `unchecked` land in spite of open contests and of a check that did not pass; without `verify` the
    user's hooks are left out; `autostash` lets git put edits aside that are in the way.
    """

    green: bool = False
    merge: bool = False
    branch: str = ""
    title: str = ""
    contested: bool = False
    unchecked: bool = False
    verify: bool = True
    autostash: bool = False


@dataclass(frozen=True, slots=True)
class Objection:
    """Why nothing is landed, and what to do about it."""

    kind: str
    text: str
    hint: str


@dataclass(frozen=True, slots=True)
class Part:
    """One commit that landing makes: whose work, under which subject, how many commits of the room, which files."""

    agent: str
    subject: str
    commits: int
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Landing:
    """What landing does or did. `commits` are the new ones, oldest first: none where there was an objection.

    `has_stashed` says that the user's own edits and what landed change the same lines: git put conflict markers into
    the files, and kept the edits in its stash.
    """

    branch: str
    fold: Oid
    start: Oid
    parts: tuple[Part, ...]
    objections: tuple[Objection, ...]
    commits: tuple[Oid, ...]
    description: str = ""
    """What a branch for review says of itself, as Markdown."""
    has_stashed: bool = False

    @property
    def is_refused(self) -> bool:
        return bool(self.objections)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to land. `target` is the ref that is to move, `tip` what it was at when the plan was made."""

    base: str
    branch: str
    target: str
    tip: Oid | None
    fold: Oid
    start: Oid
    since: Oid | None
    portions: tuple[Portion, ...]

    @property
    def yours(self) -> str:
        """The name of the user's branch, also where another one is to move."""
        return self.base.removeprefix("refs/heads/")


def land(room: Room, choices: Choices, *, dry_run: bool = False) -> Landing:
    """Land what the user's branch does not have yet, or say what speaks against it; one landing at a time.

    Everything is folded first, the user's branch included. Raises `DeliveryError` with git's own words where the user's
    git refuses; the branch is then where it was.
    """
    if room.me is not None or not trust.is_user(room):
        raise LandingError("landing is the user's", hint=f"run it in {room.checkout}")
    if choices.branch:
        parse_branch(choices.branch)
    with held(room.private / "land.lock", seconds=LOCK_SECONDS, what="the lock on landing"):
        report = Folder(room).fold()
        failed = [problem for agent, problem in report.failed if agent == BASE]
        plan = _plan(room, choices)
        objections = [Objection("failed", f"your branch could not be folded: {text}", "") for text in failed]
        objections += _objections(room, choices, plan)
        parts = tuple(_part(room, portion, choices) for portion in plan.portions)
        text = landing_text.describe_branch(room, plan.portions, plan.fold) if choices.branch else ""
        done = Landing(plan.branch, plan.fold, plan.start, parts, tuple(objections), (), text)
        if dry_run or objections or not plan.portions:
            return done
        commits = _make(room, choices, plan)
        stash = room.refs.get(_STASH)
        refused = _deliver(room, choices, plan, commits)
        if refused:
            return replace(done, objections=refused)
    notes.project(room)
    # Git leaves the stash of its own making only where it could not put the edits back cleanly.
    return replace(done, commits=commits, has_stashed=choices.autostash and room.refs.get(_STASH) != stash)


def _plan(room: Room, choices: Choices) -> _Plan:
    base = base_branch(room)
    start = room.refs.get(base) if base else None
    if start is None:
        raise LandingError(missing(room), hint=NAME_IT)
    fold = room.integration()
    if choices.green:
        green = read_green(room)
        if green is None:
            raise LandingError("nothing has passed the check yet", hint="agentroom gate runs it")
        fold = green
    since = landed_fold(room, start, fold)
    history = room.history
    changes = read_changes(room, since, fold)
    portions = cut(room, history.tree_of(start), history.tree_of(fold), changes)
    branch = choices.branch or base.removeprefix("refs/heads/")
    target = f"refs/heads/{branch}"
    tip = room.refs.get(target) if choices.branch else start
    return _Plan(base, branch, target, tip, fold, start, since, tuple(portions))


def _part(room: Room, portion: Portion, choices: Choices) -> Part:
    paths = tuple(path_text(path) for path in portion.paths)
    return Part(portion.agent, landing_text.subject_of(room, portion), len(portion.commits), paths)


def _objections(room: Room, choices: Choices, plan: _Plan) -> Iterator[Objection]:
    if not room.history.reaches(plan.fold, plan.start):
        yield Objection(
            "moved",
            f"{plan.yours} has commits that green does not have",
            "wait for the check, or leave out --green",
        )
    yield from _stepped_back(room, plan)
    records = [] if choices.contested else as_named_now(room, contests.open_records(room))
    if records:
        shown = ", ".join(f"{record.id} in {record.shown_path}" for record in records[:MAX_SHOWN])
        more = f" and {len(records) - MAX_SHOWN} more" if len(records) > MAX_SHOWN else ""
        yield Objection("contested", f"contested: {shown}{more}", "agentroom resolve, or land with --contested")
    if not choices.unchecked and room.config.check:
        yield from _unchecked(room, plan)
    yield from _at_the_target(room, choices, plan)


def _at_the_target(room: Room, choices: Choices, plan: _Plan) -> Iterator[Objection]:
    """Object to moving the target as things are now; asked again when the commits are made, as hooks may take long."""
    yield from _not_ours(room, plan) if choices.branch else _in_the_way(room, choices, plan)
    if room.refs.get(plan.target) != plan.tip:
        text = f"{plan.branch} moved while the commits for it were made, and was left where it is"
        yield Objection("meanwhile", text, "look at it, and land again")


def _unchecked(room: Room, plan: _Plan) -> Iterator[Objection]:
    """Object where the check has not passed on what is to land; only the tree counts, not which commit has it."""
    history = room.history
    green = read_green(room)
    if green is not None and history.tree_of(green) == history.tree_of(plan.fold):
        return
    check = last_check(room, plan.fold)
    hint = "land what passed: --green; or --unchecked"
    if check is None:
        yield Objection(
            "unchecked", f"{plan.fold[:10]} has not passed the check yet", f"agentroom gate runs it; {hint}"
        )
    elif not check.has_passed:
        said = last_line(check.tail)
        yield Objection("red", f"the check of {plan.fold[:10]} {check.result}{f': {said}' if said else ''}", hint)


def _stepped_back(room: Room, plan: _Plan) -> Iterator[Objection]:
    """Object where the user took commits of their own off the branch: the room has them, and they would come back."""
    history = room.history
    gone = [one for one in _folded_of_base(room, plan) if not trailers.values(history.message(one), trailers.ROOM)]
    if gone:
        text = f"{plan.yours} stepped back behind {gone[0][:10]}, which the agents have already"
        yield Objection("held", text, f"take it up again (git merge --ff-only {gone[0][:10]}), or commit its revert")


def _folded_of_base(room: Room, plan: _Plan) -> list[Oid]:
    """Return the commits between the user's branch and where it stood when it was last folded, newest first."""
    history = room.history
    tips = [tip.id for tip in read_fold(history, plan.fold).tips if (tip.agent, tip.branch) == (BASE, plan.base)]
    known = [tip for tip in tips if history.has_commit(tip) and history.reaches(tip, plan.start)]
    return [one for tip in known for one in history.between(frozenset({plan.start}), tip)]


def _in_the_way(room: Room, choices: Choices, plan: _Plan) -> Iterator[Objection]:
    elsewhere = [one.path for one in list_worktrees(room.repo) if one.branch == plan.base and not one.problem]
    if elsewhere:
        hint = f"git -C {elsewhere[0]} switch --detach, or land --branch NAME"
        yield Objection("elsewhere", f"{plan.branch} is checked out in {elsewhere[0]}", hint)
    yield from _rebased(room, plan)
    if not _is_checked_out(room, plan.base):
        return
    under_way = operation_under_way(room.repo.common_dir)
    if under_way:
        yield Objection("operation", f"{under_way} in {room.checkout}", "finish or abort it: git status says how")
    yield from _files_in_the_way(room, choices, plan)


def _files_in_the_way(room: Room, choices: Choices, plan: _Plan) -> Iterator[Objection]:
    edited, untracked = _overlap(room, plan)
    if edited and not choices.autostash:
        yield _dirty(edited, "edited", "commit or stash them, or land with --autostash")
    # Git puts only aside what it tracks.
    if untracked:
        yield _dirty(untracked, "untracked", "move them away, or commit them")


def _dirty(paths: set[bytes], kind: str, hint: str) -> Objection:
    shown = ", ".join(path_text(path) for path in sorted(paths)[:MAX_SHOWN])
    return Objection("dirty", f"{len(paths)} {kind} files of yours are in the way: {shown}", hint)


def _rebased(room: Room, plan: _Plan) -> Iterator[Objection]:
    """Object to moving a branch under a rebase, which could not end then."""
    places = {room.repo.common_dir: room.checkout} | {one.git_dir: one.path for one in list_worktrees(room.repo)}
    for git_dir, place in places.items():
        if plan.target in rebased_branches(git_dir):
            hint = f"finish or abort it: git -C {place} status says how"
            yield Objection("operation", f"a rebase of {plan.branch} is under way in {place}", hint)


def _is_checked_out(room: Room, branch: str) -> bool:
    return repositories.head_branch(repositories.open_repo(room.checkout).handle) == branch


def _overlap(room: Room, plan: _Plan) -> tuple[set[bytes], set[bytes]]:
    """Return what landing changes and the user has edited, and what it has untracked where a new file would be."""
    history = room.history
    changes = history.changes(history.tree_of(plan.start), history.tree_of(plan.fold))
    edited = delivery.edited_paths(room.checkout)
    new = {path for path, (old, _) in changes.items() if old is None and _is_taken(room, path)}
    return edited & changes.keys(), new - edited


def _is_taken(room: Room, path: bytes) -> bool:
    """Whether something of the user's is where a new file goes; of a folder only what git does not know counts."""
    place = os.path.join(os.fsencode(room.checkout), path)
    if os.path.isdir(place) and not os.path.islink(place):
        return delivery.has_untracked(room.checkout, path)
    return os.path.lexists(place)


def _not_ours(room: Room, plan: _Plan) -> Iterator[Objection]:
    """Object to replacing a branch that land did not make, or that somebody works on."""
    if plan.tip is None:
        return
    yield from _rebased(room, plan)
    places = [one.path for one in list_worktrees(room.repo) if one.branch == plan.target]
    if places or _is_checked_out(room, plan.target):
        where = places[0] if places else room.checkout
        yield Objection("elsewhere", f"{plan.branch} is checked out in {where}", "switch to another branch there")
    made = {body.commits[-1] for body in offers_on(room, plan.branch)}
    if plan.tip not in made and not room.history.reaches(plan.start, plan.tip):
        yield Objection("foreign", f"{plan.branch} has commits that land did not make", "name another branch")


def _make(room: Room, choices: Choices, plan: _Plan) -> tuple[Oid, ...]:
    """Make the commits on top of the user's branch, by the user's git; no ref moves."""
    room.failpoint("make the landing's worktree")
    with delivery.open_site(room.repo, room.checkout, room.worktrees_dir, plan.start) as site:
        if choices.merge:
            message = landing_text.merge_message(
                room, plan.branch, plan.portions, landed=plan.fold, title=choices.title
            )
            return (site.merge(plan.fold, message, verify=choices.verify),)
        return tuple(_commits(room, choices, plan, site))


def _commits(room: Room, choices: Choices, plan: _Plan, site: Site) -> Iterator[Oid]:
    history = room.history
    planned = made = history.tree_of(plan.start)
    title = choices.title if len(plan.portions) == 1 else ""
    for portion in plan.portions:
        landed = plan.fold if portion is plan.portions[-1] else None
        message = landing_text.message_of(room, portion, landed=landed, title=title)
        # Hooks may have changed the tree of the commit before: the next one is made on what they made of it.
        wanted = portion.tree if made == planned else _carried(history, planned, made, portion.tree)
        room.failpoint("commit for the user's branch")
        commit = site.commit(wanted, message, verify=choices.verify)
        planned, made = portion.tree, history.tree_of(commit)
        yield commit


def _carried(objects: Objects, planned: Oid, made: Oid, wanted: Oid) -> Oid:
    """Return the next portion's tree `wanted`, planned on the tree `planned`, on what hooks made of that.

    Nobody decides a contest here, and no record of one would be kept. So where they meet, what the portion changes is
    as the portion has it: the hooks see it next, and can change it again.
    """
    sides = [Party(tree, (Voice(BASE, tree, 1, tree),)) for tree in (wanted, made)]
    merged = merge_trees(objects, planned, sides[0], sides[1])
    if not merged.contested:
        return merged.tree
    return objects.write_tree(made, {path: new for path, (_, new) in objects.changes(planned, wanted).items()})


def _deliver(room: Room, choices: Choices, plan: _Plan, commits: Sequence[Oid]) -> tuple[Objection, ...]:
    """Move the branch, by one step, and let the room know; or say what has come in its way since the plan."""
    if not choices.branch:
        room.failpoint("note the landing")
        write_json(room.private / INTENT, {"fold": plan.fold, "commit": commits[-1]})
    room.failpoint("move the user's branch")
    objections = tuple(_at_the_target(room, choices, plan))
    if objections:
        return objections
    if not choices.branch and _is_checked_out(room, plan.base):
        delivery.fast_forward(room.checkout, commits[-1], autostash=choices.autostash)
    elif not room.refs.swap(plan.target, commits[-1], plan.tip, message="agentroom: land"):
        raise DeliveryError(f"{plan.target} moved meanwhile, and was left where it is", hint="land again")
    if choices.branch:
        agents = landing_text.agents_in(plan.portions)
        logs.record(room, Landed(choices.branch, plan.fold, plan.since or "", tuple(commits), agents))
        return ()
    room.failpoint("fold the landing")
    Folder(room).fold([BASE])
    (room.private / INTENT).unlink(missing_ok=True)
    return ()
