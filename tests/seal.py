"""The environment that tests run in: nothing of the user's, nothing of the machine's.

A developer's git configuration, identity, hooks, editor or room cannot turn a test red, and no test can touch them.
"""

import os
from pathlib import Path

OUTSIDE = dict(os.environ)
"""The environment before the seal, for the few tests that need the user's package index."""

_FIXED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_EDITOR": "false",  # a command that wants an editor fails instead of waiting
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "TZ": "UTC",
}
_DROPPED_PREFIXES = ("AGENTROOM_", "GIT_", "XDG_")
_DROPPED = {"EDITOR", "VISUAL", "FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS"}  # typer reads the last three
_GIT_CONFIG = """\
[user]
\tname = Test User
\temail = test@example.invalid
[init]
\tdefaultBranch = main
"""


def sealed_environment(home: Path) -> dict[str, str]:
    """Create a home folder with its XDG folders and git configuration; return the whole environment to run in."""
    kept = {
        name: value
        for name, value in OUTSIDE.items()
        if not name.startswith(_DROPPED_PREFIXES) and name not in _DROPPED
    }
    config = home / "gitconfig"
    folders = {"HOME": home} | {
        f"XDG_{use}": home / "xdg" / use.lower()
        for use in ("CACHE_HOME", "CONFIG_HOME", "DATA_HOME", "RUNTIME_DIR", "STATE_HOME")
    }
    for folder in folders.values():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    config.write_text(_GIT_CONFIG)
    return kept | _FIXED | {name: str(path) for name, path in folders.items()} | {"GIT_CONFIG_GLOBAL": str(config)}
