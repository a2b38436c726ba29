"""The last look at a fold: what both integration and the agent had is in the result, or in a record."""

from agentroom_git.core.contested import Contested, record_id
from agentroom_git.core.ids import BASE, AgentName, Oid
from agentroom_git.core.objects import Objects
from agentroom_git.core.tree import lines_at


def find_dropped(objects: Objects, agent: AgentName, before: Oid, new: Oid, result: Oid) -> tuple[Contested, ...]:
    """Return a record of each file of integration with a line that the folded tip `new` has, too, and the `result` not.

    `before` is integration's tree. No commit can have deleted such a line; but where two agents did the same, say
    renamed a file, and one of them takes it back, each side of a merge may rest on the other's.
    """
    if result in (before, new):
        return ()
    changes = objects.changes(before, result)
    still = set[bytes]().union(*(lines_at(objects, now) for _, now in changes.values()))
    gone = {path: lines_at(objects, old) - still for path, (old, _) in changes.items()}
    anywhere = {line for lines in gone.values() for line in lines if line.strip()}
    if not anywhere:
        return ()
    differing = objects.changes(result, new).values()
    wanted = set[bytes]().union(*(lines_at(objects, entry) & anywhere for _, entry in differing))
    return tuple(
        Contested(
            id=record_id(path, "dropped", None, [changes[path][0], objects.entry(new, path)]),
            path=path,
            kind="dropped",
            step="both",
            start=0,
            lines=0,
            base=None,
            agents=((BASE,), (agent,)),
            sides=tuple(entry.id if entry else None for entry in (changes[path][0], objects.entry(new, path))),
            winner=None,
        )
        for path, lines in sorted(gone.items())
        if lines & wanted
    )
