"""The room's events: written to one's own log, read from all of them."""

from collections.abc import Callable, Collection, Iterator

from agentroom_git.core.events import Body, Event, Recorded
from agentroom_git.core.ids import AgentName, Oid, parse_writer
from agentroom_git.errors import UsageError
from agentroom_git.git import claims_ref, log
from agentroom_git.git.log import Unreadable
from agentroom_git.room.room import Room


def stamp(room: Room) -> str:
    """Return the present wall time as it is shown: UTC, to the millisecond, so that lines stay in order."""
    return room.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def writers(room: Room, *, besides: Collection[AgentName] = ()) -> dict[AgentName, Oid]:
    """Return everyone who has a log in the room, with its tip; a ref whose name nobody may have is left out.

    Those `besides` are left out, too: their logs are not looked at.
    """
    found: dict[AgentName, Oid] = {}
    for name, tip in room.refs.listed(room.names.logs, besides=set(map(room.names.log, besides))).items():
        try:
            found[parse_writer(name.removeprefix(room.names.logs))] = tip
        except UsageError:
            continue
    return found


def refuse_stranger(room: Room, agent: AgentName) -> None:
    """Raise `UsageError` for an agent that was never in the room."""
    if room.refs.get(room.names.log(agent)) is None:
        raise UsageError(f"no agent {agent!r} has joined this room", hint="agentroom status lists who is here")


def new_event(room: Room, writer: AgentName, body: Body) -> Event:
    """Return an event for the writer, later than every event in the room and of its own time."""
    sources = [*(room.names.log(name) for name in writers(room)), room.names.claims]
    lamport = log.newest_lamport(room.refs, iter(sources)) + 1
    seen = room.refs.get(room.names.integration) or ""
    return Event(writer, lamport, stamp(room), seen, room.new_key(), body)


def record(room: Room, body: Body, *, writer: AgentName | None = None) -> Recorded:
    """Write an event to a log: one's own, or the sidecar's where the caller holds the fold lock."""
    who = writer or room.writer
    return log.append(room.refs, room.names.log(who), new_event(room, who, body), room.clock.now())


def read_log(room: Room, writer: AgentName, stop: Oid | None = None) -> Iterator[Recorded | Unreadable]:
    """Yield the writer's events, newest first, up to and without `stop`."""
    return log.read(room.refs, room.names.log(writer), writer=writer, stop=stop)


def read_events(
    room: Room, *, newest: int = 0, is_wanted: Callable[[Recorded], bool] = lambda _: True
) -> tuple[list[Recorded], list[Unreadable]]:
    """Return the wanted events of the room in order, and the records that could not be read on the way.

    With `newest`, only so many of each log, so that what is older is not read.
    """
    events: list[Recorded] = []
    problems: list[Unreadable] = []
    sources = [read_log(room, writer) for writer in writers(room)]
    sources.append(claims_ref.read_history(room.refs, room.names.claims))
    for source in sources:
        count = 0
        for item in source:
            if not isinstance(item, Recorded):
                problems.append(item)
            elif is_wanted(item):
                events.append(item)
                count += 1
                if count == newest:
                    break
    return sorted(events, key=lambda recorded: recorded.order), problems
