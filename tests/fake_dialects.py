"""The four wire dialects in which clients talk to a model: what each request says, and how to answer it."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

USAGE = {"input_tokens": 10, "output_tokens": 5}


@dataclass(frozen=True)
class Call:
    tool: str
    arguments: Any


@dataclass(frozen=True)
class Heard:
    """What a request says: the tools by the names that the client uses, and how often the model has spoken."""

    tools: dict[str, dict[str, Any]]
    turns: int

    def named(self, tool: str) -> str:
        """Return the client's name for a tool of ours, or an empty text."""
        for name, offer in self.tools.items():
            is_ours = "agentroom" in name or "agentroom" in str(offer.get("namespace", ""))
            if is_ours and name.replace(".", "_").split("_")[-1] == tool:
                return name
        return ""

    def reading(self, path: str) -> Call:
        """Read a file with the client's own tool: some refuse to overwrite what they have not read."""
        for name, key in (("Read", "file_path"), ("read_file", "file_path"), ("read", "filePath")):
            if name in self.tools:
                return Call(name, {key: path})
        return self.shelling(f"cat {path}")

    def writing(self, path: str, text: str) -> Call:
        """Write a file with the client's own tool."""
        for name, key in (("Write", "file_path"), ("write_file", "file_path"), ("write", "filePath")):
            if name in self.tools:
                return Call(name, {key: path, "content": text})
        lines = "".join(f"+{line}\n" for line in text.splitlines())
        patch = f"*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n"
        return self._patching(patch)

    def _patching(self, patch: str) -> Call:
        return Call("apply_patch", patch if self.tools["apply_patch"].get("type") == "custom" else {"input": patch})

    def shelling(self, command: str) -> Call:
        """Run a command with the client's own shell tool."""
        for name, key in (
            ("Bash", "command"),
            ("bash", "command"),
            ("exec_command", "cmd"),
            ("shell_command", "command"),
        ):
            if name in self.tools:
                return Call(name, {key: command, "description": "run"} if key == "command" else {key: command})
        return Call("run_shell_command", {"command": command, "description": "run", "is_background": False})


class Dialect(Protocol):
    def speaks(self, path: str) -> bool: ...
    def hear(self, body: dict[str, Any]) -> Heard: ...
    def reply(self, body: dict[str, Any], calls: list[Call], text: str, heard: Heard, *, is_stream: bool) -> bytes: ...


def _events(*events: tuple[str, Any]) -> bytes:
    """Return server-sent events; those without a name are data alone."""
    lines = [
        f"event: {name}\ndata: {json.dumps(data)}\n\n" if name else f"data: {json.dumps(data)}\n\n"
        for name, data in events
    ]
    return "".join(lines).encode()


def _is_search(names: list[str]) -> bool:
    """Return whether a turn only looked tools up: it does not count."""
    return bool(names) and all(name in ("tool_search", "ToolSearch") for name in names)


