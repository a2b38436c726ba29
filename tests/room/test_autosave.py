"""What is committed by itself of an agent's edits, when, and what is left to the agent."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agentroom_git.core.ids import AgentName
from agentroom_git.room import coordination, running, tasks, turn
from agentroom_git.room.config import Autosave
from agentroom_git.room.left_locks import clear_left_locks
from agentroom_git.room.room import Room
from agentroom_git.room.saving import NOTHING, Saved, autosave, save_edits, save_quiet
from agentroom_git.system.locks import held
from rooms import Bed

ALICE = AgentName("alice")
TURNS, QUIET = Autosave(at_turns=True, quiet=0), Autosave(at_turns=False, quiet=30)
OFF = Autosave(at_turns=False, quiet=0)


def _as_alice(bed: Bed, setting: Autosave = TURNS) -> Room:
    room = bed.as_agent("alice")
    return replace(room, config=replace(room.config, autosave=setting))


def _autosave(bed: Bed, setting: Autosave = TURNS) -> Saved:
    room = _as_alice(bed, setting)
    return autosave(room, ALICE, turn.own_worktree(room, ALICE), "at the end of a turn")


def _save_quiet(bed: Bed) -> Saved:
    room = _as_alice(bed, QUIET)
    return save_quiet(room, ALICE, turn.own_worktree(room, ALICE))


def _message(bed: Bed) -> str:
    return bed.git("log", "-1", "--format=%an%n%B", cwd=bed.path("alice"))


def test_a_turn_is_saved_as_one_commit_that_says_whose_it_is_why_and_under_which_claim(bed: Bed) -> None:
    bed.join("alice")
    granted = coordination.claim(bed.as_agent("alice"), ["src"])
    bed.write("alice", {"src/app.py": "app = 1\n", "src/new.py": "new = 1\n"})

    saved = _autosave(bed)

    assert (saved.paths, saved.left) == (("src/app.py", "src/new.py"), ())
    assert isinstance(granted, coordination.Grant)
    assert _message(bed).splitlines()[:-1] == [
        "alice",
        "alice: save src/app.py, src/new.py",
        "",
        "Saved by itself at the end of a turn.",
        "",
        "Agentroom-Agent: alice",
        f"Agentroom-Claim: {granted.claims[0].token} src",
    ]
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == ""


def test_each_setting_saves_at_its_own_moment_only(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"README.md": "new\n"})

    assert _autosave(bed, OFF) == _autosave(bed, QUIET) == NOTHING
    room = _as_alice(bed, TURNS)
    assert save_quiet(room, ALICE, turn.own_worktree(room, ALICE)) == NOTHING
    assert _save_quiet(bed).paths == ("README.md",)


def test_giving_back_a_claim_and_finishing_a_task_save_first(bed: Bed) -> None:
    bed.join("alice")
    alice = bed.as_agent("alice")
    coordination.claim(alice, ["README.md"])
    bed.write("alice", {"README.md": "one\n"})
    turn.release(alice, None)
    assert "Agentroom-Claim: " in _message(bed)

    task = tasks.add(alice, "write the second part")
    bed.write("alice", {"README.md": "two\n"})
    tasks.finish(alice, task.id)
    assert "Saved by itself at the end of a task." in _message(bed)


def test_a_file_that_stopped_parsing_is_left_and_the_others_are_saved(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"broken.py": "def (\n", "sound.json": "{}\n"})
    bed.write("alice", {"src/app.py": "def app(\n", "broken.py": "def ((\n", "sound.json": '{"a": 1}\n'})

    saved = _autosave(bed)

    assert (saved.paths, saved.left) == (("broken.py", "sound.json"), (("src/app.py", "it stopped parsing"),))
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == " M src/app.py\n"


def test_what_looks_like_a_secret_or_holds_one_is_left_in_old_files_and_new_ones(bed: Bed) -> None:
    bed.join("alice")
    token = "ghp_" + "a1B2" * 9
    bed.commit("alice", {".env.test": "A=1\n", "known.txt": f"known {token}\n"})
    bed.write(
        "alice",
        {
            ".env.test": "A=2\n",
            "known.txt": f"more\nknown {token}\n",
            "README.md": f"token: {token}\n",
            "key.pem": "x\n",
            "notes.txt": f"see {token}\n",
        },
    )

    saved = _autosave(bed)

    assert saved.paths == ("known.txt",)
    assert dict(saved.left) == {
        ".env.test": "it looks like a secret",
        "README.md": "it holds a GitHub token",
        "key.pem": "it looks like a secret",
        "notes.txt": "it holds a GitHub token",
    }


def test_new_files_count_as_the_agents_only_if_they_came_after_the_worktree_was_ready(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"copied.txt": "from the checkout\n", "README.md": "edited\n"})
    ready = turn.own_worktree(bed.as_agent("alice"), ALICE).git_dir / "agentroom-ready"
    later = (bed.path("alice") / "copied.txt").stat().st_ctime + 3600
    os.utime(ready, (later, later))

    saved = _autosave(bed)

    assert (saved.paths, saved.left) == (("README.md",), (("copied.txt", "it is not known to be the agent's"),))


def test_after_a_quiet_time_new_files_are_saved_only_while_the_agents_command_runs(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"new.txt": "1\n"})

    assert _save_quiet(bed).left == (("new.txt", "it is not known to be the agent's"),)
    with held(running.run_lock(bed.room(), ALICE), seconds=5.0, what="the run lock"):
        assert _save_quiet(bed).paths == ("new.txt",)


def test_staged_changes_and_a_merge_under_way_keep_everything_with_the_agent(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"README.md": "staged\n", "src/app.py": "edited = 1\n"})
    bed.git("add", "README.md", cwd=bed.path("alice"))
    assert _autosave(bed).paths == ()

    bed.git("reset", "--quiet", cwd=bed.path("alice"))
    (turn.own_worktree(bed.as_agent("alice"), ALICE).git_dir / "MERGE_HEAD").write_text(bed.head("alice") + "\n")
    assert set(dict(_autosave(bed).left).values()) == {"a merge is under way"}


def test_a_lock_of_gits_makes_it_wait_and_touches_nothing(bed: Bed) -> None:
    bed.join("alice")
    bed.write("alice", {"README.md": "edited\n"})
    lock = turn.own_worktree(bed.as_agent("alice"), ALICE).git_dir / "index.lock"
    lock.touch()

    saved = _autosave(bed)

    assert (saved.commit, saved.is_passing, lock.exists()) == (None, True, True)
    lock.unlink()
    assert _autosave(bed).paths == ("README.md",)


def test_a_commit_whose_hooks_run_comes_first_and_finds_all_that_it_was_to_take(bed: Bed, tmp_path: Path) -> None:
    bed.join("alice")
    hook = bed.repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    started, go_on = tmp_path / "started", tmp_path / "go-on"
    os.mkfifo(started)
    os.mkfifo(go_on)
    hook.write_text(f"#!/bin/sh\necho > '{started}'\nread -r line < '{go_on}'\n")
    hook.chmod(0o755)
    bed.write("alice", {"README.md": "hers\n"})
    own = subprocess.Popen(["git", "commit", "--quiet", "--all", "-m", "her own"], cwd=bed.path("alice"))
    started.read_text()

    saved = _autosave(bed)

    go_on.write_text("\n")
    assert own.wait(timeout=30) == 0
    assert (saved.commit, saved.is_passing) == (None, True)
    assert bed.git("log", "-1", "--format=%s", cwd=bed.path("alice")) == "her own\n"


@pytest.mark.parametrize("step", ["lock index.lock", "save index", "save branch"])
def test_a_kill_at_any_step_loses_no_edit_stages_none_and_the_next_save_takes_them(bed: Bed, step: str) -> None:
    bed.join("alice")
    bed.write("alice", {"README.md": "edited\n", "new.txt": "new\n"})
    room = _as_alice(bed)
    command = [sys.executable, "-c", _KILLED_AT, str(bed.path("alice")), step]
    assert subprocess.run(command).returncode == -9

    clear_left_locks(bed.room())
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == " M README.md\n?? new.txt\n"
    assert save_edits(room, ALICE, turn.own_worktree(room, ALICE)).commit is not None
    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == ""
    assert bed.git("show", "HEAD:README.md", "HEAD:new.txt", cwd=bed.path("alice")) == "edited\nnew\n"
    assert bed.fsck() == ""


_KILLED_AT = """
import os, signal, sys
from pathlib import Path
from agentroom_git.core.ids import AgentName
from agentroom_git.room import saving, turn
from agentroom_git.room.room import open_room
from agentroom_git.system.clock import SystemClock

