"""Where the command starts. Hooks of agents take a short way, which imports the standard library alone."""

import sys


def main() -> None:
    """Run `agentroom hook ...` by the short way, and everything else through the command line's library."""
    if sys.argv[1:2] == ["hook"] and sys.argv[2:3] not in (["-h"], ["--help"]):
        from agentroom_git.cli import hook

        sys.exit(hook.main(sys.argv[2:]))
    from agentroom_git.cli import app

    app.main()
