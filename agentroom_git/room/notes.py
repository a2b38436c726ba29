"""The notes: a view of the room's events and folds on the commits they concern, rebuilt identically at any time.

One writer at a time. Each batch is one commit that names how far every source was read, so that the next batch reads
only what is new; a lost or damaged notes ref is made again from the sources.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agentroom_git.core.events import Recorded
from agentroom_git.core.ids import Oid, is_oid
from agentroom_git.git import claims_ref, folds, notes
from agentroom_git.git.folds import Fold
from agentroom_git.git.notes import Projected
from agentroom_git.room import landed_notes, logs, story
from agentroom_git.room.room import Room
from agentroom_git.system.locks import held

LOCK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Projection:
    """How many commits got a note in this batch."""

    commits: int


def project(room: Room, *, rebuild: bool = False) -> Projection:
    """Bring the notes up to date, or make them anew; the resulting notes are the same either way."""
    with held(room.private / "notes.lock", seconds=LOCK_SECONDS, what="the lock on notes"):
        while True:
            done = Projected(None, {}) if rebuild else notes.read_projected(room.refs, room.names.notes)
            sources = _sources(room)
            if not rebuild and dict(done.sources) == sources:
                return Projection(0)
            start = done.tip if _is_continued(room, done, sources) else None
            since = done.sources if start else {}
            lines = _lines(room, since, start)
            if notes.write_notes(room.refs, room.names.notes, lines, sources, room.clock.now(), start=start):
                return Projection(len(lines))


def _sources(room: Room) -> dict[str, str]:
    names = [room.names.log(writer) for writer in logs.writers(room)]
    names += [room.names.claims, room.names.integration]
    tips = {name: room.refs.get(name) for name in names}
    return {name: tip for name, tip in tips.items() if tip is not None and room.history.has_commit(tip)}


def _is_continued(room: Room, done: Projected, sources: Mapping[str, str]) -> bool:
    """Return whether every source only grew since; one that was put back makes the notes begin anew."""
    if not done.sources:
        return False
    for name, oid in done.sources.items():
        now = sources.get(name)
        if now is None or not is_oid(oid) or oid not in room.repo.handle:
            return False
        if not room.history.reaches(Oid(now), Oid(oid)):
            return False
    return True


def _lines(room: Room, since: Mapping[str, str], start: Oid | None) -> dict[Oid, tuple[str, ...]]:
    """Return the whole notes of the commits that new lines concern."""
    events = list(_new_events(room, since))
    new = story.lines_by_commit(story.tell(room, events, _new_folds(room, since)), room)
    handle = room.repo.handle
    landed = landed_notes.copied(
        room, events, lambda commit: new.get(commit, set()) | set(notes.read_note(handle, start, commit))
    )
    for commit, texts in landed.items():
        new.setdefault(commit, set()).update(texts)
    return {commit: tuple(sorted(texts | set(notes.read_note(handle, start, commit)))) for commit, texts in new.items()}


def _new_events(room: Room, since: Mapping[str, str]) -> Iterator[Recorded]:
    for writer in logs.writers(room):
        stop = since.get(room.names.log(writer))
        for item in logs.read_log(room, writer, Oid(stop) if stop else None):
            if isinstance(item, Recorded):
                yield item
    stop = since.get(room.names.claims)
    for item in claims_ref.read_history(room.refs, room.names.claims, Oid(stop) if stop else None):
        if isinstance(item, Recorded):
            yield item


def _new_folds(room: Room, since: Mapping[str, str]) -> Iterator[Fold]:
    stop = since.get(room.names.integration)
    tip: Oid | None = room.integration()
    while tip is not None and tip != stop and folds.is_fold(room.history, tip):
        yield folds.read_fold(room.history, tip)
        parents = room.history.parents(tip)
        tip = parents[0] if parents else None
