"""Early warning: what agents are editing right now would be contested once they commit it. Told to the two concerned.

Nothing is written but the notice. Each region is told of once for each pair of agents, and withdrawn when it passes:
whoever has not read the first notice by then is shown neither. What stands is kept in a file, for `status` and for the
next sidecar; without it, what stands is told once more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from agentroom_git.core.attributes import Attributes
from agentroom_git.core.clash import Clash
from agentroom_git.core.clashes import Version, find_clashes
from agentroom_git.core.escape import path_text
from agentroom_git.core.events import Notice, Withdrawn
from agentroom_git.core.ids import BASE, NULL, AgentName, Oid
from agentroom_git.core.objects import REGULAR
from agentroom_git.git import folds
from agentroom_git.git.attributes import for_merging, read_attributes
from agentroom_git.git.dirt import Edit
from agentroom_git.room import logs
from agentroom_git.room.edits import Desk
from agentroom_git.room.notices import fold_lock, notice_key, tell
from agentroom_git.room.room import Room
from agentroom_git.room.standing import Standing, read_standing, write_standing

GRACE_SECONDS = 1.0
"""How long a clash has to be gone before it is withdrawn: an editor may empty a file before it writes it."""

MAX_WALKED = 200
MAX_REMEMBERED = 1000
_Key = tuple[bytes, Oid | None, AgentName, bytes | None, AgentName, bytes | None]


@dataclass(slots=True)
class Forecast:
    """The warnings of one room, and what was merged already to find them."""

    room: Room
    standing: list[Standing] = field(default_factory=list)
    _merged: dict[_Key, tuple[Clash, ...]] = field(default_factory=dict)
    _used: dict[_Key, tuple[Clash, ...]] = field(default_factory=dict)
    _commons: dict[tuple[Oid, Oid], Oid] = field(default_factory=dict)
    _authors: dict[tuple[bytes, Oid, Oid], AgentName] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.standing = read_standing(self.room)

    @property
    def is_passing(self) -> bool:
        """Whether a warning is about to be withdrawn."""
        return any(one.gone_since is not None for one in self.standing)

    def find(self, desks: Mapping[AgentName, Desk]) -> list[Clash]:
        """Return what the agents' edits would contest, with each other and with integration."""
        self._used = {}
        found: dict[Clash, None] = {}
        integration = self.room.integration()
        by_path: dict[bytes, list[Desk]] = {}
        for desk in desks.values():
            for path in desk.edits:
                by_path.setdefault(path, []).append(desk)
        for path, editing in sorted(by_path.items()):
            for desk in editing:
                found.update(dict.fromkeys(self._against_integration(desk, path, integration)))
            for one, other in combinations(editing, 2):
                found.update(dict.fromkeys(self._against_each_other(one, other, path)))
        self._merged = self._used
        return list(found)

    def new(self, clashes: list[Clash]) -> list[Clash]:
        """Return those of the clashes that nobody was told of."""
        return [one for one in clashes if not any(one.is_same_as(known.clash) for known in self.standing)]

    def update(self, clashes: list[Clash], now: float) -> float | None:
        """Tell of what is new and withdraw what has passed; return in how many seconds something may have passed."""
        before = [(one.clash, one.notice) for one in self.standing]
        for known in self.standing:
            same = [one for one in clashes if one.is_same_as(known.clash)]
            if same:
                known.clash, known.gone_since = same[0], None
            elif known.gone_since is None:
                known.gone_since = now
        passed = [one for one in self.standing if one.gone_since is not None and now - one.gone_since >= GRACE_SECONDS]
        for known in passed:
            if known.notice == NULL:
                self._warn(known)
            self._withdraw(known)
        self.standing = [one for one in self.standing if one not in passed]
        begun = [Standing(clash, self.room.new_key(), NULL, logs.stamp(self.room)) for clash in self.new(clashes)]
        self.standing += begun
        if begun:
            write_standing(self.room, self.standing)
        for untold in [one for one in self.standing if one.notice == NULL]:
            self._warn(untold)
        if before != [(one.clash, one.notice) for one in self.standing]:
            write_standing(self.room, self.standing)
        return GRACE_SECONDS if self.is_passing else None

    def _against_integration(self, desk: Desk, path: bytes, integration: Oid) -> tuple[Clash, ...]:
        edit, head = desk.edits[path], desk.dirt.head
        arrived = self._entry(integration, path)
        if arrived == edit.base or head == integration:
            return ()
        common = self._common(head, integration)
        author = self._author(path, common, integration)
        if author == desk.agent:
            return ()
        theirs = Version(author, self._text(arrived))
        return self._clashes(desk, path, self._entry(common, path), Version(desk.agent, edit.text), theirs)

    def _against_each_other(self, one: Desk, other: Desk, path: bytes) -> tuple[Clash, ...]:
        mine, theirs = one.edits[path], other.edits[path]
        if mine.base != theirs.base:
            base = self._entry(self._common(one.dirt.head, other.dirt.head), path)
        else:
            base = mine.base
        if _is_unknown(mine) and _is_unknown(theirs):
            pair = (min(one.agent, other.agent), max(one.agent, other.agent))
            return (Clash(path_text(path), pair, 0, 0),)
        return self._clashes(one, path, base, Version(one.agent, mine.text), Version(other.agent, theirs.text))

    def _clashes(self, desk: Desk, path: bytes, base: Oid | None, one: Version, other: Version) -> tuple[Clash, ...]:
        key = (path, base, AgentName(one.agent), one.text, AgentName(other.agent), other.text)
        if key not in self._used:
            found = self._merged.get(key)
            if found is None:
                attributes: Attributes = for_merging(read_attributes(desk.dirt.handle, path))
                text = None if base is None else self._text(base)
                found = find_clashes(path_text(path), text, one, other, self.room.history.line_diff, attributes)
            self._used[key] = found
        return self._used[key]

    def _entry(self, commit: Oid, path: bytes) -> Oid | None:
        history = self.room.history
        found = history.entry(history.tree_of(commit), path)
        return found.id if found is not None and found.mode in REGULAR else None

    def _text(self, blob: Oid | None) -> bytes | None:
        return None if blob is None else self.room.history.blob(blob)

    def _common(self, one: Oid, other: Oid) -> Oid:
        if len(self._commons) > MAX_REMEMBERED:
            self._commons.clear()
        if (one, other) not in self._commons:
            found = self.room.history.meet(frozenset({one}), other)
            self._commons[one, other] = min(found, default=one)
        return self._commons[one, other]

    def _author(self, path: bytes, since: Oid, integration: Oid) -> AgentName:
        """Return who changed the path last on the way to integration."""
        key = (path, since, integration)
        if key not in self._authors:
            self._authors = {known: name for known, name in self._authors.items() if known[2] == integration}
            self._authors[key] = next(self._authors_of(path, since, integration), BASE)
        return self._authors[key]

    def _authors_of(self, path: bytes, since: Oid, integration: Oid) -> Iterator[AgentName]:
        history, commit = self.room.history, integration
        for _ in range(MAX_WALKED):
            if not folds.is_fold(history, commit) or history.reaches(since, commit):
                return
            previous = history.parents(commit)[0]
            if self._entry(commit, path) != self._entry(previous, path):
                yield from (head.agent for head in folds.read_fold(history, commit).folded)
            commit = previous

    def _warn(self, untold: Standing) -> None:
        clash = untold.clash
        text = (
            f"early warning: {clash.describe()}: the edits of {' and '.join(clash.agents)} would be contested once both"
            " are committed. Agree now who changes what, or leave these lines to one of you"
        )
        notice = Notice("warning", _readers(clash), text, (clash.path,))
        with fold_lock(self.room):
            untold.notice = tell(self.room, notice, key=notice_key("warning", untold.key)).id

    def _withdraw(self, known: Standing) -> None:
        clash = known.clash
        text = f"no more: {clash.describe()}: the edits of {' and '.join(clash.agents)} do not clash any longer"
        body = Withdrawn(known.notice, _readers(clash), text, (clash.path,))
        with fold_lock(self.room):
            tell(self.room, body, key=notice_key("withdrawn", known.notice))


def _is_unknown(edit: Edit) -> bool:
    return edit.text is None and not edit.is_gone


def _readers(clash: Clash) -> tuple[str, ...]:
    return tuple(name for name in clash.agents if name != BASE)
