"""Uncommitted edits of a file that a sync changes stay uncommitted on top of what is new, or the worktree waits."""

import os
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from agentroom_git.git.checkout import Advanced, Waits
from agentroom_git.system.exchange import Folder
from worktree_pair import BASE, Link, Pair, Program, assert_no_trace, files_of, kill_at, write

TEXT = b"".join(b"line %d\n" % number for number in range(1, 21))


def changed(text: bytes, *edits: tuple[int, bytes]) -> bytes:
    """The text with lines, counted from 1, replaced."""
    lines = text.splitlines(keepends=True)
    for number, line in edits:
        lines[number - 1] = line
    return b"".join(lines)


MINE, THEIRS = changed(TEXT, (2, b"mine\n")), changed(TEXT, (15, b"theirs\n"))
BOTH = changed(TEXT, (2, b"mine\n"), (15, b"theirs\n"))


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    pair = Pair(tmp_path)
    pair.commit(BASE | {"file.txt": TEXT, "run": Program(TEXT)})
    pair.add_worktree()
    return pair


def test_an_edit_stays_uncommitted_on_top_of_what_is_new(pair: Pair) -> None:
    new = pair.commit({"file.txt": THEIRS, "docs/a.txt": b"2\n"})
    write(pair.agent / "file.txt", MINE)

    outcome = pair.advance(new)

    assert outcome == Advanced((b"docs/a.txt", b"file.txt"), (), edited=(b"file.txt",))
    assert (pair.agent / "file.txt").read_bytes() == BOTH
    assert pair.tip() == new
    assert pair.status() == " M file.txt\n"
    assert pair.git("show", ":file.txt", cwd=pair.agent).encode() == THEIRS
    assert pair.git("diff", "--stat", cwd=pair.agent).endswith("1 file changed, 1 insertion(+), 1 deletion(-)\n")
    assert_no_trace(pair)


def test_edits_follow_through_one_sync_after_the_other(pair: Pair) -> None:
    write(pair.agent / "file.txt", MINE)
    text = TEXT
    for number in range(5, 20):
        text = changed(text, (number, b"theirs %d\n" % number))
        assert isinstance(pair.advance(pair.commit({"file.txt": text})), Advanced)

    assert (pair.agent / "file.txt").read_bytes() == changed(text, (2, b"mine\n"))
    pair.git("commit", "--quiet", "--all", "--message", "mine", cwd=pair.agent)
    assert pair.git("diff", "--numstat", "HEAD~", cwd=pair.agent) == "1\t1\tfile.txt\n"


def test_an_edit_that_is_part_of_what_is_new_leaves_the_file_clean_for_git(pair: Pair) -> None:
    write(pair.agent / "file.txt", changed(TEXT, (15, b"theirs\n")))

    outcome = pair.advance(pair.commit({"file.txt": changed(TEXT, (2, b"more\n"), (15, b"theirs\n"))}))

    assert isinstance(outcome, Advanced)
    assert pair.status() == ""


CARRIED: dict[str, tuple[Mapping[str, object], Mapping[str, object], Mapping[str, object]]] = {
    "made executable": ({"file.txt": Program(TEXT)}, {"file.txt": THEIRS}, {"file.txt": Program(THEIRS)}),
    "no longer executable": ({"run": TEXT}, {"run": Program(THEIRS)}, {"run": THEIRS}),
    "edited, and becomes executable": ({"file.txt": MINE}, {"file.txt": Program(TEXT)}, {"file.txt": Program(MINE)}),
    "edited program": ({"run": Program(MINE)}, {"run": Program(THEIRS)}, {"run": Program(BOTH)}),
    "several files": (
        {"file.txt": MINE, "run": Program(MINE)},
        {"file.txt": THEIRS, "run": Program(THEIRS), "src/app.py": b"app = 2\n"},
        {"file.txt": BOTH, "run": Program(BOTH), "src/app.py": b"app = 2\n"},
    ),
    "no newline at the end": (
        {"file.txt": MINE},
        {"file.txt": changed(TEXT, (20, b"line 20"))},
        {"file.txt": changed(MINE, (20, b"line 20"))},
    ),
}


@pytest.mark.parametrize(("mine", "theirs", "expected"), CARRIED.values(), ids=CARRIED.keys())
def test_text_and_mode_are_carried_each_by_itself(
    pair: Pair, mine: Mapping[str, object], theirs: Mapping[str, object], expected: Mapping[str, object]
) -> None:
    new = pair.commit(theirs)
    for path, content in mine.items():
        write(pair.agent / path, content)

    outcome = pair.advance(new)

    assert isinstance(outcome, Advanced), outcome
    found = files_of(pair.agent)
    for path, content in expected.items():
        data, bits = (content.data, 0o755) if isinstance(content, Program) else (content, 0o644)
        assert found[path.encode()] == (0o100000 | bits, data), path


