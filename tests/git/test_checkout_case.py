"""On a file system that ignores case, sync never writes one file over another of nearly the same name."""

from pathlib import Path

import pytest

from agentroom_git.git.checkout import Advanced, Waits
from worktree_pair import BASE, Pair


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    pair = Pair(tmp_path)
    pair.commit(BASE)
    pair.add_worktree()
    return pair


CHANGES: dict[str, tuple[dict[str, object], tuple[bytes, ...]]] = {
    "a twin of what is there": ({"readme.md": b"x\n"}, (b"readme.md",)),
    "two new ones": ({"new.txt": b"1\n", "NEW.txt": b"2\n"}, (b"NEW.txt", b"new.txt")),
    "renamed in case only": ({"README.md": None, "Readme.md": b"# Ledger\n"}, (b"Readme.md",)),
    "a folder of another case": ({"SRC/other.py": b"x\n"}, ()),
    "below a folder of another case": ({"SRC/app.py": b"x\n"}, (b"SRC/app.py",)),
    "another normalisation": (
        {"gr\u00fcn.txt": b"1\n", "gru\u0308n.txt": b"2\n"},
        (b"gru\xcc\x88n.txt", b"gr\xc3\xbcn.txt"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "twins"), CHANGES.values(), ids=CHANGES.keys())
def test_where_case_is_ignored_a_name_that_is_taken_for_another_is_not_written(
    pair: Pair, change: dict[str, object], twins: tuple[bytes, ...]
) -> None:
    new = pair.commit(change)
    before = pair.snapshot()
    pair.git("config", "core.ignorecase", "true")

    outcome = pair.advance(new)

    if twins:
        assert outcome == Waits("case", twins)
        assert pair.snapshot() == before
    else:
        assert isinstance(outcome, Advanced)


@pytest.mark.parametrize(("change", "twins"), CHANGES.values(), ids=CHANGES.keys())
def test_where_it_is_not_both_are_written(pair: Pair, change: dict[str, object], twins: tuple[bytes, ...]) -> None:
    assert isinstance(pair.advance(pair.commit(change)), Advanced)
    assert pair.is_clean()


def test_a_file_that_is_only_changed_is_written_though_case_is_ignored(pair: Pair) -> None:
    pair.git("config", "core.ignorecase", "true")

    assert isinstance(pair.advance(pair.commit({"README.md": b"# New\n", "src/new.py": b"x\n"})), Advanced)
