"""Secrets in what is said: refused before any git object is written, as what a log has once can't be taken back.

Tokens that say what they are, and passwords in URLs and assignments, are told by rules of our own; what those pass is
shown to detect-secrets, if there is anything in it that could be a secret at all: importing it takes 0.15 to 0.3 s, and
ordinary talk must not pay that. Its keyword rule is left out: it takes every "password: ..." of a discussion for one.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Protocol

from agentroom_git.errors import UsageError

# Prefixes that the issuers document. detect-secrets 1.5 knows the older forms of some of them.
_TOKENS = {
    "a GitHub token": r"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{40,}",
    "a GitLab token": r"gl(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_-]{20,}",
    "an OpenAI or Anthropic key": r"sk-(?:ant-|proj-|svcacct-|admin-|or-)?[A-Za-z0-9_-]{32,}",
    "an AWS access key": r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
    "a Google key": r"AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{30,}|GOCSPX-[A-Za-z0-9_-]{20,}",
    "a Slack token": r"xox[abeoprs]-[A-Za-z0-9-]{20,}|xapp-\d-[A-Za-z0-9-]{20,}",
    "a Slack hook": r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}",
    "a Stripe key": r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,}",
    "an npm token": r"npm_[A-Za-z0-9]{36}",
    "a PyPI token": r"pypi-[A-Za-z0-9_-]{50,}",
    "a Hugging Face token": r"hf_[A-Za-z0-9]{30,}",
    "a SendGrid key": r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}",
    "a DigitalOcean token": r"do[opr]_v1_[a-f0-9]{64}",
    "a Shopify token": r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    "a Telegram token": r"\d{8,10}:AA[A-Za-z0-9_-]{32,}",
    "a Discord hook": r"discord(?:app)?\.com/api/webhooks/\d{10,}/[A-Za-z0-9_-]{40,}",
    "a Vault token": r"hv[sbr]\.[A-Za-z0-9_-]{24,}",
    "a Databricks token": r"dapi[a-f0-9]{32}",
    "a Linear key": r"lin_api_[A-Za-z0-9]{32,}",
    "a Docker token": r"dckr_pat_[A-Za-z0-9_-]{24,}",
    "an age key": r"AGE-SECRET-KEY-1[A-Z0-9]{50,}",
    "a private key": r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d",
    "a JSON web token": r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "an authorization header": r"(?i:authorization:\s*(?:basic|bearer|token)\s+)[A-Za-z0-9+/_.=-]{16,}",
}
_KNOWN = [(what, re.compile(rf"(?<![A-Za-z0-9_-])(?:{pattern})")) for what, pattern in _TOKENS.items()]
_URL_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,64}:(?P<value>[^\s/@]{3,128})@[\w.-]")
_NAMES = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|auth|cookie|signature"
    r"|(?:api|access|account|auth|client|encryption|private|secret|service|shared|signing)[_-]?key"
)
_ASSIGNED = re.compile(
    rf"(?i)(?:[\w-]*[_-])?(?:{_NAMES})(?:[_-]\w+)?[\"'\])]*\s*(?:=>|:=|==?|:|\bis\b)\s*[\"'`]?(?P<value>[^\s\"'`,;]{{8,256}})"
)
# Where a program takes a password from: what stands there is one, also a short one made of a word and a number.
_GIVEN = re.compile(
    r"(?:\b[A-Z0-9_]{0,40}(?:PASSWORD|PASSWD|PASSPHRASE|_PASS|_PWD|_SECRET)="
    r"|--(?:password|passwd|passphrase)[= ]"
    r"|\bsshpass -p ?"
    r"|\b(?:curl|wget|http)\b[^\n]{0,200}? (?:-u|--user)[= ]?[\"']?[\w.@+-]{1,64}:"
    r"|\bmysql[a-z]{0,8}\b[^\n]{0,200}? -p)[\"']?(?P<value>[^\s\"'`,;]{6,256})"
)
# A password as it stands in a program or in settings: between quotes, or bare where it is no expression and no path.
_LITERAL = re.compile(
    r"(?i)(?:password|passwd|passphrase|pwd|secret)[\"'\])]{0,3}\s{0,8}(?:(?:=>|:=|==?|:)\s{0,8}"
    r"(?P<quote>[\"'`])(?P<quoted>[^\s\"'`]{8,256})(?P=quote)"
    r"|(?::=|=)\s{0,8}(?P<bare>[^\s\"'`,;&=()\[\]{}<>./_$]{8,256})(?![\w(\[{/$<]|\.\w))"
)
# Shown in place of a password in documentation and examples.
_STAND_IN = re.compile(
    r"(?i)^(?:\$|%|<|\{|\[|x{3,}|\*{3,}|\.{3}|your|my|the|some|example|changeme|change_me|placeholder|password|secret"
    r"|hunter2(?!\w)|dummy|fake|redacted|none|null|true|false|env|os\.|process\.|settings\.|config|self\.|get|str\b)"
)
_COULD_BE = re.compile(r"[A-Za-z0-9+/=_-]{20,}|://[^\s/]*:[^\s/]*@|BEGIN ")
# A secret between quotes, or one that stands alone: random enough, and neither an object id nor words.
_QUOTED = re.compile(r"(?P<quote>[\"'`])(?P<value>[A-Za-z0-9+/=_-]{24,})(?P=quote)")
_LIBRARY = (
    "artifactory.ArtifactoryDetector", "aws.AWSKeyDetector", "azure_storage_key.AzureStorageKeyDetector",
    "basic_auth.BasicAuthDetector", "cloudant.CloudantDetector", "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector", "gitlab_token.GitLabTokenDetector", "ibm_cloud_iam.IbmCloudIamDetector",
    "ibm_cos_hmac.IbmCosHmacDetector", "jwt.JwtTokenDetector", "mailchimp.MailchimpDetector", "npm.NpmDetector",
    "openai.OpenAIDetector", "private_key.PrivateKeyDetector", "pypi_token.PypiTokenDetector",
    "sendgrid.SendGridDetector", "slack.SlackDetector", "softlayer.SoftlayerDetector",
    "square_oauth.SquareOAuthDetector", "stripe.StripeDetector", "telegram_token.TelegramBotTokenDetector",
    "twilio.TwilioKeyDetector",
)  # fmt: skip


class SecretError(UsageError):
    """Something was to be said that looks like a secret."""


class _Detector(Protocol):
    secret_type: str

    def analyze_string(self, string: str) -> Iterator[str]: ...


def refuse_secrets(text: str, what: str = "the text") -> None:
    """Raise `SecretError`, which does not repeat the secret, where the text looks as if it held one."""
    found = find_secret(text)
    if found:
        raise SecretError(
            f"{what} looks as if it held {found}", hint="say where it is kept instead; what is said stays in the log"
        )


def find_token(text: str) -> str:
    """Return what kind of token or key that says what it is the text holds, or an empty text; code may say `token`."""
    return next((what for what, pattern in _KNOWN if pattern.search(text)), "")


def find_secret(text: str) -> str:
    """Return what kind of secret the text seems to hold, or an empty text."""
    token = find_token(text)
    if token:
        return token
    if any(not _STAND_IN.match(found["value"]) for found in _URL_PASSWORD.finditer(text)):
        return "a password in a URL"
    if any(_is_secret_value(found["value"]) for found in _ASSIGNED.finditer(text)):
        return "a password or key"
    if any(_is_literal(found["quoted"] or found["bare"]) for found in _LITERAL.finditer(text)):
        return "a password"
    if any(_is_given_value(found["value"]) for found in _GIVEN.finditer(text)):
        return "a password"
    if any(_is_random(found["value"], 4.0) for found in _QUOTED.finditer(text)):
        return "a random key"
    return _ask_library(text) if _COULD_BE.search(text) else ""


def _is_secret_value(value: str) -> bool:
    """Return whether what is assigned to a name such as `password` is one: letters mixed with digits or signs."""
    value = value.rstrip(".,:;)]}>")
    if len(value) < 8 or _STAND_IN.match(value) or "/" in value[:2] or "(" in value:
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in (r"[a-z]", r"[A-Z]", r"\d", r"[^A-Za-z0-9_.-]"))
    return (kinds >= 3 and _entropy(value) >= 2.5) or _is_random(value, 3.2)


def _is_given_value(value: str) -> bool:
    """Return whether a password that a program is given is meant: letters and digits, and nothing to be filled in."""
    is_mixed = re.search(r"\d", value) is not None and re.search(r"[A-Za-z]", value) is not None
    return is_mixed and not _STAND_IN.match(value) and "/" not in value[:2] and "(" not in value


def _is_literal(value: str) -> bool:
    """Return whether a text assigned to a password is one, also a simple one: no name made of words, and no path."""
    return _is_given_value(value) and "/" not in value and not re.search(r"[a-z]+[_-][a-z]+", value)


def _is_random(value: str, bits: float) -> bool:
    """Return whether the text is drawn at random: digits among letters, many different ones, and no object id."""
    if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f-]{36}", value) and bits >= 4.0:
        return False
    mixed = re.search(r"\d", value) is not None and re.search(r"[A-Za-z]", value) is not None
    return mixed and len(value) >= 16 and _entropy(value) >= bits and not re.search(r"[a-z]+[_-][a-z]+[_-]", value)


def _entropy(text: str) -> float:
    """Return the bits per character of the text by Shannon's measure."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def _ask_library(text: str) -> str:
    for detector in _detectors():
        for line in text.splitlines():
            if any(True for _ in detector.analyze_string(line)):
                return f"a secret ({detector.secret_type})"
    return ""


@cache
def _detectors() -> tuple[_Detector, ...]:
    import importlib  # noqa: PLC0415

    made = []
    for name in _LIBRARY:
        module, _, detector = name.partition(".")
        made.append(getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), detector)())
    return tuple(made)
