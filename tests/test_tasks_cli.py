"""The commands about tasks and notes, as a user types them."""

import json
import subprocess
from pathlib import Path

from agentroom_git.system.process import own_command
from rooms import Bed


def _run(*arguments: str, cwd: Path) -> tuple[int, str]:
    done = subprocess.run([*own_command(), *arguments], cwd=cwd, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_tasks_are_added_listed_claimed_and_done_on_the_command_line(bed: Bed) -> None:
    bed.join("alice", "bob")
    code, out = _run("task", "add", "round half up", "--accept", "0.5 becomes 1", "--json", cwd=bed.path("alice"))
    assert code == 0
    id = json.loads(out)["id"]
    _, out = _run("task", "add", "post\x1b[31m", "--needs", id[:4], "--json", cwd=bed.repository)
    second = json.loads(out)["id"]

    assert _run("task", "claim", second, cwd=bed.path("bob")) == (3, f"{second} waits for {id} (round half up)\n")
    code, out = _run("task", "claim", id, cwd=bed.path("bob"))
    assert (code, out) == (0, f"claimed task:{id} (token 1)\n")
    code, out = _run("task", "claim", id, cwd=bed.path("alice"))
    assert (code, out.split(",")[0]) == (3, f"refused: bob holds task:{id}")
    assert _run("task", "list", cwd=bed.repository) == (
        0,
        f"{id} round half up (held by bob)\n  done when: 0.5 becomes 1\n"
        f"{second} post\\x1b[31m (open, waits for {id})\n",
    )

    code, out = _run("task", "done", id, "in ledger.py", cwd=bed.path("bob"))
    assert (code, out) == (0, f'{id} round half up (done by bob: "in ledger.py")\n')
    assert _run("task", "drop", second, "--as", "alice", cwd=bed.repository)[0] == 0
    assert _run("task", "list", cwd=bed.repository) == (0, "nothing to do\n")
    assert _run("task", "list", "--found", cwd=bed.repository) == (0, "no markers\n")
    assert _run("task", "done", "nowhere", cwd=bed.path("bob")) == (
        2,
        "agentroom: no task 'nowhere'\n  hint: agentroom task list names them\n",
    )


def test_a_note_is_added_and_read_on_the_command_line(bed: Bed) -> None:
    bed.join("alice")
    assert _run("note", cwd=bed.repository) == (0, "nothing was noted\n")
    assert _run("note", "ids are text", "--topic", "schema", cwd=bed.path("alice")) == (0, "noted under schema\n")
    code, out = _run("note", "--topic", "schema", cwd=bed.repository)
    assert (code, out.split(" ", 1)[1]) == (0, "alice [schema]: ids are text\n")
