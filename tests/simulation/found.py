"""Which seed was seen to find each planted bug: only the order in which the hunt tries seeds depends on it."""

FIRST: dict[str, int] = {}
