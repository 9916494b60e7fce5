"""Rules about secrets: keys and tokens whose form says what they are.

Only forms that a service has published and that nothing else has; a text that is an example is left alone. The
secret itself is never shown again.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from skillway.catalog import Plugin, Problem
from skillway.catalog.reading import MAX_TEXT_BYTES
from skillway.checks.rules import ERROR, PLUGIN_CHECKS, TEXT_CHECKS, WARNING, Context, TextFile, define, on
from skillway_sync.manifest import MAX_FILE_BYTES

SUBJECT = "Texts"
_FORMS = {
    "an AWS access key": ("AKIA", r"(?<![A-Z0-9])AKIA[A-Z0-9]{16}(?![A-Z0-9])"),
    "an AWS session key": ("ASIA", r"(?<![A-Z0-9])ASIA[A-Z0-9]{16}(?![A-Z0-9])"),
    "a GitHub token": ("gh", r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b"),
    "a GitHub fine-grained token": ("github_pat_", r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b"),
    "a GitLab token": ("glpat-", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    "an Anthropic key": ("sk-ant-", r"\bsk-ant-[a-z0-9]{3,8}-[A-Za-z0-9_-]{40,}"),
    "an OpenAI key": (
        "sk-",
        r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}|\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
    ),
    "a Slack token": ("xox", r"\bxox[abeoprs]-(?:\d{6,}-){1,3}[A-Za-z0-9]{20,}"),
    "a Slack webhook": ("hooks.slack.com", r"hooks\.slack\.com/services/T[A-Z0-9]{7,}/B[A-Z0-9]{7,}/[A-Za-z0-9]{20,}"),
    "a Google key": ("AIza", r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    "a Stripe key": ("_live_", r"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    "an npm token": ("npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    "a PyPI token": ("pypi-", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}"),
    "a Hugging Face token": ("hf_", r"\bhf_[A-Za-z]{34}\b"),
    "a SendGrid key": ("SG.", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b"),
    "an AWS secret key": (
        "ecret",
        r"(?i:aws_?secret_?(?:access_?)?key)[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
    ),
    "a Honeycomb key": ("hca", r"\bhca(?:ik|lk|mk)_[a-z0-9]{50,}"),
    "a DigitalOcean token": ("do", r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    "a Shopify token": ("shp", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),
    "a Linear key": ("lin_api_", r"\blin_api_[A-Za-z0-9]{40}\b"),
    "an Atlassian token": ("ATATT3", r"\bATATT3[A-Za-z0-9_=-]{60,}"),
    "a Vault token": ("hvs.", r"\bhvs\.[A-Za-z0-9_-]{24,}"),
    "a Grafana token": ("glsa_", r"\bglsa_[A-Za-z0-9]{32}_[a-f0-9]{8}\b"),
    "a Databricks token": ("dapi", r"\bdapi[a-f0-9]{32}\b"),
    "a Twilio key": ("SK", r"(?<![A-Za-z0-9])SK[a-f0-9]{32}\b"),
    "a Telegram token": (":AA", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),
    "a Sentry token": ("sntry", r"\bsntry[su]_[A-Za-z0-9+/=_-]{40,}"),
    "a password in an address": ("://", r"\b[a-z][a-z+]{2,9}://[\w.-]+:[A-Za-z0-9!%_.~-]{12,}@[\w-]+\.[\w.-]+"),
    "a private key": (
        "PRIVATE KEY",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n|[A-Za-z-]+: [^\n]*\n)*[A-Za-z0-9+/=]{24,}",
    ),
}
_COMPILED = [(what, mark, re.compile(pattern)) for what, (mark, pattern) in _FORMS.items()]
_EXAMPLE = re.compile(
    r"example|placeholder|x{4,}|(.)\1{5,}|0123456789|1234567890|abcdefghij|a1b2c3|1a2b3c|your[_-]?|dummy|redacted",
    re.IGNORECASE,
)
_OVERLAP_CHARS = 4096
_LEAST_BITS = 2.8
"""Bits per character; random tokens of these forms have 3.5 and more, words and patterns less."""

_ASSIGNED = re.compile(
    r"(?i:(?:api[_-]?key|apikey|secret|token|passw(?:or)?d|passphrase|private[_-]?key|credential)[\w-]{0,40})"
    r"[\"']?\s*(?::=|=>|[:=])\s*[\"']?(?P<value>[A-Za-z0-9+/_=.~-]{20,128})(?=[\"'\s,;}]|$)",
    re.MULTILINE,
)
_NAMES = ("key", "KEY", "Key", "ecret", "ECRET", "oken", "OKEN", "assw", "ASSW", "assphrase", "redential", "REDENTIAL")
_LEAST_DIGITS = 2
_LEAST_CHANGES = 0.4
"""How often the kind of character changes, per character; random texts have about 0.6, names in code 0.2."""

_WORDS = re.compile(
    r"[a-z]{8}|[A-Z]{4,}_[A-Z]{3,}|[a-z]{3,}[._-][a-z]{3,}|/\w+/|\.\.\.|\.\w+\(|^eyJ[A-Za-z0-9]{1,40}\.*$"
)
_LEAST_RANDOM_BITS = 3.9
"""Bits per character that a value must have where only its name says that it is a secret; identifiers have less."""

SECRET = define(
    "secret",
    ERROR,
    "No key or token stands in a plugin",
    subject=SUBJECT,
    why="What ships is on every laptop and in the history of the repository. A secret that was there counts as known: "
    "revoke it first.",
    bad="GITHUB_TOKEN=ghp_… (40 characters)",
    good="GITHUB_TOKEN from the environment, or from the forge's own command line",
)


LIKELY = "a key or password"
SECRET_LIKELY = define(
    "secret-likely",
    WARNING,
    "No random value is given to a name such as token or password",
    subject=SUBJECT,
    why="Most keys have no form of their own; what is random and is called a secret mostly is one.",
    bad="api_token = '…' (40 random characters)",
    good="api_token = os.environ['TICKETS_TOKEN']",
)


@on(TEXT_CHECKS)
def find_secrets(text: TextFile, _context: Context) -> Iterator[Problem]:
    """Look for the published forms of secrets."""
    for what, match in _matches(text.text):
        line = text.text.count("\n", 0, match.start()) + 1
        column = match.start() - text.text.rfind("\n", 0, match.start())
        yield _problem(text.file, what, match[0], line, column)


@on(PLUGIN_CHECKS)
def find_secrets_in_large_files(plugin: Plugin, _context: Context) -> Iterator[Problem]:
    """Look through texts above the size that other rules read, in parts; what no laptop takes is not opened."""
    for file in plugin.files:
        if MAX_TEXT_BYTES < file.size <= MAX_FILE_BYTES:
            yield from _in_parts(file.absolute)


def _in_parts(path: Path) -> Iterator[Problem]:
    lines = 0
    before = ""
    told: set[str] = set()
    try:
        with path.open("rb") as source:
            while data := source.read(MAX_TEXT_BYTES):
                part = data.decode("latin-1")
                if not told and not lines and "\0" in part[:8192]:
                    return
                text = before + part
                for what, match in _matches(text):
                    if match[0] not in told:
                        told.add(match[0])
                        yield _problem(path, what, match[0], lines + text.count("\n", 0, match.start()) + 1, None)
                before = text[-_OVERLAP_CHARS:]
                lines += text.count("\n", 0, len(text) - len(before))
    except OSError:
        return  # told by the rule about what cannot be read


def _matches(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    for what, mark, pattern in _COMPILED:
        if mark in text:
            for match in pattern.finditer(text):
                if not is_example(match[0]):
                    yield what, match
    if any(name in text for name in _NAMES):
        for match in _ASSIGNED.finditer(text):
            if looks_random(match["value"]) and not _known_form(match[0]) and not is_example(match[0]):
                yield LIKELY, match


def _known_form(text: str) -> bool:
    return any(mark in text and pattern.search(text) for _, mark, pattern in _COMPILED)


def looks_random(value: str) -> bool:
    """Tell whether a value is as random as a generated one: digits among letters of both cases, and no words."""
    classes = ["d" if one.isdigit() else "u" if one.isupper() else "l" if one.islower() else "-" for one in value]
    changes = sum(one != other for one, other in pairwise(classes))
    if not {"d", "u", "l"} <= set(classes) or classes.count("d") < _LEAST_DIGITS or _WORDS.search(value):
        return False
    return changes >= _LEAST_CHANGES * len(value) and _bits(value) >= _LEAST_RANDOM_BITS


def _problem(file: Path, what: str, secret: str, line: int, column: int | None) -> Problem:
    fix = "Revoke it, then remove it; read it from the environment instead."
    seen = f"{secret[:4]}… ({len(secret)} characters)"
    rule = SECRET_LIKELY if what == LIKELY else SECRET
    message = f"The text holds what looks like {what}"
    return rule.at(file, message, fix, line=line, column=column, seen=seen)


def is_example(secret: str) -> bool:
    """Tell whether a text of a secret's form is a made-up one: says so itself, or is far from random."""
    if _EXAMPLE.search(secret):
        return True
    return _bits(secret) < _LEAST_BITS


def _bits(text: str) -> float:
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
