"""Letting the check decide contested regions: other candidates are tried on the fold that failed, few of them.

Only regions that a side won by rank (steps "claim" and "side"), or that were put together unseen ("both"), and that are
open. The combination that passes is committed on top of integration, in the room's own name, and folded like an agent's
commit, so that the text stays a function of the set.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from agentroom_git.core.candidates import Candidate, find_alternatives, rank_choices
from agentroom_git.core.ids import Oid, is_oid
from agentroom_git.git import folds
from agentroom_git.git.contested_refs import Stored
from agentroom_git.git.folds import write_commit
from agentroom_git.room.contests import open_records, tree_with
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.folding import Folder
from agentroom_git.room.gate.results import Results
from agentroom_git.room.gate.telling import AGENTROOM, record_choice
from agentroom_git.room.room import Room
from agentroom_git.room.whole_files import UnresolvableError
from agentroom_git.system.files import read_json, write_json

MAX_COMBINATIONS = 8
_BY_RANK = ("claim", "side", "both")
_KINDS = ("text", "add/add", "modify/delete")
_MAX_CANDIDATES = 12


@dataclass(frozen=True, slots=True)
class Combination:
    """A choice of candidates for contested regions of one fold, and the tree that it makes there."""

    choices: tuple[tuple[Stored, Candidate], ...]
    tree: Oid

    @property
    def text(self) -> str:
        return ", ".join(f"{record.path} ({record.id}): {_described(candidate)}" for record, candidate in self.choices)


def find_combinations(room: Room, fold: Oid) -> list[Combination]:
    """Return what may stand instead of what the fold decided by rank, best first, at most `MAX_COMBINATIONS`."""
    return list(islice(_combinations(room, fold), MAX_COMBINATIONS))


def _combinations(room: Room, fold: Oid) -> Iterator[Combination]:
    records = _decided_here(room, fold)
    options: list[list[Candidate | None]] = []
    for record in records:
        found = find_alternatives(record.base, record.sides, record.agents, record.winner, room.history.line_diff)
        options.append([None, *found[:_MAX_CANDIDATES]])
    for ranks in rank_choices([len(some) for some in options]):
        pairs = [(record, some[rank]) for record, some, rank in zip(records, options, ranks, strict=True)]
        choices = tuple((record, candidate) for record, candidate in pairs if candidate is not None)
        tree = _tree(room, fold, fold, choices)
        if tree is not None:
            yield Combination(choices, tree)


def _decided_here(room: Room, fold: Oid) -> list[Stored]:
    """Return the open records that this fold brought up and decided by rank."""
    history = room.history
    before = {text.partition(" ")[0] for text in folds.read_fold(history, history.parents(fold)[0]).contested}
    named = {text.partition(" ")[0] for text in folds.read_fold(history, fold).contested} - before
    return [one for one in open_records(room) if one.id in named and one.step in _BY_RANK and one.kind in _KINDS][:4]


def _tree(room: Room, fold: Oid, onto: Oid, choices: tuple[tuple[Stored, Candidate], ...]) -> Oid | None:
    """Return the tree of `onto` with the choices in place of what the fold decided; None where they do not fit."""
    read = folds.read_fold(room.history, fold)
    tree = room.history.tree_of(onto)
    for record, candidate in choices:
        try:
            tree = tree_with(room, tree, read, record, candidate.text)
        except UnresolvableError:
            return None
    return tree


def take(room: Room, fold: Oid, chosen: Combination, results: Results, tried: list[Combination]) -> Oid | None:
    """Commit the combination on top of integration and fold it; None where its regions were changed meanwhile.

    What is to be said of it is written down first, so that `finish` says it after a crash, too.
    """
    tip = room.integration()
    tree = _tree(room, fold, tip, chosen.choices)
    if tree is None:
        return None
    subject = f"take what passes the check: {chosen.text}"
    commit = write_commit(room.history, tree, tip, AGENTROOM, subject, room.clock.now())
    said = [f"{one.text}: {known.last.result}" for one in tried if (known := results.known(one.tree))]
    taken = [[record.id, _described(candidate)] for record, candidate in chosen.choices]
    write_json(_pending(room), {"commit": commit, "broken": fold, "taken": taken, "tried": said})
    room.failpoint("fold choice")
    Folder(room).fold_commit(commit, AGENTROOM)
    finish(room)
    return commit


def finish(room: Room) -> None:
    """Say what was chosen, where a choice was folded and that is not done yet; the caller holds the gate's lock."""
    record = read_json(_pending(room))
    if not record:
        return
    try:
        commit, broken = str(record["commit"]), str(record["broken"])
        taken = {str(id): str(how) for id, how in record["taken"]}
        tried = tuple(str(text) for text in record["tried"])
    except (KeyError, TypeError, ValueError):
        commit = broken = ""
    fold = _fold_of(room, Oid(commit)) if is_oid(commit) and is_oid(broken) else None
    if fold is not None:
        record_choice(room, fold, Oid(broken), taken, tried)
    room.failpoint("choice is said")
    _pending(room).unlink()


def _fold_of(room: Room, commit: Oid) -> Oid | None:
    """Return the fold that brought the commit in, or None where integration does not have it."""
    if not room.history.has_commit(commit) or not room.history.reaches(room.integration(), commit):
        return None
    found = (fold.id for fold in read_folds(room) if any(head.id == commit for head in fold.folded))
    return next(found, None)


def _pending(room: Room) -> Path:
    return room.private / "gate" / "choice.json"


def _described(candidate: Candidate) -> str:
    if candidate.step == "base":
        return "what was there before"
    whose = f" of {' and '.join(candidate.agents)}" if candidate.agents else ""
    return f"{'the version' if candidate.step == 'side' else f'a combination ({candidate.step})'}{whose}"
