"""Small private files: read whole, replaced whole by rename, so that no reader ever sees half of one."""

import errno
import json
import os
import threading
from contextlib import suppress
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


def keep_json(path: Path, record: dict[str, Any]) -> None:
    """Write what is kept only to be quicker the next time, unless the disk is full or may not be written to.

    So whoever only looks can do so there, too.
    """
    try:
        write_json(path, record)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise


def replace_text(path: Path, text: str) -> None:
    """Put a file in place of the old one in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        new.write_text(text, "utf-8")
        new.replace(path)
    except OSError as error:
        # A write that fails names no file.
        error.filename = error.filename or str(path)
        with suppress(OSError):
            new.unlink()
        raise
