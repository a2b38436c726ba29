"""Fold commits: a merge commit whose trailers say which set of commits its tree was computed from.

The trailers carry the heads of the set and where each branch stood, so that the next fold starts from one commit and
nothing has to be stored beside git. A crash before the swap of the integration ref leaves objects nobody names.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pygit2

from agentroom_git.core import trailers
from agentroom_git.core.contested import Contested
from agentroom_git.core.escape import quote_path, unquote_path
from agentroom_git.core.gathered import Gathered
from agentroom_git.core.history import ENGINE, Head
from agentroom_git.core.ids import AgentName, Oid, is_oid
from agentroom_git.git.log import signature
from agentroom_git.git.objects import GitHistory
from agentroom_git.git.writing import writing


@dataclass(frozen=True, slots=True, order=True)
class Tip:
    """Where a branch stood when it was last folded; `branch` is its full name, or `-` for a detached HEAD."""

    agent: AgentName
    id: Oid
    branch: str


@dataclass(frozen=True, slots=True)
class Fold:
    """What a fold commit says of itself: the heads of its set, each branch's tip, and what this fold brought in.

    An agent has the tip of its own branch, and that of the one that it last worked on elsewhere.
    """

    id: Oid
    heads: frozenset[Head]
    tips: frozenset[Tip]
    folded: tuple[Head, ...]
    contested: tuple[str, ...]
    engine: int
    replaced: tuple[tuple[str, str], ...] = ()
    """Contested records that were open before, each with the one named here that took its versions over."""

    @property
    def has_failed(self) -> bool:
        """Whether nothing could be computed, so that the previous fold's side stands."""
        return any(text.split(" ")[-2:-1] == ["failed"] for text in self.contested)


def read_fold(history: GitHistory, id: Oid) -> Fold:
    """Return the fold at this commit; a commit without fold trailers is a set of its own with itself as only head."""
    said = trailers.by_key(history.message(id))
    heads = frozenset(Head(oid, agent) for oid, agent in _pairs(said.get(trailers.HEAD, [])))
    if not heads:
        heads = frozenset({Head(id, history.author_of(id))})
    tips: set[Tip] = set()
    for value in said.get(trailers.TIP, []):
        agent, _, rest = value.partition(" ")
        oid, _, branch = rest.partition(" ")
        if is_oid(oid):
            tips.add(Tip(AgentName(agent), Oid(oid), branch or "-"))
    folded = tuple(Head(oid, agent) for oid, agent in _pairs(said.get(trailers.FOLDED, [])))
    engines = [int(value) for value in said.get(trailers.ENGINE, []) if value.isdecimal()]
    contested = tuple(said.get(trailers.CONTESTED, []))
    replaced = tuple((old, new) for old, _, new in (one.partition(" ") for one in said.get(trailers.REPLACED, [])))
    return Fold(id, heads, frozenset(tips), folded, contested, engines[0] if engines else 0, replaced)


def _pairs(values: list[str]) -> list[tuple[Oid, AgentName]]:
    parts = [value.partition(" ") for value in values]
    return [(Oid(oid), AgentName(agent)) for oid, _, agent in parts if is_oid(oid)]


def write_fold(  # noqa: PLR0913 - a commit has this many parts
    history: GitHistory,
    room: str,
    previous: Fold,
    tree: Oid,
    heads: frozenset[Head],
    tips: frozenset[Tip],
    folded: Head,
    gathered: Sequence[Gathered],
    at: datetime,
) -> Oid:
    """Write the commit of a fold (no ref moves): first parent the previous fold, second what was folded."""
    who = signature("agentroom", at)
    subject = f"fold {folded.agent}: {history.subject(folded.id)}"
    lines = [
        (trailers.ROOM, room),
        (trailers.ENGINE, str(ENGINE)),
        (trailers.FOLDED, f"{folded.id} {folded.agent}"),
        *((trailers.HEAD, f"{head.id} {head.agent}") for head in sorted(heads)),
        *((trailers.TIP, f"{tip.agent} {tip.id} {tip.branch}") for tip in sorted(tips)),
        *((trailers.CONTESTED, describe(one.record)) for one in gathered),
        *((trailers.REPLACED, f"{old} {one.record.id}") for one in gathered for old in sorted(one.over)),
    ]
    message = trailers.compose(subject, "", lines)
    parents = [pygit2.Oid(hex=previous.id), pygit2.Oid(hex=folded.id)]
    with writing():
        return Oid(str(history.handle.create_commit(None, who, who, message, pygit2.Oid(hex=tree), parents)))


def describe(record: Contested) -> str:
    """Return a contested record as one line: id, place, agents, kind, step."""
    place = f":{record.start}+{record.lines}" if record.start else ""
    agents = "|".join(",".join(names) for names in record.agents)
    return f"{record.id} {quote_path(record.path)}{place} {agents} {record.kind} {record.step}"


