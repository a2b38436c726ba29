"""What a shell command writes, as far as its text tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentroom_git.core.shell import Writes, find_writes


@pytest.mark.parametrize(
    ("command", "paths"),
    [
        ("echo x > out.txt", ("out.txt",)),
        ("echo x >>out.txt", ("out.txt",)),
        ("echo x 2>&1 >out.txt", ("out.txt",)),
        ("make >/dev/null 2>errors.log", ("errors.log",)),
        ("make &> both.log", ("both.log",)),
        ("cat <in.txt", ()),
        ("cat <<EOF >made.py\nprint(1)\nEOF", ("made.py",)),
        ("sed -i 's/a/b/' one.py two.py", ("one.py", "two.py")),
        ("sed -i.bak -e s/a/b/ one.py", ("one.py",)),
        ("sed --in-place 's/a/b/' one.py", ("one.py",)),
        ("sed 's/a/b/' one.py", ()),
        ("perl -pi -e 's/a/b/' one.py", ("one.py",)),
        ("echo x | tee -a log.txt", ("log.txt",)),
        ("mv old.py new.py", ("old.py", "new.py")),
        ("cp a.py b.py", ("b.py",)),
        ("rm -rf build src/x.py", ("build", "src/x.py")),
        ("cd src && rm x.py", ("src/x.py",)),
        ("cd src; echo 1 > y.py", ("src/y.py",)),
        ("sudo env A=1 rm 'with space.py'", ("with space.py",)),
        ("A=1 B=2 touch new.py", ("new.py",)),
        ("git checkout -- src/a.py", ("src/a.py",)),
        ("git checkout main", ()),
        ("git restore src/a.py", ("src/a.py",)),
        ("git restore --staged src/a.py", ()),
        ("git -C ../bob restore a.py", ("../bob/a.py",)),
        ("git rm a.py && git mv b.py c.py", ("a.py", "b.py", "c.py")),
        ("dd if=/dev/zero of=disk.img", ("disk.img",)),
        ("(cd x && touch y)", ("x/y",)),
        ("ls -la; grep -i x y", ()),
        ("echo 'a > b'", ()),
        ('echo "unfinished > b', ()),
        ("", ()),
    ],
)
def test_written_paths(command: str, paths: tuple[str, ...]) -> None:
    assert find_writes(command).paths == paths


@pytest.mark.parametrize(
    ("command", "sweeps"),
    [
        ("git reset --hard HEAD~1", ("git reset --hard",)),
        ("git reset HEAD~1", ()),
        ("git clean -fdx", ("git clean",)),
        ("git clean -n", ()),
        ("git stash", ("git stash",)),
        ("git stash pop", ()),
        ("git stash list", ()),
        ("git checkout -f main", ("git checkout -f",)),
    ],
)
def test_commands_that_drop_uncommitted_work(command: str, sweeps: tuple[str, ...]) -> None:
    assert find_writes(command).sweeps == sweeps


@given(st.text(max_size=200))
def test_no_text_makes_it_fail(command: str) -> None:
    assert isinstance(find_writes(command), Writes)


def test_a_very_long_command_counts_as_writing_nothing() -> None:
    assert find_writes("> a;" * 100_000) == Writes()
