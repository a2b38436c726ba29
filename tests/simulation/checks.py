"""The invariants of a schedule on real git, each read from the repository with as little of the product as may be."""

import os
import random
import subprocess
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from agentroom_git.core.fold import Engine
from agentroom_git.core.ids import Oid
from agentroom_git.git import folds
from agentroom_git.git.half_save import PREFIX
from agentroom_git.git.objects import GitHistory
from agentroom_git.room import verifying
from agentroom_git.room.displaced import KEEP_SECONDS
from agentroom_git.room.logs import read_events
from agentroom_git.system.failpoint import silent
from simulation import graph, operations
from simulation.account import Account
from simulation.claims_watch import ClaimsWatch
from simulation.seeds import Violation
from simulation.words import all_tokens
from simulation.world import NAMES, World, files_in, template, tokens_in

INTEGRATION = "agentroom/main/integration"
QUIET_ROUNDS = 2


def state_of(world: World) -> str:
    """Return what there is to see of the repository's refs and of what is uncommitted."""
    refs = world.git("for-each-ref", "--format=%(refname) %(objectname)")
    return refs + "".join(world.git("status", "--porcelain", cwd=world.path(name)) for name in NAMES)


def at_every_step(world: World, heights: Sequence[Oid]) -> None:
    """Integration only grows, no foreign lock is touched, and nothing is written outside of the worktrees.

    `heights` are what integration was before the step and after each thing that others did in the middle of it.
    """
    room = world.reader
    for before, now in pairwise([*heights, room.integration()]):
        if not room.history.reaches(now, before):
            raise Violation("I1", f"integration went from {before[:10]} to {now[:10]}, which does not contain it")
    for lock in world.foreign_locks:
        if not lock.exists():
            raise Violation("I8", f"{lock.relative_to(world.folder)}, which is not ours, was taken away")
    for folder, files in world.watched_outside.items():
        if files_in(folder) != files:
            raise Violation("I12", f"{folder.relative_to(world.folder)} was written through a link")


def at_the_end(world: World, account: Account, claims: ClaimsWatch) -> None:
    check_convergence(world)
    check_repository(world)
    check_leftovers(world)
    check_quiet(world)
    check_main_checkout(world)
    check_displaced(world)
    check_folds(world)
    check_conservation(world, account)
    check_events(world)
    claims.look()
    claims.check_history()


def check_convergence(world: World) -> None:
    """Every worktree is clean, on its branch, and has integration's tree."""
    wanted = world.git("rev-parse", f"{INTEGRATION}^{{tree}}").strip()
    for name in NAMES:
        found = world.git("rev-parse", "HEAD^{tree}", cwd=world.path(name)).strip()
        status = world.git("status", "--porcelain", cwd=world.path(name))
        branch = world.git("symbolic-ref", "HEAD", cwd=world.path(name)).strip()
        if status or found != wanted or branch != f"refs/heads/agentroom/main/{name}":
            waits = (world.root / ".git/agentroom/main/waits.json").read_text()
            raise Violation(
                "I8", f"{name} did not converge: on {branch}, tree {found[:10]} for {wanted[:10]}\n{status}{waits}"
            )


def check_repository(world: World) -> None:
    done = subprocess.run(
        ["git", "fsck", "--full", "--strict", "--no-dangling"], cwd=world.root, capture_output=True, text=True
    )
    if done.returncode or done.stdout.strip():
        raise Violation("I4", f"git fsck: {done.stdout}{done.stderr}")


def check_leftovers(world: World) -> None:
    """No lock, no temporary file and no unfinished journal is left."""
    private = world.root / ".git/agentroom"
    left = [path for path in (world.root / ".git").rglob("*") if _is_leftover(path, private)]
    left += (world.folder / "repo.agents/.stage").glob("*/*/journal")
    if left:
        raise Violation("I8", f"left behind: {', '.join(str(path.relative_to(world.folder)) for path in left)}")


def _is_leftover(path: Path, private: Path) -> bool:
    if path.is_relative_to(private):
        return path.suffix == ".tmp"  # the locks there are the kernel's
    # Of an object that was being written half may lie about, as nobody names it.
    return path.suffix == ".lock" or ".agentroom-" in path.name or path.name.startswith(PREFIX)


def check_main_checkout(world: World) -> None:
    """The user's own branch and files are as they were."""
    if world.git("status", "--porcelain") not in ("", "?? .agentroom.yaml\n"):
        raise Violation("I12", f"the user's checkout was changed: {world.git('status', '--porcelain')}")
    if world.git("rev-list", "--count", "main").strip() != "1":
        raise Violation("I12", "the user's branch was moved")
    if _users_own(world.root) != _users_own(template() / "repo"):
        raise Violation("I12", "the user's configuration, hooks or HEAD was changed")


