"""Does a text say what must not leave: a secret anywhere, or one of the organisation's names on a public project?

Pure rules over texts. Where the names come from is `settings`' question, whether a project is public `forge`'s. A
secret's value is never repeated; an internal name is, because the author typed it and has to find it.
"""

from __future__ import annotations

import re
from typing import Mapping, Sequence

from findings import Finding, error, warning

_SECRETS = {
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[opsur]_[A-Za-z0-9]{36,}|github_pat_\w{40,})\b"),
    "a GitLab token": re.compile(r"\bglpat-[\w-]{20,}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[\w-]{10,}"),
    "an API key": re.compile(r"\bsk-[A-Za-z0-9_-]{24,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}


def find_secrets(title: str, body: str) -> list[Finding]:
    """Return an error for each kind of secret that title or description seem to hold."""
    return [
        error(
            "secret",
            f"Title or description hold what looks like {what}.",
            "Take it out, and replace the secret itself.",
        )
        for what, pattern in _SECRETS.items()
        if pattern.search(title) or pattern.search(body)
    ]


def names_in(text: str, names: Sequence[str]) -> list[str]:
    """Return the names that stand in a text as whole words, in any case; `.corp.example` also below a host name."""
    return [name for name in names if re.search(_word(name), text, re.IGNORECASE)]


def find_internal_names(words: str, pushed: Mapping[str, str], names: Sequence[str]) -> list[Finding]:
    """Return what of the organisation's names a public project would get.

    Args:
        words: Title and description, which are not sent yet: an error for each name.
        pushed: From what it is ("the branch") to its text. It is on the forge already, so only a warning.
        names: The organisation's names.
    """
    found = [
        error(
            "internal-name",
            f"Title or description say {name!r}, which is not for the public, and the project is public.",
            "Say it without the name.",
        )
        for name in names_in(words, names)
    ]
    for what, text in pushed.items():
        for name in names_in(text, names):
            message = f"{what} says {name!r}, which is not for the public, and the project is public."
            found.append(warning("internal-name-pushed", message, "Tell the user; it is on the forge already."))
    return found


def _word(name: str) -> str:
    before = r"(?<![\w-])" if name[:1].isalnum() else ""
    return before + re.escape(name) + r"(?![\w-])"
