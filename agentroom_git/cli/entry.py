"""Where the command starts. Hooks of agents take a short way, which imports the standard library alone."""

import gc
import sys


def main() -> None:
    """Run `agentroom hook ...` by the short way, and everything else through the command line's library."""
    if sys.argv[1:2] == ["hook"] and sys.argv[2:3] not in (["-h"], ["--help"]):
        from agentroom_git.cli import hook

        sys.exit(hook.main(sys.argv[2:]))
    # What is imported stays: to look through it for garbage while it grows takes a tenth of a short command's time.
    gc.disable()
    from agentroom_git.cli import app

    gc.freeze()
    gc.enable()
    app.main()
