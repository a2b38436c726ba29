"""What happens when an agent is about to change what somebody else holds, at the level that the configuration sets.

`off`: nothing. `advise`: the agent is told. `warn`: the holder is told, too. `refuse`: the edit is refused. A refusal
is an answer with its reason; whatever fails on the way lets the agent go on.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core.claims import covers
from agentroom_git.core.escape import one_line
from agentroom_git.core.events import Refused
from agentroom_git.core.patterns import compiled, is_glob, needed
from agentroom_git.core.shell import find_writes
from agentroom_git.room import coordination, hookcache, leases, logs, messages
from agentroom_git.room.coordination import Held
from agentroom_git.room.hookcache import Known, Seat
from agentroom_git.room.room import Room
from agentroom_git.room.trespass import told_path
from agentroom_git.system.files import read_json, write_json

LONGEST_REST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the agent may go on, and what it is told (nothing where `text` is empty)."""

    is_allowed: bool
    text: str = ""


GO_ON = Judgement(True)


def judge(room: Room, paths: Sequence[Path], command: str, folder: Path) -> Judgement:
    """Judge what a tool is about to do: edit these files, and run this shell command (none where empty) there."""
    edit = judge_edit(room, paths) if paths else GO_ON
    if not command or not edit.is_allowed:
        return edit
    run = judge_command(room, command, folder)
    return Judgement(run.is_allowed, " ".join(text for text in (edit.text, run.text) if text))


def judge_edit(room: Room, paths: Sequence[Path]) -> Judgement:
    """Judge an edit of these files, given as absolute paths, by the acting agent.

    What nobody holds is claimed for the agent by its edit, for two minutes, unless the configuration says otherwise.
    """
    judged = _judge(room, paths)
    if judged == GO_ON and room.config.auto_claim:
        for path in paths:
            name = _repository_path(room, path)
            if name and path.is_relative_to(room.repo.worktree or room.checkout):
                coordination.auto_claim(room, name)
    return judged


def _judge(room: Room, paths: Sequence[Path]) -> Judgement:
    if room.config.enforce.edit == "off":
        return GO_ON
    named = [name for path in paths if (name := _repository_path(room, path))]
    conflicts = _conflicts(room, named)
    if not conflicts:
        return GO_ON
    if room.config.enforce.edit == "refuse":
        holders = tuple(sorted({held.claim.agent for _, held in conflicts}))
        logs.record(room, Refused(tuple(path for path, _ in conflicts), holders, "an edit"))
        return Judgement(
            False, f"{_describe(conflicts)} Do other work, wait for its release, or ask its holder with broadcast."
        )
    if room.config.enforce.edit == "warn":
        _tell_holders(room, conflicts)
    return Judgement(True, _advise(conflicts))


def _advise(conflicts: Sequence[tuple[str, Held]]) -> str:
    return f"{_describe(conflicts)} You may go on; what you both change will be contested, and the holder's stands."


def remind(room: Room, paths: Sequence[Path], command: str, folder: Path) -> str:
    """Return what an agent is told after a tool whose edit was allowed, where it could not be told before."""
    if room.config.enforce.edit not in ("advise", "warn"):
        return ""
    writes = find_writes(command)
    named = [
        name for path in (*paths, *(folder / one for one in writes.paths)) if (name := _repository_path(room, path))
    ]
    conflicts = _conflicts(room, named)
    said = [_advise(conflicts)] if conflicts else []
    return " ".join([*said, *([_warn_of(writes.sweeps)] if writes.sweeps else [])])


def judge_command(room: Room, command: str, folder: Path) -> Judgement:
    """Judge a shell command, as far as its text tells what it writes."""
    writes = find_writes(command)
    judged = _judge(room, [folder / path for path in writes.paths])
    if judged.text or not writes.sweeps or room.config.enforce.edit == "off":
        return judged
    return Judgement(True, _warn_of(writes.sweeps))


def _warn_of(sweeps: Sequence[str]) -> str:
    return f"{' and '.join(sweeps)} takes uncommitted work away; what others committed stays on integration."


def _repository_path(room: Room, path: Path) -> str:
    """Return the path relative to the top of the worktree that it lies in, or an empty text for one elsewhere."""
    plain = Path(os.path.normpath(path))
    parent = Path(os.path.realpath(plain.parent)) / plain.name
    tops = [room.repo.worktree, room.checkout, *(worktree.path for worktree in room.worktrees().values())]
    for top in tops:
        if top is not None and parent.is_relative_to(os.path.realpath(top)):
            return str(parent.relative_to(os.path.realpath(top)))
    return ""


def _conflicts(room: Room, paths: Sequence[str]) -> list[tuple[str, Held]]:
    claims = [held for held in coordination.live_claims(room) if held.claim.agent != room.me and not held.is_stale]
    return [
        (path, held) for path in paths for held in claims if not held.claim.shared and covers(held.claim.path, path)
    ]


def _describe(conflicts: Sequence[tuple[str, Held]]) -> str:
    parts = []
    for path, held in conflicts[:5]:
        why = f', their reason, quoted: "{one_line(held.claim.reason, 120)}"' if held.claim.reason else ""
        parts.append(
            f"{one_line(path)} is claimed by {held.claim.agent}{why}, {max(1, int(held.left // 60))} min left."
        )
    return " ".join(parts)


def _tell_holders(room: Room, conflicts: Sequence[tuple[str, Held]]) -> None:
    """Tell each holder once for each claim and path."""
    file = told_path(room, room.agent())
    told = read_json(file)
    for path, held in conflicts:
        key = f"{held.claim.token} {path}"
        if key not in told:
            told[key] = True
            text = f"{room.me} is editing {one_line(path)}, which you hold"
            messages.broadcast(room, text, topic="edit", to=held.claim.agent)
    write_json(file, told)


def learn(room: Room, seat: Seat) -> None:
    """Keep what the next hooks may answer by themselves."""
    leases.beat(room)
    # Before anything is looked up: what moves meanwhile makes the cache void at once.
    at = hookcache.fingerprint(seat)
    claims = coordination.live_claims(room)
    mine = [held.claim.path for held in claims if held.claim.agent == room.me]
    others = [held.claim.path for held in claims if held.claim.agent != room.me and not held.claim.shared]
    globs = [list(needed(path)) for path in others if is_glob(path)]
    rest = min([LONGEST_REST_SECONDS, *(held.claim.ttl / 4 for held in claims if held.claim.agent == room.me)])
    has_news = bool(messages.unread(room, limit=1).messages)
    level = room.config.enforce.edit
    held_by_me = _named(mine) if room.config.auto_claim else None
    known = Known(held_by_me, _named(others), globs, level, has_news, hookcache.now() + rest)
    hookcache.write_known(seat, known, at)


def _named(patterns: Sequence[str]) -> str:
    """Return the names that these patterns stand for, without globs and resources."""
    return hookcache.names(name for path in patterns if (name := compiled(path).name) is not None)
