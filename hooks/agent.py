"""`agentroom hook CLIENT`, started bare: `python -S hooks/agent.py CLIENT`.

A hook runs before and after every tool, and most of what Python does at its start is of no use to it. What has to open
the repository starts the rest first.
"""

import os
import sys

# The package lies beside this file's folder in a checkout, and above it in an installed one.
place = os.path.dirname(os.path.realpath(__file__))
while not os.path.isfile(f"{place}/agentroom_git/__init__.py") and place != os.path.dirname(place):
    place = os.path.dirname(place)
sys.path[:] = [*sys.path[1:], place]

from agentroom_git.cli import hook  # noqa: E402 - found only now

sys.exit(hook.main(sys.argv[1:]))