def kill(step):
    if step == sys.argv[2] or step.startswith(sys.argv[2] + " "):
        os.kill(os.getpid(), signal.SIGKILL)

room = open_room(Path(sys.argv[1]), SystemClock(), failpoint=kill)
saving.autosave(room, AgentName("alice"), turn.own_worktree(room, AgentName("alice")), "at the end of a turn")
"""


def test_racing_with_the_agents_own_commits_loses_and_reverts_nothing(bed: Bed) -> None:
    bed.join("alice")
    top = bed.path("alice")
    script = "\n".join(
        f"echo 'line {n}' >> own.txt && git add own.txt && git commit --quiet -m own-{n} || echo failed {n}"
        for n in range(12)
    )
    own = subprocess.Popen(["sh", "-c", script], cwd=top, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    number = 0
    while own.poll() is None:
        bed.write("alice", {"README.md": f"edit {number}\n"})
        _autosave(bed)
        number += 1
    assert own.stdout is not None
    with own.stdout:
        failed = own.stdout.read().split("\n")[:-1]

    while _autosave(bed).is_passing:
        pass
    assert bed.git("status", "--porcelain", cwd=top) == ""
    assert (top / "own.txt").read_text() == "".join(f"line {n}\n" for n in range(12))
    assert bed.git("show", "HEAD:own.txt", cwd=top) == (top / "own.txt").read_text()
    # What autosave committed first, her own commit finds nothing of: that is the one way in which it may fail.
    subjects = bed.git("log", "--format=%s", cwd=top).splitlines()
    assert len(failed) + sum(subject.startswith("own-") for subject in subjects) == 12
    for commit in bed.git("log", "--format=%H", "HEAD", "--", "own.txt", cwd=top).split():
        added = bed.git("show", "--format=", "--numstat", commit, "--", "own.txt", cwd=top).split()
        assert added[1] == "0", f"{commit} takes lines away"
