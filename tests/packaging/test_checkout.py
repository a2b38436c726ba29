"""An editable install, which is what the tests run in, finds its data too."""

from pathlib import Path

from agentroom_git.resources import hooks_dir, templates_dir

ROOT = Path(__file__).parents[2]


def test_checkout_finds_the_hooks_and_templates_that_a_reader_edits() -> None:
    assert [hooks_dir().resolve(), templates_dir().resolve()] == [ROOT / "hooks", ROOT / "templates"]
