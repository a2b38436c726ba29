"""Linked worktrees: making, mending and removing them, who works in each, and what its HEAD says.

Identity is a small file in the worktree's own folder under the git common dir, where neither a checkout nor an agent's
`git clean` reaches; a worktree without it is known by its branch. Every worktree made here is locked in git's sense, so
that a `git worktree prune` that cannot see its folder, in a container for example, leaves it alone. `git worktree`
commands are serialised by a lock of our own: run in parallel they read each other's half-written entries.
"""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pygit2

from agentroom_git.core.ids import AgentName, Oid, RoomName, parse_agent, parse_room
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.git.repo import Repo
from agentroom_git.system.files import replace_text
from agentroom_git.system.locks import held
from agentroom_git.system.process import git, git_as_the_user

IDENTITY = "agentroom-identity"
READY = "agentroom-ready"
LOCK_SECONDS = 120.0
OWN_REASON = "agentroom: "
_SMALL = 65536
# What says where an entry's worktree is, or was until it was removed (`git/aside.py`).
_NAMING = ("gitdir", "agentroom-leaving")
# What `git worktree add` writes into the entry's lock until it is done.
_INITIALIZING = "initializing"


class WorktreeError(AgentroomError):
    """A worktree could not be made, read or removed."""


@dataclass(frozen=True, slots=True)
class Identity:
    room: RoomName
    agent: AgentName


@dataclass(frozen=True, slots=True)
class Worktree:
    """A linked worktree as the repository lists it.

    `problem` is empty, or says why it cannot be worked in: gone, half made, or not this repository's any more; where
    `is_mendable`, only the pointer from its folder to the repository is lost, or the entry's HEAD by a power cut.
    `branch` is the full name of the branch that HEAD is on, empty when detached; `head` is None while unborn or
    unreadable. `lock` is the reason for which somebody other than us locked it, or None.
    """

    name: str
    path: Path
    git_dir: Path
    identity: Identity | None
    branch: str
    head: Oid | None
    problem: str
    is_mendable: bool = False
    lock: str | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it was prepared to the end after it was made."""
        return (self.git_dir / READY).exists()


def list_worktrees(repo: Repo) -> list[Worktree]:
    """Return all linked worktrees in order of name, also broken ones."""
    try:
        names = sorted(os.listdir(repo.common_dir / "worktrees"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [found for name in names if (found := read_worktree(repo, name)) is not None]


def half_made(repo: Repo) -> list[Path]:
    """Return entries that do not even say where their worktree is; git leaves one when it is killed early."""
    folder = repo.common_dir / "worktrees"
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    return [entry for entry in entries if entry.is_dir() and not any((entry / name).exists() for name in _NAMING)]


def read_worktree(repo: Repo, name: str) -> Worktree | None:
    """Return one linked worktree, or None where the repository has no entry that says where it is.

    Read with every event that the sidecar sees, for every worktree.
    """
    git_dir = _entry(repo.common_dir, name)
    pointer = _read_text(f"{git_dir}/gitdir")
    if pointer is None:
        return None
    path = _place(pointer)
    if not path.is_absolute():
        path = (git_dir / path).resolve()
    lock = _read_text(f"{git_dir}/locked")
    head = _head_text(git_dir)
    branch = head.removeprefix("ref:").strip() if head.startswith("ref:") else ""
    identity = _read_identity(git_dir)
    if (lock == _INITIALIZING or not head) and identity is None and not (git_dir / READY).exists():
        # Being made just now, or never finished: it is nobody's yet.
        problem, is_mendable = "its making was interrupted", False
    else:
        identity = identity or _identity_of_branch(branch)
        problem, is_mendable = _problem(path, git_dir)
        if not head and (is_mendable or not problem):
            problem, is_mendable = "its HEAD is lost", True
    return Worktree(
        name=name,
        path=path,
        git_dir=git_dir,
        identity=identity,
        branch=branch,
        head=_resolve(repo.handle, branch or head),
        problem=problem,
        is_mendable=is_mendable,
        lock=None if lock is None or lock.startswith((OWN_REASON, _INITIALIZING)) else lock.strip(),
    )


@lru_cache(maxsize=256)
def _entry(common_dir: Path, name: str) -> Path:
    """Return a worktree's folder in the repository. Made once: a path takes longer to make than its file to read."""
    return common_dir / "worktrees" / name


@lru_cache(maxsize=256)
def _place(pointer: str) -> Path:
    return Path(pointer.rstrip("\n")).parent


def _head_text(git_dir: Path) -> str:
    """Return what HEAD says; a power cut may leave the file empty, or as many zero bytes as it had."""
    return (_read_text(f"{git_dir}/HEAD") or "").strip("\0 \t\r\n")


