"""Records of claims that were read before, by the id of their blob: in memory, and for the next process in a file.

The file is nothing but the records' lines. Which blob a line is follows from the line, by git's own hash, so that it
counts only where the table names that very content. Without the file, or with a damaged one, the blobs are read.
"""

import hashlib
from collections.abc import Collection
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import pygit2

from agentroom_git.core.claims import Claim, ClaimsError, decode, encode
from agentroom_git.core.ids import Oid
from agentroom_git.system.files import replace_text

FILE = "claims.lines"
# Fewer blobs than this are read anew by each process rather than written down.
WORTH_WRITING = 64
MOST_KNOWN = 20_000


def read_records(handle: pygit2.Repository, file: Path, ids: Collection[Oid]) -> dict[Oid, Claim]:
    """Return the claims in these blobs; raise `ClaimsError` for one that is damaged, `KeyError` for a missing one."""
    known = _known(file)
    if len(known) > MOST_KNOWN:
        known.clear()
    missing = [id for id in ids if id not in known]
    if len(missing) >= WORTH_WRITING:
        known.update(_from_file(file, frozenset(missing)))
        missing = [id for id in missing if id not in known]
    for id in missing:
        known[id] = _from_blob(handle, id)
    found = {id: known[id] for id in ids}
    if len(missing) >= WORTH_WRITING:
        # Only a help: where it cannot be written, the next process reads the blobs.
        with suppress(OSError):
            replace_text(file, "".join(encode(claim).decode() for claim in found.values()))
    return found


def read_blobs(handle: pygit2.Repository, ids: Collection[Oid]) -> dict[Oid, Claim]:
    """Return the claims in these blobs, each of them read from the repository now."""
    return {id: _from_blob(handle, id) for id in ids}


def remember(file: Path, records: dict[Oid, Claim]) -> None:
    """Keep what this process wrote into blobs."""
    _known(file).update(records)


@lru_cache(maxsize=8)
def _known(_: Path) -> dict[Oid, Claim]:
    return {}


def _from_blob(handle: pygit2.Repository, id: Oid) -> Claim:
    blob = handle[id]
    if not isinstance(blob, pygit2.Blob):
        raise ClaimsError(f"{id} is not a file")
    return decode(blob.data)


def _from_file(file: Path, wanted: frozenset[Oid]) -> dict[Oid, Claim]:
    try:
        lines = file.read_bytes().splitlines(keepends=True)
    except OSError:
        return {}
    pairs = ((_blob_id(line), line) for line in lines)
    return {id: decode(line) for id, line in pairs if id in wanted}


def _blob_id(data: bytes) -> Oid:
    return Oid(hashlib.sha1(b"blob %d\0%b" % (len(data), data), usedforsecurity=False).hexdigest())
