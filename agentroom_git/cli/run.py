"""`agentroom run`: a command, or a client that agentroom knows how to start, as an agent."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from agentroom_git.cli.opened import here
from agentroom_git.cli.output import complain, say
from agentroom_git.core.escape import one_line
from agentroom_git.core.ids import AgentName, parse_agent
from agentroom_git.errors import AgentroomError, UsageError

if TYPE_CHECKING:
    from agentroom_git.agents.seating import Preview, Work

MAX_TASK = 40_000
"""In characters: what the room's task list holds, and less than the 128 KiB of an argument on Linux."""
_OURS = ("--cli", "--task", "--task-file", "--headless", "--retries", "--print")


class RunCommand(TyperCommand):
    """Options of ours may follow NAME; anything else that follows it begins the command, with or without `--`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        after = [word.partition("=")[0] for word in args[:2] if word != "--"]
        is_ours = any(word in _OURS or word in ("-h", "--help") for word in after[: 1 if "--" in args[:1] else 2])
        ctx.allow_interspersed_args = is_ours
        ctx.ignore_unknown_options = not is_ours
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    app.command(cls=RunCommand)(run)


def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The agent's name, e.g. alice.")],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[-- CMD...]", help="What to run, or more arguments for --cli.")
    ] = None,
    cli: Annotated[
        str, typer.Option("--cli", metavar="CLIENT", help="Start claude, codex, gemini, opencode or qwen.")
    ] = "",
    task: Annotated[str, typer.Option("--task", metavar="TEXT", help="What it is to do.")] = "",
    task_file: Annotated[str, typer.Option("--task-file", metavar="FILE", help="Read that from a file.")] = "",
    headless: Annotated[
        bool, typer.Option("--headless", help="Do the task and end; the default where there is no terminal.")
    ] = False,
    retries: Annotated[
        int,
        typer.Option(
            "--retries", metavar="N", min=0, max=8, help="Start it again that often when it ends with work left."
        ),
    ] = 1,
    only_print: Annotated[bool, typer.Option("--print", help="Show what would be run, and run nothing.")] = False,
) -> None:
    """Run a command or a client as an agent: worktree, sidecar, environment, and a record of how it ended."""
    agent = parse_agent(name)
    # Everything after NAME is the command's; the `--` that sets it off is not part of it.
    given = words or []
    extra = tuple(given[1:] if given[:1] == ["--"] else given)
    if cli:
        from agentroom_git.agents.seating import Work

        work = Work(_read_task(task, task_file), headless or not _has_terminal(), extra, retries)
        _run_client(agent, cli, work, only_print=only_print)
    elif task or task_file or headless or only_print:
        raise UsageError("--task, --headless and --print go with --cli", hint=f"agentroom run {agent} --cli claude ...")
    else:
        _run_command(agent, extra)


def _run_command(agent: AgentName, command: tuple[str, ...]) -> None:
    from agentroom_git.agents import launch
    from agentroom_git.sidecar import lifecycle

    room = here()
    room.integration()
    launch.check_command(agent, command)
    lifecycle.start(room)
    raise typer.Exit(launch.run_agent(room, agent, command))


def _run_client(agent: AgentName, cli: str, work: "Work", *, only_print: bool) -> None:
    from agentroom_git.agents import seating
    from agentroom_git.agents.clients import parse_client
    from agentroom_git.sidecar import lifecycle

    client = parse_client(cli)
    room = here()
    room.integration()
    if only_print:
        _show(seating.preview(room, agent, client, work))
        return
    seating.check_work(client, work)
    lifecycle.start(room)
    ended = seating.run_client(room, agent, client, work)
    if ended.problem:
        complain(AgentroomError(ended.problem, hint=ended.hint))
    raise typer.Exit(ended.code)


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _read_task(text: str, file: str) -> str:
    if text and file:
        raise UsageError("--task and --task-file are two tasks", hint="give one of them")
    if file:
        try:
            text = Path(file).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise UsageError(f"the task file {file} cannot be read: {why}", hint="check the path") from error
        if not text.strip():
            raise UsageError(f"the task file {file} is empty", hint="write down what is to be done")
    if "\0" in text:
        raise UsageError("the task has a NUL character", hint="no command line can carry one")
    if len(text) > MAX_TASK:
        raise UsageError(
            f"the task is longer than {MAX_TASK} characters", hint="say in the task which file the agent is to read"
        )
    return text.strip()


def _show(preview: "Preview") -> None:
    """Print a shell command that would do the same, and the files that it needs."""
    say(f"cd {shlex.quote(preview.worktree)}")
    for key, value in preview.variables.items():
        say(f"export {key}={_quoted(value)}")
    for path, text in preview.files.items():
        say(f"cat >{shlex.quote(path)} <<'END'")
        for line in text.splitlines():
            say(line)
        say("END")
    say(" ".join(map(_quoted, preview.arguments)))


def _quoted(word: str) -> str:
    """Return the word as a shell takes it, on one line whatever is in it."""
    if one_line(word) == word:
        return shlex.quote(word)
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{one_line(escaped)}'"
