"""The lines of ours in the repository's `info/exclude`, which counts in every worktree and is part of no commit."""

from collections.abc import Callable, Iterable
from pathlib import Path

from agentroom_git.room.room import Room
from agentroom_git.system.files import replace_text
from agentroom_git.system.locks import held

BEGIN = "# agentroom: files made for agents' clients"
END = "# agentroom: end"
LOCK_SECONDS = 10.0


def exclude(room: Room, patterns: Iterable[str]) -> None:
    """Add patterns to our lines."""
    new = set(patterns)
    if new:
        _change(room, lambda ours: ours | new)


def keep_only(room: Room, patterns: Iterable[str]) -> None:
    """Take all of our lines out, but for these."""
    kept = set(patterns)
    _change(room, lambda ours: ours & kept)


def _change(room: Room, decide: Callable[[set[str]], set[str]]) -> None:
    with held(room.repo.private_dir / "exclude.lock", seconds=LOCK_SECONDS, what="the lock on info/exclude"):
        path = room.repo.common_dir / "info" / "exclude"
        text = _read(path)
        before, ours, after = _split(text)
        wanted = sorted(decide(set(ours)))
        block = [BEGIN, *wanted, END] if wanted else []
        changed = "".join(f"{line}\n" for line in [*before, *block, *after])
        if changed != text:
            replace_text(path, changed)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""


def _split(text: str) -> tuple[list[str], list[str], list[str]]:
    """Return the lines before ours, ours without their frame, and those after."""
    lines = text.splitlines()
    if BEGIN not in lines:
        return lines, [], []
    first = lines.index(BEGIN)
    last = lines.index(END, first) if END in lines[first:] else first
    return lines[:first], lines[first + 1 : last], lines[last + 1 :]
