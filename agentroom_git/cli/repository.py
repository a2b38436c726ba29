"""Opening and closing the room of a repository: init, uninstall, doctor."""

from pathlib import Path
from typing import Annotated

import typer

from agentroom_git.cli.opened import Json, here
from agentroom_git.cli.output import print_json, say


def register(app: typer.Typer) -> None:
    app.command()(init)
    app.command()(uninstall)
    app.command()(doctor)


def init(
    merge_driver: Annotated[
        bool, typer.Option("--merge-driver", help="Let git merge files as a fold does, in your own merges too.")
    ] = False,
    prompt: Annotated[
        bool, typer.Option("--prompt", help="Put the collaboration prompt into AGENTS.md, CLAUDE.md and GEMINI.md.")
    ] = False,
    clients: Annotated[
        list[str] | None,
        typer.Option("--client", metavar="NAME", help="Also set up the project's files for this client; repeatable."),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take what --client put into the project's files out again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Open the room of this repository. Safe to run twice; says exactly what it changed."""
    if remove:
        _take_out(clients or [], as_json=as_json)
        return
    from agentroom_git.agents import project_files
    from agentroom_git.room import merge_driver as driver
    from agentroom_git.room import opening
    from agentroom_git.room import prompt as prompts

    names = project_files.parse_names(clients or [])
    room = here()
    changes = opening.open_new(room)
    if merge_driver:
        changes += driver.set_up(room)
    if prompt:
        changes += prompts.write_blocks(room)
    for name in names:
        changes += project_files.write(room, name)
    if as_json:
        print_json(changes)
        return
    for change in changes:
        say(f"{'+' if change.is_new else '='} {change.what}")
    for name in names:
        if name in project_files.NEXT:
            say(f"  {project_files.NEXT[name]}")
    if names:
        say("Commit these files: an agent's worktree has what is committed.")
    say(f"The room {room.names.room} is open. Next: agentroom run NAME --cli claude, or: agentroom run NAME -- COMMAND")


def _take_out(clients: list[str], *, as_json: bool) -> None:
    from agentroom_git.agents import project_files
    from agentroom_git.errors import UsageError

    if not clients:
        raise UsageError("--remove takes out what --client put in", hint="agentroom init --client NAME --remove")
    room = here()
    changes = [change for name in project_files.parse_names(clients) for change in project_files.remove(room, name)]
    if as_json:
        print_json(changes)
        return
    for change in changes:
        say(f"{'-' if change.is_new else '='} {change.what}")


def uninstall(as_json: Json = False) -> None:
    """Take back what init and run changed, except the history. Agents must have left."""
    from agentroom_git.agents import project_files
    from agentroom_git.room import merge_driver, opening, prompt
    from agentroom_git.sidecar import lifecycle

    room = here()
    opening.check_closable(room)
    lifecycle.stop(room)
    ours = [*merge_driver.take_down(room), *prompt.remove_blocks(room), *project_files.remove_all(room)]
    changes = [*ours, *opening.close(room)]
    if as_json:
        print_json(changes)
        return
    for change in changes:
        say(f"{'-' if change.is_new else '='} {change.what}")


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Repair what can be repaired without losing anything.")] = False,
    as_json: Json = False,
) -> None:
    """Look for what keeps the room from working; every problem names its remedy. Exit code 1: something is wrong."""
    from agentroom_git.agents import loading
    from agentroom_git.room import doctor as doctors

    room = here(with_any_config=True, to_read=True)
    findings = doctors.examine(room, fix=fix)
    if room.copy is None:
        findings += loading.examine_clients(room, Path.cwd())
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            say(f"{finding.level:>7}  {finding.text}")
            if finding.remedy:
                say(f"         remedy: {finding.remedy}")
    if any(finding.level == "problem" for finding in findings):
        raise typer.Exit(1)