CONTESTED: dict[str, tuple[Mapping[str, object], Mapping[str, object], str]] = {
    "the same line": ({"file.txt": MINE}, {"file.txt": changed(TEXT, (2, b"theirs\n"))}, "file.txt"),
    "the line next to it": ({"file.txt": MINE}, {"file.txt": changed(TEXT, (3, b"theirs\n"))}, "file.txt"),
    "emptied, as by a save that has only begun": ({"file.txt": b""}, {"file.txt": THEIRS}, "file.txt"),
    "edited against deleted": ({"file.txt": MINE}, {"file.txt": None}, "file.txt"),
    "deleted against edited": ({"file.txt": None}, {"file.txt": THEIRS}, "file.txt"),
    "edited against a link": ({"file.txt": MINE}, {"file.txt": Link("run")}, "file.txt"),
    "a link against edited": ({"file.txt": Link("run")}, {"file.txt": THEIRS}, "file.txt"),
    "binary": ({"file.txt": b"\0" + MINE}, {"file.txt": THEIRS}, "file.txt"),
    "no merge, by attribute": (
        {"file.txt": MINE},
        {"file.txt": THEIRS, ".gitattributes": b"*.txt -merge\n"},
        "file.txt",
    ),
}


@pytest.mark.parametrize(("mine", "theirs", "path"), CONTESTED.values(), ids=CONTESTED.keys())
def test_sync_never_decides_a_contest(
    pair: Pair, mine: Mapping[str, object], theirs: Mapping[str, object], path: str
) -> None:
    new = pair.commit({**theirs, "docs/a.txt": b"2\n"})
    for name, content in mine.items():
        write(pair.agent / name, content)
    before = pair.snapshot()

    assert pair.advance(new) == Waits("dirty", (path.encode(),))
    assert pair.snapshot() == before


def test_a_clean_merge_that_does_not_parse_though_both_versions_do_is_a_contest(pair: Pair) -> None:
    text = b"x = [\n" + b"".join(b"    %d,\n" % number for number in range(8)) + b"]\ny = 1\n"
    pair.advance(pair.commit({"list.py": text}))
    # One closes the list early and opens another, the other drops the last bracket's line for a call.
    theirs = pair.commit({"list.py": changed(text, (3, b"    1]\n"), (4, b"z = [2,\n"))})
    write(pair.agent / "list.py", changed(text, (1, b"x = (\n"), (10, b")\n")))

    assert pair.advance(theirs) == Waits("dirty", (b"list.py",))


def test_an_edit_with_carriage_returns_by_attribute_is_carried(pair: Pair) -> None:
    ends = b"\r\n"
    pair.advance(pair.commit({".gitattributes": b"*.bat text eol=crlf\n", "a.bat": TEXT.replace(b"\n", ends)}))
    new = pair.commit({"a.bat": THEIRS.replace(b"\n", ends)})
    write(pair.agent / "a.bat", MINE.replace(b"\n", ends))

    assert isinstance(pair.advance(new), Advanced)
    assert (pair.agent / "a.bat").read_bytes() == BOTH.replace(b"\n", ends)


def test_a_save_between_reading_and_writing_is_put_back(pair: Pair) -> None:
    new = pair.commit({"file.txt": THEIRS})
    write(pair.agent / "file.txt", MINE)
    later = changed(MINE, (4, b"mine, later\n"))

    def save(step: str) -> None:
        if step == "swap 0":
            write(pair.agent / "file.txt", later)

    assert pair.advance(new, failpoint=save) == Waits("dirty", (b"file.txt",))
    assert (pair.agent / "file.txt").read_bytes() == later
    assert isinstance(pair.advance(new), Advanced)
    assert (pair.agent / "file.txt").read_bytes() == changed(later, (15, b"theirs\n"))


def test_the_edited_version_that_was_displaced_is_kept(pair: Pair) -> None:
    new = pair.commit({"file.txt": THEIRS})
    write(pair.agent / "file.txt", MINE)

    pair.advance(new)

    assert MINE in [path.read_bytes() for path in pair.stage.rglob("*") if path.is_file()]


