"""The early warnings that stand, in a private file: for `status` and for the next sidecar."""

from dataclasses import dataclass
from pathlib import Path

from agentroom_git.core.clash import Clash
from agentroom_git.core.ids import NULL, Oid
from agentroom_git.room.room import Room
from agentroom_git.system.files import read_json, write_json


@dataclass(slots=True)
class Standing:
    """A warning that stands: the clash as it was seen last, the notice that told of it, and since when it is absent.

    It is written down before it is told, with the key of its notice: a kill in between tells it once, and not twice.
    """

    clash: Clash
    key: str
    notice: Oid
    at: str
    gone_since: float | None = None


def _path(room: Room) -> Path:
    return room.private / "warnings.json"


def read_standing(room: Room) -> list[Standing]:
    """Return the warnings that stand, as the sidecar last wrote them down."""
    found = []
    for row in read_json(_path(room)).get("standing", ()):
        try:
            path, one, other, start, lines, notice, at, key = row
            clash = Clash(str(path), (str(one), str(other)), int(start), int(lines))
        except (TypeError, ValueError):
            continue
        found.append(Standing(clash, str(key), Oid(str(notice) or NULL), str(at)))
    return found


def write_standing(room: Room, standing: list[Standing]) -> None:
    """Keep them for the readers and for the next sidecar."""
    rows = [
        [one.clash.path, *one.clash.agents, one.clash.start, one.clash.lines, one.notice, one.at, one.key]
        for one in standing
    ]
    write_json(_path(room), {"standing": rows})
