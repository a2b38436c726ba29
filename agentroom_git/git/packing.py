"""Packing what the room wrote, so that the repository does not grow fat; nothing is ever pruned.

A pack is made of loose objects that the room's refs reach, and only then do their loose copies go: whoever looks for an
object finds it in either place. Packs that were made so are put together when there are many, as `git maintenance` does
it (`--geometric`), which keeps every object that is in them.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.errors import AgentroomError
from agentroom_git.system.process import Finished, git

MANY_PACKS = 24
MANY_LOOSE_REFS = 500
UNFINISHED_SECONDS = 86400.0
"""How old what libgit2 was writing an object into must be before nobody can be writing it any more."""
_UNFINISHED = "tmp_object_git2_*"
_SAMPLE = tuple(f"{number:02x}" for number in range(0, 256, 16))


class PackingError(AgentroomError):
    """git could not pack objects; all of them are where they were."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Objects and refs of the room that were packed, and whether small packs were put together."""

    objects: int
    refs: int
    has_merged_packs: bool


def count_loose(common_dir: Path) -> int:
    """Return about how many loose objects there are, from a sample of their folders."""
    folders = [common_dir / "objects" / name for name in _SAMPLE]
    return sum(1 for folder in folders if folder.is_dir() for _ in folder.iterdir()) * 256 // len(_SAMPLE)


def pack(common_dir: Path, tips: Iterable[str], loose_refs: int) -> Packed:
    """Pack the loose objects that these commits reach, put small packs together where there are many, and pack refs."""
    wanted = "".join(f"{tip}\n" for tip in sorted(set(tips))).encode()
    target = common_dir / "objects" / "pack" / "pack"
    options = ("--revs", "--unpacked", "--local", "--non-empty", "--quiet", "--delta-base-offset")
    name = _run(common_dir, "pack-objects", *options, str(target), stdin=wanted).out.decode().strip()
    objects = 0
    if name:
        shown = _run(common_dir, "show-index", stdin=target.with_name(f"pack-{name}.idx").read_bytes())
        objects = shown.out.count(b"\n")
        _run(common_dir, "prune-packed", "--quiet")
    has_merged = len(list(target.parent.glob("*.pack"))) > MANY_PACKS
    if has_merged:
        _run(common_dir, "repack", "--geometric=2", "-d", "--quiet")
    is_full = loose_refs > MANY_LOOSE_REFS
    if is_full:
        _run(common_dir, "pack-refs", "--all")
    return Packed(objects, loose_refs if is_full else 0, has_merged)


def clear_unfinished(common_dir: Path, now: float) -> int:
    """Remove what processes killed while they wrote an object have left; `now` is the time by the files' clock.

    Such a file is nobody's object: one gets its name only when it is whole.
    """
    cleared = 0
    for left in (common_dir / "objects").glob(_UNFINISHED):
        with suppress(FileNotFoundError):  # another packing, or git's gc, was first
            if now - left.lstat().st_mtime > UNFINISHED_SECONDS:
                left.unlink()
                cleared += 1
    return cleared


def _run(common_dir: Path, command: str, *arguments: str, stdin: bytes = b"") -> Finished:
    done = git(command, *arguments, cwd=common_dir, stdin=stdin)
    if done.code != 0:
        raise PackingError(f"git {command} failed: {done.message}", hint="git fsck says what is wrong")
    return done
