"""Unimplemented markers in the files of a commit: work that is known and in no list.

Found with `git grep`, which reads the objects of a tree and runs nothing that the repository configures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agentroom_git.core.escape import one_line, path_text
from agentroom_git.core.ids import Oid
from agentroom_git.room.room import Room
from agentroom_git.system.process import ProcessError, git

DEFAULT_MARKERS = ("TODO", "FIXME", "NotImplementedError")
SETTING = "agentroom.marker"
MAX_FOUND = 500
MAX_TEXT = 160
_NONE_FOUND = 1


@dataclass(frozen=True, slots=True)
class Marker:
    path: str
    line: int
    text: str

    @property
    def origin(self) -> str:
        """What names the marker wherever its lines move to: its file and its text."""
        return f"{self.path}: {self.text}"


def words(room: Room) -> tuple[str, ...]:
    """Return the markers that are looked for: those of `git config agentroom.marker`, or the usual three."""
    done = git("config", "--get-all", SETTING, cwd=room.checkout)
    found = tuple(line for line in done.out.decode("utf-8", "replace").splitlines() if line.strip())
    return found or DEFAULT_MARKERS


def find_markers(room: Room, commit: Oid, paths: Sequence[str] = (), *, only: Sequence[str] = ()) -> list[Marker]:
    """Return the markers in the text files of a commit, in order of path and line, at most `MAX_FOUND`.

    A marker is a whole word: `TODO` is none in `TODOS`. With paths, only those below them count; with `only`, only
    these words.
    """
    wanted = [argument for word in only or words(room) for argument in ("-e", word)]
    options = ["-n", "-z", "-I", "-w", "-F", "--full-name", "--no-color", "--no-textconv", "--no-recurse-submodules"]
    done = git("grep", *options, *wanted, commit, "--", *paths, cwd=room.checkout)
    if done.code > _NONE_FOUND:
        raise ProcessError(f"git grep failed: {done.message}", hint="run: git fsck")
    prefix = f"{commit}:".encode()
    found = (_parse(line.removeprefix(prefix)) for line in done.out.split(b"\n") if line)
    return [marker for marker in found if marker is not None][:MAX_FOUND]


def _parse(line: bytes) -> Marker | None:
    path, _, rest = line.partition(b"\0")
    number, _, text = rest.partition(b"\0")
    if not number.isdigit():
        # The path has a newline in it: such a file is passed over.
        return None
    return Marker(path_text(path), int(number), one_line(text.decode("utf-8", "replace").strip(), MAX_TEXT))
