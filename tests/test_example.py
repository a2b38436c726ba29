"""The example configuration at the top is the one that `init` writes, and it can be read."""

import re
from pathlib import Path

from agentroom_git.resources import templates_dir
from agentroom_git.room.config import Autosave, Config, Enforce, parse_config

ROOT = Path(__file__).resolve().parent.parent


def test_the_example_is_the_template_and_all_of_it_comments() -> None:
    example = (ROOT / ".agentroom.example.yaml").read_bytes()

    assert example == (templates_dir() / "agentroom.yaml").read_bytes()
    assert parse_config(example, "example") == Config()


def test_the_example_is_valid_when_every_key_is_taken_in() -> None:
    example = (ROOT / ".agentroom.example.yaml").read_text()
    taken_in = re.sub(r"^# (?=[a-z_]+:(?: |$)|  - |  [a-z]+: )", "", example, flags=re.MULTILINE)

    config = parse_config(taken_in.encode(), "example")

    assert config == Config(
        base="main",
        worktrees="../PROJECT.agents",
        setup=("npm ci",),
        setup_seconds=600,
        copy=(".env",),
        lease=900,
        enforce=Enforce(),
        auto_claim=True,
        sync="between-tools",
        autosave=Autosave(at_turns=True, quiet=0),
        check=("make test",),
        check_seconds=600,
        check_quiet=2,
        choose_seconds=60,
        agents=(
            "alice --cli claude --task 'posting rules of the ledger'",
            "bob --cli codex --task-file tasks/statements.md -- --model gpt-5.5",
            "carol -- /bin/sh -c ./scripts/agent.sh",
        ),
    )