def _read_text(path: Path | str) -> str | None:
    try:
        return _read_bytes(path).decode("utf-8", "surrogateescape")
    except OSError:
        return None


def _read_bytes(path: Path | str) -> bytes:
    """Return the content of a small file; Python's own file objects take five times as long."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return os.read(handle, _SMALL)
    finally:
        os.close(handle)


def _resolve(handle: pygit2.Repository, name: str) -> Oid | None:
    try:
        found = handle.lookup_reference(name).resolve().target if name.startswith("refs/") else name
        return Oid(str(handle[found].peel(pygit2.Commit).id))
    except (KeyError, ValueError, pygit2.GitError):
        return None


def _problem(path: Path, git_dir: Path) -> tuple[str, bool]:
    """Return what is wrong between the folder and the repository, and whether only the folder's pointer is."""
    try:
        text = _read_bytes(f"{path}/.git").decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ("its .git file is gone", True) if path.is_dir() else ("its folder was deleted", False)
    except NotADirectoryError:
        return "its folder was deleted, and a file is in its place", False
    except OSError as error:
        return f"its .git file cannot be read ({error.strerror})", False
    if text == f"gitdir: {git_dir}\n":
        return "", False
    target = Path(text.removeprefix("gitdir:").strip())
    if not target.is_absolute():
        target = path / target
    if target.resolve() == git_dir.resolve():
        return "", False
    if target.name == git_dir.name and not target.exists():
        return f"the repository was moved here from {target.parent.parent.parent}", True
    return f"it belongs to another repository ({target.resolve()})", False


def mend(worktree: Worktree) -> None:
    """Make the folder point to the repository again; raise `WorktreeError` where it does not look like the worktree.

    A folder without any of the tracked files is not: pointed here, it would look as if they had all been deleted.
    A lost HEAD is put back first.
    """
    if not _head_text(worktree.git_dir) and not restore_head(worktree):
        raise WorktreeError(f"nothing tells what HEAD of {worktree.path} named", hint="move its files away")
    options = (f"--git-dir={worktree.git_dir}", f"--work-tree={worktree.path}")
    tracked = git(*options, "ls-files", "-z", cwd=worktree.path).out.count(b"\0")
    missing = git(*options, "ls-files", "-z", "--deleted", cwd=worktree.path).out.count(b"\0")
    if tracked and missing >= tracked:
        raise WorktreeError(f"{worktree.path} holds none of the worktree's files", hint="move it away, and join again")
    replace_text(worktree.path / ".git", f"gitdir: {worktree.git_dir}\n")


def restore_head(worktree: Worktree) -> bool:
    """Put HEAD back where its reflog saw it last, or on its agent's branch; return False where neither is known."""
    handle = pygit2.Repository(str(worktree.git_dir.parent.parent))
    last, branch = _resolve(handle, _last_logged(worktree.git_dir)), ""
    if worktree.identity is not None:
        branch = f"refs/heads/agentroom/{worktree.identity.room}/{worktree.identity.agent}"
    tip = _resolve(handle, branch) if branch else None
    if tip is None and last is None:
        return False
    replace_text(worktree.git_dir / "HEAD", f"ref: {branch}\n" if tip and last in (None, tip) else f"{last}\n")
    return True


def _last_logged(git_dir: Path) -> str:
    try:
        lines = (git_dir / "logs" / "HEAD").read_bytes().strip(b"\0\n").splitlines()
    except OSError:
        return ""
    fields = lines[-1].split() if lines else []
    return fields[1].decode("ascii", "replace") if len(fields) > 1 else ""


def index_problem(path: Path) -> str:
    """Return why the index of the checkout at `path` cannot be read here, or an empty text.

    libgit2 refuses an index that is split or sparse, by the extension that it must not ignore.
    """
    try:
        len(pygit2.Repository(str(path)).index)
    except pygit2.GitError as error:
        return str(error)
    return ""


def _read_identity(git_dir: Path) -> Identity | None:
    text = _read_text(f"{git_dir}/{IDENTITY}")
    return None if text is None else _decode_identity(text)


@lru_cache(maxsize=256)
def _decode_identity(text: str) -> Identity | None:
    try:
        record = json.loads(text)
        return Identity(parse_room(record["room"]), parse_agent(record["agent"]))
    except (ValueError, KeyError, TypeError, UsageError):
        return None


def _identity_of_branch(branch: str) -> Identity | None:
    parts = branch.removeprefix("refs/heads/agentroom/").split("/")
    if not branch.startswith("refs/heads/agentroom/") or len(parts) != 2:
        return None
    try:
        return Identity(parse_room(parts[0]), parse_agent(parts[1]))
    except UsageError:
        return None


