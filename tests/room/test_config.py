"""`.agentroom.yaml`: what is taken, and that everything else is a usage error that says what to write instead."""

import os
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentroom_git.core.ids import RoomName
from agentroom_git.resources import templates_dir
from agentroom_git.room.config import (
    FILE_NAME,
    MAX_BYTES,
    Autosave,
    Config,
    ConfigError,
    Enforce,
    parse_config,
    read_config,
)

EVERYTHING = b"""
room: team-2
base: feature/login
worktrees: ../elsewhere
setup: [npm ci, make env]
setup_seconds: 30
copy:
  - .env
  - config/*.local
lease: 60
sync: live
check: [make lint, make test]
check_seconds: 30
check_quiet: 0
choose_seconds: 5
autosave: 30s
"""


def _refusal(data: bytes) -> ConfigError:
    with pytest.raises(ConfigError) as refused:
        parse_config(data, ".agentroom.yaml")
    error = refused.value
    assert error.exit_code == 2
    assert error.message.startswith(".agentroom.yaml")
    assert error.message.isprintable()
    assert len(error.message) < 400
    assert error.hint
    return error


def test_every_key_is_taken() -> None:
    assert parse_config(EVERYTHING, "x") == Config(
        room=RoomName("team-2"),
        base="feature/login",
        worktrees="../elsewhere",
        setup=("npm ci", "make env"),
        setup_seconds=30,
        copy=(".env", "config/*.local"),
        lease=60,
        sync="live",
        autosave=Autosave(at_turns=False, quiet=30),
        check=("make lint", "make test"),
        check_seconds=30,
        check_quiet=0,
        choose_seconds=5,
    )


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("refuse", Enforce("refuse", "refuse", "refuse")),
        ("off", Enforce("off", "off", "off")),
        ("{edit: refuse, fold: off}", Enforce("refuse", "warn", "off")),
    ],
)
def test_a_level_is_for_every_layer_or_for_one(text: str, levels: Enforce) -> None:
    assert parse_config(f"enforce: {text}".encode(), "x").enforce == levels


@pytest.mark.parametrize("data", [b"", b"\n", b"# only a comment\n", b"---\n", b"room:\nsetup:\n", b"\xef\xbb\xbf"])
def test_what_says_nothing_means_the_defaults(data: bytes) -> None:
    assert parse_config(data, "x") == Config()


def test_the_template_means_the_defaults_and_names_every_key(tmp_path: Path) -> None:
    template = (templates_dir() / "agentroom.yaml").read_bytes()
    (tmp_path / FILE_NAME).write_bytes(template)
    assert read_config(tmp_path) == Config()
    uncommented = template.decode().replace("\n# ", "\n")
    for field in fields(Config):
        assert f"\n{field.name}:" in uncommented


def test_one_text_stands_for_a_list_of_one() -> None:
    assert parse_config(b"setup: make\ncopy: .env/\n", "x") == Config(setup=("make",), copy=(".env",))


@pytest.mark.parametrize(
    ("key", "nearest"),
    [("worktree", "worktrees"), ("Room", "room"), ("leases", "lease"), ("set-up", "setup"), ("copies", "copy"),
     ("setup_second", "setup_seconds"), ("bases", "base")],
)  # fmt: skip
def test_an_unknown_key_names_the_nearest(key: str, nearest: str) -> None:
    assert _refusal(f"{key}: x\n".encode()).hint == f"did you mean {nearest!r}?"


