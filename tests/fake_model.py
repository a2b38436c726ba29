"""A scripted model on the loopback interface: real clients run end to end against it, with no network and no account.

A script is a list of steps; which one is played follows from the number of the model's turns in the request, so that
retries and side requests shift nothing. What each client sends is kept: tests look at what the model was shown.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fake_dialects import DIALECTS, Call, Dialect, Heard

MAX_REQUESTS = 200
BARRIER_SECONDS = 60.0


@dataclass(frozen=True)
class Step:
    """One turn of the model: text, or calls. `before` runs first; `after` waits for another script's turn."""

    text: str = ""
    tool: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    read: str = ""
    write: tuple[str, str | Callable[[], str]] | None = None
    shell: str = ""
    before: Callable[[], object] | None = None
    after: tuple[str, int] | None = None


def say(text: str) -> Step:
    return Step(text=text)


def call(tool: str, /, **arguments: Any) -> Step:
    return Step(tool=tool, arguments=arguments)


@dataclass(frozen=True)
class Seen:
    """A request of one script's client: the turn it asked for, the tools it offered, and all of its text."""

    script: str
    turn: int
    tools: tuple[str, ...]
    text: str


class Model:
    """The endpoint; `url(name)` is where a client that plays the script of that name finds it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.scripts: dict[str, list[Step]] = {}
        self.seen: list[Seen] = []
        self.problems: list[str] = []
        self._changed = threading.Condition()

    def url(self, script: str) -> str:
        return f"http://127.0.0.1:{self.port}/s/{script}"

    def play(self, script: str, *steps: Step) -> str:
        """Give a script a name; past its end the model says that it is done. What an earlier one of it saw is gone."""
        with self._changed:
            self.scripts[script] = list(steps)
            self.seen = [one for one in self.seen if one.script != script]
        return self.url(script)

    def requests(self, script: str) -> list[Seen]:
        return [one for one in self.seen if one.script == script]

    def shown(self, script: str, turn: int) -> str:
        """Return everything that the model was shown when it was asked for this turn."""
        return "\n".join(one.text for one in self.requests(script) if one.turn == turn)

    def answer(self, script: str, dialect: Dialect, body: dict[str, Any]) -> tuple[list[Call], str, Heard]:
        heard = dialect.hear(body)
        if not heard.tools or body.get("max_tokens") == 1:
            # Titles, topics and quota probes: they carry no tools, and leave the script alone.
            return [], "ok", heard
        with self._changed:
            self.seen.append(
                Seen(script, heard.turns, tuple(sorted(heard.tools)), json.dumps(body, ensure_ascii=False))
            )
            self._changed.notify_all()
            if len(self.requests(script)) > MAX_REQUESTS:
                return [], "too many requests", heard
        steps = self.scripts.get(script, [])
        step = steps[heard.turns] if heard.turns < len(steps) else say("done")
        if step.tool and not heard.named(step.tool) and "tool_search" in heard.tools:
            # The step is played again when the client has found the tool.
            return [Call("tool_search", {"query": f"agentroom {step.tool}", "limit": 8})], "", heard
        self._prepare(step)
        calls, text = self._resolve(step, heard)
        return calls, text, heard

    def _prepare(self, step: Step) -> None:
        if step.after is not None and not self._wait_for(*step.after):
            self.problems.append(f"turn {step.after[1]} of {step.after[0]} never came")
        if step.before is not None:
            step.before()

    def _wait_for(self, script: str, turn: int) -> bool:
        with self._changed:
            return self._changed.wait_for(
                lambda: any(one.script == script and one.turn >= turn for one in self.seen), timeout=BARRIER_SECONDS
            )

    def _resolve(self, step: Step, heard: Heard) -> tuple[list[Call], str]:
        if step.tool:
            return self._resolve_tool(step, heard)
        if step.read:
            return [heard.reading(step.read)], ""
        if step.write is not None:
            path, text = step.write
            return [heard.writing(path, text if isinstance(text, str) else text())], ""
        if step.shell:
            return [heard.shelling(step.shell)], ""
        return [], step.text

    def _resolve_tool(self, step: Step, heard: Heard) -> tuple[list[Call], str]:
        found = heard.named(step.tool)
        if found:
            return [Call(found, step.arguments)], ""
        self.problems.append(f"no tool {step.tool} among {sorted(heard.tools)}")
        return [], "no such tool"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: Model

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._send(b"{}", "application/json")

    def do_GET(self) -> None:
        models = [{"id": "fake-model", "object": "model", "type": "model", "display_name": "fake"}]
        self._send(json.dumps({"object": "list", "data": models, "models": []}).encode(), "application/json")

    def do_POST(self) -> None:
        path = self.path.partition("?")[0]
        body = json.loads(self._read() or b"{}")
        found = re.match(r"^/s/([^/]+)(/.*)$", path)
        dialect = next((one for one in DIALECTS if found and one.speaks(found[2])), None)
        if found is None or dialect is None:
            counts = {"input_tokens": 100, "totalTokens": 100} if "ount" in path else {}
            self._send(json.dumps(counts).encode(), "application/json")
            return
        calls, text, heard = self.model.answer(found[1], dialect, body)
        is_stream = bool(body.get("stream")) or "streamGenerateContent" in path
        kind = "text/event-stream" if is_stream else "application/json"
        self._send(dialect.reply(body, calls, text, heard, is_stream=is_stream), kind)

    def _read(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        data = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _send(self, data: bytes, kind: str) -> None:
        try:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            # The client was ended while the model thought.
            self.close_connection = True


@contextmanager
def serving() -> Iterator[Model]:
    """Serve a model of its own for the block."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    model = Model(server.server_address[1])
    handler.model = model
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
