"""Contested records: one ref each, to a commit whose tree has the base and every side.

They are written before integration moves, so that a fold never drops a line that is not kept here; a record that exists
already is left as it is.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import pygit2

from agentroom_git.core.contested import Contested
from agentroom_git.core.escape import path_text
from agentroom_git.core.ids import Oid
from agentroom_git.core.objects import FILE
from agentroom_git.git.log import signature
from agentroom_git.git.refs import Refs
from agentroom_git.git.tree_write import FOLDER

VERSION = 1


@dataclass(frozen=True, slots=True)
class Stored:
    """A contested record as it was stored; `base` and `sides` are the texts, None where there was no file.

    `path` is printable and for people, `raw_path` what trees have. `names` are the sides' printable paths where each
    has another one. `opened` is when it was stored, in Unix seconds; `was` the path that it had then, where it is shown
    under a newer one.
    """

    id: str
    path: str
    raw_path: bytes
    kind: str
    step: str
    start: int
    lines: int
    agents: tuple[tuple[str, ...], ...]
    winner: int | None
    base: bytes | None
    sides: tuple[bytes | None, ...]
    names: tuple[str, ...]
    opened: int = 0
    was: str = ""

    @property
    def shown_path(self) -> str:
        """The path as people are to read it."""
        return f"{self.path} (was {self.was})" if self.was else self.path


def store(refs: Refs, prefix: str, record: Contested, at: datetime) -> bool:
    """Keep the record under `prefix` + its id; return whether it is new."""
    name = prefix + record.id
    if refs.get(name) is not None:
        return False
    who = signature("agentroom", at)
    message = f"contested {path_text(record.path)}\n\n{_encode(record)}\n"
    tree = _write_tree(refs.handle, record)
    commit = Oid(str(refs.handle.create_commit(None, who, who, message, tree, [])))
    return refs.swap(name, commit, None)


def _encode(record: Contested) -> str:
    # What is no UTF-8 becomes an escape of JSON.
    exact = record.path.decode("utf-8", "surrogateescape")
    return json.dumps(
        {
            "v": VERSION,
            "path": path_text(record.path),
            **({} if exact == path_text(record.path) else {"raw_path": exact}),
            "kind": record.kind,
            "step": record.step,
            "start": record.start,
            "lines": record.lines,
            "agents": record.agents,
            "winner": record.winner,
            **({"names": [path_text(name) for name in record.names]} if record.names else {}),
        },
        separators=(",", ":"),
    )


def _write_tree(handle: pygit2.Repository, record: Contested) -> pygit2.Oid:
    builder = handle.TreeBuilder()
    names = {"base": record.base} | {f"side-{number}": id for number, id in enumerate(record.sides, 1)}
    for name, id in names.items():
        if id is None:
            continue
        found = handle.get(id)
        if isinstance(found, pygit2.Blob | pygit2.Tree):
            builder.insert(name, found.id, FOLDER if isinstance(found, pygit2.Tree) else FILE)
        else:
            # A submodule's commit, here or elsewhere: no tree of a record can hold it, so that it is kept as text.
            builder.insert(name, handle.create_blob(f"submodule {id}\n".encode()), FILE)
    return builder.write()


def read_all(refs: Refs, prefix: str) -> Iterator[Stored]:
    """Yield the records that can be read, the newest last; of those of one moment in order of path and line."""
    found: list[Stored] = []
    for name, tip in refs.listed(prefix).items():
        with suppress(KeyError, ValueError, TypeError):
            found.append(_read(refs.handle, name.removeprefix(prefix), tip))
    yield from sorted(found, key=lambda one: (one.opened, one.raw_path, one.start, one.id))


def _read(handle: pygit2.Repository, id: str, tip: Oid) -> Stored:
    commit = handle[tip].peel(pygit2.Commit)
    record = json.loads(commit.raw_message.decode("utf-8", "replace").strip().split("\n")[-1])
    agents = tuple(tuple(str(name) for name in names) for names in record["agents"])
    names = tuple(path_text(str(name).encode("utf-8", "replace")) for name in record.get("names", ()))
    raw_path = str(record.get("raw_path", record["path"])).encode("utf-8", "surrogateescape")
    return Stored(
        id=id,
        path=path_text(raw_path),
        raw_path=raw_path,
        kind=str(record["kind"]),
        step=str(record["step"]),
        start=int(record["start"]),
        lines=int(record["lines"]),
        agents=agents,
        winner=record["winner"],
        base=_data(commit.tree, "base"),
        sides=tuple(_data(commit.tree, f"side-{number}") for number in range(1, len(agents) + 1)),
        names=names if len(names) == len(agents) else (),
        opened=commit.commit_time,
    )


def _data(tree: pygit2.Tree, name: str) -> bytes | None:
    try:
        found = tree[name]
    except KeyError:
        return None
    return found.data if isinstance(found, pygit2.Blob) else b""
