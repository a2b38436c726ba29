"""The last look at a fold: what both integration and the agent had is in the result, or in a record."""

from collections.abc import Collection

from agentroom_git.core.contested import Contested, Entry, record_id
from agentroom_git.core.ids import BASE, AgentName, Oid
from agentroom_git.core.objects import Objects
from agentroom_git.core.tree import lines_at


def find_dropped(
    objects: Objects, agent: AgentName, before: Oid, new: Oid, result: Oid, recorded: Collection[bytes] = ()
) -> tuple[Contested, ...]:
    """Return a record of each file of integration with a line that the folded tip `new` has, too, and the `result` not.

    `before` is integration's tree. No commit can have deleted such a line; but where two agents did the same, say
    renamed a file, and one of them takes it back, each side of a merge may rest on the other's. The tip has a line,
    too, if that stands in the same file there, or in one that integration has not; an equal line of any other file is
    that file's. `recorded` are the paths whose versions a record has as a whole.
    """
    if result in (before, new):
        return ()
    changes = objects.changes(before, result)
    still = set[bytes]().union(*(lines_at(objects, now) for _, now in changes.values()))
    left = ((path, lines_at(objects, old) - still) for path, (old, _) in sorted(changes.items()))
    gone = {path: lines for path, lines in left if any(line.strip() for line in lines) and path not in recorded}
    if not gone:
        return ()
    lacks, elsewhere = dict[bytes, frozenset[bytes]](), set[bytes]()
    for path, (now, its) in objects.changes(result, new).items():
        if path in gone:
            lacks[path] = lines_at(objects, its) - lines_at(objects, now)
        elif objects.entry(before, path) is None:
            elsewhere |= lines_at(objects, its) - lines_at(objects, now)
    return tuple(
        _record(path, agent, changes[path][0], objects.entry(new, path))
        for path, lines in gone.items()
        if any(line.strip() for line in lines & (elsewhere | lacks.get(path, frozenset())))
    )


def _record(path: bytes, agent: AgentName, old: Entry | None, its: Entry | None) -> Contested:
    sides = tuple(entry.id if entry else None for entry in (old, its))
    return Contested(
        id=record_id(path, "dropped", old, [old, its]),
        path=path,
        kind="dropped",
        step="both",
        start=0,
        lines=0,
        base=sides[0],
        agents=((BASE,), (agent,)),
        sides=sides,
        winner=None,
    )
