"""What an agent has read, as its hooks saw it, and what syncs have brought into its worktree since.

Two files in the worktree's git directory, a line each time: which commit a sync was about to go from and to, and on
which commit the agent read or wrote a file as a whole. Together they tell whether a whole-file write is from a version
that others have changed meanwhile. Either may be lost: then writes are told from the history alone, or not at all.

Imports next to nothing on purpose: it is on the way of every tool of an agent.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentroom_git.room.hookcache import Seat

SYNCED, SEEN = "agentroom-synced", "agentroom-seen"
FORGOTTEN = "-"
"""In place of a commit: the agent may have seen a part of a later version."""

MAX_BYTES = 1_000_000
MOST_NOTED = 1000
# What neither shows nor changes the content of files as a whole, whatever it names.
_HARMLESS = (
    "git add", "git commit", "git status", "git rm", "git push", "git fetch", "git branch", "git rev-parse",
    "git log --oneline", "ls", "wc", "pytest", "python -m pytest", "make", "agentroom", "npm test", "npm ci",
    "npm install", "cargo test", "cargo build", "cargo check", "go test", "go build", "go vet", "mypy", "ruff check",
    "tsc", "tox", "pip install",
)  # fmt: skip
# What shows or changes the files that it names, and no others. Any other command may do so to any file.
_NAMING = frozenset({"cat", "head", "tail", "nl", "sed", "awk", "cut", "sort", "grep", "cp", "mv", "rm", "echo", "cd"})
_MANY = frozenset("*?[{$`(~")


def follow(seat: "Seat", shown: str, edited: list[str], command: str, *, is_whole: bool) -> list[str]:
    """Note what a tool that has ended showed and wrote; return the whole files that have to be looked at.

    Paths are absolute. `is_whole`: the file that was shown, or those that were edited, were so as a whole.
    """
    if command:
        _forget_shown(seat.git_dir, command)
    path = _relative(seat, shown)
    if path:
        record(seat, path, is_whole=is_whole)
    found = [path for path in (_relative(seat, one) for one in edited) if path]
    return [path for path in found if _is_to_be_looked_at(seat, path, is_whole=is_whole)]


def _is_to_be_looked_at(seat: "Seat", path: str, *, is_whole: bool) -> bool:
    """Note a write; return whether something may have arrived that its writer had not seen."""
    known = last_seen(seat.git_dir, path)
    is_current = known is None or known[1] == size_of(f"{seat.git_dir}/{SYNCED}")
    if is_whole and is_current:
        record(seat, path)
    elif not is_whole and not is_current:
        # It found the text that it replaced: of what is there now its writer has seen more than it had read, or not.
        record(seat, path, is_whole=False)
    return is_whole and not is_current


def record(seat: "Seat", path: str, *, is_whole: bool = True) -> None:
    """Note that the agent knows the file as it is on the commit that its worktree stands on."""
    commit = head(seat.git_dir, seat.common_dir) if is_whole else FORGOTTEN
    seen = f"{seat.git_dir}/{SEEN}"
    if size_of(seen) > MAX_BYTES // 4:
        lines = read_lines(seen)
        _replace(seen, lines[len(lines) // 2 :])
    if commit:
        _append(seen, f"{commit} {size_of(f'{seat.git_dir}/{SYNCED}')} {path}\n")


def last_seen(git_dir: str, path: str) -> tuple[str, int] | None:
    """Return the commit on which the agent last saw the file, and how much had been synced then; None if unknown."""
    found = None
    for line in read_lines(f"{git_dir}/{SEEN}"):
        fields = line.split(" ", 2)
        if len(fields) == 3 and fields[2] == path and fields[1].isdigit():
            found = None if fields[0] == FORGOTTEN else (fields[0], int(fields[1]))
    return found


def note_sync(git_dir: str, old: str, new: str) -> None:
    """Note that the worktree is about to be brought from one commit to another; the caller holds the sync lock.

    Before and not after it: what is noted and did not happen is told by the worktree's HEAD, but what happened and was
    not noted would be lost by a kill.
    """
    line = f"{old} {new}"
    lines = read_lines(f"{git_dir}/{SYNCED}")
    if line == next((one for one in reversed(lines) if one), ""):
        # Tried before, in vain. What was read since was read before it: that is told by the size.
        if _is_newer(f"{git_dir}/{SEEN}", f"{git_dir}/{SYNCED}"):
            _append(f"{git_dir}/{SYNCED}", "\n")
        return
    if len(lines) > MOST_NOTED:
        _replace(f"{git_dir}/{SYNCED}", lines[len(lines) // 2 :])
    _append(f"{git_dir}/{SYNCED}", f"{line}\n")


def read_syncs(git_dir: str) -> list[tuple[str, str]]:
    """Return from which commit to which the worktree was brought, or was about to be, oldest first."""
    pairs = [tuple(line.split(" ")) for line in read_lines(f"{git_dir}/{SYNCED}")]
    return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2 and all(len(id) == 40 for id in pair)]


def head(git_dir: str, common_dir: str) -> str:
    """Return the commit that the worktree stands on, or an empty text."""
    text = _read(f"{git_dir}/HEAD").strip()
    if not text.startswith("ref: "):
        return text
    name = text.removeprefix("ref: ")
    loose = _read(f"{common_dir}/{name}").strip()
    if loose:
        return loose
    packed = (line for line in read_lines(f"{common_dir}/packed-refs") if line.endswith(f" {name}"))
    return next(packed, "").partition(" ")[0]


def read_lines(path: str) -> list[str]:
    return _read(path).split("\n")[:-1]


def size_of(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _is_newer(one: str, other: str) -> bool:
    try:
        return os.stat(one).st_mtime_ns >= os.stat(other).st_mtime_ns
    except OSError:
        return False


def _forget_shown(git_dir: str, command: str) -> None:
    """Forget what was known of the files that the command may have shown, and of what it may have written."""
    lines = read_lines(f"{git_dir}/{SEEN}")
    if not lines:
        return
    paths = {fields[2] for line in lines if len(fields := line.split(" ", 2)) == 3}
    parts = [part.strip() for part in command.replace("|", ";").replace("&", ";").replace("\n", ";").split(";")]
    telling = [part for part in parts if not part.startswith(_HARMLESS) or ">" in part]
    is_any = any(part and not _names_its_files(part) for part in telling)
    gone = [path for path in sorted(paths) if is_any or any(os.path.basename(path) in part for part in telling)]
    if gone:
        _append(f"{git_dir}/{SEEN}", "".join(f"{FORGOTTEN} 0 {path}\n" for path in gone))


def _names_its_files(part: str) -> bool:
    words = part.split()
    options = {letter for word in words if word.startswith("-") for letter in word}
    is_deep = words[0] == "grep" and bool(options & {"r", "R"})
    return words[0] in _NAMING and not is_deep and _MANY.isdisjoint(part)


def _relative(seat: "Seat", path: str) -> str:
    """Return the path in the worktree, or an empty text for one elsewhere and for names that no line can hold."""
    if not path:
        return ""
    top = os.path.realpath(seat.top)
    full = os.path.join(os.path.realpath(os.path.dirname(os.path.join(top, path))), os.path.basename(path))
    return full[len(top) + 1 :] if full.startswith(f"{top}/") and full.isprintable() else ""


def _append(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        os.write(handle, text.encode("utf-8", "surrogateescape"))
    finally:
        os.close(handle)


def _replace(path: str, lines: list[str]) -> None:
    new = f"{path}.{os.getpid()}"
    with open(new, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write("".join(f"{line}\n" for line in lines))
    os.replace(new, path)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(4 * MAX_BYTES)
    except OSError:
        return ""
