"""Secrets are refused before anything is written; ordinary talk is not.

Every planted secret is made up here from parts, drawn at random with a fixed seed: none was ever valid.
"""

import base64
import json
import random
import string
import subprocess
import sys

import pytest

from agentroom_git.room import coordination, messages, scratchpad, secrets, tasks
from agentroom_git.room.secrets import SecretError, find_secret
from rooms import Bed

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM = LOWER + UPPER + DIGITS
HEX = "0123456789abcdef"


def _planted() -> list[str]:
    chance = random.Random(20_260_101)

    def draw(alphabet: str, length: int) -> str:
        return "".join(chance.choices(alphabet, k=length))

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    jwt = ".".join([part({"alg": "HS256", "typ": "JWT"}), part({"sub": "1234567890", "n": 7}), draw(ALNUM, 43)])
    tokens = [
        "gh" + "p_" + draw(ALNUM, 36),
        "gh" + "s_" + draw(ALNUM, 36),
        "github" + "_pat_" + draw(ALNUM, 22) + "_" + draw(ALNUM, 59),
        "gl" + "pat-" + draw(ALNUM, 20),
        "sk" + "-" + draw(ALNUM, 20) + "T3Blbk" + "FJ" + draw(ALNUM, 20),
        "sk" + "-proj-" + draw(ALNUM, 64),
        "sk" + "-ant-api03-" + draw(ALNUM + "-_", 90) + "AA",
        "AK" + "IA" + draw(UPPER + DIGITS, 16),
        "AS" + "IA" + draw(UPPER + DIGITS, 16),
        "AI" + "za" + draw(ALNUM + "-_", 35),
        "GOC" + "SPX-" + draw(ALNUM, 28),
        "xo" + "xb-" + draw(DIGITS, 12) + "-" + draw(DIGITS, 13) + "-" + draw(ALNUM, 24),
        "xo" + "xp-" + draw(DIGITS, 12) + "-" + draw(DIGITS, 12) + "-" + draw(HEX, 32),
        "https://hooks.sl" + "ack.com/services/T" + draw(UPPER, 8) + "/B" + draw(UPPER, 8) + "/" + draw(ALNUM, 24),
        "sk" + "_live_" + draw(ALNUM, 24),
        "rk" + "_live_" + draw(ALNUM, 24),
        "wh" + "sec_" + draw(ALNUM, 32),
        "np" + "m_" + draw(ALNUM, 36),
        "py" + "pi-AgEIcHlwaS5vcmc" + draw(ALNUM, 80),
        "h" + "f_" + draw(ALNUM, 34),
        "SG" + "." + draw(ALNUM, 22) + "." + draw(ALNUM, 43),
        "do" + "p_v1_" + draw(HEX, 64),
        "shp" + "at_" + draw(HEX, 32),
        draw(DIGITS, 9) + ":AA" + draw(ALNUM, 33),
        "https://disc" + "ord.com/api/webhooks/" + draw(DIGITS, 18) + "/" + draw(ALNUM, 68),
        "hv" + "s." + draw(ALNUM, 32),
        "da" + "pi" + draw(HEX, 32),
        "lin" + "_api_" + draw(ALNUM, 40),
        "dckr" + "_pat_" + draw(ALNUM, 27),
        "AGE-SECRET" + "-KEY-1" + draw(UPPER + DIGITS, 58),
        jwt,
        "-----BEGIN RSA PRIV" + "ATE KEY-----\n" + draw(ALNUM, 64),
        "-----BEGIN OPENSSH PRIV" + "ATE KEY-----\n" + draw(ALNUM, 64),
        "-----BEGIN PRIV" + "ATE KEY-----\n" + draw(ALNUM, 64),
        "-----BEGIN PGP PRIV" + "ATE KEY BLOCK-----\n" + draw(ALNUM, 64),
        draw(HEX, 32) + "-us" + str(chance.randrange(1, 20)),
        "SK" + draw(HEX, 32),
        "sq0" + "csp-" + draw(ALNUM + "-_", 43),
        "Authorization: Bea" + "rer " + draw(ALNUM, 40),
        "Authorization: Ba" + "sic " + draw(ALNUM, 24) + "==",
    ]
    word = draw(LOWER, 4) + draw(UPPER, 2) + draw(DIGITS, 3)
    assigned = [
        f"postgres://app:{word}!x@db.internal:5432/ledger",
        f"https://bot:{word}@git.example.org/ledger.git",
        f"redis://:{word}@cache:6379/0",
        f"mongodb+srv://app:{draw(ALNUM, 16)}@cluster0.example.net",
        f"amqp://guest:{draw(ALNUM, 12)}@queue//",
        f"DB_PASSWORD={word}$9",
        f"password: {word}#Q",
        f'"api_key": "{draw(ALNUM, 32)}"',
        f"api-key = '{draw(HEX, 32)}'",
        f"export AWS_SECRET_ACCESS_KEY={draw(ALNUM + '/+', 40)}",
        f"aws_session_token='{draw(ALNUM, 60)}'",
        f"client_secret={draw(ALNUM, 40)}",
        f"the password is {word}!Zz",
        f"SECRET_KEY = '{draw(ALNUM + '!#%&', 50)}'",
        f"auth_token: {draw(HEX, 40)}",
        f"AccountKey={draw(ALNUM + '+/', 86)}==",
        f"encryption_key={draw(ALNUM, 44)}=",
        f"PGPASSWORD={draw(ALNUM, 14)}7 psql",
        f"x-api-key: {draw(ALNUM, 36)}",
        f'use "{draw(ALNUM, 40)}" to log in',
    ]
    return tokens + assigned


