"""Simulated agents at their files: what an agent does to its own worktree with an editor and with git.

No action asks the room for anything. What git refuses (a lock, a conflict, nothing to commit) an agent takes as it is.
"""

import os
import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentroom_git.core import trailers
from agentroom_git.core.ids import Oid
from agentroom_git.git.operations import operation_under_way
from simulation.account import Account
from simulation.seeds import Violation
from simulation.words import FILES, Mint, edit_text, tokens
from simulation.world import NAMES, GitFailedError, World, files_in

FOREIGN_LOCK = b"somebody else's\n"
Action = Callable[["Bot"], None]
NEW_FILES = (b"new/five.txt", b"dir/six.txt", b"seven.txt", b"two.txt/below.txt")


@dataclass
class Bot:
    """One agent.

    `habits` are its actions by weight, `seen` the texts that it once read of each file, which it may write back later;
    `adding` is the lock of a slow `git add` that has begun, `reading` what a tool has read and will write back,
    `dropped` the folded commit from which its branch has stepped back and which nobody may bring back unasked.
    """

    name: str
    world: World
    account: Account
    rng: random.Random
    habits: Mapping[Action, float]
    seen: defaultdict[bytes, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    adding: Path | None = None
    dropped: Oid | None = None
    reading: tuple[bytes, bytes] | None = None

    def __post_init__(self) -> None:
        self.mint = Mint(self.name)
        self.top = self.world.path(self.name)
        self.git_dir = self.world.git_dir(self.name)

    def git(self, *arguments: str, check: bool = True) -> str:
        return self.world.git(*arguments, cwd=self.top, check=check)

    def files(self) -> list[bytes]:
        return sorted(path for path in files_in(self.top) if not (self.top / os.fsdecode(path)).is_symlink())

    def at(self, path: bytes) -> Path:
        return self.top / os.fsdecode(path)

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def act(self) -> None:
        """Do one thing, drawn by weight."""
        action = self.rng.choices(list(self.habits), list(self.habits.values()))[0]
        self.world.say(f"{self.name} {action.__name__}")
        self.do(action)

    def do(self, action: Action) -> bool:
        """Do it on the books; return whether git went along. Who has left, or is leaving, has nothing to work on."""
        if not (self.top / ".git").exists():
            return False
        self.dropped = None
        with self.account.own_action(self.name):
            try:
                action(self)
            except (GitFailedError, OSError) as error:
                self.world.say(f"  refused: {error}")
                return False
        return True

    def message(self) -> str:
        """A commit message, most often with the trailer that the hook would add."""
        named = [(trailers.AGENT, self.name)] if self.rng.random() < 0.7 else []
        return trailers.compose(f"work of {self.name} {self.rng.randrange(10**6)}", "", named)


def check_dropped(bot: Bot) -> None:
    """Who stepped back behind what was folded is left there until it goes on or asks (I2)."""
    if bot.dropped is None or not (bot.top / ".git").exists():
        return
    if bot.world.room().history.reaches(Oid(bot.head()), bot.dropped):
        raise Violation("I2", f"{bot.name} was brought back what it had stepped back from")


def edit(bot: Bot) -> None:
    """Change one file, by writing it in place or by putting a new one over it."""
    path = some_file(bot)
    text = bot.at(path).read_bytes()
    bot.seen[path].append(text)
    save(bot, path, edit_text(text, bot.rng, bot.mint))


def edit_and_commit(bot: Bot) -> None:
    edit(bot)
    commit(bot)


def rewrite_from_a_stale_read(bot: Bot) -> None:
    """Write a whole file as it was when it was read some time ago, with one change."""
    known = sorted(path for path in bot.seen if bot.at(path).is_file() and not bot.at(path).parent.is_symlink())
    if known:
        path = bot.rng.choice(known)
        save(bot, path, edit_text(bot.rng.choice(bot.seen[path]), bot.rng, bot.mint))


def some_file(bot: Bot) -> bytes:
    files = bot.files()
    if not files:
        create(bot)
        files = bot.files()
    if not files:
        raise OSError("there is no file, and none can be made")
    return bot.rng.choice(files)


def save(bot: Bot, path: bytes, text: bytes) -> None:
    """Write a file in place, or put a new one over it."""
    target = bot.at(path)
    if bot.rng.random() < 0.5:
        target.write_bytes(text)
        return
    mode = target.stat().st_mode
    part = target.with_name(target.name + ".part")
    part.write_bytes(text)
    part.chmod(mode)
    part.replace(target)


def create(bot: Bot) -> None:
    # The same few names, so that agents meet.
    path = bot.rng.choice(NEW_FILES + NEW_FILES[:2] + FILES)
    target = bot.at(path)
    if target.parent.is_symlink():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(target):
        target.write_bytes(b"".join(bot.mint.line(bot.rng) for _ in range(3)))


def create_alike(bot: Bot) -> None:
    """Make a file where a peer has one and the worktree none: sync will meet what git does not know there."""
    theirs = sorted({path for name in NAMES for path in files_in(bot.world.path(name))} - files_in(bot.top).keys())
    targets = [bot.at(path) for path in theirs if not bot.at(path).parent.is_symlink()]
    if targets:
        target = bot.rng.choice(targets)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"".join(bot.mint.line(bot.rng) for _ in range(3)))


def delete_file(bot: Bot) -> None:
    bot.at(some_file(bot)).unlink()


def rename_file(bot: Bot) -> None:
    """Move a file, sometimes with a change on the way."""
    path = some_file(bot)
    target = bot.at(bot.rng.choice((b"moved/", b"", b"dir/")) + path.rpartition(b"/")[2])
    if os.path.lexists(target) or target.parent.is_symlink():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    bot.at(path).rename(target)
    if bot.rng.random() < 0.4:
        target.write_bytes(edit_text(target.read_bytes(), bot.rng, bot.mint))


