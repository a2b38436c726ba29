"""Contested regions as things that one can work with: which are open, and closing them by taking a version.

A region is closed by an event: of `resolve`, or of the fold of a commit that had seen the contest and changed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agentroom_git.core import trailers
from agentroom_git.core.contested import TWO_NAMES, Entry
from agentroom_git.core.escape import path_text
from agentroom_git.core.events import Replaced, Resolved
from agentroom_git.core.hunks import split_lines
from agentroom_git.core.ids import HUMAN, SIDECAR, Oid
from agentroom_git.core.objects import FILE
from agentroom_git.core.parse import guard_for
from agentroom_git.core.spans import Span
from agentroom_git.errors import UsageError
from agentroom_git.git import contested_refs
from agentroom_git.git.contested_refs import Stored
from agentroom_git.git.folds import Fold, Place, find_place, read_fold, write_commit
from agentroom_git.room import logs
from agentroom_git.room.digest import closed_contests, read_digests
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.folding import Folder, Made
from agentroom_git.room.gathering import close_replaced
from agentroom_git.room.notices import fold_lock
from agentroom_git.room.room import Room
from agentroom_git.room.settled import find_settled, name_in
from agentroom_git.room.whole_files import UnresolvableError, tree_with_version

TAKE_BASE, TAKE_BOTH = "base", "both"


@dataclass(frozen=True, slots=True)
class Contest:
    """A contested record and what became of it; `closed_by` is empty while it is open.

    `replaced_by` is the record that has its versions now, where that is how it was closed.
    """

    record: Stored
    closed_by: str
    how: str
    replaced_by: str = ""

    @property
    def is_open(self) -> bool:
        return not self.closed_by


def read_contests(room: Room) -> list[Contest]:
    """Return every contested record of the room, the newest last."""
    records = list(contested_refs.read_all(room.refs, room.names.contested))
    closed = closed_contests(read_digests(room)) if records else {}
    found = []
    for record in records:
        event = closed.get(record.id)
        newer = event.newer if isinstance(event, Replaced) else ""
        found.append(Contest(record, event.by if event else "", event.how if event else "", newer))
    return found


def open_records(room: Room) -> list[Stored]:
    """Return the contested records that nobody has closed, the newest last."""
    return [contest.record for contest in read_contests(room) if contest.is_open]


def find_contest(room: Room, id: str) -> Contest:
    """Return the contest with this id or this beginning of one; raise `UsageError` for none or several."""
    found = [contest for contest in read_contests(room) if contest.record.id.startswith(id)] if id else []
    if len(found) != 1:
        problem = "no contested region" if not found else f"{len(found)} contested regions begin with"
        several = ", ".join(contest.record.id for contest in found[:5])
        raise UsageError(f"{problem} {ascii(id[:40])}", hint=several or "agentroom contested lists them")
    return found[0]


def resolve(room: Room, id: str, take: str) -> Made:
    """Close a contested region by taking one agent's version of it, both, or the base.

    The choice is a commit of its own on top of integration, in the name of the acting agent or of the human, and is
    folded at once; sync brings it to the worktrees. What else it settles is closed as by an edit.
    """
    contest = find_contest(room, id)
    record = contest.record
    if contest.replaced_by:
        raise UsageError(f"{record.id} was {contest.how}", hint=f"agentroom resolve {contest.replaced_by}")
    if not contest.is_open:
        raise UsageError(f"{record.id} was resolved by {contest.closed_by}", hint="edit the file to change it again")
    # Read once: what is folded meanwhile is no part of the tree, and would be taken back by a commit on top of it.
    tip = room.integration()
    now = room.history.tree_of(tip)
    tree = now if take == TAKE_BOTH and record.kind in TWO_NAMES else _tree_taking(room, now, record, take)
    who = room.me or HUMAN
    subject = f"resolve {record.id} in {record.path}: take {take}"
    says = [(trailers.RESOLVED, record.id)]
    commit = write_commit(room.history, tree, tip, who, subject, room.clock.now(), says)
    made = Folder(room).fold_commit(commit, who)
    logs.record(room, Resolved(record.id, record.path, who, f"took {take}"))
    if made is None:
        raise UnresolvableError(f"{record.id} was folded by somebody else meanwhile", hint="agentroom contested")
    close_edited(room, [made])
    return made


def _tree_taking(room: Room, now: Oid, record: Stored, take: str) -> Oid:
    side = _side(record, take)
    fold, place = _last_place(room, record)
    if not place.start:
        return tree_with_version(room, now, fold, record, side)
    both = b"".join(text if text.endswith(b"\n") else text + b"\n" for text in record.sides if text)
    chosen = both if take == TAKE_BOTH else record.base if side is None else record.sides[side]
    tree = tree_with(room, now, fold, record, chosen)
    path = name_in(room.history, place.path, room.history.tree_of(fold.id), now)
    if take == TAKE_BOTH and not _parses(room, tree, path) and _parses(room, now, path):
        raise UnresolvableError(f"with both, {record.path} does not parse", hint="combine them in a worktree")
    return tree


def _parses(room: Room, tree: Oid, path: bytes) -> bool:
    entry, parses = room.history.entry(tree, path), guard_for(path_text(path))
    return entry is None or parses is None or parses(room.history.blob(entry.id))


def _last_place(room: Room, record: Stored) -> tuple[Fold, Place]:
    """Return the newest fold that names the record, and where its region is there."""
    for fold in read_folds(room):
        place = find_place(fold, record.id)
        if place is not None:
            return fold, place
    raise UnresolvableError(f"no fold names {record.id}", hint="run: agentroom verify")


def _side(record: Stored, take: str) -> int | None:
    """Return which side is meant, None for the base and for both."""
    if take == TAKE_BASE:
        return None
    if take == TAKE_BOTH:
        if any(side is None for side in record.sides) or not record.start:
            raise UsageError(f"{record.id} is about a whole file", hint="take one agent's version, or base")
        return None
    own = [(len(names), number) for number, names in enumerate(record.agents) if take in names]
    if own:
        return min(own)[1]
    agents = ", ".join(sorted({name for names in record.agents for name in names}))
    raise UsageError(f"{ascii(take[:40])} has no version of {record.id}", hint=f"take one of {agents}, both or base")


def tree_with(room: Room, now: Oid, fold: Fold, record: Stored, chosen: bytes | None) -> Oid:
    """Return the tree `now` with the chosen text in place of the region, whatever came to the file since the fold.

    Raises `UnresolvableError` where the region was changed again, or the fold does not name it.
    """
    history, place = room.history, find_place(fold, record.id)
    if place is None:
        raise UnresolvableError(f"the fold does not name {record.id}", hint="run: agentroom verify")
    if chosen is None or not place.start:
        present = history.entry(now, record.raw_path)
        mode = present.mode if present else FILE
        entry = None if chosen is None else Entry(history.write_blob(chosen), mode)
        return history.write_tree(now, {record.raw_path: entry})
    path = name_in(history, place.path, history.tree_of(fold.id), now)
    before, present = history.entry(history.tree_of(fold.id), place.path), history.entry(now, path)
    if before is None or present is None:
        raise UnresolvableError(f"{record.path} is not on integration any more", hint="edit it in a worktree")
    old, text = history.blob(before.id), history.blob(present.id)
    region = Span(place.start - 1, place.start - 1 + place.lines)
    moved = region.after(history.line_diff(old, text))
    stood, stands = (b"".join(split_lines(one)[at.start : at.stop]) for one, at in ((old, region), (text, moved)))
    if stands != stood and stands not in _kept_beside(room, record):
        raise UnresolvableError(f"the region was changed again in {record.path}", hint="edit it in a worktree")
    lines = split_lines(text)
    end = b"\n" if chosen and not chosen.endswith(b"\n") and lines[moved.stop :] else b""
    taken = b"".join([*lines[: moved.start], chosen, end, *lines[moved.stop :]])
    return history.write_tree(now, {path: Entry(history.write_blob(taken), present.mode)})


def _kept_beside(room: Room, record: Stored) -> set[bytes | None]:
    """Return the versions that other open records of the file keep: a fold may have put one in the place of these."""
    return {side for other in open_records(room) if other.raw_path == record.raw_path for side in other.sides}


def close_edited(room: Room, folds: Sequence[Made]) -> list[Resolved]:
    """Close the regions that folded commits changed after they had seen the contest; the caller holds no lock."""
    closed: list[Resolved] = []
    for made in folds:
        if read_fold(room.history, made.id).replaced:
            with fold_lock(room):
                close_replaced(room, made.id)
        for record in find_settled(room, made, open_records(room)):
            closed.append(Resolved(record.id, record.path, made.agent, f"edited in {made.folded[:10]}"))
            with fold_lock(room):
                logs.record(room, closed[-1], writer=SIDECAR)
    return closed
