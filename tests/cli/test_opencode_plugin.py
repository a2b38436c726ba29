"""The plugin that speaks for opencode, in node: it calls the real hook, and does what the answer says."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agentroom_git.resources import templates_dir
from agentroom_git.room import coordination, messages
from agentroom_git.system.process import own_hook_command
from rooms import Bed

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")
DRIVER = """
import { agentroom } from "./agentroom.mjs"
const [directory] = process.argv.slice(2)
const prompts = []
const client = { session: { promptAsync: async (one) => { prompts.push(one.body.parts[0].text) } } }
const hooks = await agentroom({ directory, client })
const found = {}
const edit = { tool: "edit", sessionID: "s", callID: "c" }
try {
  await hooks["tool.execute.before"](edit, { args: { filePath: "src/app.py" } })
  found.before = "allowed"
} catch (error) { found.before = error.message }
const builtin = { output: "done" }, mcp = { content: [{ type: "text", text: "answer" }] }
await hooks["tool.execute.after"](edit, builtin)
await hooks["tool.execute.after"]({ tool: "x", sessionID: "s", callID: "d" }, mcp)
found.builtin = builtin.output
found.mcp = mcp.content.map((part) => part.text)
const system = { system: ["theirs"] }
await hooks["experimental.chat.system.transform"]({ sessionID: "s" }, system)
found.system = system.system
await hooks.event({ event: { type: "session.created", properties: { info: { id: "child", parentID: "s" } } } })
for (const id of ["child", "s", "s", "s"])
  await hooks.event({ event: { type: "session.idle", properties: { sessionID: id } } })
found.prompts = prompts
console.log(JSON.stringify(found))
"""


def drive(tmp_path: Path, worktree: Path, hook: list[str], **variables: str) -> dict[str, Any]:
    folder = tmp_path / "plugin"
    folder.mkdir()
    shutil.copyfile(templates_dir() / "opencode/agentroom.js", folder / "agentroom.mjs")
    (folder / "driver.mjs").write_text(DRIVER)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "AGENTROOM_HOOK": json.dumps(hook)} | variables
    done = subprocess.run(
        [NODE or "", str(folder / "driver.mjs"), str(worktree)], env=env, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture
def room(bed: Bed) -> Bed:
    bed.join("alice", "bob")
    coordination.claim(bed.as_agent("alice"), ["src"], reason="posting rules")
    return bed


def test_advice_and_messages_come_with_the_tools_output_and_a_stop_is_answered_with_a_prompt(
    room: Bed, tmp_path: Path
) -> None:
    messages.broadcast(room.as_agent("alice"), "rounding changed")
    coordination.claim(room.as_agent("bob"), ["docs"])

    found = drive(tmp_path, room.path("bob"), own_hook_command())

    assert found["before"] == "allowed"
    assert found["builtin"].startswith("done\n\nsrc/app.py is claimed by alice")
    assert '"rounding changed"' in found["builtin"]
    assert found["mcp"] == ["answer"]
    assert found["system"][0] == "theirs"
    assert "You are bob in room main." in found["system"][1]
    assert len(found["prompts"]) == 2
    assert "you still hold docs" in found["prompts"][0]


def test_a_refused_edit_fails_with_the_reason(room: Bed, tmp_path: Path) -> None:
    (room.repository / ".agentroom.yaml").write_text("enforce: refuse\n")

    found = drive(tmp_path, room.path("bob"), own_hook_command())

    assert "src/app.py is claimed by alice" in found["before"]


def test_where_opencode_ends_with_its_turn_nobody_is_asked_to_go_on(room: Bed, tmp_path: Path) -> None:
    coordination.claim(room.as_agent("bob"), ["docs"])

    assert drive(tmp_path, room.path("bob"), own_hook_command(), AGENTROOM_HEADLESS="1")["prompts"] == []


@pytest.mark.parametrize("program", [["/nonexistent/agentroom"], ["/bin/echo", "no JSON"], ["/bin/false"]])
def test_a_room_that_cannot_be_asked_stops_nobody(room: Bed, tmp_path: Path, program: list[str]) -> None:
    found = drive(tmp_path, room.path("bob"), program)

    assert found == {"before": "allowed", "builtin": "done", "mcp": ["answer"], "system": ["theirs"], "prompts": []}
