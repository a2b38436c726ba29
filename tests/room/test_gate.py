"""The gate: green stands on what passed, whoever broke the check is named, and nobody else."""

import json
from pathlib import Path

import pytest

from agentroom_git.core.events import Notice, Recorded
from agentroom_git.core.ids import SIDECAR, Oid
from agentroom_git.room import logs, messages
from agentroom_git.room.gate.bench import GateError
from agentroom_git.room.gate.reading import Check, last_blame, last_check, read_green
from agentroom_git.room.gate.work import Gate, NoCheckError, check_now
from rooms import Bed

# Every run is one line in a file beside the repository, so that tests can count them.
COUNT = "echo run >> ../../../runs"


def checks(bed: Bed, command: str, more: str = "") -> None:
    bed.configure(f"check: {json.dumps([COUNT, command])}\n{more}")


def runs(bed: Bed) -> int:
    path = bed.repository.parent / "runs"
    return len(path.read_text().splitlines()) if path.exists() else 0


def settle(bed: Bed) -> Check:
    return Gate(bed.room()).settle()


def told(bed: Bed, name: str) -> list[str]:
    """The texts that the gate told an agent."""
    found = logs.read_log(bed.room(), SIDECAR)
    notices = [one.event.body for one in found if isinstance(one, Recorded) and isinstance(one.event.body, Notice)]
    return [one.text for one in notices if one.kind in ("broken", "chosen") and name in one.to][::-1]


def fold_of(bed: Bed, commit: Oid) -> Oid:
    """The fold that brought the commit in."""
    line = bed.git("log", "--first-parent", "--format=%H %P", "agentroom/main/integration", cwd=bed.repository)
    return next(Oid(text.split()[0]) for text in line.splitlines() if text.split()[-1] == commit)


# What passes


def test_green_moves_to_the_newest_fold_that_passes_and_not_to_one_that_fails(bed: Bed) -> None:
    checks(bed, "test ! -e broken")
    bed.join("alice")
    bed.commit("alice", {"a": "a\n"})
    bed.settle()

    first = settle(bed)
    assert (first.result, read_green(bed.room())) == ("passed", bed.room().integration())

    bed.commit("alice", {"broken": "x\n"})
    bed.settle()
    assert settle(bed).result == "failed"
    assert read_green(bed.room()) == first.commit

    bed.commit("alice", {"broken": None})
    bed.settle()
    assert settle(bed).result == "passed"
    assert read_green(bed.room()) == bed.room().integration()


def test_the_same_tree_is_not_checked_twice(bed: Bed) -> None:
    checks(bed, "true")
    bed.join("alice")
    settle(bed)
    bed.commit("alice", {}, "nothing changed")
    bed.settle()

    check = settle(bed)

    assert (check.commit, check.result, runs(bed)) == (bed.room().integration(), "passed", 1)
    assert last_check(bed.room(), check.commit) == check
    assert Gate(bed.room()).check_tip(again=True).result == "passed"
    assert runs(bed) == 2


def test_other_commands_are_another_check(bed: Bed) -> None:
    checks(bed, "true")
    settle(bed)
    checks(bed, "false")

    assert settle(bed).result == "failed"


def test_a_result_is_a_note_on_the_fold_and_an_event(bed: Bed) -> None:
    checks(bed, "echo 3 of 40 failed; exit 1")
    check = settle(bed)

    from agentroom_git.room import notes

    notes.project(bed.room())
    shown = bed.git("notes", "--ref", "refs/notes/agentroom/main", "show", check.commit, cwd=bed.repository)
    assert f"sidecar checked {check.commit[:10]}: failed after 0 s: 3 of 40 failed" in shown
    assert last_check(bed.room()) == check
    assert (check.result, check.tail) == ("failed", "3 of 40 failed")


def test_without_a_check_nothing_is_run(bed: Bed) -> None:
    with pytest.raises(NoCheckError):
        check_now(bed.room())
    assert last_check(bed.room()) is None
    assert read_green(bed.room()) is None


# Where it runs


def test_it_runs_on_the_combined_tree_made_ready_by_setup_and_copy(bed: Bed) -> None:
    (bed.repository / ".env").write_text("secret\n")
    command = "cat .env a b ready; echo $AGENTROOM_AGENT; git status --short --branch; false"
    bed.configure(f"copy: .env\nsetup: echo once >> ready\ncheck: {command}\n")
    bed.git("config", "core.excludesFile", str(bed.repository / "ignored"), cwd=bed.repository)
    (bed.repository / "ignored").write_text("ready\n.env\nignored\n")
    bed.join("alice", "bob")
    bed.commit("alice", {"a": "from alice\n"})
    bed.commit("bob", {"b": "from bob\n"})
    bed.settle()

    assert settle(bed).tail.splitlines()[:4] == ["secret", "from alice", "from bob", "once"]
    bed.commit("alice", {"a": "again\n"})
    bed.settle()
    tail = settle(bed).tail.splitlines()
    assert tail[:4] == ["secret", "again", "from bob", "once"]
    assert tail[-2:] == ["", "## HEAD (no branch)"]


