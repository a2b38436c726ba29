"""`agents:` of `.agentroom.yaml`: who is started by `up`. Each becomes the words that `agentroom run` takes.

In that form they are pinned and shown by `agentroom trust` like the commands that they are.
"""

import shlex
from collections.abc import Mapping

from agentroom_git.core.escape import one_line
from agentroom_git.core.ids import parse_agent
from agentroom_git.errors import UsageError

KEYS = ("cli", "task", "task_file", "args", "command")
_HINT = "for example: agents: {alice: {cli: claude, task: posting rules}}"


def parse_roster(value: object) -> tuple[str, ...]:
    """Return one line of shell words for each agent; raise `UsageError` with the remedy."""
    if not isinstance(value, Mapping):
        raise UsageError("takes a mapping of names", hint=_HINT)
    return tuple(shlex.join(_words(str(name), entry)) for name, entry in value.items())


def _words(name: str, entry: object) -> list[str]:
    agent = parse_agent(name)
    if isinstance(entry, str):
        entry = {"cli": entry}
    if not isinstance(entry, Mapping):
        raise UsageError(f"{agent} takes a client or a mapping of {', '.join(KEYS)}", hint=_HINT)
    unknown = [key for key in entry if key not in KEYS]
    if unknown:
        raise UsageError(
            f"{agent} has an unknown key {one_line(str(unknown[0]), 40)!r}", hint=f"known: {', '.join(KEYS)}"
        )
    if ("cli" in entry) == ("command" in entry):
        raise UsageError(f"{agent} takes either cli or command", hint=_HINT)
    if "command" in entry:
        return [agent, "--", "/bin/sh", "-c", _text(agent, "command", entry["command"])]
    return [agent, *_client_words(agent, entry)]


def _client_words(agent: str, entry: Mapping[object, object]) -> list[str]:
    words = ["--cli", _text(agent, "cli", entry["cli"])]
    for key, option in (("task", "--task"), ("task_file", "--task-file")):
        if key in entry:
            words += [option, _text(agent, key, entry[key])]
    args = entry.get("args", [])
    if not isinstance(args, list) or not all(isinstance(word, str | int | float) for word in args):
        raise UsageError(f"args of {agent} takes a list of texts", hint="for example: args: [--model, opus]")
    return [*words, *(["--", *map(str, args)] if args else [])]


def _text(agent: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise UsageError(f"{key} of {agent} takes a text", hint="put a text that looks like something else in quotes")
    return value.strip()
