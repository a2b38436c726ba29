"""A real repository with a room and four worktrees, made once and copied for each schedule.

Everything is on a memory file system where there is one: nearly all the time of a schedule goes into small files.
"""

import atexit
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType

import pygit2
from pygit2.enums import ConfigLevel

from agentroom_git.core.ids import AgentName, parse_agent
from agentroom_git.room import opening, presence, trust
from agentroom_git.room.room import Room, acting_as, open_room
from agentroom_git.system.entropy import random_key
from agentroom_git.system.failpoint import Failpoint, silent
from seal import sealed_environment
from simulation.clock import FastClock, VirtualClock
from simulation.words import all_tokens, start_files

NAMES = ("alice", "bob", "carol", "dave")
BREAKS_THE_CHECK = "seven.txt"
"""The check of these rooms passes where no such file is."""
MEMORY = Path("/dev/shm")
SCRATCH = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())


class GitFailedError(Exception):
    """An agent's git refused; agents live with that."""


def seal(home: Path) -> None:
    """Shut out the user's configuration where no test suite has done so already."""
    sealed = sealed_environment(home)
    for name in os.environ.keys() - sealed.keys():
        del os.environ[name]
    os.environ.update(sealed)
    for level in (ConfigLevel.PROGRAMDATA, ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
        pygit2.settings.search_path[level] = str(home / "none")


def git(
    *arguments: str, cwd: Path, at: int = 0, check: bool = True, more: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Run git as an agent would; dates come from the virtual clock, so that commits have the same id in every run."""
    date = f"@{1_767_225_600 + at} +0000"
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date, "GIT_EDITOR": "true", "GIT_SEQUENCE_EDITOR": "true"}
    done = subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        env=os.environ | dates | dict(more),
        capture_output=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    if check and done.returncode:
        raise GitFailedError(f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace').strip()[-200:]}")
    return done.stdout.decode("utf-8", "surrogateescape")


@cache
def template() -> Path:
    """Return a folder with a repository, its room and its worktrees, made once for this process."""
    folder = Path(tempfile.mkdtemp(prefix="sim-template-", dir=SCRATCH))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    root = folder / "repo"
    root.mkdir()
    for path, text in start_files().items():
        target = root / os.fsdecode(path)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(text)
    git("init", "--quiet", "--initial-branch=main", cwd=root)
    for key, value in (("user.name", "Someone"), ("user.email", "someone@example.invalid"), ("gc.auto", "0")):
        git("config", key, value, cwd=root)
    git("add", ".", cwd=root)
    git("commit", "--quiet", "-m", "start", cwd=root)
    clock = VirtualClock()
    keys = random.Random("template")
    room = open_room(root, clock, new_key=lambda: f"{keys.getrandbits(64):016x}")
    opening.open_new(room)
    # The template's comments take longer to parse than a fold takes.
    (root / ".agentroom.yaml").write_text(f"check: test ! -e {BREAKS_THE_CHECK}\n")
    trust.trust(open_room(root, clock))
    for name in NAMES:
        presence.join(room, parse_agent(name))
    return folder


def copy_template(folder: Path) -> None:
    """Copy the template; the pointers between worktrees and repository are rewritten, as they are absolute."""
    shutil.copytree(template(), folder, symlinks=True, dirs_exist_ok=True)
    old, new = os.fsencode(template()), os.fsencode(folder)
    for name in NAMES:
        for pointer in (folder / "repo.agents" / name / ".git", folder / "repo/.git/worktrees" / name / "gitdir"):
            pointer.write_bytes(pointer.read_bytes().replace(old, new))


@contextmanager
def scratch_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sim-", dir=SCRATCH, ignore_cleanup_errors=True) as name:
        yield Path(name)


@dataclass
class World:
    """One schedule's repository, its clock, and what it draws from."""

    folder: Path
    rng: random.Random | None
    clock: VirtualClock | FastClock = field(default_factory=VirtualClock)
    trace: list[str] = field(default_factory=list)
    foreign_locks: set[Path] = field(default_factory=set)
    watched_outside: dict[Path, dict[bytes, bytes]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.folder / "repo"

    @property
    def outside(self) -> Path:
        """A folder that belongs to no worktree."""
        folder = self.folder / "outside"
        folder.mkdir(exist_ok=True)
        return folder

    def path(self, name: str) -> Path:
        return self.folder / "repo.agents" / name

    def git_dir(self, name: str) -> Path:
        return self.root / ".git/worktrees" / name

    @cached_property
    def reader(self) -> Room:
        """The room for who only looks."""
        return self.room()

    def room(self, failpoint: Failpoint = silent) -> Room:
        return open_room(self.root, self.clock, new_key=self.new_key, failpoint=failpoint)

    def room_of(self, name: str, failpoint: Failpoint = silent) -> Room:
        return acting_as(self.room(failpoint), AgentName(name))

    def __post_init__(self) -> None:
        self.keys = random.Random(self.rng.getrandbits(64)) if self.rng else None

    def new_key(self) -> str:
        return f"{self.keys.getrandbits(64):016x}" if self.keys else random_key()

    def begin_other_keys(self, salt: int) -> None:
        """Give the keys of another process: two that were forked from one draw the same otherwise."""
        self.keys = random.Random(salt)

    def git(self, *arguments: str, cwd: Path | None = None, check: bool = True, index: Path | None = None) -> str:
        """Run git at the present moment; with another index than the worktree's own where one is given."""
        more = {"GIT_INDEX_FILE": str(index)} if index else {}
        return git(*arguments, cwd=cwd or self.root, at=int(self.clock.elapsed), check=check, more=more)

    def say(self, text: str) -> None:
        self.trace.append(text)

    def shown(self) -> Path:
        """The file to which agents append what they were told, as a screen would keep it over a kill."""
        return self.folder / "shown"

    def shown_lines(self) -> list[str]:
        return self.shown().read_text().splitlines() if self.shown().exists() else []


def files_in(top: Path) -> dict[bytes, bytes]:
    """Return every file's bytes (a link's target) below a worktree, without git's own pointer."""
    found: dict[bytes, bytes] = {}
    root = os.fsencode(top)
    for folder, folders, names in os.walk(root):
        for name in (*names, *(one for one in folders if os.path.islink(os.path.join(folder, one)))):
            path = os.path.join(folder, name)
            if path != os.path.join(root, b".git"):
                found[os.path.relpath(path, root)] = _content(path)
    return found


def _content(path: bytes) -> bytes:
    if os.path.islink(path):
        return os.readlink(path)
    with open(path, "rb") as file:
        return file.read()


def tokens_in(top: Path) -> set[bytes]:
    return all_tokens(files_in(top).values())
