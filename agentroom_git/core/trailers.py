"""Trailers of commit messages: what a commit says of itself in its last paragraph, `Key: value` a line.

Only the last paragraph counts, and only where every line of it is a trailer, so that text which an agent puts into a
message cannot pass for one of ours. Values are escaped to one line when they are written.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from agentroom_git.core.escape import one_line

AGENT = "Agentroom-Agent"
CLAIM = "Agentroom-Claim"
ENGINE = "Agentroom-Engine"
FOLDED = "Agentroom-Folded"
HEAD = "Agentroom-Head"
TIP = "Agentroom-Tip"
CONTESTED = "Agentroom-Contested"
REPLACED = "Agentroom-Replaced"
REWROTE = "Agentroom-Rewrote"
ROOM = "Agentroom-Room"
LANDED = "Agentroom-Landed"
COMMIT = "Agentroom-Commit"
CO_AUTHOR = "Co-authored-by"
UNDID = "Agentroom-Undid"
RESOLVED = "Agentroom-Resolved"

_LINE = re.compile(r"([A-Za-z][A-Za-z0-9-]*): ?(.*)")


def parse(message: str) -> list[tuple[str, str]]:
    """Return the trailers in order; keys keep their case."""
    paragraphs = message.rstrip().split("\n\n")
    if len(paragraphs) < 2:
        return []
    matches = [_LINE.fullmatch(line) for line in paragraphs[-1].split("\n")]
    found = [(match[1], match[2]) for match in matches if match]
    return found if len(found) == len(matches) else []


def values(message: str, key: str) -> list[str]:
    """Return the values of all trailers with this key."""
    return [value for name, value in parse(message) if name == key]


def by_key(message: str) -> Mapping[str, list[str]]:
    """Return the values of every key's trailers."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, value in parse(message):
        found[key].append(value)
    return found


def compose(subject: str, body: str, trailers: Iterable[tuple[str, str]]) -> str:
    """Return a message whose last paragraph is these trailers, whatever subject and body contain."""
    lines = "".join(f"{key}: {one_line(value)}\n" for key, value in trailers)
    middle = f"{body.strip()}\n\n" if body.strip() else ""
    return f"{one_line(subject)}\n\n{middle}{lines}"