def test_what_a_run_left_is_gone_in_the_next_one(bed: Bed) -> None:
    checks(bed, "test ! -e left -a ! -e sub && mkdir sub && git -C sub init -q && touch left && echo x > README.md")
    bed.join("alice")

    assert settle(bed).result == "passed"
    assert Gate(bed.room()).check_tip(again=True).result == "passed"


def test_nothing_in_the_gates_worktree_is_folded_synced_or_listed(bed: Bed) -> None:
    checks(bed, "echo planted > planted && git add . && git commit -qm planted")
    bed.join("alice")
    assert settle(bed).result == "passed"

    assert bed.fold().made == ()
    assert set(bed.room().worktrees()) == {"alice"}
    bed.settle()
    assert bed.integrated("planted") is None


@pytest.mark.parametrize(
    "damage",
    [
        "rm -rf ../main",
        "rm -f .git",
        "git worktree prune; rm -rf $(git rev-parse --git-dir)",
        "mkdir d && touch d/f && chmod 500 d",
        "rm -rf ../main && ln -s /etc ../main",
        "touch $(git rev-parse --git-dir)/index.lock",
        "git switch -qc other",
    ],
)
def test_a_worktree_that_the_check_damaged_is_made_anew(bed: Bed, damage: str) -> None:
    checks(bed, f"{damage}; true")
    settle(bed)

    assert Gate(bed.room()).check_tip(again=True).result == "passed"
    assert Path("/etc/passwd").exists()


def test_a_setup_that_fails_is_an_error_that_names_it_and_no_result(bed: Bed) -> None:
    bed.configure("setup: echo no network; exit 4\ncheck: make\n")

    with pytest.raises(GateError, match="no network"):
        settle(bed)
    assert last_check(bed.room()) is None


# Whom to blame


def test_the_one_fold_that_broke_it_is_named_to_its_author_only(bed: Bed) -> None:
    checks(bed, "test ! -e broken || { echo assertion failed; exit 1; }")
    bed.join("alice", "bob")
    settle(bed)
    for number in range(3):
        bed.commit("alice", {f"a{number}": "a\n"})
        bed.settle()
    broken = bed.commit("bob", {"broken": "x\n"}, "break it")
    bed.settle()
    for number in range(3, 6):
        bed.commit("alice", {f"a{number}": "a\n"})
        bed.settle()

    assert settle(bed).result == "failed"

    blamed = last_blame(bed.room())
    assert blamed is not None
    assert (blamed.commit, blamed.partner, blamed.agents) == (fold_of(bed, broken), "", ("bob",))
    (text,) = told(bed, "bob")
    assert text == f'bob\'s {broken[:10]} "break it" (fold {blamed.commit[:10]}) broke the check: assertion failed'
    assert told(bed, "alice") == []
    assert [one.kind for one in messages.read(bed.as_agent("bob")).messages] == ["broken"]
    known = runs(bed)
    settle(bed)
    assert (runs(bed), len(told(bed, "bob"))) == (known, 1)


@pytest.mark.parametrize("is_synced", [False, True], ids=["concurrently", "one after the other"])
def test_a_pair_that_fails_only_together_is_named_to_both(bed: Bed, is_synced: bool) -> None:
    checks(bed, "test ! -e one -o ! -e two")
    bed.join("alice", "bob", "carol")
    settle(bed)
    first = bed.commit("alice", {"one": "x\n"})
    if is_synced:
        bed.settle()
        bed.commit("carol", {"c1": "c\n"})
        bed.settle()
    second = bed.commit("bob", {"two": "x\n"})
    bed.fold("alice")
    bed.commit("carol", {"c2": "c\n"})
    bed.fold("carol")
    bed.settle()

    assert settle(bed).result == "failed"

    blamed = last_blame(bed.room())
    assert blamed is not None
    assert (blamed.commit, blamed.partner) == (fold_of(bed, second), fold_of(bed, first))
    assert blamed.agents == ("alice", "bob")
    assert (len(told(bed, "alice")), len(told(bed, "bob")), told(bed, "carol")) == (1, 1, [])


def test_a_change_of_what_somebody_else_has_just_brought_is_its_authors_alone(bed: Bed) -> None:
    checks(bed, "! grep -q broken new.txt")
    bed.join("alice", "bob")
    bed.commit("bob", {"b": "b\n"})
    bed.settle()
    bed.commit("alice", {"new.txt": "one\ntwo\n"})
    bed.settle()
    broken = bed.commit("bob", {"new.txt": "one\nbroken\n"})
    bed.settle()

    settle(bed)

    blamed = last_blame(bed.room())
    assert blamed is not None
    assert (blamed.commit, blamed.partner, blamed.agents) == (fold_of(bed, broken), "", ("bob",))


