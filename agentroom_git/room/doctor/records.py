"""The room's refs: integration is what folds make it, the logs and the claims can be read."""

from collections.abc import Iterator

import agentroom_git.git.repo as repositories
from agentroom_git.core import trailers
from agentroom_git.core.events import Recorded
from agentroom_git.core.fold import Engine
from agentroom_git.core.history import ENGINE
from agentroom_git.core.ids import Oid, is_oid, parse_writer
from agentroom_git.errors import UsageError
from agentroom_git.git import folds
from agentroom_git.git.claims_ref import read_table
from agentroom_git.git.log import Unreadable
from agentroom_git.git.worktrees import list_worktrees
from agentroom_git.room import logs
from agentroom_git.room.base import base_branch, short_name
from agentroom_git.room.doctor.finding import Finding
from agentroom_git.room.room import Room

SHOWN = 5


def examine_room(room: Room) -> Iterator[Finding]:
    tip = room.refs.get(room.names.integration)
    if tip is None:
        yield _without_integration(room)
        return
    yield _examine_fold(room, tip)
    yield from _who_has_it_checked_out(room)
    base = base_branch(room)
    if not base:
        yield Finding(
            "notice", "no branch of yours is folded: the room was opened on none", "set base: in .agentroom.yaml"
        )
    elif room.refs.get(base) is None:
        name = short_name(room)
        yield Finding("problem", f"your branch {name} does not exist", "set base: in .agentroom.yaml, or make it again")


def examine_copy(room: Room) -> Iterator[Finding]:
    """Say whose room this is, and how to bring what has come to it since."""
    if room.copy is None:
        return
    whose = f"the room is {room.copy.source}'s, fetched to be read: nobody acts in it here"
    yield Finding("notice", whose, f"to bring what is new: {room.copy.fetch}")
    tip = room.refs.get(room.names.integration)
    if tip is None:
        yield Finding("problem", "its branches were not fetched", room.copy.fetch)
    else:
        yield _examine_fold(room, tip)


def _without_integration(room: Room) -> Finding:
    """Tell a repository without a room from one whose integration branch was deleted."""
    if not logs.writers(room):
        return Finding("notice", f"there is no room {room.names.room!r} in this repository", "agentroom init")
    events, _ = logs.read_events(room)
    seen = next((item.event.seen for item in reversed(events) if _is_there(room, item.event.seen)), "")
    remedy = f"git update-ref {room.names.integration} {seen}" if seen else "agentroom init opens it anew"
    return Finding("problem", "the integration branch was deleted; the room's logs are there", remedy)


def _is_there(room: Room, id: str) -> bool:
    return is_oid(id) and id in room.repo.handle


def _examine_fold(room: Room, tip: Oid) -> Finding:
    """Fold the set that the tip names once more, and compare."""
    history = room.history
    last = _last_made_here(room, tip)
    if last != tip:
        put_back = f"git update-ref {room.names.integration} {last} {tip}"
        remedy = f"{put_back}, after the commit is on a branch of yours" if last else "agentroom log tells the story"
        return Finding("problem", f"integration was moved to {tip[:10]}, which is no fold of the room's", remedy)
    made_by = trailers.values(history.message(tip), trailers.ENGINE)
    if made_by != [str(ENGINE)]:
        about = f"was folded by engine {', '.join(made_by)}, this is engine {ENGINE}"
        return Finding(
            "notice", f"integration at {tip[:10]} {about}", "use one version of agentroom in this repository"
        )
    fold = folds.read_fold(history, tip)
    if not folds.is_fold(history, tip) or Engine(history).fold(fold.heads).tree == history.tree_of(tip):
        return Finding("ok", f"integration at {tip[:10]} is what its commits fold to")
    return Finding(
        "problem",
        f"integration at {tip[:10]} is not what its commits fold to",
        f"git diff {tip[:10]}^ {tip[:10]} shows what it changed; tell the makers of agentroom",
    )


def _last_made_here(room: Room, tip: Oid) -> Oid | None:
    """Return the newest commit on integration's first parents that a fold or the opening made."""
    current: Oid | None = tip
    while current is not None:
        commit = room.history.commit(current)
        if commit.author.name == "agentroom" and trailers.values(room.history.message(current), trailers.ENGINE):
            return current
        parents = room.history.parents(current)
        current = parents[0] if parents else None
    return None


def _who_has_it_checked_out(room: Room) -> Iterator[Finding]:
    own = room.names.integration
    places = [str(found.path) for found in list_worktrees(room.repo) if found.branch == own]
    if not room.repo.is_linked and repositories.head_branch(room.repo.handle) == own:
        places.append(str(room.checkout))
    for place in places:
        yield Finding(
            "notice",
            f"integration is checked out in {place}: it moves under that checkout, which then looks edited",
            f"git -C {place} switch --detach",
        )


def examine_logs(room: Room) -> Iterator[Finding]:
    prefix = room.names.logs
    count = 0
    for name in room.refs.listed(prefix):
        try:
            writer = parse_writer(name.removeprefix(prefix))
        except UsageError as error:
            yield Finding("problem", f"{name} is nobody's log: {error.message}", f"git update-ref -d {name}")
            continue
        unread = [item for item in logs.read_log(room, writer) if not isinstance(item, Recorded)]
        count += 1
        yield from _tell_unread(name, unread)
    if count:
        yield Finding("ok", f"read {count} logs")


def _tell_unread(name: str, unread: list[Unreadable]) -> Iterator[Finding]:
    for item in unread[:SHOWN]:
        remedy = item.hint or f"git show {item.id[:10]} shows it; the rest of the log counts"
        yield Finding("problem", f"{name}: {item.id[:10]}: {item.problem}", remedy)
    if len(unread) > SHOWN:
        yield Finding("problem", f"{name}: {len(unread) - SHOWN} more records cannot be read", "as above")


def examine_claims(room: Room) -> Iterator[Finding]:
    """Read the table; what is wrong with it is raised with its remedy."""
    table = read_table(room.refs, room.names.claims, anew=True).table
    if table.highest:
        yield Finding("ok", f"read the table of claims: {len(table.claims)} live, {table.highest} ever given")
