"""What follows from folds, whoever made them: contests that were settled, and commits to what somebody else holds."""

from collections.abc import Iterator, Sequence

from agentroom_git.core.claims import ClaimsError, covers
from agentroom_git.core.escape import path_text
from agentroom_git.core.events import Notice
from agentroom_git.core.ids import BASE, Oid
from agentroom_git.room import contests, coordination
from agentroom_git.room.coordination import Held
from agentroom_git.room.folding import LOCK_SECONDS, Made, notice_key, tell
from agentroom_git.room.room import Room
from agentroom_git.system.locks import held


def after_folds(room: Room, folds: Sequence[Made]) -> None:
    """Close the contests that the folded commits settled, and tell of commits to paths that others hold."""
    if not folds:
        return
    contests.close_edited(room, folds)
    try:
        claims = [one for one in coordination.live_claims(room) if not one.claim.shared and not one.is_stale]
    except ClaimsError:
        # A damaged table stops who asks about claims, and nobody else.
        return
    if room.config.enforce.fold == "off":
        return
    for made in folds:
        others = [one for one in claims if one.claim.agent != made.agent]
        if made.agent != BASE and others:
            _tell_edits(room, made, others)


def _tell_edits(room: Room, made: Made, claims: Sequence[Held]) -> None:
    for commit in _own_commits(room, made):
        paths = [path_text(path) for path in _changed(room, commit)]
        for one in claims:
            touched = tuple(path for path in paths if covers(one.claim.path, path))
            if touched:
                _tell(room, made, commit, one, touched)


def _own_commits(room: Room, made: Made) -> Iterator[Oid]:
    """Yield the agent's own commits that the fold brought in, newest first.

    They are on the first parents of its branch; merges there carry other people's changes and are left out.
    """
    history = room.history
    previous = history.parents(made.id)[0]
    commit = made.folded
    while not history.reaches(previous, commit):
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


def _tell(room: Room, made: Made, commit: Oid, claim: Held, paths: tuple[str, ...]) -> None:
    shown = ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
    text = f"{made.agent}'s commit {commit[:10]} changes {shown}, which {claim.claim.agent} holds"
    told = {made.agent} if room.config.enforce.fold == "advise" else {made.agent, claim.claim.agent}
    notice = Notice("claimed-edit", tuple(sorted(told)), text, paths[:20])
    with held(room.private / "fold.lock", seconds=LOCK_SECONDS, what="the fold lock"):
        tell(room, notice, key=notice_key("claimed-edit", commit, str(claim.claim.token)))
