"""`agentroom run --cli`, with programs that stand in for a client: what is shown, refused and recorded."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agentroom_git.core.events import Joined, Left, Recorded
from agentroom_git.core.ids import AgentName
from agentroom_git.room import logs, task_list
from rooms import Bed

COMMAND = [sys.executable, "-m", "agentroom_git"]
TELLS = "import json, os, sys; json.dump([sys.argv[1:], dict(os.environ), sys.stdin.read()], open('told.json', 'w'))"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for programs that stand in for clients; nothing else on PATH but git and a shell."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("git", "sh", "cat"):
        (folder / name).symlink_to(shutil.which(name) or name)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put(programs: Path, name: str, body: str, version: str = "99.0.0") -> None:
    script = f"#!{sys.executable}\nimport sys\nif sys.argv[1:] == ['--version']:\n    print('{version}')\nelse:\n"
    (programs / name).write_text(script + "".join(f"    {line}\n" for line in body.splitlines()))
    (programs / name).chmod(0o755)


def run(bed: Bed, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*COMMAND, "run", *words], cwd=bed.repository, capture_output=True, text=True, timeout=100)
    subprocess.run([*COMMAND, "sidecar", "stop"], cwd=bed.repository, capture_output=True, timeout=60)
    return done


def moves(bed: Bed, name: str) -> list[object]:
    items = logs.read_log(bed.room(), AgentName(name))
    return [i.event.body for i in items if isinstance(i, Recorded) and isinstance(i.event.body, Joined | Left)][::-1]


def told(bed: Bed) -> tuple[list[str], dict[str, str], str]:
    found = json.loads((bed.path("alice") / "told.json").read_text())
    return found[0], found[1], found[2]


def test_the_client_runs_in_the_worktree_as_the_agent_and_reads_no_input(bed: Bed, programs: Path) -> None:
    put(programs, "codex", TELLS)

    done = run(bed, "alice", "--cli", "codex", "--task", "add a page", "--retries", "0", "--", "-m", "best")
    words, env, typed = told(bed)

    assert (done.returncode, done.stderr) == (0, "")
    assert (words[0], words[-4:], typed) == ("exec", ["-m", "best", "--", "add a page"], "")
    assert (env["AGENTROOM_AGENT"], env["GIT_AUTHOR_NAME"]) == ("alice", "alice")
    joined, left = moves(bed, "alice")
    assert joined == Joined(str(bed.path("alice")), "agentroom/main/alice", "codex -m best 'add a page'")
    assert left == Left(0, ())


def test_a_task_can_come_from_a_file_and_goes_on_the_rooms_list(bed: Bed, programs: Path, tmp_path: Path) -> None:
    put(programs, "claude", "print(sys.argv[-1])")
    (tmp_path / "task.md").write_text("first line\nsecond line\n")

    done = run(bed, "alice", "--cli", "claude", "--task-file", str(tmp_path / "task.md"), "--retries", "0")

    assert done.stdout == "first line\nsecond line\n"
    found = [(one.task.title, one.task.acceptance) for one in task_list.read_tasks(bed.room())]
    assert found == [("first line", "second line")]


def test_one_that_ends_with_its_task_open_is_started_again_and_told_what_is_left(bed: Bed, programs: Path) -> None:
    put(programs, "claude", "print(sys.argv[-1])")

    lines = run(bed, "alice", "--cli", "claude", "--task", "add a page", "--retries", "1").stdout.splitlines()

    assert lines[0] == "add a page"
    assert lines[1:3] == ["add a page", ""]
    assert any("add a page" in line and line.startswith("- ") for line in lines[3:])


def test_one_that_fails_at_its_start_is_not_started_again(bed: Bed, programs: Path) -> None:
    put(programs, "claude", "print('started'); sys.exit(3)")

    assert run(bed, "alice", "--cli", "claude", "--task", "add a page").stdout == "started\n"


def test_printing_runs_and_changes_nothing(bed: Bed, programs: Path) -> None:
    done = run(bed, "alice", "--cli", "gemini", "--task", "two\nlines", "--print")

    assert done.returncode == 0
    assert f"cd {bed.path('alice')}" in done.stdout.splitlines()
    assert "export AGENTROOM_AGENT=alice" in done.stdout.splitlines()
    assert f"cat >{bed.path('alice')}/.gemini/settings.json <<'END'" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == r"gemini --approval-mode auto_edit $'--prompt=two\nlines'"
    assert not bed.path("alice").exists()
    assert moves(bed, "alice") == []


def test_generated_files_are_unseen_by_git_and_gone_when_the_agent_leaves(bed: Bed, programs: Path) -> None:
    exclude = bed.repository / ".git" / "info" / "exclude"
    before = exclude.read_text() if exclude.exists() else ""
    put(programs, "gemini", "import shutil; print(open('.gemini/settings.json').read())")
    done = run(bed, "alice", "--cli", "gemini", "--task", "x", "--retries", "0")

    assert "agentroom" in json.loads(done.stdout)["mcpServers"]
    assert bed.git("status", "--porcelain", "--untracked-files=all", cwd=bed.path("alice")) == ""

    left = subprocess.run([*COMMAND, "leave", "alice"], cwd=bed.repository, capture_output=True, text=True, timeout=60)

    assert (left.returncode, left.stdout) == (0, f"alice left; removed {bed.path('alice')}\n")
    assert not bed.path("alice").exists()
    assert exclude.read_text() == before


def test_settings_that_the_project_tracks_are_left_alone(bed: Bed, programs: Path) -> None:
    put(programs, "gemini", "pass")
    bed.join("alice")
    bed.commit("alice", {".gemini/settings.json": "{}\n"})

    refused = run(bed, "alice", "--cli", "gemini", "--task", "x")
    assert refused.returncode == 2
    assert "says nothing of agentroom" in refused.stderr
    assert (bed.path("alice") / ".gemini/settings.json").read_text() == "{}\n"

    bed.commit("alice", {".gemini/settings.json": '{"mcpServers": {"agentroom": {}}}\n'})
    assert run(bed, "alice", "--cli", "gemini", "--task", "x").returncode == 0


def test_nothing_is_written_through_a_link(bed: Bed, programs: Path, tmp_path: Path) -> None:
    put(programs, "gemini", "pass")
    bed.join("alice")
    (tmp_path / "elsewhere").mkdir()
    (bed.path("alice") / ".gemini").symlink_to(tmp_path / "elsewhere")

    assert run(bed, "alice", "--cli", "gemini", "--task", "x").returncode == 2
    assert list((tmp_path / "elsewhere").iterdir()) == []


class TestBadInput:
    """One line with the remedy; what was made stays."""

    def refused(self, bed: Bed, *words: str) -> tuple[int, list[str]]:
        done = run(bed, "alice", *words)
        return done.returncode, done.stderr.splitlines()

    def test_a_client_that_is_not_installed(self, bed: Bed, programs: Path) -> None:
        assert self.refused(bed, "--cli", "codex", "--task", "x") == (
            1,
            ["agentroom: Codex (codex) is not on PATH", "  hint: install it: npm install -g @openai/codex"],
        )
        assert bed.path("alice").is_dir()
        assert moves(bed, "alice")[-1] == Left(127, ())

    def test_a_client_that_is_too_old(self, bed: Bed, programs: Path) -> None:
        put(programs, "codex", "pass", version="codex-cli 0.5.1")
        code, lines = self.refused(bed, "--cli", "codex", "--task", "x")

        assert (code, lines[1]) == (1, "  hint: npm install -g @openai/codex")
        assert lines[0].startswith("agentroom: Codex 0.5.1 is too old: ")
        assert moves(bed, "alice")[-1] == Left(127, ())

    def test_a_client_that_does_not_run(self, bed: Bed, programs: Path) -> None:
        put(programs, "codex", "pass", version="broken")
        code, lines = self.refused(bed, "--cli", "codex", "--task", "x")

        assert (code, len(lines)) == (1, 2)
        assert "does not tell its version: broken" in lines[0]

    def test_a_client_that_dies_at_its_start(self, bed: Bed, programs: Path) -> None:
        put(programs, "codex", "print('Not logged in', file=sys.stderr); sys.exit(3)")

        assert self.refused(bed, "--cli", "codex", "--task", "x") == (
            3,
            [
                "Not logged in",
                "agentroom: Codex ended at its start, with exit code 3; the worktree stays",
                "  hint: its own words are above; if it is not logged in: codex login",
            ],
        )
        assert moves(bed, "alice")[-1] == Left(3, ())

    def test_arguments_that_the_client_does_not_know(self, bed: Bed, programs: Path) -> None:
        put(programs, "claude", "print('--model M'); sys.exit('--help' not in sys.argv)")
        code, lines = self.refused(bed, "--cli", "claude", "--task", "x", "--", "--model", "m", "--bogus=1")

        assert (code, lines[0]) == (2, "agentroom: Claude Code does not know --bogus")

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("--cli", "cluade"), "no client is called 'cluade'"),
            (("--cli", "claude"), "Claude Code needs a task where nobody is there to type one"),
            (("--cli", "claude", "--task-file", "nowhere"), "the task file nowhere cannot be read: No such file or"),
            (("--cli", "claude", "--task", "x", "--task-file", "y"), "--task and --task-file are two tasks"),
            (("--cli", "claude", "--bogus"), "No such option: --bogus"),
            (("--task", "x", "--", "sh"), "--task, --headless and --print go with --cli"),
            (("--cli", "claude", "--task", "x" * 40_001), "the task is longer than 40000 characters"),
            ((), "no command to run"),
        ],
    )
    def test_before_anything_is_made(self, bed: Bed, programs: Path, words: tuple[str, ...], message: str) -> None:
        code, lines = self.refused(bed, *words)

        assert (code, len(lines)) == (2, 2)
        assert lines[0].startswith(f"agentroom: {message}")
        assert not bed.path("alice").exists()

    def test_a_task_file_that_is_no_text(self, bed: Bed, programs: Path, tmp_path: Path) -> None:
        (tmp_path / "task").write_bytes(b"\xff\xfe")
        code, lines = self.refused(bed, "--cli", "claude", "--task-file", str(tmp_path / "task"))

        assert (code, lines[0]) == (2, f"agentroom: the task file {tmp_path}/task cannot be read: it is not UTF-8")


def test_a_second_run_under_a_name_is_told_who_holds_it(bed: Bed, programs: Path) -> None:
    put(programs, "codex", "print('ready', flush=True); input()")
    command = [*COMMAND, "run", "alice", "--", "codex", "go"]
    first = subprocess.Popen(
        command, cwd=bed.repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "ready\n"

    second = run(bed, "alice", "--cli", "codex", "--task", "x")
    first.communicate("\n", timeout=60)

    assert second.returncode == 2
    assert second.stderr.startswith(f"agentroom: alice is running already: codex go (pid {first.pid}, since ")


@pytest.mark.parametrize("words", [("sh", "-c", "exit 4"), ("--", "sh", "-c", "exit 4")])
def test_a_command_may_follow_with_or_without_a_divider(bed: Bed, programs: Path, words: tuple[str, ...]) -> None:
    assert run(bed, "alice", *words).returncode == 4


def test_options_of_ours_after_the_divider_are_the_commands(bed: Bed, programs: Path) -> None:
    done = run(bed, "alice", "--", "sh", "-c", 'echo "$@"', "_", "--task", "--print")

    assert done.stdout == "--task --print\n"
