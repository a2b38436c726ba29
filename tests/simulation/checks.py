"""The invariants of a schedule on real git, each read from the repository with as little of the product as may be."""

import os
import random
import subprocess
from collections import Counter
from pathlib import Path

from agentroom_git.core.events import Notice
from agentroom_git.core.fold import Engine
from agentroom_git.core.ids import Oid
from agentroom_git.git import folds
from agentroom_git.git.objects import GitHistory
from agentroom_git.room import verifying
from agentroom_git.room.logs import read_events
from agentroom_git.system.failpoint import silent
from simulation import graph, operations
from simulation.account import Account
from simulation.claims_watch import ClaimsWatch
from simulation.seeds import Violation
from simulation.world import NAMES, World, files_in, tokens_in

INTEGRATION = "agentroom/main/integration"
QUIET_ROUNDS = 2


def state_of(world: World) -> str:
    """Return what there is to see of the repository's refs and of what is uncommitted."""
    refs = world.git("for-each-ref", "--format=%(refname) %(objectname)")
    return refs + "".join(world.git("status", "--porcelain", cwd=world.path(name)) for name in NAMES)


def at_every_step(world: World, before: Oid) -> None:
    """Integration only grows, no foreign lock is touched, and nothing is written outside of the worktrees."""
    room = world.room()
    now = room.integration()
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
    return path.suffix == ".lock" or ".agentroom-" in path.name


def check_main_checkout(world: World) -> None:
    """The user's own branch and files are as they were."""
    if world.git("status", "--porcelain") not in ("", "?? .agentroom.yaml\n"):
        raise Violation("I12", f"the user's checkout was changed: {world.git('status', '--porcelain')}")
    if world.git("rev-list", "--count", "main").strip() != "1":
        raise Violation("I12", "the user's branch was moved")


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
    graph.check(graph.read(room), room.integration(), account.books, _kept_aside(world))


def _kept_aside(world: World) -> set[bytes]:
    """What sync displaced and keeps aside, of the agents that were told so, and what lies behind a link."""
    events, _ = read_events(world.room())
    told = {name for item in events if isinstance(item.event.body, Notice) for name in _late(item.event.body)}
    places = [world.folder / "repo.agents/.stage" / name for name in told] + [*world.watched_outside]
    return {token for place in places if place.is_dir() for token in tokens_in(place)}


def _late(notice: Notice) -> tuple[str, ...]:
    return notice.to if notice.kind == "late" else ()


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
    lines = world.shown().read_text().splitlines() if world.shown().exists() else []
    acknowledged = [line.removeprefix("said ") for line in lines if line.startswith("said ")]
    for text in acknowledged:
        if said[text] != 1:
            raise Violation("I5", f"{text!r} was acknowledged and is in the logs {said[text]} times")
    _check_delivered(world, acknowledged)


def _check_delivered(world: World, acknowledged: list[str]) -> None:
    while any(operations.unread(world, name) for name in NAMES):
        for name in NAMES:
            operations.read(name)(world, silent)
    lines = world.shown().read_text().splitlines() if world.shown().exists() else []
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
