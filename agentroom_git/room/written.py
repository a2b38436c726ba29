"""One write of a file against what syncs had brought to it: what it lacks, and what it would be with that."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from agentroom_git.core.escape import one_line
from agentroom_git.core.hunks import split_lines
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.stale import Arrival, Rebased, Verdict, has_seen, judge_write, known_text, rebase_write
from agentroom_git.git import folds
from agentroom_git.git.objects import GitHistory

MOST_COMMITS = 200
MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync: from which commit to which."""

    old: Oid
    new: Oid


@dataclass(frozen=True, slots=True)
class Finding:
    """A write that lacks what others added. `is_mended`: it is back, but for the lines in `missing`.

    `is_revived`: it brings back a file that others had deleted.
    """

    path: str
    is_mended: bool
    missing: tuple[bytes, ...]
    authors: tuple[AgentName, ...]
    is_revived: bool = False

    def describe(self) -> str:
        """Say to the writer what became of its write."""
        if self.is_revived:
            others = " and ".join(self.authors) or "others"
            return f"{self.path} was deleted by {others}; it is there again. Is that meant?"
        by = f" of {' and '.join(self.authors)}" if self.authors else ""
        lines = "; ".join(one_line(line.decode("utf-8", "replace").strip(), 80) for line in self.missing[:MOST_SHOWN])
        gone = f" Missing: {lines}." if self.missing else ""
        if self.is_mended:
            return (
                f"{self.path} had changed since you read it: the changes{by} were kept under what you wrote."
                f"{gone} Read it again before you rewrite it."
            )
        return f"What you wrote to {self.path} lacks changes{by} that had arrived there.{gone} Is that meant?"


@dataclass(frozen=True, slots=True)
class Write:
    """A version of a file that was written over another, `current`; `at` tells what commits have there."""

    history: GitHistory
    agent: AgentName
    path: str
    at: Callable[[Oid], bytes | None]
    current: bytes
    written: bytes

    def rebase(self, unseen: Sequence[Sync], *, is_rewritten: bool) -> tuple[Rebased | None, Finding | None]:
        """Return the write with what its writer had not seen, and what it lacks; no more than the second where it
        cannot be put back, and nothing where it lacks nothing.

        A writer that uses words which only came with what it lacks has seen it by ways that no hook tells of, and
        changed it; unless `is_rewritten`, the whole file by a tool, that is no news.
        """
        arrivals = [arrival for _, arrival in self._arrivals(unseen)]
        if not arrivals:
            return None, None
        diff = self.history.line_diff
        known = known_text([*arrivals, Arrival(self.current, self.current)], self.path, diff)
        judgement = judge_write(known, self.current, self.written, diff)
        is_seen = has_seen(Arrival(known, self.current), self.written)
        if judgement.verdict is Verdict.FRESH or (is_seen and not is_rewritten):
            return None, None
        finding = Finding(self.path, False, judgement.missing, self._authors(unseen))
        if judgement.verdict is Verdict.STALE and not is_seen:
            rebased = rebase_write(self.path, known, self.current, self.written, diff)
            if rebased is not None and rebased.text != self.written:
                return rebased, finding
        return None, finding

    def report(self, syncs: Sequence[Sync]) -> Finding | None:
        """Return what the write lacks of what syncs brought, as far as their history tells."""
        gone = [(sync, missing) for sync, one in self._arrivals(syncs) if (missing := self._lacking(one)) is not None]
        if not gone:
            return None
        missing = tuple(dict.fromkeys(line for _, lines in gone for line in lines))
        return Finding(self.path, False, missing, self._authors([sync for sync, _ in gone]))

    def revived(self, syncs: Sequence[Sync]) -> Finding | None:
        """Return that a sync deleted the file, if the write brings most of it back."""
        gone = [one for one in self._touching(syncs) if self.at(one.old) is not None and self.at(one.new) is None]
        before = Counter(split_lines(self.at(gone[-1].old) or b"")) if gone else Counter[bytes]()
        if 2 * (before & Counter(split_lines(self.written))).total() < max(1, before.total()):
            return None
        return Finding(self.path, False, (), self._authors(gone), is_revived=True)

    def _touching(self, syncs: Iterable[Sync]) -> list[Sync]:
        name = self.path.encode("utf-8", "surrogateescape")
        return [one for one in syncs if name in self.history.touched(one.old, one.new)]

    def _lacking(self, arrival: Arrival) -> tuple[bytes, ...] | None:
        """Return the lines of an arrival that the write lacks as if it had never been there, or None.

        What the commit below lacks already was not this write's to lose.
        """
        diff = self.history.line_diff
        if judge_write(arrival.before, arrival.after, self.current, diff).verdict is not Verdict.FRESH:
            return None
        judgement = judge_write(arrival.before, arrival.after, self.written, diff)
        is_lost = judgement.verdict is Verdict.STALE and not has_seen(arrival, self.written)
        return judgement.missing if is_lost else None

    def _arrivals(self, syncs: Iterable[Sync]) -> list[tuple[Sync, Arrival]]:
        found = []
        for sync in self._touching(syncs):
            before, after = self.at(sync.old), self.at(sync.new)
            if after is not None and before != after:
                found.append((sync, Arrival(before or b"", after)))
        return found

    def _authors(self, syncs: Iterable[Sync]) -> tuple[AgentName, ...]:
        """Return whose folds changed the file in what these syncs brought."""
        history, name = self.history, self.path.encode("utf-8", "surrogateescape")
        found: set[AgentName] = set()
        for sync in syncs:
            for commit in islice(history.between(frozenset({sync.old}), sync.new), MOST_COMMITS):
                if folds.is_fold(history, commit):
                    trees = (history.tree_of(history.parents(commit)[0]), history.tree_of(commit))
                    if history.entry(trees[0], name) != history.entry(trees[1], name):
                        found.update(head.agent for head in folds.read_fold(history, commit).folded)
        return tuple(sorted(found - {self.agent}))
