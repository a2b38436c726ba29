"""A memory of what was computed or read lately, which never takes more than its measure."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key, each with a size; beyond `most` in all, those go that were asked for longest ago.

    What is larger than a sixteenth of that is not kept at all: one such value would push out everything else.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[K, tuple[V, int]] = {}
        self._size = 0

    def get(self, key: K) -> V | None:
        found = self._held.pop(key, None)
        if found is None:
            return None
        self._held[key] = found
        return found[0]

    def put(self, key: K, value: V, size: int) -> V:
        """Keep the value, which is returned."""
        if size > self._most // 16:
            return value
        before = self._held.pop(key, None)
        self._held[key] = (value, size)
        self._size += size - (before[1] if before is not None else 0)
        while self._size > self._most:
            _, gone = self._held.pop(next(iter(self._held)))
            self._size -= gone
        return value
