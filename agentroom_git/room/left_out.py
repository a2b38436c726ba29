"""Merges that agents made by hand and that leave out what others wrote: told to those who wrote it.

Who merges decides, and a line that a merge leaves out counts as deleted by somebody who had it, so that there is no
record of it. But `git merge -X ours` decides without a look, and whoever wrote the lines would not hear of it.
"""

from collections.abc import Iterator

from agentroom_git.core.escape import path_text
from agentroom_git.core.events import Notice
from agentroom_git.core.ids import BASE, AgentName, Oid
from agentroom_git.core.tree import lines_at
from agentroom_git.room.fold_chain import read_folds
from agentroom_git.room.folding import Made
from agentroom_git.room.notices import fold_lock, notice_key, tell
from agentroom_git.room.room import Room

MAX_TOLD = 20
MOST_FOLDS = 100
MOST_COMMITS = 500
"""Of a merge that brings in more, nobody is told: it is a whole history, and no agent's work of today."""


def tell_left_out(room: Room, made: Made) -> None:
    """Tell the authors of lines that the agent's own merges, new in this fold, have not though a parent has them."""
    for merge in _own_merges(room, made):
        for other in room.history.parents(merge)[1:]:
            left_out = set(_left_out(room, merge, other))
            owned = _owned(room, made, merge, other, left_out) if left_out else {}
            for author, paths in sorted(owned.items()):
                shown = ", ".join(map(path_text, sorted(paths)[:5])) + (" and more" if len(paths) > 5 else "")
                text = (
                    f"{made.agent}'s merge {merge[:10]} leaves out lines of yours in {shown}: see git show {merge[:10]}"
                )
                told = tuple(map(path_text, sorted(paths)[:MAX_TOLD]))
                with fold_lock(room):
                    tell(room, Notice("left-out", (author,), text, told), key=notice_key("left-out", merge, author))


def _own_merges(room: Room, made: Made) -> Iterator[Oid]:
    """Yield the merges on the first parents of the agent's branch that the fold brought in, newest first."""
    history = room.history
    new = set(history.between(frozenset({history.parents(made.id)[0]}), made.folded))
    commit = made.folded
    while commit in new and (parents := history.parents(commit)):
        if len(parents) > 1 and history.author_of(commit) in (made.agent, BASE):
            yield commit
        commit = parents[0]


def _left_out(room: Room, merge: Oid, other: Oid) -> Iterator[bytes]:
    """Yield the paths of which the other parent brought lines that the merge has in no file that it changed."""
    history = room.history
    first = history.parents(merge)[0]
    bases = history.meet(frozenset({first}), other)
    if len(bases) != 1:
        return
    base, mine, its, now = (history.tree_of(one) for one in (*bases, first, other, merge))
    kept = set[bytes]().union(*(lines_at(history, entry) for _, entry in history.changes(base, now).values()))
    for path, (old, new) in history.changes(base, its).items():
        brought = lines_at(history, new) - lines_at(history, old) - lines_at(history, history.entry(mine, path))
        if any(line.strip() for line in brought - kept):
            yield path


def _owned(room: Room, made: Made, merge: Oid, other: Oid, paths: set[bytes]) -> dict[AgentName, set[bytes]]:
    """Return which of the paths other agents changed on the way to the merge's other parent."""
    history = room.history
    commits = set(history.between(frozenset({history.parents(merge)[0]}), other))
    found: dict[AgentName, set[bytes]] = {}
    for agent, brought in _brought(room, made) if len(commits) <= MOST_COMMITS else ():
        for commit in commits.intersection(brought):
            parents = history.parents(commit)
            author = agent if history.author_of(commit) == BASE else history.author_of(commit)
            if len(parents) == 1 and author not in (made.agent, BASE):
                changes = history.changes(history.tree_of(parents[0]), history.tree_of(commit))
                found.setdefault(author, set()).update(changes.keys() & paths)
        commits.difference_update(brought)
    return {author: changed for author, changed in found.items() if changed}


def _brought(room: Room, made: Made) -> Iterator[tuple[AgentName, frozenset[Oid]]]:
    """Yield whose commits are whose: first those that no earlier fold has, by branch, then those of earlier folds."""
    history = room.history
    before = history.parents(made.id)[0]
    for agent in room.worktrees():
        tip = room.refs.get(room.names.branch_ref(agent))
        if tip is not None and agent != made.agent:
            yield agent, frozenset(history.between(frozenset({before}), tip))
    for fold in read_folds(room, MOST_FOLDS):
        parents = history.parents(fold.id)
        for head in fold.folded if parents and history.reaches(before, fold.id) else ():
            yield head.agent, frozenset(history.between(frozenset({parents[0]}), head.id))
