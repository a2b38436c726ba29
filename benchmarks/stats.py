"""The time of `agentroom stats` in a long room: the first look, which counts everything, and the next ones.

    python benchmarks/stats.py [--agents 10] [--folds 1000]

Each fold brings in one commit of two files, made under a claim.
"""

import argparse
import tempfile
import time
from pathlib import Path

import pygit2
from fold import make_repository

from agentroom_git.core.contested import Entry
from agentroom_git.core.ids import Oid, parse_agent
from agentroom_git.room import coordination, opening, presence, stats
from agentroom_git.room.folding import Folder
from agentroom_git.room.room import Room, acting_as, open_room
from agentroom_git.system.clock import SystemClock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--agents", type=int, default=10)
    parser.add_argument("--folds", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentroom-bench-") as folder:
        root = Path(folder) / "repository"
        root.mkdir()
        make_repository(root, 400)
        room = open_room(root, SystemClock())
        opening.open_new(room)
        names = [f"agent-{number}" for number in range(arguments.agents)]
        for name in names:
            presence.join(room, parse_agent(name))
            coordination.claim(acting_as(room, parse_agent(name)), [f"{name}/*"])
        for number in range(arguments.folds // arguments.agents):
            for name in names:
                commit(room, name, number)
            Folder(room).fold()
        for what in ("first look", "next look", "and again"):
            started = time.perf_counter()
            found = stats.read_stats(open_room(root, SystemClock()))
            print(
                f"{what}  {(time.perf_counter() - started) * 1e3:7.1f} ms   {sum(one.commits for one in found)} commits"
            )


def commit(room: Room, name: str, number: int) -> None:
    branch = room.names.branch_ref(parse_agent(name))
    tip = Oid(str(room.repo.handle.references[branch].target))
    paths = (f"{name}/f{number}.txt", f"shared/{name}-{number}.txt")
    blob = room.history.write_blob(f"{number}\n".encode())
    tree = room.history.write_tree(room.history.tree_of(tip), {path.encode(): Entry(blob, 0o100644) for path in paths})
    who = pygit2.Signature(name, f"{name}@agentroom.invalid")
    text = f"work {number}\n\nAgentroom-Agent: {name}\nAgentroom-Claim: {number + 1} {paths[0]}\n"
    room.repo.handle.create_commit(branch, who, who, text, pygit2.Oid(hex=tree), [pygit2.Oid(hex=tip)])


if __name__ == "__main__":
    main()
