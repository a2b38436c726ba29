"""The command line as a person meets it: one line and a hint, and the exit code."""

import errno
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from agentroom_git.cli import app as app_module
from agentroom_git.cli.app import GROUPS
from agentroom_git.cli.status_lines import MAX_CLAIMS
from rooms import Bed

COMMAND = [sys.executable, "-m", "agentroom_git"]


def run(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    done = subprocess.run([*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "problem", "hint"),
    [
        (["nonsense"], "No such command 'nonsense'. Did you mean 'notes'?", "agentroom -h"),
        (["run", "alice"], "no command to run", "agentroom run alice -- COMMAND, or: --cli claude"),
        (["claim", "--nope", "x"], "No such option: --nope", "agentroom claim -h"),
        (["fold", "carol"], "no agent 'carol' in this room", "agentroom status lists who is here"),
        (["sync", "carol"], "no agent 'carol' in this room", "agentroom status lists who is here"),
        (["leave", "carol"], "carol has no worktree in room main", "agentroom status lists who has"),
        (["verify", "no-such-commit"], "'no-such-commit' names no commit", "give a commit, or a range A..B"),
        (["resolve", "abc", "--take", "both"], "no contested region 'abc'", "agentroom contested lists them"),
        (
            ["undo", "--agent", "zoe", "--since", "1h"],
            "no agent 'zoe' has joined this room",
            "agentroom status lists who is here",
        ),
        (
            ["replay-merges", ".", "--since", "junk"],
            "'junk' is no moment in time",
            "for example 30m, 2h, 1d or 2026-01-31T14:00",
        ),
        (["release"], "nothing to release", "name paths, or say --all"),
    ],
)
def test_misuse_is_one_line_and_a_hint(bed: Bed, arguments: list[str], problem: str, hint: str) -> None:
    code, out, err = run(*arguments, cwd=bed.repository)

    assert (code, out, err.splitlines()) == (2, "", [f"agentroom: {problem}", f"  hint: {hint}"])


@pytest.mark.parametrize("module", GROUPS)
def test_each_module_registers_the_commands_by_which_it_is_found(module: str) -> None:
    app = typer.Typer()
    import_module(f"agentroom_git.cli.{module}").register(app)
    names = [one.name or one.callback.__name__ for one in app.registered_commands if one.callback]

    assert {*names, *(one.name for one in app.registered_groups)} == set(GROUPS[module])


def test_a_command_imports_no_other_groups_modules() -> None:
    program = "import sys; from agentroom_git.cli import app; app.register('status'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert {name for name in loaded if name.rpartition(".")[2] in GROUPS and "cli" in name} == {
        "agentroom_git.cli.coordination", "agentroom_git.cli.inspect",
    }  # fmt: skip


def test_without_arguments_the_help_is_shown(repository: Path) -> None:
    code, _, err = run(cwd=repository)

    assert code == 2
    assert err.startswith("Usage: agentroom ")


@pytest.mark.parametrize("command", [["status"], ["log"], ["claims"], ["contested"], ["sidecar", "status"], ["verify"]])
def test_every_reader_speaks_json(bed: Bed, command: list[str]) -> None:
    bed.join("alice")
    bed.commit("alice", {"x": "1\n"})
    bed.fold()

    _, out, err = run(*command, "--json", cwd=bed.repository)

    json.loads(out)
    assert err == ""


@pytest.mark.parametrize(
    ("number", "filename", "said", "hint"),
    [
        (errno.ENOSPC, None, "No space left on device", "free some space: agentroom doctor says on which disk"),
        (errno.EROFS, b"/x/.git", "Read-only file system: /x/.git", "must be writable for you"),
        (errno.EIO, "/x", "Input/output error: /x", "agentroom doctor looks for the cause"),
    ],
)
def test_what_the_system_refuses_is_one_line_and_a_hint(  # noqa: PLR0913 - what is given and what is said
    number: int,
    filename: str | bytes | None,
    said: str,
    hint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: str) -> None:
        raise OSError(number, os.strerror(number), filename)

    monkeypatch.setattr(app_module, "register", fail)
    with pytest.raises(SystemExit) as ended:
        app_module.main()

    lines = capsys.readouterr().err.splitlines()
    assert (ended.value.code, lines[0]) == (1, f"agentroom: {said}")
    assert lines[1].startswith("  hint: ")
    assert lines[1].endswith(hint)


def test_a_sync_fails_whatever_its_worktree_waits_for(bed: Bed) -> None:
    (alice, _) = bed.join("alice", "bob")
    bed.commit("bob", {"b.txt": "bob\n"})
    (bed.repository / ".git/worktrees/alice/index.lock").touch()
    assert run("sync", cwd=alice) == (1, "alice waits: git holds a lock there; it goes on when git ends\n", "")
    assert run("sync", "--json", cwd=alice)[0] == 1
    (bed.repository / ".git/worktrees/alice/index.lock").unlink()
    assert run("sync", cwd=alice)[0] == 0


def test_status_lists_so_many_claims_and_counts_the_rest(bed: Bed) -> None:
    bed.join("alice")
    run("claim", *(f"f{number}.py" for number in range(MAX_CLAIMS + 3)), cwd=bed.path("alice"))
    _, out, _ = run("status", cwd=bed.repository)
    assert out.count("alice holds ") == MAX_CLAIMS
    assert "  3 more claims: agentroom claims, or agentroom status PATH" in out
    assert "alice holds f52.py" in run("status", "f52.py", cwd=bed.repository)[1]


def test_status_tells_a_newcomer_what_to_do_next(bed: Bed) -> None:
    _, out, _ = run("status", cwd=bed.repository)

    assert "nobody has joined: agentroom run NAME -- COMMAND" in out
    assert "sidecar not running: agentroom sidecar start" in out