def change_mode(bot: Bot) -> None:
    target = bot.at(some_file(bot))
    target.chmod(target.stat().st_mode ^ 0o111)


def make_link(bot: Bot) -> None:
    target = bot.at(b"link")
    if target.is_symlink():
        target.unlink()
    target.symlink_to(os.fsdecode(bot.rng.choice(FILES)))


def make_binary(bot: Bot) -> None:
    bot.at(b"data.bin").write_bytes(b"\0" + bot.mint.line(bot.rng))


def commit(bot: Bot) -> None:
    """Commit in one of the ways that agents do."""
    way = bot.rng.random()
    if way < 0.7:
        bot.git("add", "--all")
        bot.git("commit", "--quiet", "-m", bot.message())
    elif way < 0.9:
        bot.git("commit", "--quiet", "--all", "-m", bot.message())
    else:
        path = os.fsdecode(some_file(bot))
        bot.git("add", "--", path)
        bot.git("commit", "--quiet", "-m", bot.message(), "--", path)


def stage(bot: Bot) -> None:
    bot.git("add", "--all")


def clean_up(bot: Bot) -> None:
    bot.git("checkout", "--quiet", "-f")
    bot.git("clean", "-fdq")


def stash_push(bot: Bot) -> None:
    bot.git("stash", "push", "--quiet", "--include-untracked")


def stash_pop(bot: Bot) -> None:
    bot.git("stash", "pop", "--quiet")


def merge_a_peer(bot: Bot) -> None:
    peer = bot.rng.choice([name for name in NAMES if name != bot.name])
    bot.git("merge", "--quiet", "-m", bot.message(), f"agentroom/main/{peer}")


def pick_from_a_peer(bot: Bot) -> None:
    peer = bot.rng.choice([name for name in NAMES if name != bot.name])
    bot.git("cherry-pick", "--allow-empty", f"agentroom/main/{peer}")


def end_operation(bot: Bot) -> None:
    """Give up whatever git is in the middle of."""
    for verb in ("rebase", "merge", "cherry-pick"):
        if operation_under_way(bot.git_dir):
            bot.git(verb, "--abort", check=False)
    for mark in ("rebase-merge", "rebase-apply", "sequencer"):
        if (bot.git_dir / mark).exists():
            shutil.rmtree(bot.git_dir / mark)


def switch_away(bot: Bot) -> None:
    bot.git("switch", "--quiet", "-C", f"side-of-{bot.name}")


def switch_back(bot: Bot) -> None:
    bot.git("switch", "--quiet", f"agentroom/main/{bot.name}")


def leave_a_lock(bot: Bot) -> None:
    """Be a git that holds the index for long, or died: nobody but its owner may take its lock away."""
    try:
        with (bot.git_dir / "index.lock").open("xb") as file:
            file.write(FOREIGN_LOCK)
    except FileExistsError:
        return
    bot.world.foreign_locks.add(bot.git_dir / "index.lock")


def take_lock_away(bot: Bot) -> None:
    lock = bot.git_dir / "index.lock"
    if lock in bot.world.foreign_locks and bot.adding is None:
        bot.world.foreign_locks.discard(lock)
        lock.unlink()


def add_slowly(bot: Bot) -> None:
    """Begin what `git add` does: read the index and make a new one under its lock, which takes its time."""
    index, lock = bot.git_dir / "index", bot.git_dir / "index.lock"
    ahead = bot.git_dir / "adding"
    shutil.copy2(index, ahead)
    bot.world.git("add", "--all", cwd=bot.top, index=ahead)
    try:
        lock.hardlink_to(ahead)
    except FileExistsError:
        return
    finally:
        ahead.unlink()
    bot.world.foreign_locks.add(lock)
    bot.adding = lock


def finish_adding(bot: Bot) -> None:
    """Put the index in place that was made slowly, and commit it."""
    if bot.adding is None:
        return
    lock, bot.adding = bot.adding, None
    bot.world.foreign_locks.discard(lock)
    lock.rename(bot.git_dir / "index")
    before = bot.head()
    bot.git("commit", "--quiet", "-m", bot.message())
    _check_reverts_nothing(bot, before)


def _check_reverts_nothing(bot: Bot, before: str) -> None:
    """A commit takes no line away that its file still has, unless the agent itself had done without it for a while."""
    names = bot.git("diff", "-z", "--name-only", "--no-renames", before, "HEAD").split("\0")
    for path in (os.fsencode(name) for name in names if name):
        then, now, here = (_tokens_at(bot, revision, path) for revision in (before, "HEAD", None))
        if reverted := ((then - now) & here) - bot.account.books.ever_given_up:
            raise Violation("I1", f"{bot.name} commits, of what came by a sync, that it is gone: {reverted}")


def _tokens_at(bot: Bot, revision: str | None, path: bytes) -> set[bytes]:
    if revision is not None:
        text = bot.git("show", f"{revision}:{os.fsdecode(path)}", check=False)
        return set(tokens(text.encode("utf-8", "surrogateescape")))
    return set(tokens(bot.at(path).read_bytes())) if bot.at(path).is_file() else set()


def put_a_link_for_a_folder(bot: Bot) -> None:
    """Move a folder out of the worktree and leave a link to it: nothing may be written through it."""
    outside = bot.world.outside / bot.name
    if bot.at(b"dir").is_dir() and not bot.at(b"dir").is_symlink() and not outside.exists():
        shutil.move(bot.at(b"dir"), outside)
        bot.at(b"dir").symlink_to(outside)
        bot.world.watched_outside[outside] = files_in(outside)
