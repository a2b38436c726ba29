"""The repository's kind and git's settings, as far as they matter to the room."""

from collections.abc import Iterator

from agentroom_git.core.escape import one_line
from agentroom_git.errors import UsageError
from agentroom_git.git import configuration
from agentroom_git.room.base import NAME_IT, missing
from agentroom_git.room.config import FILE_NAME, read_config
from agentroom_git.room.doctor.finding import Finding
from agentroom_git.room.opening import DISPLAY_REF, check_repository
from agentroom_git.room.room import Room

# git counts 17 of the 256 folders of loose objects to guess how many there are, and collects at 6,700.
_MANY_LOOSE = 20_000
_SAMPLE = tuple(f"{number:02x}" for number in range(17))


def examine_repository(room: Room) -> Iterator[Finding]:
    if room.repo.is_linked:
        yield Finding("ok", f"this is a worktree of {room.checkout}")
        return
    try:
        check_repository(room)
    except UsageError as error:
        yield Finding("problem", error.message, error.hint)
    else:
        yield Finding("ok", f"a room can live in {room.checkout}")


def examine_configuration(room: Room) -> Iterator[Finding]:
    """Tell what is wrong with the user's file, also in a worktree, where what the file said last holds."""
    read_config(room.checkout)
    yield Finding("ok", f"{FILE_NAME} can be followed")


def examine_settings(room: Room) -> Iterator[Finding]:
    yield from _examine_notes(room)
    for key in ("gc.pruneExpire", "gc.worktreePruneExpire"):
        if _last(room, key) in ("now", "all"):
            yield Finding(
                "problem",
                f"{key}={_last(room, key)}: git's gc deletes what another process is just writing",
                f"git config {key} 2.weeks.ago",
            )
    if configuration.values(room.repo, "remote.origin.partialclonefilter"):
        yield Finding(
            "notice",
            "this is a partial clone: a fold fails where it needs a file that was never fetched",
            "git fetch --refetch --filter=tree:0 --no-filter",
        )
    if (room.repo.common_dir / "gc.log").exists():
        yield Finding(
            "notice",
            "git's automatic gc has stopped and warns at every commit",
            f"read and remove {room.repo.common_dir / 'gc.log'}",
        )
    if room.refs.get(room.names.integration) is not None and (problem := missing(room)):
        text = f"{problem}: its commits do not reach the agents, and nothing can be landed"
        yield Finding("problem", text, NAME_IT)
    yield from _examine_pushes(room)
    loose = _loose_objects(room)
    if loose > _MANY_LOOSE:
        yield Finding("notice", f"about {loose:,} loose objects slow git down", "git repack -d")


def _examine_pushes(room: Room) -> Iterator[Finding]:
    """Name the settings by which a plain `git push` of the user's takes the room's branches along."""
    if _last(room, "push.default") == "matching":
        text = "push.default=matching: git push takes every branch along that the remote has, too"
        yield Finding("notice", text, "git config push.default simple")
    for remote in room.repo.handle.remotes.names():
        name = one_line(remote or "", 60)
        if _last(room, f"remote.{remote}.mirror") == "true":
            text = f"remote.{name}.mirror: git push {name} takes the room's branches and refs along"
            yield Finding("notice", text, f"git config --unset remote.{name}.mirror")
        wide = [spec for spec in configuration.values(room.repo, f"remote.{remote}.push") if _is_wide(spec)]
        if wide:
            text = f"remote.{name}.push = {one_line(wide[0], 80)}: git push {name} takes the room's branches along"
            yield Finding("notice", text, f"git config --add remote.{name}.push '^refs/heads/agentroom/*'")


def _is_wide(spec: str) -> bool:
    source = spec.removeprefix("+").partition(":")[0]
    return source in ("", "refs/*", "refs/heads/*") and not spec.startswith("^")


def _last(room: Room, key: str) -> str:
    found = configuration.values(room.repo, key, everywhere=True)
    return found[-1] if found else ""


def _examine_notes(room: Room) -> Iterator[Finding]:
    shown = configuration.values(room.repo, "notes.displayRef", everywhere=True)
    if any(value in shown for value in (DISPLAY_REF, room.names.notes, "refs/notes/*", "*")):
        yield Finding("ok", "git log shows the room's notes")
    elif room.refs.get(room.names.integration) is not None:
        yield Finding("notice", "plain git log does not show the room's notes", "agentroom init")
    rewritten = configuration.values(room.repo, "notes.rewriteRef", everywhere=True)
    if any(value in ("refs/notes/*", "refs/notes/agentroom/*", room.names.notes) for value in rewritten):
        yield Finding(
            "notice",
            "notes.rewriteRef lets git write the room's notes, too: it overwrites what others write meanwhile",
            "name the notes that are yours in notes.rewriteRef",
        )


def _loose_objects(room: Room) -> int:
    folders = [room.repo.common_dir / "objects" / name for name in _SAMPLE]
    return sum(len(list(folder.iterdir())) for folder in folders if folder.is_dir()) * 256 // len(_SAMPLE)
