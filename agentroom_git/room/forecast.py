"""What another agent holds and will matter to the claimed files: told with a grant, before the work.

Two kinds: what usually changes together with them, and what imports join with them on integration.

Read from the repository's history: which files the newest commits changed, kept in a private file and brought up to
date by what is new on integration. It is advice: what takes too long or cannot be read is left out, never waited for.
"""

import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from agentroom_git.core.claims import Claim
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.imports import MAX_BYTES, imported
from agentroom_git.core.patterns import compiled, escape, has, overlaps
from agentroom_git.room.room import Room
from agentroom_git.system.files import read_json, write_json
from agentroom_git.system.process import ProcessError, git

HISTORY = 6000
"""Commits that are looked at: the newest of them, without merges."""
TOUCHING = 500
MAX_FILES = 30
"""A commit of more files says little about any two of them."""
MIN_COMMITS, MIN_SHARE = 3, 0.3
MAX_TOLD = 5
BUDGET_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Together:
    """`path`, which `holder` holds, was changed by `commits` of the `of` newest commits that changed claimed files."""

    path: str
    holder: AgentName
    commits: int
    of: int


@dataclass(frozen=True, slots=True)
class Joined:
    """`path` imports `target`, and `holder` holds the one of them that the caller does not."""

    path: str
    target: str
    holder: AgentName


def joined_by_imports(room: Room, mine: Sequence[Claim], others: Sequence[Claim]) -> tuple[Joined, ...]:
    """Return the imports on integration that join a claimed file with one of another's, in either direction.

    Only files that are claimed by name are read, and as many as the budget allows.
    """
    tree = room.history.tree_of(room.integration())

    @cache
    def read(path: str) -> str | None:
        entry = room.history.entry(tree, path.encode("utf-8", "surrogateescape")) if path else None
        is_text = entry is not None and stat.S_ISREG(entry.mode) and room.history.blob_size(entry.id) <= MAX_BYTES
        return room.history.blob(entry.id).decode("utf-8", "replace") if entry is not None and is_text else None

    deadline = room.clock.monotonic() + BUDGET_SECONDS
    found: dict[Joined, None] = {}
    pairs = [(claim, others) for claim in mine] + [(claim, mine) for claim in others]
    for claim, facing in pairs:
        name = compiled(claim.path).name
        text = read(name) if name is not None else None
        if room.clock.monotonic() > deadline:
            break
        for target in sorted(imported(name, text, read)) if name is not None and text is not None else ():
            for other in facing:
                if _is_on(other.path, target):
                    found[Joined(name or "", target, other.agent if facing is others else claim.agent)] = None
    return tuple(found)[:MAX_TOLD]


def _is_on(pattern: str, target: str) -> bool:
    # A package of Go's is a folder, of which one file may be claimed.
    return has(pattern, target) or overlaps(pattern, escape(target))


def foresee(room: Room, mine: Sequence[Claim], others: Sequence[Claim]) -> tuple[Together, ...]:
    """Return what of the others' claims usually changes together with mine, most often first."""
    # A resource has no history, and to match globs with every file that ever was would take too long.
    names = [name for claim in mine if (name := compiled(claim.path).name) is not None]
    held = [claim for claim in others if not compiled(claim.path).is_resource]
    if not names or not held:
        return ()
    try:
        history = _history(room)
    except ProcessError:
        return ()
    deadline = room.clock.monotonic() + BUDGET_SECONDS
    exact, roots = frozenset(names), tuple(f"{name}/" for name in names)
    known, commits = history
    wanted = {number for number, file in enumerate(known) if file in exact or file.startswith(roots)}
    touching = [files for files in commits if not wanted.isdisjoint(files)][:TOUCHING]
    # What is claimed itself is no news, although others may hold it shared.
    counts = Counter(number for files in touching for number in files if number not in wanted)
    found: list[Together] = []
    for number, count in counts.most_common():
        if count < max(MIN_COMMITS, MIN_SHARE * len(touching)) or room.clock.monotonic() > deadline:
            break
        holder = next((claim.agent for claim in held if has(claim.path, known[number])), None)
        if holder is not None:
            found.append(Together(known[number], holder, count, len(touching)))
    return tuple(found[:MAX_TOLD])


def _history(room: Room) -> tuple[list[str], list[list[int]]]:
    """Return names of files, and for the newest commits of integration, newest first, the numbers of theirs."""
    head = room.integration()
    path = room.private / "history.json"
    record = read_json(path)
    names, old = _kept(record)
    if old and record["head"] == head:
        return names, old
    fresh = _read(room, head, Oid(record["head"]) if old else None)
    if fresh is None:
        names, old, fresh = [], [], _read(room, head, None) or []
    numbers = {name: number for number, name in enumerate(names)}
    new = [[numbers.setdefault(name, len(numbers)) for name in files] for files in fresh]
    commits = [*new, *old][:HISTORY]
    write_json(path, {"head": head, "names": list(numbers), "commits": commits})
    return list(numbers), commits


def _kept(record: dict[str, Any]) -> tuple[list[str], list[list[int]]]:
    """Return what was kept, or nothing where the record is damaged."""
    names, commits = record.get("names"), record.get("commits")
    if not (isinstance(record.get("head"), str) and isinstance(names, list) and isinstance(commits, list)):
        return [], []
    try:
        highest = max((max(files) for files in commits), default=-1)
    except (TypeError, ValueError):
        return [], []
    return (names, commits) if highest < len(names) else ([], [])


def _read(room: Room, head: Oid, since: Oid | None) -> list[list[str]] | None:
    """Return the files of the commits that `head` has and `since` has not, or None where git cannot tell."""
    done = git(
        *("-c", "core.quotePath=false", "log", "--no-merges", "--no-renames", "--name-only", "--format=%x01"),
        *(f"--max-count={HISTORY}", head, *([f"^{since}"] if since else []), "--"),
        cwd=room.checkout,
        env={"GIT_NO_LAZY_FETCH": "1"},
    )
    if done.code != 0:
        return None
    commits = (part.split("\n") for part in done.out.decode("utf-8", "surrogateescape").split("\x01"))
    listed = [[name for name in lines if name and name.isprintable()] for lines in commits]
    return [files for files in listed if 1 < len(files) <= MAX_FILES]
