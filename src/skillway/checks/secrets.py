"""Rules about secrets: keys and tokens whose form says what they are.

Only forms that a service has published and that nothing else has; a text that is an example is left alone. The
secret itself is never shown again.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from skillway.catalog import Problem
from skillway.checks.rules import ERROR, TEXT_CHECKS, Context, TextFile, define, on

SUBJECT = "Texts"
_FORMS = {
    "an AWS access key": ("AKIA", r"(?<![A-Z0-9])AKIA[A-Z2-7]{16}(?![A-Z0-9])"),
    "an AWS session key": ("ASIA", r"(?<![A-Z0-9])ASIA[A-Z2-7]{16}(?![A-Z0-9])"),
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
    "a private key": (
        "PRIVATE KEY",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\s*\n(?:[A-Za-z-]+: .*\n|\s*\n)*[ \t]*[A-Za-z0-9+/=]{40,}",
    ),
}
_COMPILED = [(what, mark, re.compile(pattern)) for what, (mark, pattern) in _FORMS.items()]
_EXAMPLE = re.compile(
    r"example|placeholder|x{4,}|(.)\1{5,}|0123456789|1234567890|abcdefghij|a1b2c3|1a2b3c|your[_-]?|dummy|redacted",
    re.IGNORECASE,
)
_LEAST_BITS = 2.8
"""Bits per character; random tokens of these forms have 3.5 and more, words and patterns less."""

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


@on(TEXT_CHECKS)
def find_secrets(text: TextFile, _context: Context) -> Iterator[Problem]:
    """Look for the published forms of secrets."""
    for what, mark, pattern in _COMPILED:
        if mark not in text.text:
            continue
        for match in pattern.finditer(text.text):
            if is_example(match[0]):
                continue
            line = text.text.count("\n", 0, match.start()) + 1
            column = match.start() - text.text.rfind("\n", 0, match.start())
            message = f"The text holds what looks like {what}"
            fix = "Revoke it, then remove it; read it from the environment instead."
            yield SECRET.at(
                text.file, message, fix, line=line, column=column, seen=f"{match[0][:4]}… ({len(match[0])} characters)"
            )


def is_example(secret: str) -> bool:
    """Tell whether a text of a secret's form is a made-up one: says so itself, or is far from random."""
    if _EXAMPLE.search(secret):
        return True
    length = len(secret)
    return -sum(n / length * math.log2(n / length) for n in Counter(secret).values()) < _LEAST_BITS