def write_identity(git_dir: Path, identity: Identity) -> None:
    record = json.dumps({"room": identity.room, "agent": identity.agent})
    replace_text(git_dir / IDENTITY, record + "\n")


def identity_here(repo: Repo) -> Identity | None:
    """Return whose worktree the repository was opened in, or None in the user's own checkout."""
    if not repo.is_linked:
        return None
    found = read_worktree(repo, repo.git_dir.name)
    return found.identity if found else None


def add_worktree(repo: Repo, path: Path, branch: str, start: Oid, identity: Identity) -> Worktree:
    """Make a worktree at `path` on `branch`, which is made at `start` where it does not exist yet.

    Runs the git command, with the user's own hooks and filters, so that checked-out files are what git itself would
    give. Raises `WorktreeError` with git's own words.
    """
    with held(repo.private_dir / "worktrees.lock", seconds=LOCK_SECONDS, what="the lock on worktrees"):
        exists = branch_exists(repo.handle, branch)
        options = [str(path), branch] if exists else ["-b", branch, str(path), start]
        path.parent.mkdir(parents=True, exist_ok=True)
        done = git_as_the_user("worktree", "add", "--quiet", *options, cwd=repo.common_dir)
        if done.code != 0:
            taken = b"already checked out" in done.err or b"already used by worktree" in done.err
            hint = f"switch to another branch than {branch} there" if taken else "run: agentroom doctor"
            raise WorktreeError(f"git could not make the worktree {path}: {done.message}", hint=hint)
        made = find_at(repo, path)
        if made is None:
            raise WorktreeError(f"git made the worktree {path} but does not list it", hint="run: agentroom doctor")
        write_identity(made.git_dir, identity)
        git("worktree", "lock", "--reason", _reason(identity), str(path), cwd=repo.common_dir)
        return read_worktree(repo, made.name) or made


def _reason(identity: Identity) -> str:
    return f"{OWN_REASON}{identity.agent} works here; agentroom leave {identity.agent} removes it"


def find_at(repo: Repo, path: Path) -> Worktree | None:
    """Return the linked worktree at this path, sound or not."""
    wanted = path.resolve()
    return next((found for found in list_worktrees(repo) if found.path.resolve() == wanted), None)


def mark_ready(worktree: Worktree) -> None:
    (worktree.git_dir / READY).touch()


def prepared_seconds(worktree: Worktree) -> float:
    """Return when the worktree was marked as ready, by the clock of its file system; 0 where it is not."""
    try:
        return (worktree.git_dir / READY).stat().st_mtime
    except OSError:
        return 0.0


def branch_exists(handle: pygit2.Repository, branch: str) -> bool:
    return f"refs/heads/{branch}" in handle.references


def remove_worktree(repo: Repo, worktree: Worktree) -> None:
    """Remove a worktree whose work is kept elsewhere; raise `WorktreeError` when git refuses.

    Ignored files in it (build output, copied configuration) go with it; what a link leads to never does. Of a worktree
    that is gone, or belongs to another repository, only this repository's own entry is removed.
    """
    with held(repo.private_dir / "worktrees.lock", seconds=LOCK_SECONDS, what="the lock on worktrees"):
        if worktree.problem:
            _remove_entry(worktree)
            return
        # Given twice, the option also overrides a lock, which is our own: who calls has looked.
        force = ("--force", "--force") if worktree.lock is None else ("--force",)
        done = git("worktree", "remove", *force, str(worktree.path), cwd=repo.common_dir)
        if done.code != 0:
            raise WorktreeError(f"git could not remove {worktree.path}: {done.message}", hint="close what runs in it")


def remove_interrupted(repo: Repo, worktree: Worktree) -> None:
    """Remove what a killed `git worktree add` left: its entry, and its folder where that is the entry's own.

    Nobody has worked there yet: everything in the folder is what git checked out.
    """
    with held(repo.private_dir / "worktrees.lock", seconds=LOCK_SECONDS, what="the lock on worktrees"):
        pointer = _read_text(worktree.path / ".git") or ""
        if Path(pointer.removeprefix("gitdir:").strip()) == worktree.git_dir and not worktree.path.is_symlink():
            shutil.rmtree(worktree.path)
        _remove_entry(worktree)


def _remove_entry(worktree: Worktree) -> None:
    shutil.rmtree(worktree.git_dir)
    # Like git, which keeps no folder for entries where there is none.
    with suppress(OSError):
        worktree.git_dir.parent.rmdir()
