"""Packing and collecting lose nothing, whatever the user and git do beside a running room."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agentroom_git.agents.launch import agent_environment
from agentroom_git.core.ids import parse_agent
from agentroom_git.git import delivery, packing
from agentroom_git.room import collecting, leases, messages, notes
from agentroom_git.room.room import Room
from agentroom_git.room.trust import NotTheUserError
from agentroom_git.room.verifying import verify
from agentroom_git.system.clock import SystemClock
from agentroom_git.system.locks import LockedError, held
from rooms import Bed


class Later(SystemClock):
    """So many days later, since this boot or another."""

    def __init__(self, days: float, boot: str = "") -> None:
        self.seconds, self.boot = days * 86400, boot

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return super().monotonic() + self.seconds

    def boot_id(self) -> str:
        return self.boot or super().boot_id()


def later(bed: Bed, days: float, boot: str = "") -> Room:
    return dataclasses.replace(bed.room(), clock=Later(days, boot))


def objects(bed: Bed) -> set[str]:
    listed = bed.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", cwd=bed.repository)
    return set(listed.split())


def loose(bed: Bed) -> int:
    return int(bed.git("count-objects", cwd=bed.repository).split()[0])


def busy(bed: Bed) -> None:
    bed.join("alice", "bob")
    for number in range(3):
        bed.commit("alice", {f"a{number}": f"{number}\n"})
        bed.commit("bob", {"shared": f"bob {number}\n"})
        messages.broadcast(bed.as_agent("bob"), f"round {number}")
        bed.settle()
    notes.project(bed.room())


def test_packing_keeps_every_object_and_leaves_what_is_not_the_rooms_alone(bed: Bed) -> None:
    busy(bed)
    alone = bed.git("hash-object", "-w", "--stdin", cwd=bed.repository).strip()
    before, count = objects(bed), loose(bed)

    done = collecting.pack(bed.room())

    assert objects(bed) == before
    assert done.objects > 50
    assert loose(bed) <= count - done.objects
    assert (bed.repository / ".git" / "objects" / alone[:2] / alone[2:]).exists()
    assert collecting.pack(bed.room()).objects == 0
    assert bed.fsck() == ""
    bed.commit("alice", {"more": "more\n"})
    bed.settle()
    assert all(verdict.is_sound for verdict in verify(bed.room()))


def test_it_is_due_again_only_after_as_many_new_objects(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    # Counted and not guessed from a sample, for a room as small as this.
    monkeypatch.setattr(packing, "_SAMPLE", tuple(f"{number:02x}" for number in range(256)))
    monkeypatch.setattr(collecting, "EVERY", 20)
    busy(bed)
    assert collecting.is_due(bed.room())
    collecting.pack(bed.room())
    assert not collecting.is_due(bed.room())


# The kernel kills it in the middle of the object's file.
KILLED_WRITER = """
import os, pygit2, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
pygit2.Repository(sys.argv[1]).create_blob(os.urandom(100_000))
"""


def test_half_written_objects_of_killed_processes_go_when_they_are_a_day_old(bed: Bed) -> None:
    busy(bed)
    writer = subprocess.run([sys.executable, "-c", KILLED_WRITER, str(bed.repository)], capture_output=True)
    assert writer.returncode < 0
    (left,) = (bed.repository / ".git/objects").glob("tmp_object_*")
    before = objects(bed)

    collecting.pack(bed.room())
    assert left.exists()
    collecting.pack(later(bed, 2))
    assert not left.exists()
    assert objects(bed) == before


def test_many_small_packs_and_refs_are_put_together(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MANY_PACKS", 2)
    monkeypatch.setattr(packing, "MANY_LOOSE_REFS", 3)
    busy(bed)
    for number in range(3):
        bed.commit("alice", {"n": f"{number}\n"})
        bed.settle()
        before = objects(bed)
        collecting.pack(bed.room())
        assert before <= objects(bed)

    assert len(list((bed.repository / ".git" / "objects" / "pack").glob("*.pack"))) <= 2
    assert (bed.repository / ".git" / "packed-refs").exists()
    assert bed.fsck() == ""
    bed.commit("bob", {"after": "x\n"})
    bed.settle()
    assert bed.integrated("after") == "x\n"


def test_what_git_does_beside_the_room_breaks_nothing(bed: Bed, tmp_path: Path) -> None:
    busy(bed)
    for command in (("gc", "--quiet", "--prune=now"), ("maintenance", "run", "--quiet"), ("pack-refs", "--all")):
        bed.commit("alice", {command[0]: "x\n"})
        bed.git(*command, cwd=bed.repository)
        bed.settle()
        assert bed.integrated(command[0]) == "x\n"
    bed.git("clone", "--quiet", bed.repository, tmp_path / "clone", cwd=tmp_path)
    bed.git("fetch", "--quiet", bed.repository, "refs/agentroom/*:refs/agentroom/*", cwd=tmp_path / "clone")
    assert bed.git("fsck", "--no-dangling", cwd=tmp_path / "clone") == ""
    assert all(verdict.is_sound for verdict in verify(bed.room()))
    assert len(messages.read(bed.as_agent("alice"), limit=100).messages) >= 3


def test_an_agents_git_neither_collects_nor_nags(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice")
    bed.git("config", "gc.auto", "1", cwd=bed.repository)
    for name, value in agent_environment(bed.room(), parse_agent("alice"), bed.path("alice")).items():
        monkeypatch.setenv(name, value)

    bed.commit("alice", {"a": "x\n"})

    assert bed.git("config", "gc.auto", cwd=bed.path("alice")).strip() == "0"
    assert bed.git("config", "maintenance.auto", cwd=bed.path("alice")).strip() == "false"
    assert list((bed.repository / ".git" / "objects" / "pack").glob("*.pack")) == []


def stage(bed: Bed, name: str) -> None:
    bed.write(name, {"staged": "staged only\n"})
    bed.git("add", "staged", cwd=bed.path(name))


def test_a_worktree_that_is_gone_for_a_day_is_removed_with_its_work_archived_and_others_stay(bed: Bed) -> None:
    bed.join("alice", "bob")
    stage(bed, "alice")
    shutil.rmtree(bed.path("alice"))

    first = collecting.collect(bed.room())
    assert [(one.agent, one.goes) for one in first.worktrees] == [("alice", False), ("bob", False)]
    assert "or its disk is away; to forget it today: agentroom leave alice" in first.worktrees[0].why
    planned = collecting.collect(later(bed, 1.1), dry_run=True)
    assert [(one.agent, one.goes) for one in planned.worktrees] == [("alice", True), ("bob", False)]
    assert "alice" in bed.room().worktrees()
    done = collecting.collect(later(bed, 1.1))

    gone, stays = done.worktrees
    assert (gone.why, stays.goes) == ("its folder was deleted", False)
    assert list(bed.room().worktrees()) == ["bob"]
    (kept,) = gone.kept
    assert bed.git("show", f"{kept}:staged", cwd=bed.repository) == "staged only\n"


def test_a_worktree_whose_disk_is_away_for_the_moment_keeps_its_entry(bed: Bed) -> None:
    bed.join("alice")
    stage(bed, "alice")
    folder = bed.path("alice").parent
    for away, back in ((folder, "elsewhere"), (bed.path("alice"), "alice.away")):
        away.rename(folder.parent / back)
        collecting.collect(bed.room())
        collecting.collect(later(bed, 0.5))
        (folder.parent / back).rename(away)
        # Seen again, so that the day begins anew the next time.
        collecting.collect(later(bed, 0.6))
    folder.rename(folder.parent / "elsewhere")
    for days in (1.0, 3.0):
        collecting.collect(later(bed, days))
    (folder.parent / "elsewhere").rename(folder)
    bed.path("alice").rename(folder / "away")
    for days in (0.9, 1.8):
        assert not collecting.collect(later(bed, days)).worktrees[0].goes
    (folder / "away").rename(bed.path("alice"))

    assert bed.git("status", "--porcelain", cwd=bed.path("alice")) == "A  staged\n"


def test_a_worktree_that_lost_its_head_stays(bed: Bed) -> None:
    bed.join("alice")
    stage(bed, "alice")
    head = bed.repository / ".git" / "worktrees" / "alice" / "HEAD"
    head.write_bytes(b"")

    for days in (0.0, 2.0):
        (verdict,) = collecting.collect(later(bed, days)).worktrees
        assert (verdict.goes, verdict.why) == (False, "its HEAD is lost; to mend it: agentroom join alice")
    assert head.parent.is_dir()


def test_only_the_user_removes_what_is_merely_idle(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice", "bob")
    with pytest.raises(NotTheUserError, match="is the user's"):
        collecting.collect(bed.as_agent("alice"), idle=0.0)
    monkeypatch.setenv("AGENTROOM_AGENT", "alice")
    with pytest.raises(NotTheUserError):
        collecting.collect(bed.room(), idle=0.0)

    assert collecting.collect(bed.room(), idle=0.0, dry_run=True).worktrees[1].goes
    assert bed.path("bob").exists()


@pytest.mark.parametrize("sign", ["edit", "commit", "beat", "join"])
def test_a_sign_of_life_counts_also_without_hooks_and_after_a_reboot(bed: Bed, sign: str) -> None:
    bed.join("alice", "bob")
    entry = bed.repository / ".git" / "worktrees" / "alice"
    if sign != "join":
        os.utime(entry / "agentroom-ready", (0, 0))
    if sign == "edit":
        bed.write("alice", {"deep/draft.txt": "draft\n"})
        os.utime(bed.path("alice") / "deep" / "draft.txt", (0, 0))
    if sign == "commit":
        bed.commit("alice", {"a.txt": "a\n"})
    if sign == "beat":
        leases.beat(bed.as_agent("alice"))
    boot = "" if sign == "beat" else "another boot"

    assert not collecting.collect(later(bed, 0.5, boot), idle=86400.0).worktrees[0].goes
    (alice, _) = collecting.collect(later(bed, 1.5, boot), idle=86400.0).worktrees
    assert alice.goes


def test_what_a_sync_brings_is_no_sign_of_life(bed: Bed) -> None:
    bed.join("alice", "bob")
    log = bed.repository / ".git" / "worktrees" / "alice" / "logs" / "HEAD"
    log.write_text(re.sub(r"> \d+ ", "> 1000000000 ", log.read_text()))
    os.utime(bed.repository / ".git" / "worktrees" / "alice" / "agentroom-ready", (10**9, 10**9))
    bed.commit("bob", {"b.txt": "b\n"})
    bed.settle()
    assert (bed.path("alice") / "b.txt").exists()

    alice, bob = collecting.collect(bed.room(), idle=86400.0).worktrees

    assert (alice.goes, bob.goes) == (True, False)


def test_a_worktree_stays_while_a_process_works_in_it_or_nobody_can_tell(bed: Bed) -> None:
    bed.join("alice", "bob")
    (bed.repository / ".git" / "worktrees" / "bob" / "index").write_bytes(b"damaged")
    (bed.path("alice") / "deep").mkdir()
    waiting = [sys.executable, "-c", "input()"]
    with subprocess.Popen(waiting, cwd=bed.path("alice") / "deep", stdin=subprocess.PIPE) as process:
        alice, bob = collecting.collect(bed.room(), idle=0.0).worktrees
        process.communicate(b"\n")

    assert (alice.goes, bob.goes) == (False, False)
    assert "a process works in it" in alice.why
    assert "nobody can tell" in bob.why


def test_a_landing_under_way_delays_nothing_and_keeps_its_site(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice")
    site = bed.room().worktrees_dir / f"{delivery.PREFIX}1"
    bed.git("worktree", "add", "--quiet", "--detach", site, cwd=bed.repository)
    with held(bed.room().private / "land.lock", seconds=1, what="test"):
        (_, verdict) = collecting.collect(bed.room()).worktrees
        assert (verdict.goes, verdict.why) == (False, "a landing is under way")
        assert site.exists()

    (_, verdict) = collecting.collect(bed.room()).worktrees
    assert (verdict.goes, site.exists()) == (True, False)


def test_nothing_is_removed_where_packing_fails(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.join("alice")
    monkeypatch.setattr(collecting, "LOCK_SECONDS", 0.0)
    with held(bed.room().private / "packing.lock", seconds=1, what="test"), pytest.raises(LockedError):
        collecting.collect(bed.room(), idle=0.0)

    assert bed.path("alice").exists()


def test_silent_worktrees_go_when_asked_unless_something_in_them_cannot_be_archived(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.write("alice", {"draft.txt": "uncommitted\n"})
    bed.write("bob", {".gitignore": "secret\n", "secret": "only here\n"})

    done = collecting.collect(bed.room(), idle=0.0)

    alice, bob = done.worktrees
    assert (alice.goes, bob.goes) == (True, False)
    assert bed.git("show", f"{alice.kept[0]}:draft.txt", cwd=bed.repository) == "uncommitted\n"
    assert "1 ignored files exist only there" in bob.why
    assert (bed.path("bob") / "secret").read_text() == "only here\n"


def test_a_ref_that_names_nothing_keeps_nothing_from_being_packed(bed: Bed) -> None:
    busy(bed)
    (bed.repository / ".git" / "refs" / "agentroom" / "main" / "log" / "broken").write_text("1" * 40 + "\n")

    assert collecting.pack(bed.room()).objects > 50
