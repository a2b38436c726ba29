"""Looking for what keeps the room from working: every problem names its remedy.

Nothing is changed unless asked to, and then only what is certainly ours or loses nothing. A part that cannot be looked
at is itself a finding, so that one damaged ref does not hide the rest.
"""

from collections.abc import Callable, Iterator

from agentroom_git.errors import AgentroomError
from agentroom_git.room.doctor import (
    checking,
    contested,
    failures,
    firing,
    locks,
    machine,
    places,
    records,
    settings,
    trial,
)
from agentroom_git.room.doctor.finding import Finding
from agentroom_git.room.room import Room

__all__ = ["Finding", "examine"]

Part = Callable[[Room], Iterator[Finding]]


_OF_A_COPY: tuple[tuple[str, Part], ...] = (
    ("git", machine.examine_git),
    ("the configuration", settings.examine_configuration),
    ("the copy", records.examine_copy),
    ("the logs", records.examine_logs),
    ("the claims", records.examine_claims),
    ("the disk", machine.examine_disk),
)


def examine(room: Room, *, fix: bool) -> list[Finding]:
    """Return what was found, part by part; with `fix`, repair what can be repaired without losing anything.

    In a copy, where nobody acts, only what can be read is looked at.
    """
    parts = _OF_A_COPY if room.copy else _parts(fix=fix)
    return [finding for name, part in parts for finding in _guarded(name, part, room)]


def _parts(*, fix: bool) -> tuple[tuple[str, Part], ...]:
    return (
        ("git", machine.examine_git),
        ("PATH", machine.examine_path),
        ("the repository", settings.examine_repository),
        ("the configuration", settings.examine_configuration),
        ("git's settings", settings.examine_settings),
        ("the room's refs", records.examine_room),
        ("the logs", records.examine_logs),
        ("the claims", records.examine_claims),
        ("the contests", lambda one: contested.examine_contested(one, fix=fix)),
        ("the worktrees", lambda one: places.examine_worktrees(one, fix=fix)),
        ("the hooks", firing.examine_hooks),
        ("the agents' hooks", failures.examine_failures),
        ("the locks", lambda one: locks.examine_locks(one, fix=fix)),
        ("the check", checking.examine_check),
        ("the disk", machine.examine_disk),
        ("the sidecar", machine.examine_sidecar),
        ("the trial", trial.examine_trial),
    )


def _guarded(name: str, part: Part, room: Room) -> Iterator[Finding]:
    try:
        yield from part(room)
    except AgentroomError as error:
        yield Finding("problem", f"{name}: {error.message}", error.hint or "git fsck says whether objects are damaged")
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        yield Finding("problem", f"{name}: {error.strerror or error}{where}", "correct the permissions or free space")
