from pathlib import Path

import pytest

from agentroom_git.core import markdown_block
from agentroom_git.core.markdown_block import BrokenBlockError
from agentroom_git.errors import UsageError
from agentroom_git.room import opening, prompt
from rooms import Bed

TEXTS = [
    "",
    "one",
    "one\n",
    "one\n\n",
    "# A\r\n\r\ntext\r\n",
    "a\r\nb",
    "\ufeff# A\n",
    "\n",
    "`<!-- agentroom: begin -->`\n",
]


@pytest.mark.parametrize("text", TEXTS)
def test_taking_the_block_out_gives_back_the_very_text(text: str) -> None:
    changed = markdown_block.put(text, "first\n\nsecond\n")

    assert changed.startswith(text)
    assert markdown_block.take(changed) == text
    assert markdown_block.put(changed, "first\n\nsecond\n") == changed
    assert markdown_block.take(markdown_block.put(changed, "another")) == text


def test_what_stands_after_the_block_stays_and_line_ends_are_the_files() -> None:
    changed = markdown_block.put("# A\r\n", "x\ny") + "later\r\n"

    assert "\n" not in changed.replace("\r\n", "")
    assert markdown_block.take(markdown_block.put(changed, "z")) == "# A\r\nlater\r\n"


@pytest.mark.parametrize("text", [f"{markdown_block.BEGIN}\nx\n", f"x\n{markdown_block.END}\n"])
def test_half_a_block_is_an_error(text: str) -> None:
    with pytest.raises(BrokenBlockError):
        markdown_block.put(text, "x")


def test_the_rule_fits_into_what_one_client_shows() -> None:
    assert len(prompt.instructions().split("\n\n")[0]) <= 240
    assert len(prompt.instructions()) <= 1500


def test_the_prompt_is_put_into_the_files_that_are_there_and_taken_out_again(bed: Bed) -> None:
    room = bed.room()
    claude = bed.repository / "CLAUDE.md"
    claude.write_text("# Rules\n\nBe kind.")
    claude.chmod(0o600)

    assert [change.what for change in prompt.write_blocks(room)] == ["put the prompt into CLAUDE.md"]
    assert prompt.rule() in " ".join(claude.read_text().split())
    assert [change.is_new for change in prompt.write_blocks(room)] == [False]
    prompt.remove_blocks(room)

    assert (claude.read_text(), claude.stat().st_mode & 0o777) == ("# Rules\n\nBe kind.", 0o600)
    assert prompt.remove_blocks(room) == []


def test_where_none_of_them_is_there_one_is_made_and_removed_again(bed: Bed) -> None:
    room = bed.room()

    prompt.write_blocks(room)
    assert "## Working in the room" in (bed.repository / "AGENTS.md").read_text()
    prompt.remove_blocks(room)

    assert not (bed.repository / "AGENTS.md").exists()


def test_of_two_names_for_one_file_it_is_written_once_and_never_outside(bed: Bed, tmp_path: Path) -> None:
    (bed.repository / "AGENTS.md").write_text("x\n")
    (bed.repository / "CLAUDE.md").symlink_to("AGENTS.md")
    outside = tmp_path / "GEMINI.md"
    outside.write_text("mine\n")
    (bed.repository / "GEMINI.md").symlink_to(outside)

    assert len(prompt.write_blocks(bed.room())) == 1

    assert (bed.repository / "AGENTS.md").read_text().count(markdown_block.BEGIN) == 1
    assert (bed.repository / "CLAUDE.md").is_symlink()
    assert outside.read_text() == "mine\n"


@pytest.mark.parametrize("content", [b"caf\xe9\n", f"{markdown_block.BEGIN}\n".encode()])
def test_a_file_that_cannot_be_edited_safely_is_left_alone(bed: Bed, content: bytes) -> None:
    (bed.repository / "AGENTS.md").write_bytes(content)

    with pytest.raises(UsageError):
        prompt.write_blocks(bed.room())
    assert (bed.repository / "AGENTS.md").read_bytes() == content


def test_opening_the_room_writes_no_prompt_by_itself(bed: Bed) -> None:
    opening.open_new(bed.room())

    assert not (bed.repository / "AGENTS.md").exists()
