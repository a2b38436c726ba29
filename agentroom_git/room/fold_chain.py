"""Integration as a list of folds."""

from collections.abc import Iterator

from agentroom_git.core.ids import Oid
from agentroom_git.git import folds
from agentroom_git.git.folds import Fold
from agentroom_git.room.room import Room


def read_folds(room: Room, limit: int | None = None) -> Iterator[Fold]:
    """Yield the folds of integration, newest first, without the commit that opened the room."""
    count = 0
    tip: Oid | None = room.integration()
    while tip is not None and (limit is None or count < limit):
        if not folds.is_fold(room.history, tip):
            return
        yield folds.read_fold(room.history, tip)
        count += 1
        parents = room.history.parents(tip)
        tip = parents[0] if parents else None
