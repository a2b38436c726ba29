"""`init --merge-driver`: git uses the fold's merge for the user's own merges, wherever no attribute asks for another.

It is set by `merge.default` and not by an attribute for all files, which would come before the project's own.
"""

import shlex

from agentroom_git.git import configuration
from agentroom_git.room.opening import Change
from agentroom_git.room.room import Room
from agentroom_git.system.process import own_command

NAME = "agentroom"
SECTION, KEY = f"merge.{NAME}", "driver"


def set_up(room: Room) -> list[Change]:
    """Let git call `merge-file` as its default merge driver; what the user has set stays."""
    present = configuration.values(room.repo, "merge.default")
    if present:
        is_ours = present[-1] == NAME
        what = "is set" if is_ours else f"stays {present[-1]}: unset it first to have agentroom merge"
        return [Change(f"merge.default {what}", False)]
    if not configuration.values(room.repo, f"{SECTION}.{KEY}"):
        configuration.add_section(room.repo, SECTION, KEY, _command())
    configuration.add_section(room.repo, "merge", "default", NAME)
    return [Change(f"set merge.default and {SECTION}.{KEY}, so that git merges files as a fold does", True)]


def take_down(room: Room) -> list[Change]:
    """Remove what `set_up` set; nothing where it was never asked for."""
    removed = configuration.remove_section(room.repo, "merge", "default", NAME)
    for command in configuration.values(room.repo, f"{SECTION}.{KEY}"):
        removed |= configuration.remove_section(room.repo, SECTION, KEY, command)
    return [Change(f"removed merge.default and {SECTION}.{KEY}", True)] if removed else []


def _command() -> str:
    return f"{shlex.join(own_command())} merge-file --driver -L %L -P %P %O %A %B"
