"""Scanning a log gives what reading it gives, whether its commits are walked or listed by git."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentroom_git.core.events import Broadcast, Event, Noted, Recorded
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.git import log, log_scan
from agentroom_git.git.log import Unreadable, message_of
from agentroom_git.git.log_scan import scan
from agentroom_git.git.refs import Refs, chain
from agentroom_git.git.repo import open_repo
from agentroom_git.system.clock import SystemClock
from rooms import Git

ALICE = AgentName("alice")
REF = "refs/agentroom/main/log/alice"
COUNT = 40


@pytest.fixture(autouse=True)
def _listed_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_scan, "WALKED", 5)


@pytest.fixture
def refs(git: Git, repository: Path) -> Refs:
    """A log of broadcasts and notes, with a commit that is no event and an event of somebody else's between them."""
    repo = open_repo(repository)
    tree = git("hash-object", "-w", "-t", "tree", "/dev/null", cwd=repository).strip()
    tip = ""
    for number, text in enumerate(_messages()):
        parents = ["-p", tip] if tip else []
        (repository / "message").write_text(text)
        tip = git("commit-tree", tree, *parents, "-F", "message", cwd=repository).strip()
        if number == COUNT // 2:
            git("update-ref", "refs/heads/middle", tip, cwd=repository)
    git("update-ref", REF, tip, cwd=repository)
    return Refs(repo.handle, repo.common_dir, SystemClock(), repo.private_dir / "refs.lock")


def _messages() -> Iterator[str]:
    for number in range(COUNT):
        body = Noted("plans", f"note {number} ünd so") if number % 3 == 0 else Broadcast(f"said {number}", "", "")
        yield message_of(Event(ALICE, number + 1, "2026-01-01T00:00:00.000Z", "", f"{number}", body))
        if number == 11:
            yield "no event\n\n    at all\n\n\nwith more\n"
        if number == 13:
            yield message_of(Event(AgentName("mallory"), 99, "2026-01-01T00:00:00.000Z", "", "x", Noted("plans", "ha")))


def _expected(refs: Refs, stop: Oid | None = None) -> list[Recorded | Unreadable | None]:
    """What reading says, with None for alice's broadcasts."""
    read = log.read(refs, REF, writer=ALICE, stop=stop)
    return [None if isinstance(one, Recorded) and isinstance(one.event.body, Broadcast) else one for one in read]


def _scanned(refs: Refs, stop: Oid | None = None) -> list[Recorded | Unreadable | None]:
    return list(scan(refs, REF, ALICE, stop, ("broadcast",)))


def test_a_listed_log_reads_like_a_walked_one(refs: Refs) -> None:
    assert _scanned(refs) == _expected(refs)
    assert len(_scanned(refs)) == COUNT + 2


def test_it_ends_where_it_is_told_to(refs: Refs) -> None:
    for commit in chain(refs.handle, refs.get(REF)):
        stop = Oid(str(commit.id))
        assert _scanned(refs, stop) == _expected(refs, stop)


def test_neither_replacements_nor_another_encoding_change_what_is_read(refs: Refs, git: Git, repository: Path) -> None:
    before = _scanned(refs)
    git("replace", "middle", f"{REF}~1", cwd=repository)
    git("config", "i18n.logOutputEncoding", "UTF-16", cwd=repository)
    assert _scanned(refs) == before


def test_where_an_object_is_missing_what_is_newer_is_read(refs: Refs) -> None:
    gone = refs.get("refs/heads/middle")
    assert gone is not None
    (refs.common_dir / "objects" / gone[:2] / gone[2:]).unlink()
    found = _scanned(refs)
    assert found == _expected(refs)
    assert isinstance(found[-1], Unreadable)
    assert len(found) > COUNT // 3


def test_without_git_the_log_is_walked(refs: Refs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = _scanned(refs)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _scanned(refs) == before
