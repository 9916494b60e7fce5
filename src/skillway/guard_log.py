"""Which stops did this user meet, and how is a wrong one reported without telling more than is needed?

Reads the log that the hook keeps on this laptop; never writes it and never sends anything. Leaves posting an issue to
the person, who reads the draft first.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from skillway.errors import NotFoundError, UndecidedError

_NAMES = ("stops.1.jsonl", "stops.jsonl")
_SECRETS = (
    # What follows a name that says what it is, up to the end of the word or the quoted text.
    (
        re.compile(
            r"(?i)\b([\w-]*(?:token|secret|passw(?:or)?d|passwd|pwd|api[_-]?key|access[_-]?key|auth|credential)[\w-]*)"
            r"(\s*[=:]\s*|\s+)(?:(?:bearer|basic)\s+)?(\"[^\"]*\"|'[^']*'|[^\s\"';&|]+)"
        ),
        r"\1\2<secret>",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), r"\1 <secret>"),
    (re.compile(r"(\w[\w+.-]*://)[^\s/@:\"']+(?::[^\s/@\"']*)?@"), r"\1<user>@"),
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|sk-|xox[abprs]-|AKIA|ASIA|npm_|pypi-)[\w-]{8,}"), "<secret>"),
    (re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]+){1,2}"), "<secret>"),
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), "<address>"),
    (re.compile(r"(/home/|/Users/)[^\s/\"']+"), r"\1<user>"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"), "<ip>"),
    (re.compile(r"(?<![\w/-])(?=[\w+/-]*\d)(?=[\w+/-]*[A-Za-z])[\w+-]{28,}={0,2}"), "<long value>"),
)


@dataclass(frozen=True)
class LoggedStop:
    """One line of the log; `time` in seconds since 1970 UTC, `part` the text that was stopped."""

    id: str
    time: int
    tool: str
    rule: str
    decision: str
    part: str
    project: str


@dataclass(frozen=True)
class Frequent:
    """One rule's stops, most recent example last seen."""

    rule: str
    decision: str
    count: int
    projects: int
    example: LoggedStop


def log_folder() -> Path:
    """Give the folder of the hook's log, as `hooks/spool.py` chooses it."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "skillway-state" / "guard"
    xdg = os.environ.get("XDG_STATE_HOME", "")
    return (Path(xdg) if xdg.startswith("/") else Path.home() / ".local" / "state") / "skillway" / "guard"


def read_stops(folder: Path) -> tuple[list[LoggedStop], int]:
    """Read the log, oldest first, and count the lines of it that are torn or foreign.

    Raises:
        UndecidedError: The log is there and cannot be read, so nobody can say what is in it.
    """
    stops: list[LoggedStop] = []
    unreadable = 0
    for name in _NAMES:
        try:
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise UndecidedError(
                f"The log {folder / name} cannot be read ({error.strerror}).",
                fix="It belongs to the person whose stops it holds: run this as them, or give them the file back.",
            ) from error
        found = [_stop(line) for line in text.split("\n") if line.strip()]
        stops += [stop for stop in found if stop is not None]
        unreadable += found.count(None)
    return stops, unreadable


def _stop(line: str) -> LoggedStop | None:
    try:
        row = json.loads(line)
        texts = [row[key] for key in ("id", "tool", "rule", "decision", "part", "project")]
        time = row["time"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(time, int) or not all(isinstance(text, str) for text in texts):
        return None
    name, tool, rule, decision, part, project = texts
    return LoggedStop(name, time, tool, rule, decision, part, project)


def most_frequent(stops: list[LoggedStop], *, limit: int) -> list[Frequent]:
    """Give the rules that stopped most often, each with its latest stop."""
    counts = Counter(stop.rule for stop in stops)
    latest = {stop.rule: stop for stop in stops}
    projects = {rule: len({stop.project for stop in stops if stop.rule == rule}) for rule in counts}
    return [
        Frequent(rule, latest[rule].decision, count, projects[rule], latest[rule])
        for rule, count in counts.most_common(limit)
    ]


def count_policy_faults(folder: Path) -> int:
    """Count the tool calls during which a policy was wrong; the file's size is the number."""
    try:
        return (folder / "policy.faults").stat().st_size
    except OSError:
        return 0


def find_stop(stops: list[LoggedStop], name: str) -> LoggedStop:
    """Find a stop by its id or the beginning of it.

    Raises:
        NotFoundError: None or several have it.
    """
    found = [stop for stop in stops if stop.id.startswith(name)] if name else []
    if len(found) != 1:
        several = f"{len(found)} stops have an id that begins with {name!r}."
        none = f"No stop has the id {name!r}; the log has {len(stops) or 'none at all'}."
        raise NotFoundError(
            several if found else none,
            fix="Give the whole id of one; they are listed by: skillway guard report",
            next_actions=("skillway guard report",),
        )
    return found[0]


def redact(text: str) -> str:
    """Take out what looks like a secret, a person, an address or a machine; the command's shape stays."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def draft_issue(stop: LoggedStop, *, version: str) -> str:
    """Write an issue about a wrong stop, as Markdown.

    Args:
        stop: The stop.
        version: skillway's version.
    """
    part = redact(stop.part)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", part)), default=0))
    case = json.dumps({"command": part, "expect": "allow", "category": stop.rule + "-safe"}, ensure_ascii=False)
    return "\n".join([
        f"# Wrong stop: rule {stop.rule}",
        "",
        f"The guard said **{stop.decision}** to this {stop.tool} call (skillway {version}):",
        "",
        f"{fence}text",
        part,
        fence,
        "",
        "What it was for, and why it is harmless:",
        "",
        "(one sentence)",
        "",
        "As a line for a case list:",
        "",
        f"{fence}json",
        case,
        fence,
    ])  # fmt: skip
