"""The collaboration prompt: one short text for every agent, in `templates/prompt.md`.

Its first paragraph is the rule, which has to stand alone: one client shows its model no more than 240 characters.
"""

from collections.abc import Iterator
from pathlib import Path

from agentroom_git.core import markdown_block
from agentroom_git.core.markdown_block import BrokenBlockError
from agentroom_git.errors import UsageError
from agentroom_git.resources import templates_dir
from agentroom_git.room.opening import Change
from agentroom_git.room.room import Room
from agentroom_git.system.files import replace_text

TEMPLATE = "prompt.md"
FILES = ("AGENTS.md", "CLAUDE.md", "GEMINI.md")
"""What agents' command lines read first, each its own and some the first."""


def instructions() -> str:
    """Return the whole prompt, the rule first."""
    return (templates_dir() / TEMPLATE).read_text("utf-8").strip()


def rule() -> str:
    """Return the rule: the prompt's first paragraph, on one line."""
    return " ".join(instructions().split("\n\n", 1)[0].split())


def write_blocks(room: Room) -> list[Change]:
    """Put the prompt into the files that agents read first: those that are there, or `AGENTS.md` where none is.

    A block that is there already is brought up to date. They are the user's own files, in their own checkout: what
    agents see of them is what the user commits.
    """
    found = list(_files(room)) or [room.checkout / FILES[0]]
    return [_change(path, _edited(path, put=True), "put the prompt into") for path in found]


def remove_blocks(room: Room) -> list[Change]:
    """Take the prompt out of these files again; one that holds nothing else is removed."""
    found = [path for path in _files(room) if markdown_block.BEGIN in _text(path)]
    return [_change(path, _edited(path, put=False), "took the prompt out of") for path in found]


def _body() -> str:
    return f"## Working in the room\n\n{instructions()}"


def _files(room: Room) -> Iterator[Path]:
    """Yield the files, each once however many links name it; a link that leads out of the checkout is passed over."""
    top = room.checkout.resolve()
    seen: set[Path] = set()
    for name in FILES:
        path = (room.checkout / name).resolve()
        if path.is_file() and path.is_relative_to(top) and path not in seen:
            seen.add(path)
            yield path


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as text", hint="save it as UTF-8, or move it away") from error


def _edited(path: Path, *, put: bool) -> str:
    try:
        return markdown_block.put(_text(path), _body()) if put else markdown_block.take(_text(path))
    except BrokenBlockError as error:
        raise UsageError(
            f"{path} has one of the two comments around the prompt without the other",
            hint=f"delete the line {markdown_block.BEGIN} or {markdown_block.END}",
        ) from error


def _change(path: Path, new: str, what: str) -> Change:
    if new == _text(path):
        return Change(f"{path.name} has the prompt", False)
    if not new:
        path.unlink()
    else:
        mode = path.stat().st_mode if path.exists() else None
        replace_text(path, new)
        if mode is not None:
            path.chmod(mode)
    return Change(f"{what} {path.name}", True)
