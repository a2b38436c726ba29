"""Contested records: one ref each, to a commit whose tree has the base and every side.

They are written before integration moves, so that a fold never drops a line that is not kept here; a record that exists
already is left as it is.
"""

import json
from collections.abc import Container, Iterator
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
    has another one, `raw_names` those paths. `opened` is when it was stored, in Unix seconds; `was` the path that it
    had then, where it is shown under a newer one.
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
    raw_names: tuple[bytes, ...] = ()
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
    names = [name.decode("utf-8", "surrogateescape") for name in record.names]
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
            **({"raw_names": names} if names != [path_text(name) for name in record.names] else {}),
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


def read_all(refs: Refs, prefix: str, *, but: Container[str] = ()) -> Iterator[Stored]:
    """Yield the records that can be read, but for those with these ids, the newest last.

    Of those of one moment they come in order of path and line.
    """
    found: list[Stored] = []
    for name, tip in refs.listed(prefix).items():
        if name.removeprefix(prefix) in but:
            continue
        with suppress(KeyError, ValueError, TypeError):
            found.append(_read(refs.handle, name.removeprefix(prefix), tip))
    yield from sorted(found, key=lambda one: (one.opened, one.raw_path, one.start, one.id))


def find(refs: Refs, prefix: str, id: str) -> Stored | None:
    """Return the record with this id, or None where there is none that can be read."""
    tip = refs.get(prefix + id)
    try:
        return _read(refs.handle, id, tip) if tip is not None else None
    except (KeyError, ValueError, TypeError):
        return None


def _read(handle: pygit2.Repository, id: str, tip: Oid) -> Stored:
    commit = handle[tip].peel(pygit2.Commit)
    record = json.loads(commit.raw_message.decode("utf-8", "replace").strip().split("\n")[-1])
    agents = tuple(tuple(str(name) for name in names) for names in record["agents"])
    names = tuple(path_text(str(name).encode("utf-8", "replace")) for name in record.get("names", ()))
    raw_names = tuple(
        str(name).encode("utf-8", "surrogateescape") for name in record.get("raw_names", record.get("names", ()))
    )
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
        raw_names=raw_names if len(raw_names) == len(agents) else (),
        opened=commit.commit_time,
    )


def as_contested(refs: Refs, prefix: str, stored: Stored) -> Contested | None:
    """Return the record as a fold made it; None where a side is kept as something else than what it was."""
    tip = refs.get(prefix + stored.id)
    if tip is None or stored.kind == "submodule":
        return None
    tree = refs.handle[tip].peel(pygit2.Commit).tree
    base, *sides = (_id(tree, name) for name in ("base", *(f"side-{n}" for n, _ in enumerate(stored.sides, 1))))
    return Contested(
        id=stored.id,
        path=stored.raw_path,
        kind=stored.kind,
        step=stored.step,
        start=stored.start,
        lines=stored.lines,
        base=base,
        agents=stored.agents,
        sides=tuple(sides),
        winner=stored.winner,
        names=stored.raw_names,
    )


def keeps(refs: Refs, name: str, record: Contested) -> bool:
    """Return whether the ref has every line of every side of the record."""
    tip = refs.get(name)
    if tip is None:
        return False
    lines = _lines(refs.handle[tip].peel(pygit2.Commit).tree, but="")
    return _lines(refs.handle[_write_tree(refs.handle, record)].peel(pygit2.Tree), but="base") <= lines


def _lines(tree: pygit2.Tree, *, but: str) -> set[bytes]:
    found = set[bytes]()
    for one in tree:
        if one.name != but:
            found.update(one.data.splitlines() if isinstance(one, pygit2.Blob) else [str(one.id).encode()])
    return found


def _id(tree: pygit2.Tree, name: str) -> Oid | None:
    return Oid(str(tree[name].id)) if name in tree else None


def _data(tree: pygit2.Tree, name: str) -> bytes | None:
    try:
        found = tree[name]
    except KeyError:
        return None
    return found.data if isinstance(found, pygit2.Blob) else b""
