"""Commands of `.agentroom.yaml` are run when the user has seen them; an agent's change of the file changes nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentroom_git.room import opening, trust
from agentroom_git.room.trust import Commands, Difference, NotTheUserError
from agentroom_git.sidecar import lifecycle
from agentroom_git.system.bounded import MARK
from rooms import Bed

TRUST = [sys.executable, "-m", "agentroom_git", "trust", "--yes"]


def configure(bed: Bed, text: str) -> None:
    (bed.repository / ".agentroom.yaml").write_text(text)


def test_what_is_there_at_init_is_pinned(repository: Path, bed: Bed) -> None:
    configure(bed, "check: make test\nsetup: [npm ci]\n")

    assert opening.open_new(bed.room())[-1].is_new
    assert not opening.open_new(bed.room())[-1].is_new

    configure(bed, "check: curl evil\n")
    assert trust.commands(bed.room()) == Commands(("make test",), ("npm ci",))


def test_a_file_without_commands_leaves_the_decision_to_the_first_start_of_the_sidecar(bed: Bed) -> None:
    assert trust.standing(bed.room()).pinned is None
    configure(bed, "check: make test\n")

    lifecycle.start(bed.room())
    lifecycle.stop(bed.room())

    configure(bed, "check: curl evil\n")
    assert trust.commands(bed.room()) == Commands(check=("make test",))


def test_a_change_counts_once_the_user_trusts_it(bed: Bed) -> None:
    configure(bed, "check: make test\n")
    trust.trust(bed.room())
    configure(bed, "check: [make lint, make test]\nsetup: npm ci\n")

    before = trust.standing(bed.room())
    assert before.differences == (
        Difference("check", ("make test",), ("make lint", "make test")),
        Difference("setup", (), ("npm ci",)),
    )
    assert before.warning.startswith("check: and setup: in .agentroom.yaml changed")
    assert trust.commands(bed.room()) == Commands(check=("make test",))

    assert trust.trust(bed.room()) == before
    assert trust.commands(bed.room()) == Commands(("make lint", "make test"), ("npm ci",))
    assert trust.standing(bed.room()).warning == ""


def test_an_agent_that_asks_first_runs_nothing_and_pins_nothing(bed: Bed) -> None:
    bed.join("alice")
    configure(bed, "check: curl evil\nsetup: curl evil\n")
    (bed.room().repo.private_dir / "trusted.json").unlink(missing_ok=True)

    assert trust.commands(bed.as_agent("alice")) == Commands()
    assert trust.standing(bed.room()).pinned is None


def test_an_agent_cannot_trust(bed: Bed) -> None:
    trust.trust(bed.room())
    bed.join("alice")
    configure(bed, "check: curl evil\n")

    with pytest.raises(NotTheUserError):
        trust.trust(bed.as_agent("alice"))
    assert trust.commands(bed.room()) == Commands()


@pytest.mark.parametrize("variable", [trust.AGENT_VARIABLE, MARK])
def test_neither_can_what_runs_with_the_environment_of_an_agent_or_of_the_check(
    bed: Bed, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "alice")

    with pytest.raises(NotTheUserError):
        trust.trust(bed.room())


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="ancestors are told by /proc")
@pytest.mark.parametrize("variable", [trust.AGENT_VARIABLE, MARK])
def test_dropping_the_environment_does_not_make_an_agent_the_user(bed: Bed, variable: str) -> None:
    trust.trust(bed.room())
    configure(bed, "check: curl evil\n")
    script = f"cd {bed.repository}; env -u {variable} {' '.join(TRUST)}; echo ended $?"

    done = subprocess.run(
        ["/bin/sh", "-c", script], env={**os.environ, variable: "x"}, capture_output=True, text=True, timeout=60
    )

    assert done.stdout.endswith("+ curl evil\nended 1\n")
    assert "only the user can trust commands" in done.stderr
    assert trust.commands(bed.room()) == Commands()


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"v": 2}', '{"v": 1, "commands": {"check": ["curl evil"]}}'])
def test_a_damaged_record_counts_as_none(bed: Bed, damage: str) -> None:
    trust.trust(bed.room())
    (bed.room().repo.private_dir / "trusted.json").write_text(damage)

    assert trust.standing(bed.room()).pinned is None


def test_the_command_shows_what_changed_and_takes_nothing_without_a_yes(bed: Bed) -> None:
    trust.trust(bed.room())
    configure(bed, "check: [make lint, make test]\n")

    shown = subprocess.run(TRUST[:-1], cwd=bed.repository, capture_output=True, text=True, timeout=60)

    assert shown.returncode == 2
    assert shown.stdout.splitlines() == ["check:", "  + make lint", "  + make test"]
    assert "agentroom trust --yes" in shown.stderr
    assert trust.commands(bed.room()) == Commands()

    told = subprocess.run([*TRUST, "--json"], cwd=bed.repository, capture_output=True, text=True, timeout=60)
    assert json.loads(told.stdout)["differences"] == [{"key": "check", "old": [], "new": ["make lint", "make test"]}]
    assert trust.commands(bed.room()) == Commands(check=("make lint", "make test"))
