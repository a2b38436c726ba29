"""Where the files that users may read and change are found: git and agent hooks, prompt and client templates.

They live in `hooks/` and `templates/` at the top of the repository. Beside this file are symlinks to both, which a
wheel holds as real folders, so one path serves a checkout, an editable install, an sdist and a wheel.
"""

from pathlib import Path

_HERE = Path(__file__).parent


def hooks_dir() -> Path:
    """The folder of what gets installed into git and into the agents' CLIs."""
    return _HERE / "hooks"


def templates_dir() -> Path:
    """The folder of the collaboration prompt and the client configurations."""
    return _HERE / "templates"
