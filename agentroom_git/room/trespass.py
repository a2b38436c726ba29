"""Edits of paths that somebody else holds, told to both: the sidecar sees every write, committed or not.

Each path is told of once for each claim, whoever saw the edit first: the agent's own hook, the worktree's watch or the
fold. The list of what was told is the one that the hook keeps.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from agentroom_git.core.claims import ClaimsError, covers
from agentroom_git.core.events import Notice
from agentroom_git.core.ids import AgentName
from agentroom_git.room import coordination
from agentroom_git.room.coordination import Held
from agentroom_git.room.notices import fold_lock, notice_key, tell
from agentroom_git.room.room import Room
from agentroom_git.system.files import read_json, write_json

MAX_TOLD = 20


def told_path(room: Room, agent: AgentName) -> Path:
    """Return the file of what was told of this agent's edits, a key `TOKEN PATH` each."""
    return room.private / "hook" / f"{agent}.told.json"


def held_claims(room: Room) -> list[Held]:
    """Return the claims that edits may touch: none where nobody is told of such edits."""
    if room.config.enforce.fold == "off":
        return []
    try:
        return coordination.live_claims(room)
    except ClaimsError:
        # A damaged table stops who asks about claims, and nobody else.
        return []


def find_untold(
    room: Room, agent: AgentName, paths: Collection[str], claims: Sequence[Held] | None = None
) -> list[tuple[Held, tuple[str, ...]]]:
    """Return the claims of others that the agent's edits touch, each with the paths that nobody was told of yet.

    `claims` is what `held_claims` has just returned, for who asks of many edits.
    """
    known = (held_claims(room) if claims is None else claims) if paths else ()
    told = read_json(told_path(room, agent)) if known else {}
    found = []
    for one in known:
        if one.claim.agent == agent or one.claim.shared or one.is_stale:
            continue
        touched = (path for path in sorted(paths) if covers(one.claim.path, path))
        untold = tuple(path for path in touched if f"{one.claim.token} {path}" not in told)
        if untold:
            found.append((one, untold))
    return found


def tell_of(room: Room, agent: AgentName, claim: Held, paths: Sequence[str], how: str, key: str) -> None:
    """Tell both of an edit of these paths; `how` begins the sentence, `key` makes a repeated call tell nothing."""
    shown = ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
    told = {agent} if room.config.enforce.fold == "advise" else {agent, claim.claim.agent}
    notice = Notice(
        "claimed-edit", tuple(sorted(told)), f"{how} {shown}, which {claim.claim.agent} holds", tuple(paths[:MAX_TOLD])
    )
    with fold_lock(room):
        tell(room, notice, key=key)
    file = told_path(room, agent)
    write_json(file, read_json(file) | {f"{claim.claim.token} {path}": True for path in paths})


def tell_uncommitted(room: Room, agent: AgentName, paths: Collection[str]) -> int:
    """Tell of uncommitted edits of what others hold; return of how many claims."""
    found = find_untold(room, agent, paths)
    for claim, untold in found:
        key = notice_key("uncommitted", agent, str(claim.claim.token), *untold)
        tell_of(room, agent, claim, untold, f"{agent} is editing", key)
    return len(found)
