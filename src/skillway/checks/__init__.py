"""What is wrong with content: rules over the catalog, each finding with what stands there and how to mend it.

Rules live in one module per subject and never read or write anything but what they are given; `run` brings the two
together. How findings are shown is `formats`' and the command's.
"""

from __future__ import annotations

from skillway.checks.rules import CLAUDE_CODE, ERROR, PORTABLE, PROFILES, RULES, WARNING, Finding, Rule
from skillway.checks.run import Report, check_catalog, check_path, check_repository, count

__all__ = [
    "CLAUDE_CODE",
    "ERROR",
    "PORTABLE",
    "PROFILES",
    "RULES",
    "WARNING",
    "Finding",
    "Report",
    "Rule",
    "check_catalog",
    "check_path",
    "check_repository",
    "count",
]
