"""`agentroom run`: the command in its worktree, under its name, and the record of how it ended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentroom_git.core.events import Joined, Left, Recorded
from agentroom_git.core.ids import AgentName
from agentroom_git.room import coordination, logs
from rooms import Bed

COMMAND = [sys.executable, "-m", "agentroom_git"]


def run(bed: Bed, name: str, *command: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*COMMAND, "run", name, "--", *command], cwd=bed.repository, capture_output=True, text=True, timeout=60
    )
    subprocess.run([*COMMAND, "sidecar", "stop"], cwd=bed.repository, capture_output=True, timeout=60)
    return done


def moves(bed: Bed, name: str) -> list[object]:
    items = logs.read_log(bed.room(), AgentName(name))
    return [i.event.body for i in items if isinstance(i, Recorded) and isinstance(i.event.body, Joined | Left)][::-1]


def test_the_exit_code_is_passed_on_and_recorded(bed: Bed) -> None:
    assert run(bed, "alice", "sh", "-c", "exit 7").returncode == 7

    joined, left = moves(bed, "alice")
    assert joined == Joined(str(bed.path("alice")), "agentroom/main/alice", "sh -c 'exit 7'")
    assert left == Left(7, ())


def test_the_command_runs_in_the_worktree_under_the_agents_name(bed: Bed) -> None:
    script = 'pwd; echo "$AGENTROOM_ROOM $AGENTROOM_AGENT"; git var GIT_AUTHOR_IDENT; git symbolic-ref HEAD'

    place, who, author, branch = run(bed, "alice", "sh", "-c", script).stdout.splitlines()

    assert (Path(place), who, branch) == (bed.path("alice"), "main alice", "refs/heads/agentroom/main/alice")
    assert author.startswith("alice <alice@agentroom.invalid>")


def test_commits_carry_the_agents_trailer_and_the_repositorys_own_hooks_still_run(bed: Bed) -> None:
    hooks = bed.repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name, text in (("commit-msg", 'echo "checked" >>"$1"'), ("post-commit", "touch own-hook-ran")):
        (hooks / name).write_text(f"#!/bin/sh\n{text}\n")
        (hooks / name).chmod(0o755)

    script = "echo x >x && git add x && git commit -q -m 'Add x' && ls && git log -1 --format=%B"
    done = run(bed, "alice", "sh", "-c", script)

    assert done.stderr == ""
    assert "own-hook-ran" in done.stdout
    assert "Agentroom-Agent: alice\nchecked" in done.stdout


def test_a_hook_of_the_repository_that_refuses_still_refuses(bed: Bed) -> None:
    hook = bed.repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no >&2; exit 1\n")
    hook.chmod(0o755)

    assert run(bed, "alice", "git", "commit", "--quiet", "--allow-empty", "-m", "x").returncode == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_the_mark_of_a_commit_names_the_git_process_that_makes_it(bed: Bed) -> None:
    hook = bed.repository / ".git" / "hooks" / "commit-msg"
    hook.parent.mkdir(exist_ok=True)
    own_name = "from agentroom_git.system.pids import _name_of; print(_name_of($PPID))"
    hook.write_text(f'#!/bin/sh\n{sys.executable} -c "{own_name}" >&2; exit 1\n')
    hook.chmod(0o755)

    done = run(bed, "alice", "git", "commit", "--quiet", "--allow-empty", "-m", "x")

    mark = bed.repository / ".git/worktrees/alice/agentroom-commit"
    assert mark.read_text() in done.stderr


def test_what_was_committed_is_folded_when_the_command_has_ended(bed: Bed) -> None:
    run(bed, "alice", "sh", "-c", "echo done >a.txt && git add a.txt && git commit -q -m a")

    assert bed.integrated("a.txt") == "done\n"


def test_claims_are_given_back_at_the_end(bed: Bed) -> None:
    run(bed, "alice", *COMMAND, "claim", "src")

    assert coordination.live_claims(bed.room()) == []


def test_a_second_run_under_a_name_is_refused_while_the_first_goes_on(bed: Bed) -> None:
    first = subprocess.Popen(
        [*COMMAND, "run", "alice", "--", "sh", "-c", "echo ready; read line"],
        cwd=bed.repository,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "ready\n"

    second = run(bed, "alice", "true")
    first.communicate("go\n", timeout=60)

    assert second.returncode == 2
    assert second.stderr.startswith(
        f"agentroom: alice is running already: sh -c 'echo ready; read line' (pid {first.pid}"
    )
    assert first.returncode == 0


def test_a_command_that_is_not_there_is_one_line_and_left_is_recorded(bed: Bed) -> None:
    done = run(bed, "alice", "no-such-program")

    assert done.stderr.splitlines() == [
        "agentroom: 'no-such-program' was not found",
        "  hint: check the command after --",
    ]
    assert moves(bed, "alice")[-1] == Left(127, ())


def test_the_users_own_git_settings_in_the_environment_stay_in_force(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("COUNT", "1"), ("KEY_0", "test.key"), ("VALUE_0", "mine")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)

    done = run(bed, "alice", "git", "config", "--get-regexp", "test.key|core.hookspath")

    assert "test.key mine" in done.stdout
    assert f"core.hookspath {os.path.realpath(bed.repository)}/.git/agentroom/main/hooks" in done.stdout


@pytest.mark.parametrize("setting", [".husky", "/absolute/hooks"])
def test_hooks_elsewhere_are_found_through_the_repositorys_own_setting(bed: Bed, setting: str, tmp_path: Path) -> None:
    folder = bed.repository / setting if not setting.startswith("/") else tmp_path / "hooks"
    folder.mkdir()
    (folder / "commit-msg").write_text("#!/bin/sh\ntouch hook-elsewhere\n")
    (folder / "commit-msg").chmod(0o755)
    bed.git("config", "core.hooksPath", setting if folder.parent == bed.repository else str(folder), cwd=bed.repository)
    bed.join("alice")
    bed.commit("alice", {".husky/commit-msg": "#!/bin/sh\ntouch hook-elsewhere\n"})
    (bed.path("alice") / ".husky/commit-msg").chmod(0o755)
    (bed.path("alice") / "hook-elsewhere").unlink(missing_ok=True)

    done = run(bed, "alice", "sh", "-c", "git commit -q --allow-empty -m x && ls")

    assert "hook-elsewhere" in done.stdout


class TestCommitsToWhatSomebodyElseHolds:
    """The commit hook minds claims at the level of the configuration."""

    SCRIPT = "echo x >>src/app.py && git add . && git commit -q -m x"

    def claimed(self, bed: Bed, level: str) -> None:
        (bed.repository / ".agentroom.yaml").write_text(f"enforce: {level}\n")
        bed.join("alice")
        coordination.claim(bed.as_agent("alice"), ["src"])

    @pytest.mark.parametrize(("level", "code", "is_told"), [("off", 0, False), ("warn", 0, True), ("refuse", 1, True)])
    def test_by_level(self, bed: Bed, level: str, code: int, is_told: bool) -> None:
        self.claimed(bed, level)

        done = run(bed, "bob", "sh", "-c", self.SCRIPT)

        assert done.returncode == code
        assert ("agentroom: src/app.py is claimed by alice" in done.stderr) is is_told

    def test_the_holder_commits_freely(self, bed: Bed) -> None:
        self.claimed(bed, "refuse")

        done = run(bed, "alice", "sh", "-c", self.SCRIPT)

        assert (done.returncode, done.stderr) == (0, "")

    def test_what_was_given_back_is_free(self, bed: Bed) -> None:
        self.claimed(bed, "refuse")
        coordination.release(bed.as_agent("alice"), None)

        assert run(bed, "bob", "sh", "-c", self.SCRIPT).returncode == 0

    def test_a_damaged_list_stops_nobody(self, bed: Bed) -> None:
        self.claimed(bed, "refuse")
        (bed.repository / ".git/agentroom/main/live/everyone").write_bytes(b"\0\xff\n" * 100)

        assert run(bed, "bob", "sh", "-c", self.SCRIPT).returncode == 0
