"""What an agent's command line (a client) has to know to sit down in a worktree, and what it takes to start it there.

Each client is one module beside this one: pure functions from a `Seat` to a `Launch`. Nothing is read or written here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentroom_git.core.ids import AgentName

HOOK_SECONDS = 30
"""How long a client waits for a hook of ours, which fails open; on an idle machine it takes a tenth of a second."""
STOP_SECONDS = 60
"""How long it waits when its agent is about to stop: edits are saved then, and what is left is looked for."""
START_SECONDS = 30
"""How long a client waits for the MCP server to start."""
TOOL_SECONDS = 660
"""How long a client waits for a tool: `claim` and `wait` may take 600 s on purpose."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a client is to sit and what it is to do.

    `program` starts this very program whatever is on PATH, and `hook` answers a client's events when the client's name
    is added; `private` is a folder outside the worktree for generated files; `environment` is what the client will
    find, for variables that are added to; `extra` are the user's own arguments for the client.
    """

    agent: AgentName
    worktree: Path
    private: Path
    program: tuple[str, ...]
    hook: tuple[str, ...]
    environment: Mapping[str, str]
    task: str = ""
    is_headless: bool = False
    extra: tuple[str, ...] = ()

    def has_option(self, *names: str) -> bool:
        """Return whether the user gives one of these options, so that ours must give way."""
        return any(word == name or word.startswith(f"{name}=") for word in self.extra for name in names)


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a client: `environment` are the variables that it gets on top of the agent's."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: tuple[GeneratedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """`oldest` is the oldest version that works; `login` says how a user logs in.

    `headless_verb` is the subcommand that runs it where nobody can be asked, if that is one.
    """

    name: str
    title: str
    package: str
    oldest: tuple[int, ...]
    login: str
    plan: Callable[[Seat], Launch]
    headless_verb: str = ""

    @property
    def remedy(self) -> str:
        return f"npm install -g {self.package}"
