"""Landing in a real room, and what it left: shorthands for tests."""

from agentroom_git.core.events import Recorded
from agentroom_git.core.ids import SIDECAR
from agentroom_git.core.landings import Landed
from agentroom_git.room import landing, logs
from agentroom_git.room.landing import Choices, Landing
from rooms import Bed


def land(bed: Bed, **choices: object) -> Landing:
    return landing.land(bed.room(), Choices(**choices))  # type: ignore[arg-type] # names of options


def tree(bed: Bed, revision: str = "main") -> str:
    return bed.tree(revision)


def subjects(bed: Bed, span: str) -> list[str]:
    return bed.git("log", "--reverse", "--format=%s", span, cwd=bed.repository).splitlines()


def kinds(done: Landing) -> list[str]:
    return [objection.kind for objection in done.objections]


def landings(bed: Bed) -> list[Landed]:
    found = [one.event.body for one in logs.read_log(bed.room(), SIDECAR) if isinstance(one, Recorded)]
    return [body for body in found if isinstance(body, Landed)][::-1]


def two_agents(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"a.txt": "alice\n"}, "Add a")
    bed.commit("bob", {"b.txt": "bob\n", "src/app.py": "# bob's\n"}, "Add b")
    bed.commit("bob", {"b.txt": "bob\nmore\n"}, "Extend b")
    bed.settle()


def hook(bed: Bed, name: str, script: str) -> None:
    path = bed.repository / ".git" / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def by_hand(bed: Bed, files: dict[str, str]) -> None:
    for name, text in files.items():
        (bed.repository / name).write_text(text)
        bed.git("add", name, cwd=bed.repository)
    bed.git("commit", "--quiet", "-m", "by hand", cwd=bed.repository)
