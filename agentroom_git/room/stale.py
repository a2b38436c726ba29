"""Whole-file writes from a version that others have changed since: told, and mended where it is known what was read.

What arrived in a worktree is known from its syncs; what the agent had seen of it only where its hooks saw it read. An
agent that is known to have missed something gets it back under its edit. From the history alone the same lack may be
meant: then the agent and the authors of what is gone are told, and nothing is touched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from agentroom_git.core import trailers
from agentroom_git.core.content import MAX_TEXT
from agentroom_git.core.contested import Entry
from agentroom_git.core.escape import one_line, path_text
from agentroom_git.core.events import Notice
from agentroom_git.core.ids import BASE, SIDECAR, AgentName, Oid
from agentroom_git.core.objects import REGULAR
from agentroom_git.git import folds
from agentroom_git.git.mending import WorktreeFile
from agentroom_git.git.worktrees import Worktree
from agentroom_git.room import reading
from agentroom_git.room.displaced import stage_dir
from agentroom_git.room.hookcache import Seat
from agentroom_git.room.notices import fold_lock, notice_key, tell
from agentroom_git.room.room import Room
from agentroom_git.room.written import Finding, Sync, Write

MOST_SYNCS = 50
"""How many of the last syncs are looked at; a write from before them is told by nobody's memory."""
MOST_PATHS = 100
MOST_SHOWN = 3


def look_at_own(room: Room, seat: Seat, paths: Iterable[str]) -> str:
    """Look at files that the acting agent has just written as a whole; return what it has to be told."""
    agent = room.agent()
    said = []
    for path in paths:
        found = look_at_edits(room, agent, room.worktrees()[agent], [path], is_rewritten=True)
        finding = found[0] if found else None
        if finding is None or not finding.is_mended:
            reading.record(seat, path)
        said += [finding.describe()] if finding is not None else []
    return f"[agentroom] {' '.join(said)}" if said else ""


def look_at_edits(
    room: Room, agent: AgentName, worktree: Worktree, paths: Iterable[str], *, is_rewritten: bool = False
) -> list[Finding]:
    """Look at uncommitted files; mend those where it is known what their agent had read, and tell who has to know.

    `is_rewritten`: a tool has just written each as a whole.
    """
    syncs = syncs_of(room, worktree)
    touched = {path for one in syncs for path in room.history.touched(one.old, one.new)}
    found: list[Finding] = []
    for path in paths:
        is_touched = path.encode("utf-8", "surrogateescape") in touched
        finding = _look(room, agent, worktree, path, syncs, is_rewritten) if is_touched else None
        if finding is not None:
            _tell(room, agent, finding, f"{agent}'s edit")
            found.append(finding)
    return found


def syncs_of(room: Room, worktree: Worktree) -> list[Sync]:
    """Return the last syncs of a worktree that its HEAD still has, oldest first."""
    head, history = worktree.head, room.history
    pairs = reading.read_syncs(str(worktree.git_dir))[-2 * MOST_SYNCS :]
    # A sync that was noted and came to nothing was followed by another from the same commit.
    last = dict(pairs)
    found = [Sync(Oid(old), Oid(new)) for old, new in dict.fromkeys(pairs) if last[old] == new][-MOST_SYNCS:]
    there = [one for one in found if history.has_commit(one.old) and history.has_commit(one.new)]
    return [one for one in there if head is not None and history.reaches(head, one.new)]


def _look(  # noqa: PLR0913 - what is looked at, by whose hand, and against what
    room: Room, agent: AgentName, worktree: Worktree, path: str, syncs: Sequence[Sync], is_rewritten: bool
) -> Finding | None:
    assert worktree.head is not None, "syncs are those that HEAD has"
    file = WorktreeFile.open(worktree.path, path.encode("utf-8", "surrogateescape"))
    written, current = file.now(), file.at(worktree.head)
    if written is None or current == written.data or file.needs_git:
        return None
    if max(len(current or b""), len(written.data)) > MAX_TEXT:
        return None
    write = Write(room.history, agent, path, file.at, current or b"", written.data)
    unseen = _unseen(room, worktree, path, syncs)
    if current is None:
        return write.revived(syncs if unseen is None else unseen)
    if unseen is None:
        return write.report(syncs)
    rebased, finding = write.rebase(unseen, is_rewritten=is_rewritten)
    if rebased is None or finding is None:
        return finding
    room.failpoint(f"mend {path}")
    is_mended = file.mend(written, rebased.text, stage=stage_dir(room, agent), clock=room.clock)
    return replace(finding, is_mended=True, missing=rebased.lost) if is_mended else finding