class Anthropic:
    """Messages, as Claude Code speaks."""

    def speaks(self, path: str) -> bool:
        return path.endswith("/messages")

    def hear(self, body: dict[str, Any]) -> Heard:
        tools = {tool["name"]: tool for tool in body.get("tools") or [] if "name" in tool}
        spoken = [one for one in body.get("messages", []) if one["role"] == "assistant"]
        return Heard(tools, sum(not _is_search(self._called(one["content"])) for one in spoken))

    def _called(self, content: Any) -> list[str]:
        parts = content if isinstance(content, list) else []
        return [part["name"] for part in parts if part.get("type") == "tool_use"]

    def reply(self, body: dict[str, Any], calls: list[Call], text: str, heard: Heard, *, is_stream: bool) -> bytes:
        number = len(body.get("messages", []))
        blocks: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
        blocks += [
            {"type": "tool_use", "id": f"toolu_{number}_{index}", "name": one.tool, "input": one.arguments}
            for index, one in enumerate(calls)
        ]
        stop = "tool_use" if calls else "end_turn"
        message = {
            "id": f"msg_{number}", "type": "message", "role": "assistant", "model": body.get("model", "fake"),
            "content": blocks, "stop_reason": stop, "stop_sequence": None, "usage": USAGE,
        }  # fmt: skip
        if not is_stream:
            return json.dumps(message).encode()
        events: list[tuple[str, Any]] = [
            ("message_start", {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}})
        ]
        for index, block in enumerate(blocks):
            events += self._block(index, block)
        delta = {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": USAGE}
        return _events(*events, ("message_delta", delta), ("message_stop", {"type": "message_stop"}))

    def _block(self, index: int, block: dict[str, Any]) -> list[tuple[str, Any]]:
        if block["type"] == "text":
            empty, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        return [
            ("content_block_start", {"type": "content_block_start", "index": index, "content_block": empty}),
            ("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}),
            ("content_block_stop", {"type": "content_block_stop", "index": index}),
        ]


class Responses:
    """OpenAI's Responses, as Codex speaks."""

    _CALLS = ("function_call", "custom_tool_call", "local_shell_call")

    def speaks(self, path: str) -> bool:
        return path.endswith("/responses")

    def hear(self, body: dict[str, Any]) -> Heard:
        items = body.get("input") if isinstance(body.get("input"), list) else []
        found = [one for one in items if one.get("type") == "tool_search_output"]
        offers = [*(body.get("tools") or []), *(tool for one in found for tool in one.get("tools") or [])]
        return Heard(dict(pair for offer in offers for pair in self._named(offer)), self._turns(items))

    def _named(self, offer: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        if offer.get("type") == "namespace":
            return [(tool["name"], {**tool, "namespace": offer["name"]}) for tool in offer.get("tools", [])]
        return [(offer.get("name") or offer.get("type", ""), offer)]

    def _turns(self, items: list[dict[str, Any]]) -> int:
        turns, was_model = 0, False
        for one in items:
            kind = one.get("type", "message")
            if kind in ("reasoning", "tool_search_call", "tool_search_output"):
                continue
            is_model = kind in self._CALLS or (kind == "message" and one.get("role") == "assistant")
            turns += is_model and not was_model
            was_model = is_model
        return turns

    def reply(self, body: dict[str, Any], calls: list[Call], text: str, heard: Heard, *, is_stream: bool) -> bytes:
        number = len(body.get("input", []))
        items = [self._message(number, text)] if text else []
        items += [self._call(f"{number}_{index}", one, heard) for index, one in enumerate(calls)]
        response = {
            "id": f"resp_{number}", "object": "response", "created_at": 0, "model": body.get("model", "fake"),
            "status": "completed", "output": items, "usage": {**USAGE, "total_tokens": 15},
        }  # fmt: skip
        if not is_stream:
            return json.dumps(response).encode()
        begun = {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}}
        events: list[tuple[str, Any]] = [("response.created", begun)]
        for index, item in enumerate(items):
            for kind in ("response.output_item.added", "response.output_item.done"):
                events.append((kind, {"type": kind, "output_index": index, "item": item}))
        done = {"type": "response.completed", "response": response}
        return _events(*events, ("response.completed", done))

    def _message(self, number: int, text: str) -> dict[str, Any]:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        return {
            "type": "message",
            "id": f"msg_{number}",
            "role": "assistant",
            "status": "completed",
            "content": content,
        }

    def _call(self, id: str, one: Call, heard: Heard) -> dict[str, Any]:
        base = {"call_id": f"call_{id}", "status": "completed"}
        if one.tool == "tool_search":
            return base | {
                "type": "tool_search_call",
                "id": f"ts_{id}",
                "execution": "client",
                "arguments": one.arguments,
            }
        if isinstance(one.arguments, str):
            return base | {"type": "custom_tool_call", "id": f"ctc_{id}", "name": one.tool, "input": one.arguments}
        found = base | {"type": "function_call", "id": f"fc_{id}", "name": one.tool}
        found["arguments"] = json.dumps(one.arguments)
        namespace = heard.tools.get(one.tool, {}).get("namespace")
        return found | ({"namespace": namespace} if namespace else {})


class Chat:
    """OpenAI's Chat Completions, as opencode and Qwen Code speak."""

    def speaks(self, path: str) -> bool:
        return path.endswith("/chat/completions")

    def hear(self, body: dict[str, Any]) -> Heard:
        offers = [tool["function"] for tool in body.get("tools") or [] if tool.get("type") == "function"]
        spoken = [one for one in body.get("messages", []) if one["role"] == "assistant"]
        called = [[call["function"]["name"] for call in one.get("tool_calls") or []] for one in spoken]
        return Heard({offer["name"]: offer for offer in offers}, sum(not _is_search(names) for names in called))

    def reply(self, body: dict[str, Any], calls: list[Call], text: str, heard: Heard, *, is_stream: bool) -> bytes:
        number = len(body.get("messages", []))
        base = {"id": f"chat_{number}", "created": 0, "model": body.get("model", "fake")}
        wanted = [
            {"id": f"call_{number}_{index}", "type": "function",
             "function": {"name": one.tool, "arguments": json.dumps(one.arguments)}}
            for index, one in enumerate(calls)
        ]  # fmt: skip
        finish = "tool_calls" if calls else "stop"
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        if not is_stream:
            message = {"role": "assistant", "content": text} | ({"tool_calls": wanted} if wanted else {})
            choice = {"index": 0, "message": message, "finish_reason": finish}
            return json.dumps({**base, "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": text}]
        deltas += [{"tool_calls": [{"index": index, **one}]} for index, one in enumerate(wanted)]
        chunks = [self._chunk(base, delta, None) for delta in deltas] + [self._chunk(base, {}, finish)]
        last = {**base, "object": "chat.completion.chunk", "choices": [], "usage": usage}
        return _events(*(("", chunk) for chunk in [*chunks, last])) + b"data: [DONE]\n\n"

    def _chunk(self, base: dict[str, Any], delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**base, "object": "chat.completion.chunk", "choices": [choice]}


class Gemini:
    """generateContent, as Gemini CLI speaks."""

    def speaks(self, path: str) -> bool:
        return "enerateContent" in path

    def hear(self, body: dict[str, Any]) -> Heard:
        offers = [one for tool in body.get("tools") or [] for one in tool.get("functionDeclarations") or []]
        turns = sum(one.get("role") == "model" for one in body.get("contents", []))
        return Heard({offer["name"]: offer for offer in offers}, turns)

    def reply(self, body: dict[str, Any], calls: list[Call], text: str, heard: Heard, *, is_stream: bool) -> bytes:
        asked = body.get("generationConfig") or {}
        schema = asked.get("responseJsonSchema") or asked.get("responseSchema")
        if schema and not calls:
            text = json.dumps({key: self._filler(kind) for key, kind in schema.get("properties", {}).items()})
        parts: list[dict[str, Any]] = [{"text": text}] if text else []
        parts += [{"functionCall": {"name": one.tool, "args": one.arguments}} for one in calls]
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
        usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
        answer = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "fake"}
        return _events(("", answer)) if is_stream else json.dumps(answer).encode()

    def _filler(self, kind: dict[str, Any]) -> Any:
        if "enum" in kind:
            return kind["enum"][0]
        return {"number": 1, "integer": 1, "boolean": False}.get(str(kind.get("type", "")).lower(), "ok")


DIALECTS: tuple[Dialect, ...] = (Anthropic(), Responses(), Chat(), Gemini())
