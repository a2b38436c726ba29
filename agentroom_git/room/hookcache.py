"""What an agent's hook may answer without opening the repository, and the proof that it is still true.

A hook runs before and after every tool of an agent, so its usual answer, "go on", must not cost the start of libgit2.
The cache says what the agent's own claims and the others' were at a fingerprint of the refs that they depend on; a
fingerprint that differs makes the cache void. Imports nothing but the standard library.
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

VERSION = 1
_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a hook runs: whose worktree it is, and the folders that its answers depend on."""

    top: Path
    common_dir: Path
    room: str
    agent: str

    @property
    def private(self) -> Path:
        return self.common_dir / "agentroom" / self.room


@dataclass(frozen=True, slots=True)
class Known:
    """`mine` are paths that the agent holds, `others` those that somebody else does; `until` in seconds since boot."""

    mine: tuple[str, ...]
    others: tuple[str, ...]
    level: str
    has_news: bool
    until: float


def find_seat(start: Path) -> Seat | None:
    """Return the agent's seat around a folder, or None outside an agent's worktree."""
    for top in (start, *start.parents):
        pointer = top / ".git"
        if pointer.is_dir():
            return None
        try:
            git_dir = Path(os.path.normpath(top / pointer.read_text("utf-8").removeprefix("gitdir:").strip()))
            common = Path(os.path.normpath(git_dir / (git_dir / "commondir").read_text("utf-8").strip()))
            identity = json.loads((git_dir / "agentroom-identity").read_text("utf-8"))
            return Seat(top, common, str(identity["room"]), str(identity["agent"]))
        except (FileNotFoundError, NotADirectoryError):
            if pointer.exists():
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
    return None


def fingerprint(seat: Seat) -> list[str]:
    """Return what changes whenever a claim, an event or the configuration does."""
    refs = seat.common_dir / "refs" / "agentroom" / seat.room
    names = ["claims", *sorted(f"log/{name}" for name in _listed(refs / "log"))]
    tips = [f"{name} {_content(refs / name)}" for name in names if not name.endswith(".lock")]
    settings = seat.common_dir.parent / ".agentroom.yaml"
    return [*tips, _status(seat.common_dir / "packed-refs"), _status(settings)]


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _content(path: Path) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(64).strip()
    except OSError:
        return ""


def _status(path: Path) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return "-"
    return f"{status.st_ino} {status.st_mtime_ns} {status.st_size}"


def _path(seat: Seat) -> Path:
    return seat.private / "hook" / f"{seat.agent}.json"


def read_known(seat: Seat) -> Known | None:
    """Return what is known, if it is proven to be true still."""
    try:
        record = json.loads(_path(seat).read_bytes())
        known = Known(
            mine=tuple(record["mine"]),
            others=tuple(record["others"]),
            level=str(record["level"]),
            has_news=bool(record["has_news"]),
            until=float(record["until"]),
        )
        is_current = record["v"] == VERSION and record["fingerprint"] == fingerprint(seat)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return known if is_current and now() < known.until else None


def write_known(seat: Seat, known: Known, at: list[str]) -> None:
    """Keep what was true at the fingerprint `at`, which was taken before it was looked up."""
    path = _path(seat)
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "v": VERSION,
        "fingerprint": at,
        "mine": known.mine,
        "others": known.others,
        "level": known.level,
        "has_news": known.has_news,
        "until": known.until,
    }
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(json.dumps(record), "utf-8")
    new.replace(path)


def now() -> float:
    """Return seconds since boot, as the claims' leases count them."""
    return time.clock_gettime(_SINCE_BOOT)
