"""The clients that agentroom knows how to start."""

import difflib

from agentroom_git.agents import claude, codex, gemini, opencode, qwen
from agentroom_git.agents.client import Client
from agentroom_git.core.escape import one_line
from agentroom_git.errors import UsageError

_ALL = (claude.CLIENT, codex.CLIENT, gemini.CLIENT, opencode.CLIENT, qwen.CLIENT)
CLIENTS = {one.name: one for one in _ALL}


def parse_client(name: str) -> Client:
    """Return the client of this name; raise `UsageError` for one that is not known."""
    if name in CLIENTS:
        return CLIENTS[name]
    near = difflib.get_close_matches(name, CLIENTS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(CLIENTS)}; anything else: -- COMMAND"
    raise UsageError(f"no client is called {one_line(name, 40)!r}", hint=hint)