@pytest.mark.parametrize("key", ["zzzzzz", "1", "true", "null", "[a, b]", "'\\e[31m'", '"\\e[31m"', "? {a: b}\n"])
def test_a_key_that_is_like_none_lists_them_all(key: str) -> None:
    error = _refusal(f"{key}: x\n".encode())
    assert "the keys are room, base" in error.hint or "not plain YAML" in error.message


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("room: 3", "takes a text, not a number"),
        ("room: no", "takes a text, not true or false"),
        ("room: ''", "takes a text, not an empty text"),
        ("room: [a]", "takes a text, not a list"),
        ("room: Main", "has capital letters"),
        ("room: ../x", "not allowed"),
        ("room: con", "device name"),
        ("base: refs/heads/main", "short name"),
        ("base: a..b", "not the name of a branch"),
        ("base: -f", "not the name of a branch"),
        ("base: 'a b'", "not the name of a branch"),
        ('base: "a\\nb"', "not the name of a branch"),
        ("base: x.lock", "not the name of a branch"),
        ("base: agentroom/main/integration", "of the room's own"),
        ("worktrees: {}", "takes a text, not a mapping"),
        ("worktrees: ~/agents", "not a folder for worktrees"),
        ("worktrees: .git/agents", "not a folder for worktrees"),
        ('worktrees: "a\\0b"', "NUL"),
        ("setup: 5", "takes a text or a list of texts, not a number"),
        ("setup: [make, 5]", "takes a text, not a number"),
        ("setup: [[make]]", "takes a text, not a list"),
        ("setup: ['']", "takes a text, not an empty text"),
        ('setup: "a\\ud800"', "no file system takes"),
        ("setup_seconds: 0", "must be between 1 and 86400"),
        ("setup_seconds: 1.5", "takes a number of seconds, not a number with a fraction"),
        ("copy: /etc/passwd", "leaves the repository"),
        ("copy: a/../../b", "leaves the repository"),
        ("copy: .git/config", "leaves the repository"),
        ("copy: ~/.ssh", "leaves the repository"),
        ("copy: a**b", "not a pattern"),
        ("copy: ['/']", "leaves the repository"),
        ("enforce: loud", "takes one of off, advise, warn, refuse, not 'loud'"),
        ("enforce: {edit: loud}", "takes one of off, advise, warn, refuse"),
        ("enforce: {push: warn}", "has no place called 'push'"),
        ("lease: 4", "must be between 5 and 604800"),
        ("lease: true", "takes a number of seconds, not true or false"),
        ("lease: soon", "takes a number of seconds, not 'soon'"),
        ("lease: " + "9" * 5000, "not plain YAML"),
        ("lease: 5\nlease: 6", "'lease' is there twice"),
        ("autosave: 30", "takes turn, off or a quiet time, not a number"),
        ("autosave: soon", "takes turn, off or a quiet time, not 'soon'"),
        ("autosave: 0s", "takes turn, off or a quiet time"),
        ("autosave: 3601s", "takes turn, off or a quiet time"),
        ("- room", "not a list of `key: value`"),
        ("just text", "not a list of `key: value`"),
        ("room: [", "not plain YAML"),
        ("room: a\n\tbase: b", "not plain YAML"),
        ("a: b\n---\nc: d", "not plain YAML"),
        ("room: !!python/object/apply:os.system [id]", "the tag tag:yaml.org,2002:python/object/apply:os.system"),
        ("room: !include x", "the tag !include"),
        ("room: !!timestamp x", "the tag tag:yaml.org,2002:timestamp"),
        ("room: !!bool x", "the tag tag:yaml.org,2002:bool"),
        ("room: !!int ''", "the tag tag:yaml.org,2002:int"),
        ("room: &a x", "anchors are not taken"),
        ("room: *a", "anchors are not taken"),
        ("<<: {room: x}", "unknown key"),
        ("room: \x1b[31m", "not plain YAML"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_what_the_key_takes(line: str, says: str) -> None:
    assert says in _refusal(line.encode()).message


def test_autosave_takes_its_words_also_as_yaml_reads_them() -> None:
    never, turns = Autosave(at_turns=False, quiet=0), Autosave(at_turns=True, quiet=0)
    for text, expected in (("turn", turns), ("off", never), ("'off'", never)):
        assert parse_config(f"autosave: {text}\n".encode(), "x").autosave == expected


def test_a_date_is_a_text() -> None:
    assert parse_config(b"base: 2024-13-45\n", "x").base == "2024-13-45"


def test_bombs_cost_nothing() -> None:
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    merges = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40))
    for bomb in (laughs, merges, "[" * (MAX_BYTES - 1), "{a: " * 10_000, "- " * 10_000):
        _refusal(bomb.encode())


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\x00", b"\x00", b"room: \xff", b"%YAML 9.9\n---\nroom: a", b"\xfe\xff\xd8\x00"]
)
def test_what_is_not_text_is_refused(data: bytes) -> None:
    _refusal(data)


@given(st.binary(max_size=80) | st.text(alphabet="a:-[]{}&*!|>'\"%@`#?,<= \n\t0x1_.eE+~", max_size=60).map(str.encode))
def test_any_bytes_are_a_configuration_or_a_refusal(data: bytes) -> None:
    try:
        parse_config(data, "x")
    except ConfigError as refused:
        assert refused.message.isprintable()  # noqa: PT017 - most inputs are refused, a few are taken


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert read_config(tmp_path) == Config()


def test_a_file_that_is_too_large_is_not_parsed(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than 64 KiB"):
        read_config(tmp_path)


def test_a_folder_a_pipe_and_a_link_to_nowhere(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.mkdir()
    with pytest.raises(ConfigError, match="is not a file"):
        read_config(tmp_path)
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="is not a file"):
        read_config(tmp_path)
    path.unlink()
    path.symlink_to("nowhere")
    assert read_config(tmp_path) == Config()


def test_what_is_not_yaml_is_told_by_its_line_and_without_an_excerpt() -> None:
    assert _refusal(b'lease: 900\ncheck: "a \\s b"\n').message.endswith(
        "is not plain YAML: found unknown escape character 's' (line 2)"
    )
