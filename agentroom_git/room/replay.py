"""Replaying a repository's past merges: what the engine makes of each file that both parents changed.

Every file goes through `git merge-file`, the oracle where it is clean, and through the engine with either parent
preferred; where git finds conflicts, the result is compared with what the developer committed. The repository is only
read. The merges are spread over processes, and their records may be kept in a file to go on from.
"""

import hashlib
import json
import multiprocessing
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from agentroom_git.core.hunks import split_lines
from agentroom_git.core.parse import guard_for
from agentroom_git.core.shapes import shape_of
from agentroom_git.errors import UsageError
from agentroom_git.git.merge_history import FileMerge, Merge, find_merges, merge_bases, merge_by_git, read_files
from agentroom_git.git.repo import open_repo
from agentroom_git.room.merging import OURS, THEIRS, Merged, merge_files

VERSION = 1


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one file of one merge; `key` is the same for equal contents at one path.

    `agrees`: the engine gave git's bytes, None where git found conflicts. `equal` and `equal_second`: the developer's
    text up to trailing white space, with the first and the second parent preferred, None where git is clean or the
    developer moved the file. `parsed` and `parses`: both parents' versions, and the result; None without a parser.
    `bare_ms` is the time without a parser, `git_ms` that of `git merge-file` as a process.
    """

    merge: str
    path: str
    key: str
    is_clean: bool
    agrees: bool | None
    equal: bool | None
    equal_second: bool | None
    contested: int
    steps: tuple[str, ...]
    shapes: tuple[str, ...]
    parsed: bool | None
    parses: bool | None
    ms: float
    bare_ms: float
    git_ms: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The records of one merge, or why there are none (several merge bases, a missing object)."""

    merge: str
    records: tuple[Record, ...]
    problem: str = ""


def replay(
    repo: Path,
    *,
    every_ref: bool = False,
    since: datetime | None = None,
    limit: int | None = None,
    jobs: int = 1,
    resume: Path | None = None,
    started: Callable[[int, int], None] = lambda total, done: None,
) -> Iterator[Outcome]:
    """Yield the outcome of every two-parent merge that HEAD reaches, newest first, those known from `resume` before.

    With `every_ref` also of those that only another ref reaches, as a room's folds. `started` is told how many merges
    there are, and how many of them are known. A shallow clone, whose merges may lack their base, is a `UsageError`.
    """
    handle = open_repo(repo).handle
    place = Path(handle.path)
    if handle.is_shallow:
        raise UsageError("this clone is shallow, and a merge needs its base", hint="git fetch --unshallow")
    if not every_ref and handle.head_is_unborn:
        raise UsageError(f"{repo} has no commit at HEAD, so no history", hint="--all looks at every ref")
    merges = find_merges(place, every_ref=every_ref, since=since, limit=limit)
    wanted = {merge.id for merge in merges}
    known = {outcome.merge: outcome for outcome in read_outcomes(resume) if outcome.merge in wanted} if resume else {}
    started(len(merges), len(known))
    yield from known.values()
    waiting = [merge for merge in merges if merge.id not in known]
    for outcome in _spread(partial(replay_merge, place), waiting, jobs):
        if resume:
            _append(resume, outcome)
        yield outcome


def _spread(work: Callable[[Merge], Outcome], merges: Sequence[Merge], jobs: int) -> Iterator[Outcome]:
    if jobs <= 1 or len(merges) < 2:
        yield from map(work, merges)
        return
    # Spawned, not forked: libgit2 and pycrdt keep state that a fork would share.
    count, deaf = min(jobs, len(merges)), (signal.SIGINT, signal.SIG_IGN)
    # Ctrl-C reaches every process of the terminal: the one that waits for the others ends them.
    with multiprocessing.get_context("spawn").Pool(count, initializer=signal.signal, initargs=deaf) as pool:
        yield from pool.imap(work, merges, chunksize=4)


