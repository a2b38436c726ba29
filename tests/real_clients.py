"""The real clients at pinned versions, from the npm registry, installed once a machine and kept between runs."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from seal import OUTSIDE

CACHE = Path(OUTSIDE.get("XDG_CACHE_HOME") or Path(OUTSIDE.get("HOME", "/root")) / ".cache") / "agentroom-clients"
INSTALL_SECONDS = 600
NODE = "node@22.23.3"
"""Qwen Code and the inspector want a newer node than some machines have; npm has it as a package."""
PACKAGES = {
    "claude": "@anthropic-ai/claude-code@2.1.330",
    "codex": "@openai/codex@0.169.0",
    "gemini": "@google/gemini-cli@0.61.0",
    "opencode": "opencode-ai@1.18.33",
    "qwen": "@qwen-code/qwen-code@0.24.4",
    "mcp-inspector": "@modelcontextprotocol/inspector@2.12.0",
}
_NEED_NODE = ("qwen", "mcp-inspector")


def folders(program: str) -> list[Path]:
    """Return the folders to put on PATH for the program; skip the test where it cannot be had."""
    if shutil.which("npm", path=OUTSIDE.get("PATH")) is None:
        pytest.skip(f"{program}: no node and npm here")
    found = [_installed(PACKAGES[program]) / "node_modules" / ".bin"]
    if program in _NEED_NODE:
        found.append(_installed(NODE) / "node_modules" / "node" / "bin")
    return found


def _installed(package: str) -> Path:
    folder = CACHE / package.replace("/", "+")
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock", timeout=INSTALL_SECONDS * 2):
        if not folder.is_dir():
            _install(package, folder)
    return folder


def _install(package: str, folder: Path) -> None:
    """Install beside and rename, so that what is there is whole."""
    new = folder.with_name(f"{folder.name}.{os.getpid()}")
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(new), package]
    try:
        done = subprocess.run(command, env=OUTSIDE, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        if done.returncode:
            pytest.skip(f"{package} cannot be had from the npm registry: {done.stderr.strip()[-200:]}")
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


@dataclass(frozen=True)
class Home:
    """A home folder of its own for one client, which knows no model but the scripted one."""

    folder: Path
    client: str
    url: str

    def prepare(self) -> None:
        files = {
            "codex": (".codex/config.toml", _CODEX.format(url=self.url)),
            "gemini": (".gemini/settings.json", '{"security": {"auth": {"selectedType": "gemini-api-key"}}}'),
            "opencode": (".config/opencode/opencode.json", json.dumps(_opencode(self.url))),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / ".gitconfig").write_text("[user]\n\tname = You\n\temail = you@example.invalid\n")
        if self.client in files:
            name, text = files[self.client]
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def environment(self) -> dict[str, str]:
        """Return the whole environment: nothing of the user's, and no network but the loopback interface."""
        path = [*folders(self.client), *OUTSIDE.get("PATH", os.defpath).split(os.pathsep)]
        return {
            "HOME": str(self.folder),
            "PATH": os.pathsep.join(map(str, path)),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "NO_COLOR": "1",
            "TZ": "UTC",
            **_VARIABLES[self.client],
            **self._address(),
        }

    def _address(self) -> Mapping[str, str]:
        return {
            "claude": {"ANTHROPIC_BASE_URL": self.url},
            "gemini": {"GOOGLE_GEMINI_BASE_URL": self.url},
            "qwen": {"OPENAI_BASE_URL": f"{self.url}/v1"},
        }.get(self.client, {})

    @property
    def arguments(self) -> list[str]:
        """What a user without an account there would add on the command line."""
        return {"gemini": ["-m", "gemini-2.5-pro"], "qwen": ["--auth-type", "openai"]}.get(self.client, [])


_VARIABLES: dict[str, dict[str, str]] = {
    "claude": {
        "ANTHROPIC_API_KEY": "fake", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_TELEMETRY": "1",
        "DISABLE_AUTOUPDATER": "1", "DISABLE_ERROR_REPORTING": "1",
    },
    "codex": {"FAKE_KEY": "fake"},
    "gemini": {"GEMINI_API_KEY": "fake", "GEMINI_TELEMETRY_ENABLED": "false"},
    "opencode": {
        "OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    },
    "qwen": {"OPENAI_API_KEY": "fake", "OPENAI_MODEL": "fake-model"},
}  # fmt: skip
_CODEX = """\
model = "gpt-5.5"
model_provider = "fake"
check_for_update_on_startup = false
[model_providers.fake]
name = "fake"
base_url = "{url}/v1"
env_key = "FAKE_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
[analytics]
enabled = false
"""


def _opencode(url: str) -> dict[str, object]:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "fake",
        "options": {"baseURL": f"{url}/v1", "apiKey": "fake"},
        "models": {"fake-model": {"name": "fake"}},
    }
    return {"model": "fake/fake-model", "provider": {"fake": provider}}