def test_a_second_breakage_is_found_behind_one_that_nobody_repaired(bed: Bed) -> None:
    checks(bed, "test ! -e broken -a ! -e wrong")
    bed.join("alice", "bob")
    settle(bed)
    first = bed.commit("alice", {"broken": "x\n"})
    bed.settle()
    settle(bed)
    bed.commit("alice", {"a": "a\n"})
    bed.settle()
    second = bed.commit("bob", {"wrong": "x\n"})
    bed.settle()
    bed.commit("alice", {"b": "b\n"})
    bed.settle()

    settle(bed)

    blamed = last_blame(bed.room())
    assert blamed is not None
    assert (blamed.commit, blamed.partner) == (fold_of(bed, second), "")
    assert (len(told(bed, "alice")), len(told(bed, "bob"))) == (1, 1)
    assert first


def test_a_check_that_failed_from_the_start_blames_nobody(bed: Bed) -> None:
    checks(bed, "false")
    bed.join("alice")
    bed.commit("alice", {"a": "a\n"})
    bed.settle()

    assert settle(bed).result == "failed"
    assert (last_blame(bed.room()), told(bed, "alice"), read_green(bed.room())) == (None, [], None)


def test_a_check_that_fails_and_passes_on_the_same_tree_is_flaky_and_blames_nobody(bed: Bed) -> None:
    checks(bed, "test ! -e broken || { test -e ../seen || { touch ../seen; exit 1; }; }")
    bed.join("alice")
    settle(bed)
    bed.commit("alice", {"broken": "x\n"})
    bed.settle()

    assert settle(bed).result == "flaky"
    assert (last_blame(bed.room()), told(bed, "alice")) == (None, [])
    assert read_green(bed.room()) != bed.room().integration()
    assert settle(bed).result == "flaky"


def test_a_commit_of_the_users_that_breaks_it_is_blamed_and_nobody_told(bed: Bed) -> None:
    checks(bed, "test ! -e broken")
    bed.join("alice")
    settle(bed)
    (bed.repository / "broken").write_text("x\n")
    bed.git("add", "broken", cwd=bed.repository)
    bed.git("commit", "-qm", "break it", cwd=bed.repository)
    bed.settle()

    settle(bed)

    blamed = last_blame(bed.room())
    assert blamed is not None
    assert (blamed.agents, told(bed, "alice")) == (("base",), [])


# Bad input


@pytest.mark.parametrize(
    ("command", "result", "tail"),
    [
        ("sleep 600", "timeout", "it printed nothing until its time was over"),
        ("./not-there", "missing", "not-there"),
        ("read line </dev/tty", "failed", "/dev/tty"),
        ("(setsid sleep 600 &) ; false", "failed", ""),
        ("head -c 100000000 /dev/zero | tr '\\0' x; echo; echo the end; false", "failed", "the end"),
        ("kill -9 $$", "failed", ""),
        ("exit 7", "failed", "it printed nothing: exit 7"),
    ],
)
def test_a_check_that_misbehaves_has_a_result_like_any_other(bed: Bed, command: str, result: str, tail: str) -> None:
    checks(bed, command, "check_seconds: 1\n" if result == "timeout" else "check_seconds: 100\n")

    check = check_now(bed.room())

    assert check.result == result
    assert tail in check.tail
    assert len(check.tail) <= 2000
    assert bed.fsck() == ""


def test_what_the_check_writes_outside_is_not_kept_from_it_but_its_commits_reach_nobody(bed: Bed) -> None:
    checks(bed, f"echo x > {bed.repository}/written")

    settle(bed)

    # What is promised: it runs as the user, in a worktree of its own. This is no sandbox.
    assert (bed.repository / "written").exists()
    assert bed.fold().made == ()


def test_a_secret_that_the_check_prints_is_not_recorded(bed: Bed) -> None:
    token = "ghp_" + "a1B2" * 9
    checks(bed, f"echo before; echo using {token}; echo after; false")

    tail = settle(bed).tail.splitlines()

    assert (tail[0], tail[1][:11], tail[2]) == ("before", "[left out: ", "after")
    assert token not in bed.git("log", "-p", "--all", cwd=bed.repository)
    assert token not in (bed.room().private / "gate" / "results.json").read_text()


def test_a_log_and_a_cache_that_are_damaged_cost_a_run_and_no_more(bed: Bed) -> None:
    checks(bed, "true")
    settle(bed)
    for damage in ("", "[]", '{"v":1,"commands":"x","trees":7}', '{"v":1,"trees":{"a":[1]}}'):
        (bed.room().private / "gate" / "results.json").write_text(damage)
        assert settle(bed).result == "passed"
