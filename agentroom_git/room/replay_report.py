"""The figures of a replay: how often the engine agrees with git, with developers, and with parsers."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agentroom_git.room.replay import Outcome, Record


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    def __str__(self) -> str:
        return f"{self.part} of {self.whole}" + (f" ({100 * self.part / self.whole:.1f} %)" if self.whole else "")


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay found, each different file counted once.

    `equal` and `equal_second` are the developer's texts among the files in conflict; `parse` counts the files in
    conflict whose versions parse, `compile` the Python among them. `shapes` and `steps` count the files in conflict
    all of whose regions are of one class, or were decided by these steps, and how many of those are the developer's.
    """

    merges: int
    skipped: int
    files: int
    agree: Share
    equal: Share
    equal_second: Share
    contested: Share
    parse: Share
    compile: Share
    shapes: Mapping[str, Share]
    steps: Mapping[str, Share]
    median_ms: float
    longest_ms: float
    median_bare_ms: float
    median_git_ms: float
    different: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Tally:
    """Counts outcomes as they come."""

    merges: int = 0
    skipped: int = 0
    records: dict[str, Record] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        self.merges += 1
        self.skipped += bool(outcome.problem)
        for record in outcome.records:
            self.records.setdefault(record.key, record)

    def report(self) -> Report:
        records = list(self.records.values())
        clean = [one for one in records if one.is_clean]
        conflicts = [one for one in records if one.equal is not None]
        judged = [one for one in conflicts if one.parsed]
        times = [one.ms for one in records] or [0.0]
        return Report(
            merges=self.merges,
            skipped=self.skipped,
            files=len(records),
            agree=_share(clean, [bool(one.agrees) for one in clean]),
            equal=_share(conflicts, [bool(one.equal) for one in conflicts]),
            equal_second=_share(conflicts, [bool(one.equal_second) for one in conflicts]),
            contested=_share(records, [bool(one.contested) for one in records]),
            parse=_share(judged, [bool(one.parses) for one in judged]),
            compile=_compiled(judged),
            shapes=_by(conflicts, {one.key: set(one.shapes) for one in conflicts}, single=True),
            steps=_by(conflicts, {one.key: set(one.steps) - {"equal"} for one in conflicts}, single=False),
            median_ms=statistics.median(times),
            longest_ms=max(times),
            median_bare_ms=statistics.median([one.bare_ms for one in records] or [0.0]),
            median_git_ms=statistics.median([one.git_ms for one in records] or [0.0]),
            different=tuple((one.merge, one.path) for one in clean if not one.agrees),
        )


def _share(of: Iterable[Record], found: Iterable[bool]) -> Share:
    return Share(sum(found), sum(1 for _ in of))


def _compiled(judged: Iterable[Record]) -> Share:
    python = [one for one in judged if one.path.endswith((".py", ".pyi"))]
    return _share(python, [bool(one.parses) for one in python])


def _by(records: Iterable[Record], names: Mapping[str, set[str]], *, single: bool) -> dict[str, Share]:
    count: Counter[str] = Counter()
    equal: Counter[str] = Counter()
    for one in records:
        name = "+".join(sorted(names[one.key]))
        if name and not (single and len(names[one.key]) > 1):
            count[name] += 1
            equal[name] += bool(one.equal)
    return {name: Share(equal[name], number) for name, number in count.most_common()}
