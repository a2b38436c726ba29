"""Which events of the others an agent is told of: what is said to it or to all, and what touches what it does.

That is: the paths and tasks it holds, the tasks it added, the topics it noted something under, and contested regions in
which one side is its own.
"""

from dataclasses import dataclass

from agentroom_git.core.claims import ClaimsError
from agentroom_git.core.events import (
    Abandoned,
    Broadcast,
    Noted,
    Notice,
    Recorded,
    Resolved,
    TaskAdded,
    TaskDone,
    TaskDropped,
    Withdrawn,
)
from agentroom_git.core.ids import SIDECAR, AgentName, Oid
from agentroom_git.core.patterns import has
from agentroom_git.core.tasks import RESOURCE
from agentroom_git.git import contested_refs
from agentroom_git.git.claims_ref import read_table
from agentroom_git.room import task_list
from agentroom_git.room.digest import read_digests
from agentroom_git.room.room import Room

# Kinds of events that are never a message, told by their first bytes.
SILENT = (
    "opened", "joined", "left", "read", "rewrote", "claimed", "released", "renewed", "refused",
    "checked", "blamed", "chosen", "landed", "undid", "assigned", "urged", "replaced",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """What a peer or the sidecar said; `text` is theirs, to be shown as a quotation."""

    id: Oid
    sender: AgentName
    at: str
    kind: str
    topic: str
    text: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concerns:
    """What an agent works on: what its claims are on, its tasks and those they need, the topics of its notes."""

    held: frozenset[str]
    tasks: frozenset[str]
    topics: frozenset[str]
    contested: frozenset[str]

    def holds(self, path: str) -> bool:
        return bool(path) and any(has(one, path) for one in self.held)


def concerns_of(room: Room, reader: AgentName) -> Concerns:
    """Return what the reader works on now."""
    try:
        held = frozenset(claim.path for claim in read_table(room.refs, room.names.claims).table.of(reader))
    except ClaimsError:
        held = frozenset()
    digests = read_digests(room)
    listed = task_list.read_tasks(room, digests)
    mine = [one.task for one in listed if one.task.added_by == reader or one.task.resource in held]
    mine += [one.task for one in listed if reader in one.task.agents]
    own = digests.get(reader)
    bodies = [recorded.event.body for recorded in own.events] if own else []
    return Concerns(
        held=held,
        tasks=frozenset({task.id for task in mine} | {id for task in mine for id in task.needs}),
        topics=frozenset(body.topic for body in bodies if isinstance(body, Noted) and body.topic),
        contested=frozenset(
            record.id
            for record in contested_refs.read_all(room.refs, room.names.contested)
            if any(reader in side for side in record.agents)
        ),
    )


def is_addressed(recorded: Recorded, reader: AgentName) -> bool | None:
    """Return whether the event says something to the reader, or None where that depends on what the reader does."""
    body = recorded.event.body
    if isinstance(body, Broadcast):
        return body.to in ("", reader)
    if isinstance(body, Notice | Withdrawn):
        return reader in body.to and recorded.event.agent == SIDECAR
    return None if isinstance(body, TaskAdded | TaskDone | TaskDropped | Noted | Resolved | Abandoned) else False


def concerns(recorded: Recorded, reader: AgentName, work: Concerns) -> bool:
    """Return whether an event that is not addressed to anybody touches what the reader does."""
    body = recorded.event.body
    if isinstance(body, TaskDone | TaskDropped):
        return body.task in work.tasks
    if isinstance(body, Abandoned):
        return not work.tasks.isdisjoint(body.tasks)
    if isinstance(body, TaskAdded):
        return not work.tasks.isdisjoint(body.needs) or work.holds(body.origin.partition(": ")[0])
    if isinstance(body, Noted):
        about = body.topic.removeprefix(RESOURCE)
        return body.topic in work.topics or about in work.tasks or work.holds(body.topic) or f"@{reader}" in body.text
    return isinstance(body, Resolved) and body.by != reader and body.contested in work.contested


def message_of(recorded: Recorded) -> Message:
    """Return the event as a message."""
    event, body = recorded.event, recorded.event.body
    kind, topic, text, paths = "", "", event.subject(), ()
    if isinstance(body, Broadcast):
        kind, topic, text = "broadcast", body.topic, body.text
    elif isinstance(body, Notice | Withdrawn):
        kind = body.kind if isinstance(body, Notice) else body.type
        return Message(recorded.id, event.agent, event.at, kind, "", body.text, body.paths)
    elif isinstance(body, Noted):
        kind, topic, text = "note", body.topic, body.text
    elif isinstance(body, TaskAdded | TaskDone | TaskDropped):
        kind = "task"
    elif isinstance(body, Abandoned):
        kind = "abandoned"
    elif isinstance(body, Resolved):
        return Message(recorded.id, event.agent, event.at, "resolved", "", text, (body.path,))
    return Message(recorded.id, event.agent, event.at, kind, topic, text, paths)
