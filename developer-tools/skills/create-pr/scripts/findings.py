"""What a check found: one shape for every rule, with a severity that decides whether anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that a reviewer would stumble over: what it is, where, and what to do about it."""

    rule: str
    severity: str
    message: str
    fix: str


def error(rule: str, message: str, fix: str) -> Finding:
    """Return a finding that stops the pull request."""
    return Finding(rule, ERROR, message, fix)


def warning(rule: str, message: str, fix: str) -> Finding:
    """Return a finding that is shown and stops nothing."""
    return Finding(rule, WARNING, message, fix)
