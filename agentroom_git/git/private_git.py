"""Running git on the files of a worktree with a git directory of our own, so that no program of the repository's runs.

Settings that are overridden one by one leave out those that nobody thought of, and a filter can be given any name. Here
git never reads the repository's configuration: its git directory is made for one use, with no settings but the harmless
ones that are copied, and shares nothing with the repository but the objects; the worktree's index is copied. What the
user's own configuration defines, a filter for large files for instance, goes on working.
"""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core.ids import Oid
from agentroom_git.errors import AgentroomError
from agentroom_git.git.half_save import PREFIX, has_note
from agentroom_git.git.repo import common_dir_of
from agentroom_git.git.worktrees import Worktree
from agentroom_git.system.pids import is_alive
from agentroom_git.system.process import Finished, git, git_as_the_user, git_settings

# How files and contents correspond; none of them names a program.
_COPIED = (
    "attributesfile", "autocrlf", "checkstat", "eol", "excludesfile", "filemode", "ignorecase", "precomposeunicode",
    "protecthfs", "protectntfs", "safecrlf", "symlinks", "trustctime",
)  # fmt: skip
_COPIED_FILES = ("info/attributes", "info/exclude")


class PrivateGitError(AgentroomError):
    """Git could not read the files of a worktree."""


@dataclass(frozen=True, slots=True)
class PrivateGit:
    """Git in one worktree; its HEAD is the worktree's, and `index` a copy of the worktree's, in the same folder."""

    worktree: Path
    index: Path
    settings: Mapping[str, str]
    environment: Mapping[str, str]

    def run(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Finished:
        """Run a command that reads the worktree's files or writes the copy of its index; it moves no branch."""
        variables = {**self.environment, **(env or {})}
        return git(*arguments, cwd=self.worktree, env=variables | git_settings({}, self.settings), stdin=stdin)

    def unfiltered(self, paths: Collection[str]) -> dict[str, str]:
        """Return the paths whose attributes ask for a filter that the user's own configuration does not define."""
        listed = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
        told = self.run("check-attr", "-z", "--stdin", "filter", stdin=listed)
        if told.code != 0:
            raise PrivateGitError(f"git check-attr failed in {self.worktree}: {told.message}", hint="run it by hand")
        words = told.out.decode("utf-8", "surrogateescape").split("\0")
        asked = dict(zip(words[::3], words[2::3], strict=False))
        known = self._filters() if asked else frozenset()
        return {path: name for path, name in asked.items() if name not in _NO_FILTER and name not in known}

    def _filters(self) -> frozenset[str]:
        listed = self.run("config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process)$")
        names = os.fsdecode(listed.out).split("\0")
        return frozenset(name.removeprefix("filter.").rpartition(".")[0] for name in names if name)


_NO_FILTER = frozenset({"unspecified", "unset", "set"})


@contextmanager
def private_git(worktree: Worktree, head: Oid) -> Iterator[PrivateGit]:
    """Make a private git directory for the block; one that a kill leaves is removed by the next."""
    common = common_dir_of(worktree.git_dir)
    _sweep(worktree.git_dir)
    with tempfile.TemporaryDirectory(dir=worktree.git_dir, prefix=f"{PREFIX}{os.getpid()}-") as name:
        folder = Path(name)
        for below in ("objects", "refs", "info"):
            (folder / below).mkdir()
        (folder / "HEAD").write_text(f"{head}\n")
        (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n")
        for copied in _COPIED_FILES:
            if (common / copied).is_file():
                shutil.copyfile(common / copied, folder / copied)
        index = folder / "index"
        with suppress(FileNotFoundError):
            # With its date: git trusts what an entry says of a file only where the index is younger than the file.
            shutil.copy2(worktree.git_dir / "index", index)
        for shared in worktree.git_dir.glob("sharedindex.*"):
            # What an index that is split leaves out; git never changes one.
            (folder / shared.name).symlink_to(shared)
        environment = {
            "GIT_DIR": str(folder),
            "GIT_WORK_TREE": str(worktree.path),
            "GIT_INDEX_FILE": str(index),
            "GIT_OBJECT_DIRECTORY": str(common / "objects"),
            "GIT_NO_REPLACE_OBJECTS": "1",
        }
        yield PrivateGit(worktree.path, index, _settings(worktree), environment)


def _settings(worktree: Worktree) -> dict[str, str]:
    """Return the harmless settings as they are in the worktree; a name without a value means true."""
    wanted = ("--null", "--get-regexp", rf"^core\.({'|'.join(_COPIED)})$")
    listed = git_as_the_user("config", *wanted, cwd=worktree.path, env={"GIT_DIR": str(worktree.git_dir)})
    found = (record.partition("\n") for record in os.fsdecode(listed.out).split("\0") if record)
    settings = {key: value if separator else "true" for key, separator, value in found}
    # What is written there may become the worktree's own index, and must not rest on a file beside it.
    return settings | {"core.splitindex": "false"}


def _sweep(git_dir: Path) -> None:
    for left in git_dir.glob(f"{PREFIX}*"):
        # With a note it is for whoever takes the save back.
        if not has_note(left) and not is_alive(left.name.removeprefix(PREFIX).partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
