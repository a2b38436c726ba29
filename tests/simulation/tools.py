"""Agents whose hooks see what their tools read and write as a whole, as Claude Code's do.

A file that is read and written back some time later lacks what a sync brought meanwhile: that is mended, or told (I1).
"""

from agentroom_git.core.events import Notice
from agentroom_git.room import reading, stale
from agentroom_git.room.hookcache import Seat, find_seat
from agentroom_git.room.logs import read_events
from simulation.bots import Bot, some_file
from simulation.seeds import Violation
from simulation.words import edit_text, listed, tokens


def read_whole(bot: Bot) -> None:
    path = some_file(bot)
    if b"\0" not in (text := bot.at(path).read_bytes()):
        bot.reading = (path, text)
        reading.follow(_seat(bot), str(bot.at(path)), [], "", is_whole=True)


def write_whole(bot: Bot) -> None:
    """Write back what was read, with one change; what came meanwhile must not be gone silently."""
    if bot.reading is None:
        return
    (path, text), bot.reading = bot.reading, None
    target = bot.at(path)
    if not target.is_file() or target.is_symlink() or target.parent.is_symlink():
        return
    there = set(tokens(target.read_bytes()))
    target.write_bytes(edit_text(text, bot.rng, bot.mint))
    seat = _seat(bot)
    paths = reading.follow(seat, "", [str(target)], "", is_whole=True)
    if paths:
        stale.look_at_own(bot.world.room_of(bot.name), seat, paths)
    gone = there - set(tokens(text)) - set(tokens(target.read_bytes()))
    if gone and not _is_told(bot, path.decode()):
        raise Violation("I1", f"{bot.name} wrote over what it had not read, neither mended nor told: {listed(gone)}")


def forget(bot: Bot) -> None:
    """What the agent does otherwise may show and change any file, for all that its hooks can tell."""
    bot.reading = None
    seat = find_seat(str(bot.top))
    if seat is not None:
        reading.follow(seat, "", [], "./anything", is_whole=False)


def _seat(bot: Bot) -> Seat:
    seat = find_seat(str(bot.top))
    if seat is None:
        raise OSError(f"{bot.name} has no worktree")
    return seat


def _is_told(bot: Bot, path: str) -> bool:
    bodies = [item.event.body for item in read_events(bot.world.room())[0]]
    return any(
        isinstance(body, Notice) and body.kind == "stale" and bot.name in body.to and path in body.paths
        for body in bodies
    )
