"""Which pull request does a commit on the default branch stand for, and what did its description say?

Reads the messages that GitHub, GitLab, Bitbucket and Azure DevOps write when a pull request is merged or squashed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SQUASHED = re.compile(r"^(?P<title>.*\S)\s+\((?P<mark>[#!]\d+)\)$")
_GITHUB_MERGE = re.compile(r"^Merge pull request (#\d+) from \S+$")
_GITLAB_MERGE = re.compile(r"^Merge branch '.+' into '.+'$")
_GITLAB_NUMBER = re.compile(r"^See merge request \S*?(!\d+)$", re.MULTILINE)
_BITBUCKET = re.compile(r"^Merged in \S+ \(pull request (#\d+)\)$")
_AZURE = re.compile(r"^Merged PR (\d+): (.+)$")
_TRAILER = re.compile(r"^(?:[A-Z][A-Za-z]+(?:-[A-Za-z]+)+|Closes|Fixes): .+$|^See merge request \S+$")
_COMMIT_ITEM = re.compile(r"^[*-] \S")
_AGENT = re.compile(
    r"^co-authored-by:.*\b(?:claude|copilot|codex|cursor|devin|gemini|aider|amp|jules|openhands)\b"
    r"|generated (?:with|by) \[?(?:claude|copilot|codex|cursor|devin|gemini|aider)\b|^claude-session:|^assisted-by:.*\b(?:claude|gpt|gemini|codex)\b",
    re.IGNORECASE | re.MULTILINE,
)
_AGENT_NAME = re.compile(r"\b(?:claude|copilot|codex|devin|cursor ?agent|jules|openhands)\b", re.IGNORECASE)
_BOT_NAME = re.compile(
    r"\[bot\]|\b(?:dependabot|renovate|pre-commit-ci|github-actions|weblate|snyk|mergify|release-please)\b",
    re.IGNORECASE,
)
_AGENT_LINE = re.compile(r"^.{0,6}generated (?:with|by) .*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Merged:
    """What a message says: the pull request's number or None, its title, its description, and whether that is one."""

    number: str | None
    title: str
    body: str
    has_description: bool


def read_message(message: str, *, is_merge: bool) -> Merged | None:
    """Read the message of a commit on the default branch.

    Args:
        message: The whole message.
        is_merge: Whether the commit has more than one parent.

    Returns:
        The pull request, or None when the commit stands for none: one that was pushed directly, or a merge of
        another kind, such as of the default branch of a fork.
    """
    subject, _, rest = message.strip().partition("\n")
    subject, rest = subject.strip(), rest.strip()
    if is_merge:
        return _merged(subject, rest)
    squashed = _SQUASHED.match(subject)
    if squashed:
        body, has_description = _squash_body(strip_trailers(rest))
        return Merged(squashed["mark"], squashed["title"], body, has_description)
    azure = _AZURE.match(subject)
    return Merged(f"#{azure[1]}", azure[2], strip_trailers(rest), has_description=True) if azure else None


def _merged(subject: str, rest: str) -> Merged | None:
    github, bitbucket, azure = _GITHUB_MERGE.match(subject), _BITBUCKET.match(subject), _AZURE.match(subject)
    number = next((found[1] for found in (github, bitbucket) if found), None)
    if azure:
        return Merged(f"#{azure[1]}", azure[2], strip_trailers(rest), has_description=True)
    if number is None and _GITLAB_MERGE.match(subject):
        found = _GITLAB_NUMBER.search(rest)
        number = found[1] if found else None
    if number is None:
        return None
    title, _, body = rest.partition("\n")
    text = strip_trailers(body)
    # A merge commit of GitHub holds the title alone unless the repository is set up otherwise.
    return Merged(number, title.strip() or subject, text, has_description=bool(text) or not github)


def _squash_body(body: str) -> tuple[str, bool]:
    """Tell a description from the list of squashed commits, which GitHub writes when nobody chose otherwise.

    The list of one commit is that commit's message, and its text is what the description was made from; the list of
    several is nobody's description.
    """
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", body) if part.strip()]
    items = [part for part in paragraphs if _COMMIT_ITEM.match(part)]
    if not items or items[0] is not paragraphs[0] or "\n#" in f"\n{body}" or "\n" in items[0]:
        return body, True
    if len(items) > 1:
        return "", False
    text = strip_trailers("\n\n".join(paragraphs[1:]))
    return text, bool(text)


def strip_trailers(body: str) -> str:
    """Take trailers and the marks of tools off the end of a description; neither is anybody's words."""
    lines = body.replace("\r\n", "\n").strip().split("\n")
    while lines and (
        not lines[-1].strip()
        or _TRAILER.match(lines[-1].strip())
        or _AGENT_LINE.match(lines[-1])
        or lines[-1].strip() == "---------"
    ):
        lines.pop()
    return "\n".join(lines).strip()


def says_agent(message: str, author: str) -> bool:
    """Tell whether a message or its author's name says that an agent wrote the change."""
    return bool(_AGENT.search(message) or _AGENT_NAME.search(author))


def is_bot(author: str) -> bool:
    """Tell whether an author is an automation that nobody expects reasons from; agents are not meant."""
    return bool(_BOT_NAME.search(author)) and not _AGENT_NAME.search(author)
