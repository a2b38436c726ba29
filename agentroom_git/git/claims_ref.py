"""The claims ref: a chain of commits whose tree is the table of live claims, moved by compare-and-swap alone.

One file a claim, named by its token, and `highest` with the highest token ever given. Each commit carries the event
that made it, so that the chain reads as the history of claims.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import pygit2

from agentroom_git.core.claims import Claim, ClaimsError, Table, decode, encode
from agentroom_git.core.event_line import EventError
from agentroom_git.core.events import Event, Recorded
from agentroom_git.core.ids import Oid
from agentroom_git.core.tree import FILE
from agentroom_git.git.log import Unreadable, message_of, read_event, readable, signature, unreadable
from agentroom_git.git.refs import Refs
from agentroom_git.git.writing import writing

T = TypeVar("T")

HIGHEST = "highest"
_PREFIX = "claim-"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The table at one commit of the chain; `records` names each claim's blob, which changes when it is renewed."""

    tip: Oid | None
    table: Table
    records: dict[int, Oid]


def read_table(refs: Refs, ref: str, tip: Oid | None = None) -> Snapshot:
    """Return the live claims; raise `ClaimsError` with the remedy where the table is damaged."""
    tip = tip or refs.get(ref)
    if tip is None:
        return Snapshot(None, Table(), {})
    try:
        return _read_tree(refs.handle, tip)
    except (ClaimsError, KeyError, ValueError) as error:
        problem = error.message if isinstance(error, ClaimsError) else f"{error}"
        if isinstance(error, KeyError):
            problem = f"object {error} is missing"
        raise ClaimsError(
            f"the table of claims at {tip[:10]} cannot be read: {problem}",
            hint=f"git log {ref} shows its history; git update-ref {ref} <good commit> puts it back",
        ) from error


def _read_tree(handle: pygit2.Repository, tip: Oid) -> Snapshot:
    highest = 0
    claims: list[Claim] = []
    records: dict[int, Oid] = {}
    tree = handle[tip].peel(pygit2.Tree)
    for entry in tree:
        if not isinstance(entry, pygit2.Blob) or entry.name is None:
            raise ClaimsError(f"{entry.name} is not a file")
        if entry.name == HIGHEST:
            highest = int(entry.data)
        elif entry.name.startswith(_PREFIX):
            claim = decode(entry.data)
            if entry.name != _file_name(claim):
                raise ClaimsError(f"{entry.name} holds another claim")
            claims.append(claim)
            records[claim.token] = Oid(str(entry.id))
        else:
            raise ClaimsError(f"{entry.name} does not belong there")
    highest = max([highest, *records])
    return Snapshot(tip, Table(highest, tuple(sorted(claims, key=lambda claim: claim.token))), records)


def _file_name(claim: Claim) -> str:
    return f"{_PREFIX}{claim.token:09d}"


def change_table(
    refs: Refs,
    ref: str,
    change: Callable[[Snapshot], tuple[Table, Event | None, T]],
    at: datetime,
) -> tuple[T, Recorded | None]:
    """Change the table in one swap; the only way that a claim comes or goes.

    `change` returns the next table, the event that tells of it and an answer; without an event nothing is written. It
    is called again when somebody else moved the ref meanwhile.
    """

    def swap(tip: Oid | None) -> tuple[Oid | None, tuple[T, Recorded | None]]:
        before = read_table(refs, ref, tip) if tip else Snapshot(None, Table(), {})
        table, event, answer = change(before)
        if event is None:
            return tip, (answer, None)
        who = signature(event.agent, at)
        parents = [pygit2.Oid(hex=tip)] if tip else []
        with writing():
            tree = _write_tree(refs.handle, table, before)
            id = Oid(str(refs.handle.create_commit(None, who, who, message_of(event), tree, parents)))
        return id, (answer, Recorded(id, event))

    return refs.update(ref, swap)


def _write_tree(handle: pygit2.Repository, table: Table, before: Snapshot) -> pygit2.Oid:
    """Write the table; a claim that stays as it was keeps its record, unwritten."""
    known = {claim: before.records[claim.token] for claim in before.table.claims}
    builder = handle.TreeBuilder()
    builder.insert(HIGHEST, handle.create_blob(f"{table.highest}\n".encode()), FILE)
    for claim in table.claims:
        record = known.get(claim) or handle.create_blob(encode(claim))
        builder.insert(_file_name(claim), record, FILE)
    return builder.write()


def removed_claims(refs: Refs, ref: str, id: Oid) -> tuple[Claim, ...]:
    """Return the claims that this commit of the chain took out of the table."""
    parents = refs.handle[id].peel(pygit2.Commit).parent_ids
    if not parents:
        return ()
    after = read_table(refs, ref, id).table.claims
    kept = {claim.token for claim in after}
    return tuple(c for c in read_table(refs, ref, Oid(str(parents[0]))).table.claims if c.token not in kept)


def read_history(refs: Refs, ref: str, stop: Oid | None = None) -> Iterator[Recorded | Unreadable]:
    """Yield the events of the claims chain, newest first, up to and without `stop`."""
    for commit in readable(refs, ref, stop):
        if isinstance(commit, Unreadable):
            yield commit
            continue
        try:
            yield read_event(commit)
        except EventError as error:
            yield unreadable(commit, ref, error)