def _ordinary(count: int) -> list[str]:
    """Return what agents say to each other: paths, names, ids, numbers, code, and talk about secrets."""
    chance = random.Random(7)

    def pick(*words: str) -> str:
        return chance.choice(words)

    def path() -> str:
        return (
            pick("src", "tests", "lib/core", "packages/api/src")
            + "/"
            + pick("app", "auth_token", "secrets", "ledger_posting_rules")
            + pick(".py", ".ts", "/index.tsx", "_test.go")
        )

    def id() -> str:
        return "".join(chance.choices(HEX, k=pick_number(7, 10, 40)))

    def pick_number(*numbers: int) -> int:
        return chance.choice(numbers)

    shapes = [
        lambda: f"I changed {pick('post', 'parse_token', 'getUserCredentials')}() in {path()}:{chance.randrange(900)}",
        lambda: f"fixed in {id()}, please sync",
        lambda: f"commit {id()} breaks {path()}; revert or fix?",
        lambda: f"the token is {pick('refreshed', 'validated', 'an int now')} in {path()}",
        lambda: f"password: {pick('must be hashed with argon2', 'min. 12 characters', 'str, never logged')}",
        lambda: f"the secret {pick('lives in the vault', 'comes from the environment', 'is read by config.py')}",
        lambda: f"API_KEY={pick('$API_KEY', '${API_KEY}', '<your key>', 'os.environ[...]', 'changeme')} in the README",
        lambda: f"api_key = settings.{pick('API_KEY', 'api_key_for_tests')}",
        lambda: f"see https://example.org/{pick('docs', 'a/b')}?page={chance.randrange(9000)}#L{chance.randrange(99)}",
        lambda: f"run: pytest {path()}::test_{pick('login', 'token_expiry')} -k '{pick('not slow', 'auth')}'",
        lambda: f"uuid {id()[:8].ljust(8, '0')}-1111-4222-8333-{id()[:7]}00000 is the fixture's",
        lambda: f"sha256:{''.join(chance.choices(HEX, k=64))} is the image",
        lambda: f'"{pick("TransactionAlreadyPostedException", "IllegalArgumentExceptionHandler2")}" is raised',
        lambda: f"auth: {pick('uses OAuth2 now', 'AuthService.login(user, password)', 'cookie-based', 'bearer')}",
        lambda: f"task {id()[:8]} needs {path()} first; token {chance.randrange(500)} is mine",
        lambda: f"def reset_password(user: User, token: str) -> None:  # in {path()}",
        lambda: f"credentials: {pick('none are needed', 'see docs/setup.md', 'use the test account')}",
        lambda: f"git clone git@github.com:acme/{pick('ledger', 'web-frontend')}.git, {chance.randrange(1, 90)} min",
        lambda: f"port 8080 is taken, I use http://localhost:{chance.randrange(1024, 9999)}/api/v{chance.randrange(4)}",
        lambda: f"the migration {chance.randrange(10**13, 10**14)}_add_{pick('users', 'api_keys')} is renamed",
    ]  # fmt: skip
    return [chance.choice(shapes)() for _ in range(count)]


def test_at_least_95_percent_of_60_planted_secrets_are_found() -> None:
    planted = _planted()
    assert len(planted) == 60
    missed = [text for text in planted if not find_secret(f"for the tests use {text} please")]
    assert len(missed) <= 3, missed


