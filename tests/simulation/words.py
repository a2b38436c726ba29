"""What simulated agents write: lines that each carry a token which is minted once, so that every line can be followed.

A token is `<agentnumber>`, one word to the merge: it survives whatever that does to the rest of its line.
"""

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

TOKEN = re.compile(rb"<[a-z]+\d+>")
FILES = (b"one.txt", b"two.txt", b"dir/three.txt", b"dir/four.md")
FILLER = (b"pay", b"owe", b"add", b"sum", b"due", b"net")

Files = dict[bytes, bytes]


def tokens(data: bytes) -> list[bytes]:
    return TOKEN.findall(data)


def listed(found: Iterable[bytes]) -> str:
    return b" ".join(sorted(found)).decode()


def all_tokens(texts: Iterable[bytes]) -> set[bytes]:
    return {token for text in texts for token in tokens(text)}


@dataclass
class Mint:
    """Makes lines of one agent, no token twice."""

    name: str
    count: int = 0
    made: set[bytes] = field(default_factory=set)

    def line(self, rng: random.Random) -> bytes:
        self.count += 1
        token = b"<%s%d>" % (self.name.encode(), self.count)
        self.made.add(token)
        return token + b" " + rng.choice(FILLER) + b"\n"


def start_files() -> Files:
    mint = Mint("start")
    rng = random.Random(0)
    return {name: b"".join(mint.line(rng) for _ in range(8)) for name in FILES}


def insert(text: bytes, rng: random.Random, mint: Mint) -> bytes:
    lines = text.splitlines(keepends=True)
    at = rng.randrange(len(lines) + 1)
    new = [mint.line(rng) for _ in range(rng.randint(1, 3))]
    return _joined([*lines[:at], *new, *lines[at:]])


def delete(text: bytes, rng: random.Random, mint: Mint) -> bytes:
    lines = text.splitlines(keepends=True)
    at = rng.randrange(len(lines) + 1)
    return _joined([*lines[:at], *lines[at + rng.randint(1, 2) :]])


def replace(text: bytes, rng: random.Random, mint: Mint) -> bytes:
    lines = text.splitlines(keepends=True)
    at = rng.randrange(len(lines) + 1)
    return _joined([*lines[:at], mint.line(rng), *lines[at + rng.randint(1, 2) :]])


def move(text: bytes, rng: random.Random, mint: Mint) -> bytes:
    lines = text.splitlines(keepends=True)
    if len(lines) < 2:
        return insert(text, rng, mint)
    taken = lines.pop(rng.randrange(len(lines)))
    lines.insert(rng.randrange(len(lines) + 1), taken)
    return _joined(lines)


def drop_final_newline(text: bytes, rng: random.Random, mint: Mint) -> bytes:
    return insert(text, rng, mint).rstrip(b"\n")


def flip_line_ends(text: bytes, rng: random.Random, mint: Mint) -> bytes:
    if b"\r\n" in text:
        return text.replace(b"\r\n", b"\n")
    return text.replace(b"\n", b"\r\n")


def _joined(lines: list[bytes]) -> bytes:
    """Join lines; one that lost its end by being last gets it back where another follows."""
    ended = [line if line.endswith(b"\n") else line + b"\n" for line in lines[:-1]]
    return b"".join([*ended, *lines[-1:]])


TEXT_EDITS: dict[Callable[[bytes, random.Random, Mint], bytes], int] = {
    insert: 40,
    delete: 14,
    replace: 22,
    move: 10,
    drop_final_newline: 2,
    flip_line_ends: 1,
}


def edit_text(text: bytes, rng: random.Random, mint: Mint) -> bytes:
    """Return the text after one edit of a kind drawn by weight."""
    return rng.choices(list(TEXT_EDITS), list(TEXT_EDITS.values()))[0](text, rng, mint)
