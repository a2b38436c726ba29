"""What simulated agents do to the history of their own branches."""

from agentroom_git.core.ids import Oid
from simulation import bots
from simulation.bots import Bot, save
from simulation.words import tokens


def amend(bot: Bot) -> None:
    """Make the last commit anew, most often with a line of its own said otherwise."""
    if bot.rng.random() >= 0.6 or not _put_otherwise(bot, bot.head()):
        bots.edit(bot)
    bot.git("commit", "--quiet", "--all", "--amend", "-m", bot.message())


def _put_otherwise(bot: Bot, commit: str) -> bool:
    """Write a new line for one that the commit added; return whether there was one in a file that is there."""
    added = bot.git("show", "--format=", "-U0", "--no-renames", commit)
    own = {token for line in added.encode("utf-8", "surrogateescape").splitlines() for token in _added(line)}
    for path in bot.files():
        lines = bot.at(path).read_bytes().splitlines(keepends=True)
        found = [number for number, line in enumerate(lines) if own.intersection(tokens(line))]
        if found:
            lines[bot.rng.choice(found)] = bot.mint.line(bot.rng)
            save(bot, path, b"".join(lines))
            return True
    return False


def _added(line: bytes) -> list[bytes]:
    return tokens(line) if line.startswith(b"+") else []


def rebase(bot: Bot) -> None:
    """Rebase onto integration; where it conflicts, stay in the middle of it for a while."""
    bot.git("rebase", "--quiet", "agentroom/main/integration")


def squash(bot: Bot) -> None:
    """Make one commit out of the last two of its own."""
    authors = bot.git("log", "-3", "--first-parent", "--format=%an").split("\n")
    if authors[:2] == ["Someone", "Someone"] and len(authors) > 3:
        bot.git("reset", "--quiet", "--soft", "HEAD~2")
        bot.git("commit", "--quiet", "-m", bot.message())


def reset(bot: Bot) -> None:
    how = bot.rng.choice(("--hard", "--soft", "--mixed"))
    subject, before = bot.git("log", "-1", "--format=%s"), Oid(bot.head())
    bot.git("reset", "--quiet", how, "HEAD~1")
    room = bot.world.room()
    if subject.startswith(f"work of {bot.name} ") and room.history.reaches(room.integration(), before):
        bot.dropped = before


def start_over(bot: Bot) -> None:
    """Throw the last few commits away, others' among them, and do something else from there."""
    bot.git("reset", "--quiet", "--hard", bot.rng.choice(("HEAD~2", "HEAD~3", "main")))
    bots.edit_and_commit(bot)
