"""The claims ref: a chain of commits whose tree is the table of live claims, moved by compare-and-swap alone.

One file a claim, named by its token, and `highest` with the highest token ever given. Each commit carries the event
that made it, so that the chain reads as the history of claims.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import pygit2

from agentroom_git.core.claims import Claim, ClaimsError, Table, encode
from agentroom_git.core.escape import one_line
from agentroom_git.core.event_line import EventError
from agentroom_git.core.events import Event, Recorded
from agentroom_git.core.ids import Oid
from agentroom_git.core.objects import FILE
from agentroom_git.git import claim_records
from agentroom_git.git.log import Unreadable, message_of, read_event, readable, signature, unreadable
from agentroom_git.git.refs import Refs
from agentroom_git.git.writing import writing

T = TypeVar("T")

HIGHEST = "highest"
MOST_SNAPSHOTS = 4
_PREFIX = "claim-"
_ENTRY = re.compile(rb"(\d+) ([^\0]+)\0(.{20})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The table at one commit of the chain; `records` names each claim's blob, which changes when it is renewed."""

    tip: Oid | None
    table: Table
    records: dict[int, Oid]


def read_table(refs: Refs, ref: str, tip: Oid | None = None, *, anew: bool = False) -> Snapshot:
    """Return the live claims; raise `ClaimsError` with the remedy where the table is damaged.

    Records that were read before are not read again, unless `anew`.
    """
    tip = tip or refs.get(ref)
    if tip is None:
        return Snapshot(None, Table(), {})
    file = _records_file(refs)
    known = None if anew else _newest(file).get(tip)
    if known is not None:
        return known
    try:
        found = _read_tree(refs.handle, tip, None if anew else file)
    except (ClaimsError, KeyError, ValueError) as error:
        problem = error.message if isinstance(error, ClaimsError) else f"{error}"
        if isinstance(error, KeyError):
            problem = f"object {error} is missing"
        raise ClaimsError(
            f"the table of claims at {tip[:10]} cannot be read: {problem}",
            hint=f"git log {ref} shows its history; git update-ref {ref} <good commit> puts it back",
        ) from error
    _keep(file, found)
    return found


def _records_file(refs: Refs) -> Path:
    return refs.lock.with_name(claim_records.FILE)


@lru_cache(maxsize=8)
def _newest(_: Path) -> dict[Oid, Snapshot]:
    """What this process read last, by the commit: a commit's table never changes."""
    return {}


def _keep(file: Path, found: Snapshot) -> None:
    newest = _newest(file)
    if len(newest) >= MOST_SNAPSHOTS:
        newest.clear()
    if found.tip is not None:
        newest[found.tip] = found


def _read_tree(handle: pygit2.Repository, tip: Oid, file: Path | None) -> Snapshot:
    entries = _entries(handle, handle[tip].peel(pygit2.Tree))
    highest = int(handle.read(entries.pop(HIGHEST))[1]) if HIGHEST in entries else 0
    for name in entries:
        if not name.startswith(_PREFIX):
            raise ClaimsError(f"{name} does not belong there")
    ids = entries.values()
    claims = claim_records.read_records(handle, file, ids) if file else claim_records.read_blobs(handle, ids)
    for name, id in entries.items():
        if name != _file_name(claims[id]):
            raise ClaimsError(f"{name} holds another claim")
    table = tuple(sorted((claims[id] for id in ids), key=lambda claim: claim.token))
    records = {claims[id].token: id for id in ids}
    return Snapshot(tip, Table(max([highest, *records]), table), records)


def _entries(handle: pygit2.Repository, tree: pygit2.Tree) -> dict[str, Oid]:
    """Return the files of the tree by name. Read from its text: to have libgit2 open thousands takes longer."""
    found: dict[str, Oid] = {}
    for mode, raw, id in _ENTRY.findall(handle.read(tree.id)[1]):
        name = raw.decode("utf-8", "replace")
        if not mode.startswith(b"100"):
            raise ClaimsError(f"{one_line(name)} is not a file")
        found[name] = Oid(id.hex())
    return found


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
            tree, records = _write_tree(refs.handle, table, before)
            id = Oid(str(refs.handle.create_commit(None, who, who, message_of(event), tree, parents)))
        _keep(_records_file(refs), Snapshot(id, table, records))
        claim_records.remember(_records_file(refs), {records[claim.token]: claim for claim in table.claims})
        return id, (answer, Recorded(id, event))

    return refs.update(ref, swap)


def _write_tree(handle: pygit2.Repository, table: Table, before: Snapshot) -> tuple[pygit2.Oid, dict[int, Oid]]:
    """Write the table as changes of the one before; return its tree and each claim's record."""
    builder = handle.TreeBuilder(handle[before.tip].peel(pygit2.Tree)) if before.tip else handle.TreeBuilder()
    builder.insert(HIGHEST, handle.create_blob(f"{table.highest}\n".encode()), FILE)
    was = {claim.token: claim for claim in before.table.claims}
    records: dict[int, Oid] = {}
    for claim in table.claims:
        if was.pop(claim.token, None) == claim:
            records[claim.token] = before.records[claim.token]
            continue
        record = handle.create_blob(encode(claim))
        builder.insert(_file_name(claim), record, FILE)
        records[claim.token] = Oid(str(record))
    for claim in was.values():
        builder.remove(_file_name(claim))
    return builder.write(), records


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
