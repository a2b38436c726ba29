"""The tasks of the room as its logs and contested regions tell of them."""

from dataclasses import dataclass

from agentroom_git.core import tasks
from agentroom_git.core.claims import ClaimsError
from agentroom_git.core.events import Recorded
from agentroom_git.core.ids import BASE, AgentName
from agentroom_git.core.tasks import DONE, RESOURCE, Task
from agentroom_git.git import contested_refs
from agentroom_git.git.claims_ref import read_table
from agentroom_git.git.contested_refs import Stored
from agentroom_git.room import coordination
from agentroom_git.room.digest import Closing, Digest, closed_contests, read_digests
from agentroom_git.room.markers import Marker
from agentroom_git.room.present_names import as_named_now
from agentroom_git.room.room import Room

SETTLE = "change those lines, or: agentroom resolve ID --take NAME|both|base"


@dataclass(frozen=True, slots=True)
class Listed:
    """A task, who holds it, and which open tasks it waits for; `left` is the marker that a done one was made from."""

    task: Task
    holder: str
    waits_for: tuple[str, ...]
    left: tuple[Marker, ...] = ()

    @property
    def summary(self) -> str:
        """The task in a line, with what agents wrote as they wrote it."""
        task = self.task
        state = f"held by {self.holder}" if self.holder else task.state
        if task.closed_by:
            state += f" by {task.closed_by}" + (f': "{task.said}"' if task.said else "")
        waits = f", waits for {', '.join(self.waits_for)}" if self.waits_for else ""
        agents = f", for {' and '.join(task.agents)}" if task.agents else ""
        return f"{task.id} {task.title} ({state}{waits}{agents})"


def read_tasks(room: Room, digests: dict[AgentName, Digest] | None = None) -> list[Listed]:
    """Return every task, those of contested regions last. Markers are not looked for."""
    found = all_tasks(room, read_digests(room) if digests is None else digests)
    holders = holders_of(room)
    return [
        Listed(task, holders.get(task.resource, "") if task.is_open else "", tasks.waits_for(task, found))
        for task in found.values()
    ]


def holders_of(room: Room) -> dict[str, str]:
    """Return who holds what by claims that have not run out; nobody where no task is held or the table is damaged."""
    try:
        if not any(claim.path.startswith(RESOURCE) for claim in read_table(room.refs, room.names.claims).table.claims):
            return {}
        return {held.claim.path: held.claim.agent for held in coordination.live_claims(room) if not held.is_stale}
    except ClaimsError:
        return {}


def events_of(digests: dict[AgentName, Digest]) -> list[Recorded]:
    """Return what the logs say of tasks, among other things."""
    return [recorded for digest in digests.values() for recorded in digest.events]


def all_tasks(room: Room, digests: dict[AgentName, Digest]) -> dict[str, Task]:
    """Return every task by its id, those of contested regions last."""
    closed = closed_contests(digests)
    records = list(contested_refs.read_all(room.refs, room.names.contested))
    renamed = {one.id: one for one in as_named_now(room, (one for one in records if one.id not in closed))}
    contested = (_contest_task(renamed.get(record.id, record), closed.get(record.id)) for record in records)
    return tasks.replay(events_of(digests)) | {task.id: task for task in contested if task is not None}


def _contest_task(record: Stored, closed: Closing | None) -> Task | None:
    """Return the task that a contested region is for the agents whose version does not stand."""
    if record.winner is None or not 0 <= record.winner < len(record.agents):
        return None
    winners = set(record.agents[record.winner])
    losers = {name for side in record.agents for name in side} - winners - {BASE}
    if not losers:
        return None
    where = f"{record.shown_path} line {record.start}" if record.start else record.shown_path
    return Task(
        id=record.id,
        title=f"contested {where}: {' and '.join(sorted(winners))}'s version stands; see whether yours is to come back",
        acceptance=SETTLE.replace("ID", record.id),
        needs=(),
        origin="",
        added_by="sidecar",
        at="",
        state=DONE if closed else tasks.OPEN,
        closed_by=closed.by if closed else "",
        said=closed.how if closed else "",
        agents=tuple(sorted(losers)),
    )
