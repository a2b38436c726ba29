"""The server: its name, what it tells every client at once, its tools, and serving them on stdin and stdout."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from mcp.server import MCPServer

from agentroom_git import __version__
from agentroom_git.mcp_server.ending import end_with_the_client
from agentroom_git.mcp_server.seat import Seat
from agentroom_git.mcp_server.tools import OFFERS
from agentroom_git.room import prompt

STANDARD_INPUT = 0


@dataclass(frozen=True, slots=True)
class _Lifespan:
    seat: Seat

    @asynccontextmanager
    async def __call__(self, server: MCPServer[Seat]) -> AsyncIterator[Seat]:
        yield self.seat


def build_server(seat: Seat) -> MCPServer[Seat]:
    """Return a server with every tool. What it lists depends on nothing in the room."""
    server = MCPServer[Seat](
        "agentroom",
        title="agentroom",
        version=__version__,
        instructions=prompt.instructions(),
        lifespan=_Lifespan(seat),
        # Refused calls are answers, and clients show what a server writes to standard error as trouble.
        log_level="ERROR",
    )
    for offer in OFFERS:
        server.add_tool(
            offer.run,
            title=offer.title,
            description=offer.description,
            annotations=offer.annotations,
            structured_output=True,
        )
    return server


def serve(folder: Path) -> None:
    """Serve the agent whose worktree `folder` is in, until its client is gone."""
    seat = Seat(folder)
    server = build_server(seat)
    end_with_the_client(seat.calls, STANDARD_INPUT)
    server.run()
