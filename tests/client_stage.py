"""Real clients in a real room, with a scripted model behind each."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agentroom_git.system.process import own_command
from fake_model import Model, Step
from real_clients import Home
from rooms import Bed, Git

RUN_SECONDS = 400
SETTLE_SECONDS = 60.0
LOOK_SECONDS = 0.05


@dataclass
class Ran:
    code: int
    out: str


@dataclass
class Stage:
    """A room in which real clients run as agents; `model` says what they are told to do."""

    bed: Bed
    model: Model
    folder: Path
    running: dict[str, "subprocess.Popen[str]"] = field(default_factory=dict)

    def home(self, client: str, agent: str) -> Home:
        home = Home(self.folder / f"home-{agent}", client, self.model.url(agent))
        home.prepare()
        return home

    def start(self, agent: str, client: str, *steps: Step, task: str = "do it") -> None:
        """Start the client as the agent, through the launcher, to be told these steps."""
        self.model.play(agent, *steps)
        home = self.home(client, agent)
        command = [*own_command(), "run", agent, "--cli", client, "--headless", "--task", task, "--retries", "0"]
        self.running[agent] = subprocess.Popen(
            [*command, "--", *home.arguments],
            cwd=self.bed.repository,
            env=home.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self, agent: str) -> Ran:
        """Wait for the agent's end."""
        process = self.running.pop(agent)
        out, _ = process.communicate(timeout=RUN_SECONDS)
        return Ran(process.returncode, out)

    def run(self, agent: str, client: str, *steps: Step, **options: object) -> Ran:
        self.start(agent, client, *steps, **options)  # type: ignore[arg-type]
        return self.end(agent)

    def comes(self, is_there: Callable[[], bool]) -> bool:
        """Wait until it is so, for a bounded time."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while not is_there():
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def close(self) -> None:
        for process in self.running.values():
            process.kill()
            process.communicate()
        subprocess.run(
            [sys.executable, "-m", "agentroom_git", "sidecar", "stop"],
            cwd=self.bed.repository,
            capture_output=True,
            timeout=60,
        )


def make_stage(folder: Path, git: Git, model: Model) -> Stage:
    root = folder / "ledger"
    (root / "src").mkdir(parents=True)
    (root / ".agentroom.yaml").write_text("enforce: refuse\n")
    for name in ("app", "util"):
        (root / "src" / f"{name}.py").write_text("".join(f"{name}_{number} = {number}\n" for number in range(1, 21)))
    git("init", "--quiet", "--initial-branch=main", cwd=root)
    git("config", "user.name", "Test User", cwd=root)
    git("config", "user.email", "test@example.invalid", cwd=root)
    git("add", ".", cwd=root)
    git("commit", "--quiet", "--message", "Start the ledger", cwd=root)
    return Stage(Bed(git, root).open(), model, folder)
