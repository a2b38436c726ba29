"""What follows from folds, whoever made them: contests that were settled, merges that leave out others' lines,
commits to what somebody else holds, and commits that took away what their author had not seen."""

import os
from collections.abc import Iterator, Sequence

from agentroom_git.core.escape import path_text
from agentroom_git.core.ids import BASE, SIDECAR, Oid, is_oid
from agentroom_git.room import contests, stale, trespass
from agentroom_git.room.coordination import Held
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.folding import Folder, Made
from agentroom_git.room.left_out import tell_left_out
from agentroom_git.room.notices import notice_key
from agentroom_git.room.room import Room

MOST_FOLDS = 100
"""How far back folds are looked for that nobody followed up."""


def after_folds(room: Room, folds: Sequence[Made]) -> None:
    """Close the contests that the folded commits settled, put back what they took away unseen, and tell of commits to
    paths that others hold and of merges that leave out others' lines.

    Folds that somebody made who was killed before this are followed up, too.
    """
    tip = room.integration()
    pending = _pending(room, folds, tip)
    if not pending:
        return
    try:
        _follow_up(room, pending)
    except Exception:
        # What fails every time must not keep everybody's work out for ever.
        _note_done(room, tip)
        raise
    _note_done(room, tip)


def _pending(room: Room, folds: Sequence[Made], tip: Oid) -> list[Made]:
    """Return the folds since the last that was followed up, oldest first, these among them."""
    done = _done(room)
    if done in ("", tip):
        return list(folds)
    known = {made.id for made in folds}
    missed: list[Made] = []
    for fold in read_folds(room, MOST_FOLDS):
        if fold.id == done:
            break
        missed += [Made(fold.id, head.agent, head.id, ()) for head in fold.folded if fold.id not in known]
    return [*missed[::-1], *folds]


def _done(room: Room) -> str:
    try:
        found = (room.private / "followed").read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return ""
    return found if is_oid(found) else ""


def _note_done(room: Room, tip: Oid) -> None:
    """Overwrite the note in place: everybody's sync waits for it, and ext4 flushes what is renamed over another."""
    handle = os.open(room.private / "followed", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(handle, f"{tip}\n".encode())
    finally:
        os.close(handle)


def _follow_up(room: Room, folds: Sequence[Made]) -> None:
    contests.close_edited(room, folds)
    for made in folds:
        if made.agent not in (BASE, SIDECAR):
            tell_left_out(room, made)
    _mend(room, folds)
    claims = trespass.held_claims(room)
    for made in folds if claims else ():
        if made.agent not in (BASE, SIDECAR):
            _tell_edits(room, made, claims)


def _mend(room: Room, folds: Sequence[Made]) -> None:
    """Fold what puts back the changes that commits took away from files without having seen them."""
    worktrees = room.worktrees()
    for made in folds:
        worktree = worktrees.get(made.agent)
        if worktree is None or worktree.problem:
            continue
        # Walked only where a sync came before them.
        commits = _own_commits(room, made)
        for commit in stale.look_at_commits(room, made.agent, worktree, made.folded, commits):
            Folder(room).fold_commit(commit, SIDECAR)


def _tell_edits(room: Room, made: Made, claims: Sequence[Held]) -> None:
    for commit in _own_commits(room, made):
        paths = [path_text(path) for path in _changed(room, commit)]
        for claim, untold in trespass.find_untold(room, made.agent, paths, claims):
            key = notice_key("claimed-edit", commit, str(claim.claim.token))
            trespass.tell_of(room, made.agent, claim, untold, f"{made.agent}'s commit {commit[:10]} changes", key)


def _own_commits(room: Room, made: Made) -> Iterator[Oid]:
    """Yield the agent's own commits that the fold brought in, newest first.

    They are on the first parents of its branch; merges there carry other people's changes and are left out.
    """
    history = room.history
    new = set(history.between(frozenset({history.parents(made.id)[0]}), made.folded))
    commit = made.folded
    while commit in new:
        parents = history.parents(commit)
        if len(parents) == 1 and history.author_of(commit) in (made.agent, BASE):
            yield commit
        if not parents:
            return
        commit = parents[0]


def _changed(room: Room, commit: Oid) -> list[bytes]:
    history = room.history
    (parent,) = history.parents(commit)
    return sorted(history.changes(history.tree_of(parent), history.tree_of(commit)))