def claims_to_be_fold(history: GitHistory, id: Oid) -> bool:
    """Return whether the commit carries the trailers of a fold, whoever made it."""
    return bool(trailers.values(history.message(id), trailers.FOLDED))


def is_fold(history: GitHistory, id: Oid) -> bool:
    """Return whether the commit has the author and the trailers of a fold; `verify` is what proves it."""
    commit = history.commit(id)
    return commit.author.name == "agentroom" and bool(trailers.values(history.message(id), trailers.FOLDED))


# The path of a whole file may end like a place; only regions of a text have one.
_REGION = re.compile(r"[0-9a-f]+ (?P<path>.*):(?P<start>\d+)\+(?P<lines>\d+) \S+ text \S+")
_WHOLE = re.compile(r"[0-9a-f]+ (?P<path>.*) \S+ \S+ \S+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contested region is in the tree of a fold; lines from 1, `start` 0 for a whole file."""

    path: bytes
    start: int
    lines: int


def find_place(fold: Fold, record: str) -> Place | None:
    """Return where the fold has the contested record, or None where it does not name it."""
    for text in fold.contested:
        if not text.startswith(f"{record} "):
            continue
        if found := _REGION.fullmatch(text):
            return Place(unquote_path(found["path"]), int(found["start"]), int(found["lines"]))
        if found := _WHOLE.fullmatch(text):
            return Place(unquote_path(found["path"]), 0, 0)
    return None


def write_commit(  # noqa: PLR0913 - a commit has this many parts
    history: GitHistory,
    tree: Oid,
    parent: Oid,
    who: AgentName,
    subject: str,
    at: datetime,
    says: Sequence[tuple[str, str]] = (),
) -> Oid:
    """Write a commit of the room's own with one parent, in somebody's name; `says` are more trailers."""
    author = signature(who, at)
    lines = [(trailers.AGENT, str(who)), *says]
    message = trailers.compose(subject, "", lines)
    parents = [pygit2.Oid(hex=parent)]
    with writing():
        return Oid(str(history.handle.create_commit(None, author, author, message, pygit2.Oid(hex=tree), parents)))


def write_join(history: GitHistory, agent: AgentName, old: Oid, new: Oid, tree: Oid, time: int) -> Oid:
    """Write the commit that joins a branch's former tip with the one it was rewritten to; `time` in Unix seconds."""
    who = pygit2.Signature(agent, f"{agent}@agentroom.invalid", time, 0)
    lines = [(trailers.AGENT, agent), (trailers.REWROTE, f"{old} {new}")]
    message = trailers.compose(f"rewrite of {old[:10]} as {new[:10]}", "", lines)
    parents = [pygit2.Oid(hex=old), pygit2.Oid(hex=new)]
    with writing():
        return Oid(str(history.handle.create_commit(None, who, who, message, pygit2.Oid(hex=tree), parents)))


def write_landing(history: GitHistory, known: tuple[Oid, ...], commit: Oid, tree: Oid) -> Oid:
    """Write the commit that stands for a commit of the user's branch whose author had seen `known`, too.

    These are the fold whose work it has, or what stood for the branch before it. All of it follows from the arguments.
    """
    who = pygit2.Signature("base", "base@agentroom.invalid", history.commit(commit).commit_time, 0)
    lines = [(trailers.LANDED, " ".join((*known, commit)))]
    message = trailers.compose(f"land {known[0][:10]} as {commit[:10]}", "", lines)
    parents = [pygit2.Oid(hex=parent) for parent in (*known, commit)]
    return Oid(str(history.handle.create_commit(None, who, who, message, pygit2.Oid(hex=tree), parents)))


def read_landing(history: GitHistory, id: Oid) -> tuple[tuple[Oid, ...], Oid] | None:
    """Return what `write_landing` joined here: what was known and the commit; None for any other commit."""
    parents = history.parents(id)
    named = trailers.values(history.message(id), trailers.LANDED)
    return (parents[:-1], parents[-1]) if len(parents) > 1 and named == [" ".join(parents)] else None


def read_join(history: GitHistory, id: Oid) -> tuple[Oid, Oid] | None:
    """Return the former and the present tip that `write_join` joined here; None for any other commit."""
    parents = history.parents(id)
    named = trailers.values(history.message(id), trailers.REWROTE)
    return (parents[0], parents[1]) if len(parents) == 2 and named == [" ".join(parents)] else None


def write_opening(history: GitHistory, room: str, start: Oid, at: datetime) -> Oid:
    """Write the empty commit that opens a room on top of the user's commit, so that nothing hangs on the user's own."""
    who = signature("agentroom", at)
    message = trailers.compose(f"open the room {room}", "", [(trailers.ROOM, room), (trailers.ENGINE, str(ENGINE))])
    tree = history.commit(start).tree_id
    with writing():
        return Oid(str(history.handle.create_commit(None, who, who, message, tree, [pygit2.Oid(hex=start)])))
