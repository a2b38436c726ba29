"""What a room weighs when it is packed: bytes an event, packed as the sidecar does it while the room goes on.

    python benchmarks/packing.py [--events 100000] [--folds 10000] [--writers 8]

Events are of the kinds and sizes of real rooms, folds carry their trailers and one changed file each. Everything is
written loose first, 2,000 objects at a time, and packed then, so that each pack sees what the sidecar's would.
"""

import argparse
import random
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pygit2

from agentroom_git.core.contested import Entry
from agentroom_git.core.events import Body, Broadcast, Claimed, Event, Noted, Notice, ReadUpTo, Released, Renewed
from agentroom_git.core.history import Head
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.objects import FILE
from agentroom_git.git import folds, log, packing
from agentroom_git.git.folds import Fold, Tip
from agentroom_git.git.objects import GitHistory, empty_tree

EVERY = 2000
START = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = ("the", "totals", "of", "this", "ledger", "round", "half", "up", "please", "look", "at", "posting", "rules")


def _body(chance: random.Random, number: int) -> Body:
    text = " ".join(chance.choices(WORDS, k=chance.randrange(6, 24)))
    path = f"src/module_{chance.randrange(40)}/part_{chance.randrange(9)}.py"
    kind = chance.randrange(20)
    if kind < 5:
        return Broadcast(text, "", "")
    if kind < 9:
        return ReadUpTo((f"agent-{chance.randrange(8)} {chance.randbytes(20).hex()}",))
    if kind < 12:
        return Claimed((path,), (str(number),), text[:60], 900, False, ())
    if kind < 14:
        return Released((path,), (str(number),))
    if kind < 16:
        return Renewed((str(number),))
    return Notice("claimed-edit", ("agent-1",), text, (path,)) if kind < 18 else Noted(text, "plan")


class Writer:
    """Writes events and folds as the room does, without refs between the packs."""

    def __init__(self, folder: Path, writers: int) -> None:
        self.repo = pygit2.init_repository(str(folder), bare=True)
        self.history = GitHistory(self.repo)
        self.chance = random.Random(1)
        self.tips: dict[str, pygit2.Oid] = {}
        self.names = [AgentName(f"agent-{number}") for number in range(writers)]
        who = log.signature("user", START)
        self.empty = pygit2.Oid(hex=empty_tree(self.repo))
        self.base = self.repo.create_commit("refs/heads/main", who, who, "start\n", self.empty, [])
        self.integration = Oid(str(self.base))
        self.heads: dict[AgentName, Head] = {}

    def event(self, number: int) -> None:
        name = self.chance.choice(self.names)
        at = START + timedelta(seconds=number * 3)
        key = self.chance.randbytes(8).hex()
        stamp = at.strftime("%Y-%m-%dT%H:%M:%S.123Z")
        event = Event(name, number + 1, stamp, self.integration, key, _body(self.chance, number))
        who = log.signature(name, at)
        ref = f"refs/agentroom/main/log/{name}"
        parents = [self.tips[ref]] if ref in self.tips else []
        self.tips[ref] = self.repo.create_commit(None, who, who, log.message_of(event), self.empty, parents)

    def fold(self, number: int) -> None:
        name = self.chance.choice(self.names)
        at = START + timedelta(seconds=number * 3)
        history = self.history
        previous = folds.read_fold(history, self.integration)
        blob = history.write_blob(self.chance.randbytes(30).hex().encode() + b"\n")
        path = f"src/module_{self.chance.randrange(40)}/part_{self.chance.randrange(9)}.py".encode()
        tree = history.write_tree(history.tree_of(self.integration), {path: Entry(blob, FILE)})
        commit = folds.write_commit(history, tree, self.integration, name, f"work {number} on {path.decode()}", at)
        self.heads = {name: Head(commit, name)}
        tips = {tip for tip in previous.tips if tip.agent != name} | {
            Tip(name, commit, f"refs/heads/agentroom/main/{name}")
        }
        heads = frozenset(self.heads.values())
        self.integration = folds.write_fold(
            history, "main", Fold(previous.id, heads, frozenset(tips), (), (), 1), tree, heads, frozenset(tips),
            Head(commit, name), (), at,
        )  # fmt: skip

    def publish(self) -> list[str]:
        self.tips["refs/heads/agentroom/main/integration"] = pygit2.Oid(hex=self.integration)
        for name, tip in self.tips.items():
            self.repo.references.create(name, tip, force=True)
        return [str(tip) for tip in self.tips.values()]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "objects" / "pack").iterdir())


def measure(events: int, count: int, writers: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        writer = Writer(folder, writers)
        written, spent = 0, 0.0
        for number in range(events):
            writer.event(number)
            written += 1
            if number % (events // count) == 0:
                writer.fold(number)
                written += 6
            if written >= EVERY:
                begin = time.perf_counter()
                packing.pack(folder, writer.publish(), 0)
                spent, written = spent + time.perf_counter() - begin, 0
        packing.pack(folder, writer.publish(), 0)
        size = _size(folder)
        packs = len(list((folder / "objects" / "pack").glob("*.pack")))
        print(f"{events:,} events, {count:,} folds: {size / 2**20:.1f} MiB in {packs} packs, packed in {spent:.0f} s")
        print(f"{size / events / 1024:.3f} KiB an event")
        subprocess.run(["git", "repack", "-a", "-d", "-f", "-q", "--window=50"], cwd=folder, check=True)
        print(f"{_size(folder) / events / 1024:.3f} KiB an event in one pack")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--folds", type=int, default=10_000)
    parser.add_argument("--writers", type=int, default=8)
    given = parser.parse_args()
    measure(given.events, given.folds, given.writers)


if __name__ == "__main__":
    main()