def _unseen(room: Room, worktree: Worktree, path: str, syncs: Sequence[Sync]) -> list[Sync] | None:
    """Return what came after the agent last saw the file; None where nobody saw it read."""
    seen = reading.last_seen(str(worktree.git_dir), path)
    if seen is None or not room.history.has_commit(Oid(seen[0])):
        return None
    return [one for one in syncs if not room.history.reaches(Oid(seen[0]), one.new)]


def look_at_commits(room: Room, agent: AgentName, worktree: Worktree, tip: Oid, commits: Iterable[Oid]) -> list[Oid]:
    """Look at what an agent committed up to `tip`; return commits of the room's own that put back what it lacks.

    They stand on each other, the first on the tip, and are not folded yet.
    """
    history = room.history
    syncs = syncs_of(room, worktree)
    made: list[Oid] = []
    for commit in commits if syncs else ():
        if trailers.by_key(history.message(commit)).keys() & {trailers.UNDID, trailers.RESOLVED}:
            # Made by the room on integration, of what somebody chose there: no worktree's old text.
            continue
        (parent,) = history.parents(commit)
        before = [one for one in syncs if history.reaches(parent, one.new)]
        changes = history.changes(history.tree_of(parent), history.tree_of(commit)) if before else {}
        for path, sides in sorted(changes.items())[:MOST_PATHS]:
            if sides[1] is not None and all(side is None or side.mode in REGULAR for side in sides):
                mended = _look_at_committed(room, agent, worktree, path, before, (parent, made[-1] if made else tip))
                made += [mended] if mended is not None else []
    return made


def _look_at_committed(
    room: Room, agent: AgentName, worktree: Worktree, path: bytes, syncs: Sequence[Sync], ends: tuple[Oid, Oid]
) -> Oid | None:
    """Look at what became of a file between two commits; return the commit that puts back what is gone, if any."""
    history = room.history

    def at(commit: Oid) -> bytes | None:
        entry = history.entry(history.tree_of(commit), path)
        is_text = entry is not None and entry.mode in REGULAR and history.blob_size(entry.id) <= MAX_TEXT
        return history.blob(entry.id) if entry is not None and is_text else None

    (parent, tip), name = ends, path.decode("utf-8", "surrogateescape")
    current, written = at(parent), at(tip)
    if written is None or current == written:
        return None
    write = Write(history, agent, name, at, current or b"", written)
    unseen = _unseen(room, worktree, name, syncs)
    if current is None:
        rebased, finding = None, write.revived(syncs if unseen is None else unseen)
    else:
        rebased, finding = (None, write.report(syncs)) if unseen is None else write.rebase(unseen, is_rewritten=False)
    if finding is None:
        return None
    if rebased is not None:
        there = at(room.integration())
        if there is not None and unseen is not None and _is_complete(replace(write, written=there), unseen):
            return None  # somebody has put it back already
        finding = replace(finding, is_mended=True, missing=rebased.lost)
    _tell(room, agent, finding, f"{agent}'s commit {tip[:10]}")
    return None if rebased is None else _commit(room, agent, path, tip, rebased.text)


def _is_complete(write: Write, unseen: Sequence[Sync]) -> bool:
    return write.rebase(unseen, is_rewritten=False) == (None, None)


def _commit(room: Room, agent: AgentName, path: bytes, tip: Oid, text: bytes) -> Oid:
    history = room.history
    tree = history.tree_of(tip)
    entry = history.entry(tree, path)
    assert entry is not None, "its text was read"
    tree = history.write_tree(tree, {path: Entry(history.write_blob(text), entry.mode)})
    subject = f"put back in {path_text(path)} what {agent}'s commit {tip[:10]} had not seen"
    return folds.write_commit(history, tree, tip, SIDECAR, subject, room.clock.now())


def _tell(room: Room, agent: AgentName, finding: Finding, what: str) -> None:
    """Tell the writer and the authors of what is gone, once for the same lines."""
    path = path_text(finding.path.encode("utf-8", "surrogateescape"))
    to = tuple(sorted({agent, *(one for one in finding.authors if one not in (BASE, SIDECAR))}))
    lines = "; ".join(one_line(line.decode("utf-8", "replace").strip(), 80) for line in finding.missing[:MOST_SHOWN])
    gone = f"; missing: {lines}" if finding.missing else ""
    outcome = "was put on top of what had arrived there" if finding.is_mended else "lacks what had arrived there"
    if finding.is_revived:
        outcome = "brings it back, deleted as it was"
    key = notice_key("stale", agent, finding.path, str(finding.is_mended), *map(repr, finding.missing))
    if finding.is_mended:
        key = notice_key(key, room.new_key())
    with fold_lock(room):
        tell(room, Notice("stale", to, f"{what} of {path} {outcome}, unseen by {agent}{gone}", (path,)), key=key)
