"""Where a server sits: the folder it was started in, whose worktree says which agent its calls act for.

The room is opened anew for each call, which takes about a millisecond: any process can answer, nothing goes stale, and
the threads that the SDK runs the tools on share no handle of the repository.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from agentroom_git.core.escape import one_line
from agentroom_git.errors import AgentroomError
from agentroom_git.mcp_server.ending import Calls
from agentroom_git.mcp_server.results import Inbox, inbox
from agentroom_git.room import messages
from agentroom_git.room.room import NotAnAgentError, Room, open_room
from agentroom_git.system.clock import SystemClock
from agentroom_git.system.locks import held

UNREAD_BYTES = 1500
LOCK_SECONDS = 10.0
Answer = TypeVar("Answer", bound=Inbox)


@dataclass(frozen=True, slots=True)
class Seat:
    folder: Path
    calls: Calls = field(default_factory=Calls)


Here = Context[Seat, None]


@contextmanager
def looking(here: Here) -> Iterator[Room]:
    """Open the room for a call that anybody may make. What the caller can act on becomes the answer's error text."""
    seat = here.request_context.lifespan_context
    with seat.calls.one():
        try:
            yield open_room(seat.folder, SystemClock())
        except AgentroomError as error:
            hint = f"\nhint: {one_line(error.hint)}" if error.hint else ""
            raise ToolError(f"{one_line(error.message)}{hint}") from error


@contextmanager
def acting(here: Here) -> Iterator[Room]:
    """Open the room for a call that only an agent can make."""
    with looking(here) as room:
        room.integration()
        if room.me is None:
            raise NotAnAgentError(
                f"this server was started in {room.checkout}, which is no agent's worktree",
                hint="start the agent with: agentroom run NAME -- COMMAND",
            )
        yield room


def with_unread(room: Room, answer: Answer, *, limit: int = 20, max_bytes: int = UNREAD_BYTES) -> Answer:
    """Add the agent's unread messages to the answer and mark them as read.

    One call at a time, so that of calls which run side by side each message is in one. A first message that is longer
    than the budget waits for `read`.
    """
    if room.me is None:
        return answer
    with held(room.private / "inbox" / f"{room.me}.lock", seconds=LOCK_SECONDS, what="the inbox"):
        found = messages.unread(room, limit=limit, max_bytes=max_bytes)
        if len(found.messages) == 1 and messages.size_of(found.messages[0]) > max_bytes:
            found = messages.Unread((), found.more + 1)
        messages.mark_read(room, found.messages)
    return answer.model_copy(update=dict(inbox(found)))
