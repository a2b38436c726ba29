"""git's hooks in agents' worktrees: given by environment, so that nothing runs in the user's own checkout.

One script stands for every hook and runs the one of the same name that was there before, wherever `core.hooksPath` put
it.
"""

import os
import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from agentroom_git.core.claims import MAX_HELD, Claim, Table
from agentroom_git.core.ids import AgentName
from agentroom_git.core.patterns import compiled, is_glob
from agentroom_git.git.claims_ref import read_table
from agentroom_git.resources import hooks_dir
from agentroom_git.room.room import Room
from agentroom_git.system.files import replace_text
from agentroom_git.system.locks import held
from agentroom_git.system.process import git_as_the_user

SCRIPT = "dispatch"
# Hooks whose mere presence costs a process on every ref or index change are stood for only where the repository has
# one.
ALWAYS = ("pre-commit", "prepare-commit-msg", "post-commit", "pre-push")
MAX_LINES, MAX_GLOBS = MAX_HELD, 16
"""What the commit hook looks through: it starts a git for each glob."""
EVERYONE = "everyone"
"""A file beside the agents' own; the name is one that no agent may have."""
LOCK_SECONDS = 10.0


def install_hooks(room: Room, worktree: Path) -> tuple[Path, Path]:
    """Put the hooks for agents in place; return their folder and the folder of the repository's own."""
    ours, own = hook_folders(room, worktree)
    ours.mkdir(parents=True, exist_ok=True)
    for name in {*ALWAYS, *_names(own)}:
        target = ours / name
        new = ours / f".{name}.{os.getpid()}"
        shutil.copyfile(hooks_dir() / SCRIPT, new)
        new.chmod(0o755)
        new.replace(target)
    return ours, own


def hook_folders(room: Room, worktree: Path) -> tuple[Path, Path]:
    """Return where the hooks for agents are put, and where the repository's own are."""
    return room.private / "hooks", _own_hooks(worktree)


def _own_hooks(worktree: Path) -> Path:
    """Return where git would look for hooks in this worktree without us."""
    done = git_as_the_user("rev-parse", "--git-path", "hooks", cwd=worktree)
    return Path(os.path.normpath(worktree / done.out.decode("utf-8", "surrogateescape").strip()))


def _names(folder: Path) -> set[str]:
    if not folder.is_dir():
        return set()
    return {entry.name for entry in folder.iterdir() if entry.suffix != ".sample" and os.access(entry, os.X_OK)}


def store_claims(room: Room, agents: Collection[AgentName]) -> None:
    """Write down what these agents hold where the commit hook finds it without this program: `TOKEN PATH` a line.

    A glob becomes pathspecs of git's. The table is read under a lock, so that of two writers the later one knows all.
    """
    with held(room.private / "live.lock", seconds=LOCK_SECONDS, what="the list of claims for the commit hook"):
        table = read_table(room.refs, room.names.claims).table
        _store_everyones(room, table)
        for agent in agents:
            plain, globs = _lines(table.of(agent))
            replace_text(room.private / "live" / agent, "".join(f"{line}\n" for line in plain + globs))


def _store_everyones(room: Room, table: Table) -> None:
    """Write down who holds what alone, `AGENT PATH` a line after the level at which the commit hook minds it.

    Globs are left to the other layers: the commit hook compares names.
    """
    names = [(claim.agent, compiled(claim.path).name) for claim in table.claims if not claim.shared and not claim.auto]
    lines = [f"{agent} {name}" for agent, name in names if name is not None and name.isprintable()]
    text = "".join(f"{line}\n" for line in [room.config.enforce.commit, *lines])
    replace_text(room.private / "live" / EVERYONE, text)


def _lines(claims: Collection[Claim]) -> tuple[list[str], list[str]]:
    """Return the lines for paths and those for globs; a name with a line end is left out, as is what is too much."""
    names = [(claim.token, compiled(claim.path).name) for claim in claims]
    plain = [f"{token} {name}" for token, name in names if name is not None and name.isprintable()]
    globs = [f"{claim.token} {spec}" for claim in claims if is_glob(claim.path) for spec in _pathspecs(claim.path)]
    return plain[-MAX_LINES:], [line for line in globs if line.isprintable()][-MAX_GLOBS:]


def _pathspecs(pattern: str) -> Iterator[str]:
    body = pattern.removeprefix("./")
    texts = {body, re.sub(r"(?<!\\)\[", r"\[", body)}  # a bracket stands for its own text, too
    for text in sorted(texts):
        if not text.endswith("/"):
            yield f":(top,glob){text}"
        yield f":(top,glob){text.rstrip('/')}/**"
