"""A room with two agents, and real servers for them: through the SDK's client, or line by line over the pipes."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

from agentroom_git.system.process import own_command
from rooms import Bed, Git

PROTOCOL = "2025-11-25"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def bed(git: Git, repository: Path) -> Bed:
    """A room that alice and bob have joined."""
    bed = Bed(git, repository).open()
    bed.join("alice", "bob")
    return bed


def _client(folder: Path, era: str = "auto", **env: str) -> Client:
    command, *arguments = [*own_command(), "mcp"]
    server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ) | env, cwd=folder)
    return Client(server, mode=era)


@pytest.fixture
def client() -> Callable[..., Client]:
    """Make the SDK's client of a real server that is started in a folder."""
    return _client


async def _ask(client: Client, tool: str, **arguments: object) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, _text(result)
    assert result.structured_content is not None
    return result.structured_content


@pytest.fixture
def ask() -> Callable[..., Any]:
    """Call a tool that must not fail and return its structured content."""
    return _ask


def _text(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


async def _fail(client: Client, tool: str, **arguments: object) -> list[str]:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert result.structured_content is None
    return _text(result).removeprefix(f"Error executing tool {tool}: ").split("\n")


@pytest.fixture
def fail() -> Callable[..., Any]:
    """Call a tool that must fail and return the lines of its error."""
    return _fail


@dataclass
class Wire:
    """A server process, spoken to in lines of JSON."""

    process: subprocess.Popen[bytes]
    requests: int = 0
    lines: list[bytes] = field(default_factory=list)

    def send(self, record: dict[str, object]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(record).encode() + b"\n")
        self.process.stdin.flush()

    def request(self, method: str, **params: object) -> int:
        self.requests += 1
        self.send({"jsonrpc": "2.0", "id": self.requests, "method": method, "params": params})
        return self.requests

    def answer(self, id: int) -> bytes:
        """Return the line that answers the request."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if json.loads(line).get("id") == id:
                return line
        pytest.fail("the server closed its output")

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        line = self.answer(self.request("tools/call", name=tool, arguments=arguments))
        result: dict[str, Any] = json.loads(line)["result"]
        return result

    def handshake(self) -> None:
        info = {"name": "test", "version": "1"}
        self.answer(self.request("initialize", protocolVersion=PROTOCOL, capabilities={}, clientInfo=info))
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})


@pytest.fixture
def wire() -> Iterator[Callable[..., Wire]]:
    """Start a server in a folder and speak to it line by line; it is killed after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(folder: Path, command: Sequence[str] = (*own_command(), "mcp")) -> Wire:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        wire = Wire(process)
        wire.handshake()
        return wire

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
