import pytest

from agentroom_git.core.shell import find_writes
from agentroom_git.room.hookcache import may_write, names

WRITES = """echo x > a
echo x >> a
rm -f a
mv a b
cp a b
ln -s a b
install a b
rsync a b
tee a
touch a
truncate -s 0 a
unlink a
shred a
sed -i s/a/b/ a
gsed -i s/a/b/ a
perl -pi -e s/a/b/ a
dd if=/dev/zero of=a
git checkout -- a
git restore a
git rm a
git stash
git reset --hard
cd src && sudo rm a"""


@pytest.mark.parametrize("command", WRITES.split("\n"))
def test_every_command_that_is_seen_to_write_may_write(command: str) -> None:
    writes = find_writes(command)

    assert writes.paths or writes.sweeps
    assert may_write(command)


@pytest.mark.parametrize("command", ["ls -l", "cat a", "pytest -q", "make check", ""])
def test_commands_that_only_look_need_no_repository(command: str) -> None:
    assert not may_write(command)


def test_where_nobody_holds_anything_there_is_nothing_to_look_for() -> None:
    assert not names([])
    assert not names(["\ud800"])  # a name that no file has
    assert "\0a b\0" in names(["a b", "c"])
