"""The state of the room, gathered once for every front end."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from agentroom_git.core.claims import ClaimsError, covers, overlaps
from agentroom_git.core.clash import Clash
from agentroom_git.core.events import Joined
from agentroom_git.core.ids import HUMAN, NULL, SIDECAR, AgentName
from agentroom_git.git import contested_refs
from agentroom_git.git.contested_refs import Stored
from agentroom_git.git.log import Unreadable
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room import disk, leases, logs, running, scratchpad, standing, story, sync_waits, task_list
from agentroom_git.room.coordination import Held, live_claims, repository_path
from agentroom_git.room.digest import Digest, closed_contests, read_digests
from agentroom_git.room.displaced import Displaced, read_displaced
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.gate.summary import GateSummary, read_summary
from agentroom_git.room.glance import Glance, glance_at
from agentroom_git.room.present_names import as_named_now, is_about
from agentroom_git.room.room import Room
from agentroom_git.room.story import Line
from agentroom_git.room.sync_waits import Waiting
from agentroom_git.room.task_list import Listed
from agentroom_git.system.locks import is_held

RECENT_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Presence:
    """One agent. `state` is running, idle, gone (its worktree is missing), elsewhere (in another clone) or left.

    Where `has_more_unread`, more than `unread` messages wait: too many to count them. `silent` is the number of seconds
    since its last sign of life, or None where there was none since the last boot. `displaced` are the versions of files
    that syncs took out of its worktree, as long as they are kept.
    """

    agent: AgentName
    state: str
    worktree: str
    branch: str
    silent: float | None
    unread: int
    has_more_unread: bool
    waits: Waiting | None
    displaced: tuple[Displaced, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """`disk` says why nothing is folded or synced, where a disk has too little room; otherwise it is empty.

    `configuration` likewise says why the user's configuration cannot be followed, and what it said last is.
    `warnings` are what uncommitted edits would contest, as the running sidecar sees it. `tasks` are the open ones, but
    for contested regions; `topics` are those of the scratchpad, with their counts. `copy_of` is empty in the clone that
    opened the room; elsewhere it names the remote from which it was fetched.
    """

    room: str
    copy_of: str
    integration: str
    me: AgentName | None
    sidecar: bool
    disk: str
    configuration: str
    agents: tuple[Presence, ...]
    claims: tuple[Held, ...]
    folds: tuple[Line, ...]
    contested: tuple[Stored, ...]
    warnings: tuple[Clash, ...]
    tasks: tuple[Listed, ...]
    topics: tuple[tuple[str, int], ...]
    gate: GateSummary | None
    problems: tuple[Unreadable, ...]


def sidecar_lock_held(room: Room) -> bool:
    """Return whether a sidecar serves this room: never where it is a copy."""
    return room.copy is None and is_held(room.sidecar_lock)


def read_status(room: Room, paths: Sequence[str] = ()) -> Status:
    """Return the state of the room; with paths, only the claims and contested regions that concern them."""
    integration = room.integration()
    wanted = [repository_path(room, path).rstrip("/") for path in paths]
    waiting = sync_waits.waits(room)
    worktrees = room.worktrees()
    agents: list[Presence] = []
    problems: list[Unreadable] = []
    digests = read_digests(room)
    for agent in sorted(set(digests) - {SIDECAR, HUMAN}):
        problems += digests[agent].problems
        agents.append(_presence(room, digests[agent], agent, worktrees.get(agent), waiting.get(agent)))
    held = _read_claims(room, problems)
    claims = tuple(h for h in held if not wanted or any(overlaps(h.claim.path, p) for p in wanted))
    closed = closed_contests(digests)
    kept = contested_refs.read_all(room.refs, room.names.contested)
    records = as_named_now(room, (one for one in kept if one.id not in closed))
    listed = [one for one in task_list.read_tasks(room, digests) if one.task.is_open and not one.task.agents]
    return Status(
        room=room.names.room,
        copy_of=room.copy.source if room.copy else "",
        integration=integration,
        me=room.me,
        sidecar=sidecar_lock_held(room),
        disk="" if room.copy else disk.shortage(room),
        configuration=room.config_problem,
        agents=tuple(agents),
        claims=claims,
        folds=tuple(story.line_of_fold(room, fold) for fold in read_folds(room, RECENT_FOLDS)),
        contested=tuple(r for r in records if not wanted or any(is_about(r, p) for p in wanted)),
        warnings=tuple(c for c in _warnings(room) if not wanted or any(covers(p, c.path) for p in wanted)),
        tasks=tuple(listed),
        topics=scratchpad.topics_of(scratchpad.all_notes(digests)),
        gate=read_summary(room),
        problems=tuple(problems),
    )


def _warnings(room: Room) -> list[Clash]:
    # Without a sidecar nobody takes them back.
    return [one.clash for one in standing.read_standing(room)] if sidecar_lock_held(room) else []


def _read_claims(room: Room, problems: list[Unreadable]) -> list[Held]:
    try:
        return live_claims(room)
    except ClaimsError as error:
        problems.append(
            Unreadable(room.refs.get(room.names.claims) or NULL, room.names.claims, error.message, error.hint)
        )
        return []


def _presence(
    room: Room, digest: Digest, agent: AgentName, worktree: Worktree | None, waiting: Waiting | None
) -> Presence:
    state = "left"
    unread = Glance(0, True)
    if running.is_running(room, agent):
        state = "running"
    elif worktree is not None:
        state = "gone" if worktree.problem else "idle"
    elif digest.move is not None and isinstance(digest.move.event.body, Joined):
        state = "elsewhere" if room.copy else "gone"
    if state != "left":
        unread = glance_at(room, agent)
    return Presence(
        agent=agent,
        state=state,
        worktree=str(worktree.path) if worktree else "",
        branch=worktree.branch.removeprefix("refs/heads/") if worktree else "",
        silent=leases.seconds_since_seen(room, agent),
        unread=unread.count,
        has_more_unread=not unread.is_all,
        waits=waiting,
        displaced=tuple(read_displaced(room, agent)),
    )


def read_story(room: Room, limit: int = 0, *, only: Collection[str] = ()) -> tuple[list[Line], list[Unreadable]]:
    """Return the newest lines of the room's story, oldest first, and the records that could not be read.

    With `only`, no folds and only events of these kinds.
    """
    events, problems = logs.read_events(
        room, newest=limit, is_wanted=lambda one: story.is_told(one) and (not only or one.event.body.type in only)
    )
    folds = [] if only else list(read_folds(room, limit or None))[::-1]
    lines = story.tell(room, events, folds)
    return (lines[-limit:] if limit else lines), problems
