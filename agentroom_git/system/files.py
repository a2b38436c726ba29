"""Small private files: read whole, replaced whole by rename, so that no reader ever sees half of one."""

import json
import os
import threading
from pathlib import Path
from typing import Any


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in the file, or an empty one where there is none to be read: such files can be rebuilt."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def write_json(path: Path, record: dict[str, Any]) -> None:
    replace_text(path, json.dumps(record, separators=(",", ":")) + "\n")


def replace_text(path: Path, text: str) -> None:
    """Put a file in place of the old one in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    new.write_text(text, "utf-8")
    new.replace(path)
