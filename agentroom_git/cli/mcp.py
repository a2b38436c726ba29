"""The MCP server: `agentroom mcp`, which an agent's client starts."""

import os
from pathlib import Path

import typer

# Some clients start their servers in `/` or in the home folder and name the project only here.
FOLDER_VARIABLES = ("CLAUDE_PROJECT_DIR", "WORKSPACE_FOLDER_PATHS")


def register(app: typer.Typer) -> None:
    app.command()(mcp)


def mcp() -> None:
    """Serve the room's tools over MCP on standard input and output, for the agent of this worktree."""
    from agentroom_git.mcp_server.server import serve

    serve(_folder())


def _folder() -> Path:
    """Return the current folder, or else the first that the client names which is in a repository."""
    from agentroom_git.cli.opened import current_folder
    from agentroom_git.errors import AgentroomError
    from agentroom_git.git.repo import open_repo

    here = current_folder()
    named = [part for name in FOLDER_VARIABLES for part in os.environ.get(name, "").split(os.pathsep)]
    for folder in (here, *(Path(part) for part in named if part)):
        try:
            open_repo(folder)
        except AgentroomError:
            continue
        return folder
    return here