def test_after_a_kill_at_any_step_the_edits_are_there_once(pair: Pair) -> None:
    old = pair.tip()
    new = pair.commit({"file.txt": THEIRS, "src/new.py": b"new\n", "src/util.py": None})
    steps: list[str] = []
    write(pair.agent / "file.txt", MINE)
    pair.advance(new, failpoint=steps.append)
    for stop in steps:
        _start_over(pair, old)
        kill_at(pair, new, stop)
        assert (pair.agent / "file.txt").read_bytes() in (MINE, BOTH), stop

        assert isinstance(pair.advance(new, old=old), Advanced), stop

        assert (pair.agent / "file.txt").read_bytes() == BOTH, stop
        assert pair.tip() == new
        assert pair.status() == " M file.txt\n", stop
        assert_no_trace(pair)


def test_an_edit_made_on_top_after_a_kill_survives_the_recovery(pair: Pair) -> None:
    old = pair.tip()
    new = pair.commit({"file.txt": THEIRS, "src/new.py": b"new\n"})
    steps: list[str] = []
    write(pair.agent / "file.txt", MINE)
    pair.advance(new, failpoint=steps.append)
    for stop in steps:
        _start_over(pair, old)
        kill_at(pair, new, stop)
        now = (pair.agent / "file.txt").read_bytes()
        write(pair.agent / "file.txt", changed(now, (8, b"mine, later\n")))

        assert isinstance(pair.advance(new, old=old), Advanced), stop

        assert (pair.agent / "file.txt").read_bytes() == changed(BOTH, (8, b"mine, later\n")), stop
        assert pair.status() == " M file.txt\n", stop


def _start_over(pair: Pair, old: str) -> None:
    pair.git("reset", "--quiet", "--hard", old, cwd=pair.agent)
    write(pair.agent / "file.txt", MINE)


def test_nothing_is_written_outside_when_a_folder_becomes_a_link_on_the_way(pair: Pair, tmp_path: Path) -> None:
    pair.advance(pair.commit({"deep/file.txt": TEXT}))
    new = pair.commit({"deep/file.txt": THEIRS})
    write(pair.agent / "deep/file.txt", MINE)
    outside = tmp_path / "outside"
    write(outside / "file.txt", MINE)

    def flip(step: str) -> None:
        if step == "swap 0":
            os.rename(pair.agent / "deep", tmp_path / "aside")
            (pair.agent / "deep").symlink_to(outside)

    assert isinstance(pair.advance(new, failpoint=flip), Waits)
    assert (outside / "file.txt").read_bytes() == MINE
    assert (tmp_path / "aside/file.txt").read_bytes() == MINE


def test_every_line_of_both_sides_is_there_after_random_edits(pair: Pair) -> None:
    rng = random.Random(11)
    advanced = 0
    for trial in range(15):
        old = pair.tip()
        mine, theirs = (_random_edit(rng, TEXT, f"{side} {trial}".encode()) for side in ("mine", "theirs"))
        new = pair.commit({"file.txt": theirs, "trial": b"%d\n" % trial})
        write(pair.agent / "file.txt", mine)
        outcome = pair.advance(new)
        found = (pair.agent / "file.txt").read_bytes()
        if isinstance(outcome, Waits):
            assert found == mine
        else:
            advanced += 1
            wanted = {line for text in (mine, theirs) for line in text.splitlines()} - set(TEXT.splitlines())
            assert wanted <= set(found.splitlines())
        pair.git("reset", "--quiet", "--hard", new, cwd=pair.agent)
        pair.commit({"file.txt": TEXT})
        pair.git("reset", "--quiet", "--hard", "main", cwd=pair.agent)
        assert pair.tip() != old
    assert advanced > 5


def _random_edit(rng: random.Random, text: bytes, word: bytes) -> bytes:
    lines = text.splitlines(keepends=True)
    for number in range(rng.randrange(1, 3)):
        at = rng.randrange(len(lines))
        lines[at : at + rng.randrange(2)] = [b"%s, edit %d\n" % (word, number)]
    return b"".join(lines)


def test_the_plan_reads_a_file_once(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is merged is what the exchange expects, even if the file changes while the plan is made."""
    new = pair.commit({"file.txt": THEIRS})
    write(pair.agent / "file.txt", MINE)
    look = Folder.look
    seen: list[bytes] = []

    def counted(folder: Folder, path: bytes) -> object:
        if folder.root == pair.agent:
            seen.append(path)
        return look(folder, path)

    monkeypatch.setattr(Folder, "look", counted)
    pair.advance(new)

    assert seen.count(b"file.txt") == 1
