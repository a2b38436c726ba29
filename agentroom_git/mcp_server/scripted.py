"""Two agents without a model, each a process that `agentroom demo` runs: `python -m agentroom_git.mcp_server.scripted`.

Each speaks MCP over stdio to a server of its own, edits files and commits with git, as a coding agent does. They know
of each other only through the room: nothing but its answers decides when one goes on.
"""

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from agentroom_git.core.escape import one_line
from agentroom_git.errors import AgentroomError
from agentroom_git.system.process import environment, own_command, run

POSTING, STATEMENT = "ledger/posting.py", "ledger/statement.py"
PATIENCE_SECONDS = 20.0
LOOK_SECONDS = 0.05

POST = """\
    if entry.cents <= 0:
        raise ValueError(f"an amount of {entry.cents} cents")
    return (*entries, entry)
"""
BALANCE = """\
    came_in = sum(entry.cents for entry in entries if entry.debit == account)
    went_out = sum(entry.cents for entry in entries if entry.credit == account)
    return came_in - went_out
"""
REVERSE = """\
    taken = entries[number]
    return post(entries, Entry(taken.credit, taken.debit, taken.cents, f"takes back: {taken.text}"))
"""
AMOUNT = """\
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02}"
"""
STATEMENT_LINES = """\
    signed = [(entry.cents if entry.debit == account else -entry.cents, entry) for entry in entries]
    return [f"{amount(cents)} {entry.text}" for cents, entry in signed if account in (entry.debit, entry.credit)]
"""


class ScriptError(AgentroomError):
    """The room did not answer as the script expects."""


@dataclass(slots=True)
class Scripted:
    """One agent: the client of its server, its worktree, and what it has heard."""

    client: Client
    worktree: Path
    heard: list[tuple[str, str]] = field(default_factory=list)

    async def ask(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool and return its answer, after saying aloud what the others told meanwhile."""
        result = await self.client.call_tool(tool, arguments)
        if result.is_error or result.structured_content is None:
            raise ScriptError(" ".join(part.text for part in result.content if isinstance(part, TextContent)))
        answer: dict[str, Any] = result.structured_content
        for message in answer["unread"]:
            self.heard.append((message["from"], message["topic"]))
            say(f'  hears from {message["from"]}: "{message["text"]}"')
        return answer

    async def claim(self, path: str, reason: str) -> bool:
        answer = await self.ask("claim", paths=[path], reason=reason)
        if answer["granted"]:
            say(f"claim {path} -> granted, token {answer['tokens'][0]}")
        for held in answer["held_by"]:
            left = held["expires_in_seconds"]
            say(f'claim {path} -> refused: {held["holder"]} holds {held["path"]}, "{held["reason"]}", {left} s left')
        return bool(answer["granted"])

    async def tell(self, text: str, *, topic: str, to: str = "") -> None:
        # Said first, as the others may hear it before the answer is here.
        say(f'broadcast to {to or "everyone"}: "{text}"')
        await self.ask("broadcast", text=text, topic=topic, to=to)

    async def release(self) -> None:
        answer = await self.ask("release")
        say(f"release -> gave back {', '.join(answer['released']) or 'nothing'}")

    async def sync(self, message: str = "") -> None:
        answer = await self.ask("sync", message=message)
        done = [f"committed {', '.join(answer['committed'])}"] if answer["committed"] else []
        done += [f"folded {', '.join(fold['agent'] for fold in answer['folded'])}"] if answer["folded"] else []
        done += [f"received {', '.join(answer['received'])}"] if answer["received"] else []
        done += [f"waits: {answer['waits']}"] if answer["waits"] else []
        say(f"sync -> {'; '.join(done) or 'up to date'}")

    async def hear(self, sender: str, topic: str) -> None:
        """Read until the sender has said something on the topic."""
        with _patience(f"nothing from {sender} on {topic!r}"):
            while (sender, topic) not in self.heard:
                await self.ask("read")
                await anyio.sleep(LOOK_SECONDS)

    async def see_text(self, path: str, text: str) -> None:
        """Wait until the other agent's work has arrived in this worktree by itself."""
        with _patience(f"{text!r} did not arrive in {path}"):
            while text not in (self.worktree / path).read_text("utf-8"):
                await anyio.sleep(LOOK_SECONDS)

    def edit(self, path: str, name: str, body: str) -> None:
        """Give the function of that name its body."""
        file = self.worktree / path
        file.write_text(file.read_text("utf-8").replace(f'    raise NotImplementedError("{name}")\n', body), "utf-8")
        say(f"edits {path}: {name}()")

    async def commit(self, path: str, message: str) -> None:
        """Commit with git, as an agent's own shell does; again while somebody else's git holds the index."""
        arguments = ("git", "commit", "--quiet", "--message", message, "--", path)
        with _patience(f"git could not commit {path}"):
            while (done := run(arguments, cwd=self.worktree, env=environment())).code != 0:
                if b"index.lock" not in done.err:
                    raise ScriptError(f"git commit {path}: {done.message}")
                await anyio.sleep(LOOK_SECONDS)
        say(f'git commit -m "{message}"')


@contextmanager
def _patience(problem: str) -> Iterator[None]:
    try:
        with anyio.fail_after(PATIENCE_SECONDS):
            yield
    except TimeoutError as error:
        raise ScriptError(f"{problem} within {PATIENCE_SECONDS:g} s") from error


def say(text: str) -> None:
    sys.stdout.write(f"{one_line(text)}\n")
    sys.stdout.flush()


async def alice(me: Scripted) -> None:
    await me.claim(POSTING, "the rules of posting")
    await me.tell(f"I begin with {POSTING}", topic="begin")
    me.edit(POSTING, "post", POST)
    await me.commit(POSTING, "posting: Refuse amounts that are not positive")
    await me.hear("bob", "wish")
    me.edit(POSTING, "balance", BALANCE)
    await me.commit(POSTING, "posting: Add up balances")
    await me.sync()
    await me.release()
    await me.tell("posting.py is free: post() and balance() work, entries are tuples", topic="free", to="bob")
    await me.hear("bob", "done")
    await me.sync()


async def bob(me: Scripted) -> None:
    await me.hear("alice", "begin")
    if not await me.claim(POSTING, "take back entries"):
        await me.claim(STATEMENT, "statements")
        await me.tell(f"I do {STATEMENT} meanwhile; alice, tell me when {POSTING} is free", topic="wish")
        me.edit(STATEMENT, "amount", AMOUNT)
        me.edit(STATEMENT, "statement", STATEMENT_LINES)
        await me.commit(STATEMENT, "statement: Print amounts and lines")
    await me.hear("alice", "free")
    await me.claim(POSTING, "take back entries")
    await me.see_text(POSTING, BALANCE)
    say(f"finds alice's work in {POSTING}")
    me.edit(POSTING, "reverse", REVERSE)
    await me.sync("posting: Take an entry back")
    await me.release()
    await me.tell("reverse() is in; all tests should pass now", topic="done")


SCRIPTS: dict[str, Callable[[Scripted], Awaitable[None]]] = {"alice": alice, "bob": bob}


async def play(name: str, worktree: Path) -> int:
    """Play the script of that name in its worktree and return the exit code."""
    command, *arguments = [*own_command(), "mcp"]
    server = StdioServerParameters(command=command, args=arguments, env=environment(), cwd=worktree)
    async with Client(server) as client:
        try:
            await SCRIPTS[name](Scripted(client, worktree))
        except AgentroomError as error:
            say(f"gives up: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(anyio.run(play, sys.argv[1], Path.cwd()))