def test_at_most_1_percent_of_2000_ordinary_messages_are_refused() -> None:
    refused = {text: found for text in _ordinary(2000) if (found := find_secret(text))}
    assert len(refused) <= 20, refused


@pytest.mark.parametrize(
    "command",
    [
        "DB_PASSWORD={} make seed", "export PGPASSWORD='{}'", "run it with --password {} once", "--passphrase={}",
        "sshpass -p {} ssh deploy@db", "curl -s -u admin:{} https://ci.example.org/job",
        "curl -u 'bob:{}' example.org", "mysql -u root -p{} ledger",
    ],
)  # fmt: skip
def test_a_short_password_that_a_program_is_given_is_found(command: str) -> None:
    assert find_secret(command.format("sunshine99")) == "a password"
    assert find_secret(command.format("hunter22x")) == "a password"
    for stand_in in ("$DB_PASSWORD", "<password>", "changeme1", "/run/secrets/db1", "hunter2", "prompted"):
        assert find_secret(command.format(stand_in)) == "", stand_in


@pytest.mark.parametrize(
    "text",
    [
        'password = "{}"', "password={}", "the config has passwd := '{}'.", "DB_PWD='{}'", '{{"password": "{}"}}',
        'user.secret = "{}"', "connect(user='x', password='{}')", "password={}, then restart",
    ],
)  # fmt: skip
def test_a_simple_password_that_is_assigned_is_found(text: str) -> None:
    for value in ("hunter2" * 2, "sunshine99"):
        assert find_secret(text.format(value)) == "a password", value
    for value in (
        "<password1>",
        "xxxxxxx1",
        "changeme1",
        "${DB_PASSWORD1}",
        "$PASSWORD12",
        "hunter2",
        "sunshine",
        "12345678",
    ):
        assert find_secret(text.format(value)) == "", value


@pytest.mark.parametrize(
    "text",
    [
        "password = os.environ['DB_PASSWORD_2']", "password = read_password(user2)", "secret = vault2.read('db')",
        "password=self.password2", "password = user2_password", "password: argon2id hashes",
        'secretName: "tls-2024-certificate"', 'secret: "db-credentials-v2"', "secret=sha256(text)",
    ],
)  # fmt: skip
def test_what_takes_a_password_from_elsewhere_is_none(text: str) -> None:
    assert find_secret(text) == ""


def test_a_refused_secret_is_nowhere_in_the_repository_nor_in_the_answer(bed: Bed) -> None:
    bed.join("alice")
    alice = bed.as_agent("alice")
    secret = _planted()[0]
    known = tasks.add(alice, "a task")
    for say in (
        lambda: messages.broadcast(alice, f"use {secret}"),
        lambda: messages.broadcast(alice, "use this", topic=secret),
        lambda: scratchpad.add_note(alice, secret),
        lambda: scratchpad.add_note(alice, "key", secret),
        lambda: tasks.add(alice, secret),
        lambda: tasks.add(alice, "t", acceptance=secret),
        lambda: tasks.finish(alice, known.id, secret),
        lambda: coordination.claim(alice, ["src"], reason=secret),
    ):
        with pytest.raises(SecretError) as refused:
            say()
        assert secret not in f"{refused.value.message} {refused.value.hint}"
    everything = ["git", "cat-file", "--batch-all-objects", "--batch", "--buffer"]
    objects = subprocess.run(everything, cwd=bed.repository, capture_output=True, check=True, timeout=60).stdout
    assert b"a task" in objects
    assert secret.encode() not in objects
    private = bed.repository / ".git" / "agentroom"
    assert [path for path in private.rglob("*") if path.is_file() and secret in path.read_text("latin-1")] == []


def test_ordinary_talk_does_not_import_the_library() -> None:
    code = (
        "import sys; from agentroom_git.room.secrets import find_secret;"
        "find_secret('the token is refreshed in src/app.py, see you');"
        "sys.exit(any(name.startswith(('detect_secrets', 'requests')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_every_detector_of_the_library_is_there() -> None:
    assert len(secrets._detectors()) == len(secrets._LIBRARY)


@pytest.mark.parametrize(
    "unit",
    [
        "password=",
        "a:b@",
        "://x:",
        "sk-",
        "token is ",
        "eyJ",
        "'A1" * 9,
        "gh",
        "curl -u a:",
        "mysql -p",
        "A_SECRET",
        "pwd = 'a",
    ],
)
def test_no_text_takes_long_to_judge(unit: str) -> None:
    find_secret((unit * 2000)[:2000])
