"""What commands print: values as JSON for programs, escaped lines for people, errors with their hint."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import typer

from agentroom_git.core.escape import one_line
from agentroom_git.errors import AgentroomError


def complain(error: AgentroomError) -> None:
    """Print the error, and its hint on a line of its own, to standard error."""
    typer.echo(f"agentroom: {one_line(error.message)}", err=True)
    if error.hint:
        typer.echo(f"  hint: {one_line(error.hint)}", err=True)


def say(text: str = "") -> None:
    """Print one line, safe for a terminal whatever an agent put into it."""
    typer.echo(one_line(text))


def print_json(value: object) -> None:
    typer.echo(json.dumps(plain(value), indent=2, ensure_ascii=True))


def plain(value: object) -> Any:
    """Return a value of the program as what JSON knows: dataclasses become objects, bytes text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value) if isinstance(value, Path) else value


def duration(seconds: float) -> str:
    """Return a span of time in the largest two units that fit."""
    whole = max(0, int(seconds))
    for size, name, smaller, below in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name}" + (f" {rest} {below}" if rest else "")
    return f"{whole} s"