def _users_own(top: Path) -> dict[Path, bytes]:
    """Return what belongs to the user alone in a repository."""
    git_dir = top / ".git"
    paths = [git_dir / "config", git_dir / "HEAD", git_dir / "ORIG_HEAD", *sorted((git_dir / "hooks").rglob("*"))]
    return {path.relative_to(top): path.read_bytes() for path in paths if path.is_file()}


def check_displaced(world: World) -> None:
    """Versions that syncs displaced go after an hour, with the next sync (I10)."""
    # Their age is told by the wall clock, which may have jumped by two hours.
    world.clock.sleep(KEEP_SECONDS + 7201)
    (world.path(NAMES[0]) / "last.txt").write_text("last\n")
    operations.take_turn(NAMES[0])(world, silent)
    operations.round_of_the_sidecar(world, silent)
    for name in NAMES[1:]:
        benches = sorted((world.folder / "repo.agents/.stage" / name).glob("*"))
        if len(benches) > 1:
            raise Violation("I10", f"{len(benches)} syncs of {name} are kept for longer than an hour")


def check_folds(world: World) -> None:
    """Every fold is recomputed as it is, also by an engine that knows nothing and gets the commits in another order."""
    room = world.room()
    unsound = [verdict for verdict in verifying.verify(room) if not verdict.is_sound]
    if unsound:
        raise Violation("I3", f"verify: {unsound[0]}")
    last = folds.read_fold(room.history, room.integration())
    heads = sorted(last.heads)
    random.Random(len(heads)).shuffle(heads)
    engine = Engine(GitHistory(room.repo.handle))
    for count in range(1, len(heads) + 1):
        tree = engine.fold(heads[:count]).tree
    if last.has_failed:
        raise Violation("I3", f"a fold failed: {last.contested}")
    if tree != room.history.tree_of(last.id):
        raise Violation("I3", "another order of the same commits gives another tree")


def check_conservation(world: World, account: Account) -> None:
    """Nothing is lost, nothing comes back, nothing is there twice (I1, I2, I7)."""
    room = world.room()
    # What sync displaced does not count: nobody has a file open here, so that it would have taken a save away.
    elsewhere = {token for place in world.watched_outside for token in tokens_in(place)}
    source = graph.GitCommits(room.history)
    for tip in room.refs.listed(room.names.archives).values():
        elsewhere |= all_tokens(source.files_at(tip).values())
    graph.check(graph.read(room), room.integration(), account.books, elsewhere)


def check_events(world: World) -> None:
    """Every message that was acknowledged is in its log once, and was shown to every other agent (I5)."""
    room = world.room()
    events, unreadable = read_events(room)
    if unreadable:
        raise Violation("I5", f"unreadable: {unreadable[0]}")
    keys = Counter((item.event.agent, item.event.key) for item in events)
    if max(keys.values()) > 1:
        raise Violation("I5", f"an event is there twice: {keys.most_common(1)}")
    said = Counter(item.event.body.text for item in events if type(item.event.body).__name__ == "Broadcast")
    acknowledged = [line.removeprefix("said ") for line in world.shown_lines() if line.startswith("said ")]
    for text in acknowledged:
        if said[text] != 1:
            raise Violation("I5", f"{text!r} was acknowledged and is in the logs {said[text]} times")
    _check_delivered(world, acknowledged)


def _check_delivered(world: World, acknowledged: list[str]) -> None:
    while any(operations.unread(world, name) for name in NAMES):
        for name in NAMES:
            operations.read(name)(world, silent)
    lines = world.shown_lines()
    for text in acknowledged:
        for name in NAMES:
            if not text.endswith(f" of {name}") and f"{name} {text}" not in lines:
                raise Violation("I5", f"{text!r} was never shown to {name}")


def check_quiet(world: World) -> None:
    """With nothing to do, nothing is written (I9)."""
    before = _everything(world)
    for _ in range(QUIET_ROUNDS):
        operations.round_of_the_sidecar(world, silent)
    after = _everything(world)
    if before != after:
        changed = sorted(str(path) for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        raise Violation("I9", f"written while nothing was to be done: {', '.join(changed)}")


def _everything(world: World) -> dict[Path, tuple[int, int]]:
    """Return what tells a written file from one that was left alone, of all that outlives a process."""
    found = {}
    for top in (world.root / ".git/refs", world.root / ".git/worktrees", world.folder / "repo.agents"):
        for folder, _, names in os.walk(top):
            for path in (Path(folder, name) for name in names):
                status = path.lstat()
                found[path.relative_to(world.folder)] = (status.st_ino, status.st_mtime_ns)
    return found