def replay_merge(repo: Path, merge: Merge) -> Outcome:
    """Replay each file of one merge."""
    bases = merge_bases(repo, merge)
    if len(bases) != 1:
        return Outcome(merge.id, (), f"{len(bases)} merge bases")
    if bases[0] in (merge.ours, merge.theirs):
        return Outcome(merge.id, ())
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = read_files(open_repo(repo).handle, bases[0], merge)
            return Outcome(merge.id, tuple(replay_file(one, Path(folder)) for one in found))
    except KeyError as error:
        return Outcome(merge.id, (), f"object {error} is missing")


def replay_file(found: FileMerge, folder: Path) -> Record:
    """Merge one file by git and by the engine, and compare."""
    before = perf_counter()
    by_git = merge_by_git(found, folder)
    between = perf_counter()
    merged = merge_files(found.base, found.ours, found.theirs, path=found.path, prefer=OURS)
    after = perf_counter()
    merge_files(found.base, found.ours, found.theirs, prefer=OURS)
    bare = perf_counter()
    is_compared = by_git is None and found.committed is not None
    second = merge_files(found.base, found.ours, found.theirs, path=found.path, prefer=THEIRS) if is_compared else None
    guard = guard_for(found.path)
    return Record(
        merge=found.merge,
        path=found.path,
        key=_key(found),
        is_clean=by_git is not None,
        agrees=None if by_git is None else by_git == merged.text and not merged.is_contested,
        equal=_is_equal(merged, found) if is_compared else None,
        equal_second=_is_equal(second, found) if second else None,
        contested=sum(bool(place.lost) for place in merged.places) + bool(merged.winner),
        steps=(merged.kind,) if merged.winner else tuple(place.step for place in merged.places),
        shapes=tuple(_shapes(found, merged)),
        parsed=guard(found.ours) and guard(found.theirs) if guard else None,
        parses=merged.parses,
        ms=1000 * (after - between),
        bare_ms=1000 * (bare - after),
        git_ms=1000 * (between - before),
    )


def _shapes(found: FileMerge, merged: Merged) -> Iterator[str]:
    lines = split_lines(found.base)
    for place in merged.places:
        if place.step != "equal":
            start = place.base_start - 1
            texts = [b"".join(lines[start : start + place.base_lines]), *place.sides]
            yield shape_of(found.path, lines[:start], texts)


def _key(found: FileMerge) -> str:
    digest = hashlib.sha256(found.path.encode("utf-8", "surrogateescape"))
    for text in (found.base, found.ours, found.theirs, found.committed or b""):
        digest.update(b"%d\n" % len(text) + text)
    return digest.hexdigest()[:16]


def _is_equal(merged: Merged, found: FileMerge) -> bool:
    return settled(merged.text) == settled(found.committed or b"")


def settled(text: bytes) -> bytes:
    """Return the text without what nobody sees: white space at the ends of lines and of the file."""
    return b"\n".join(line.rstrip() for line in text.split(b"\n")).rstrip()


def read_outcomes(file: Path) -> Iterator[Outcome]:
    """Yield the outcomes that a file holds, one a line; a line that was cut off is left out.

    Raises `UsageError` for a file of another version, or another kind.
    """
    if not file.exists():
        return
    for line in file.read_bytes().split(b"\n")[:-1]:
        try:
            record = json.loads(line)
            if record["v"] != VERSION:
                raise UsageError(f"{file} was written by version {record['v']}", hint="give another file to resume")
            yield _decode(record)
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{file} is no record of a replay", hint="give another file to resume") from error


def _append(file: Path, outcome: Outcome) -> None:
    with file.open("a+b") as kept:
        kept.seek(0, 2)
        end = kept.tell()
        if end:
            kept.seek(end - 1)
            if kept.read(1) != b"\n":
                data = file.read_bytes()
                kept.truncate(data.rfind(b"\n") + 1)
        kept.write(json.dumps({"v": VERSION, **asdict(outcome)}, separators=(",", ":")).encode() + b"\n")


def _decode(record: dict[str, Any]) -> Outcome:
    records = tuple(
        Record(**{**one, "steps": tuple(one["steps"]), "shapes": tuple(one["shapes"])}) for one in record["records"]
    )
    return Outcome(str(record["merge"]), records, str(record["problem"]))
