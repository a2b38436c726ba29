"""Seating a client: what is run, in which environment, with which files; and what its end means."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from agentroom_git.agents import launch, program
from agentroom_git.agents.client import Client, Launch, Seat
from agentroom_git.agents.launch import Command
from agentroom_git.core.ids import AgentName
from agentroom_git.errors import UsageError
from agentroom_git.room import generated
from agentroom_git.room.hooks import hook_folders
from agentroom_git.room.room import Room
from agentroom_git.system.process import environment, own_hook_command, own_program

USAGE = UsageError.exit_code


@dataclass(frozen=True, slots=True)
class Work:
    """What the client is to do: the task (empty: the user tells it), and the user's own arguments for the client.

    `retries` is how often a client that nobody watches is started again when it ends with work left.
    """

    task: str = ""
    is_headless: bool = False
    extra: tuple[str, ...] = ()
    retries: int = 1


@dataclass(frozen=True, slots=True)
class Ended:
    """How the client ended; `problem` and `hint` say what was wrong where it did not even begin."""

    code: int
    problem: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be run: `variables` are those that differ from the user's own environment."""

    worktree: str
    arguments: tuple[str, ...]
    variables: Mapping[str, str]
    files: Mapping[str, str]


def check_work(client: Client, work: Work) -> None:
    """Raise `UsageError` for work that cannot be done."""
    if work.is_headless and not work.task:
        raise UsageError(
            f"{client.title} needs a task where nobody is there to type one", hint="--task TEXT or --task-file FILE"
        )


def preview(room: Room, agent: AgentName, client: Client, work: Work) -> Preview:
    """Return what `run_client` would run, without changing anything."""
    check_work(client, work)
    worktree = room.worktrees_dir / agent
    env = launch.environment_with(room, agent, *hook_folders(room, room.checkout))
    planned = _plan(room, agent, client, work, worktree, env)
    variables = {**env, **planned.environment}
    mine = {key: value for key, value in variables.items() if environment().get(key) != value}
    files = {str(file.path): file.text for file in planned.files}
    return Preview(str(worktree), planned.arguments, dict(sorted(mine.items())), files)


def run_client(room: Room, agent: AgentName, client: Client, work: Work) -> Ended:
    """Run the client as `launch.run_agent` does a command, and say what was wrong where it died at its start."""
    check_work(client, work)

    def prepare(worktree: Path, env: Mapping[str, str], left: str) -> Command:
        path = program.find_program(client, env)
        program.check_version(room, client, path, env)
        todo = replace(work, task=f"{work.task}\n\n{left}") if left else work
        planned = _plan(room, agent, client, todo, worktree, env)
        generated.place(room, agent, worktree, {file.path: file.text for file in planned.files}, client=client.name)
        return Command((str(path), *planned.arguments[1:]), {**env, **planned.environment}, not work.is_headless)

    shown = (client.name, *work.extra, *((work.task,) if work.task else ()))
    retries = work.retries if work.is_headless else 0
    outcome = launch.run_prepared(room, agent, shown, prepare, task=work.task, retries=retries)
    return _explain(client, work, outcome.code) if outcome.died_at_its_start else Ended(outcome.code)


def _plan(room: Room, agent: AgentName, client: Client, work: Work, worktree: Path, env: Mapping[str, str]) -> Launch:
    private = generated.private_folder(room, agent)
    seat = Seat(
        agent,
        worktree,
        private,
        tuple(own_program()),
        tuple(own_hook_command()),
        env,
        work.task,
        work.is_headless,
        work.extra,
    )
    return client.plan(seat)


def _explain(client: Client, work: Work, code: int) -> Ended:
    env = environment()
    try:
        found = program.find_program(client, env)
    except program.ClientError as error:
        return Ended(code, error.message, error.hint)
    unknown = program.unknown_options(found, work.extra, env, verb=client.headless_verb if work.is_headless else "")
    if unknown:
        return Ended(USAGE, f"{client.title} does not know {' '.join(unknown)}", f"{client.name} --help lists them")
    return Ended(
        code,
        f"{client.title} ended at its start, with exit code {code}; the worktree stays",
        f"its own words are above; if it is not logged in: {client.login}",
    )
