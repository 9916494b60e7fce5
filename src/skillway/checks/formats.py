"""How findings are shown: text with the line itself, SARIF 2.1.0 for code scanning, and GitHub's annotations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from skillway import __version__
from skillway.catalog import Problem
from skillway.catalog.reading import read_bytes
from skillway.checks.rules import ERROR, RULES, WARNING, Finding
from skillway.checks.run import Report

_WIDTH = 110
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_SHOWN_COUNTS = ("plugins", "skills", "agents", "commands", "hooks", "files")


def render_text(report: Report, *, limit: int = 0) -> str:
    """Show findings for a person: place, sentence, the line itself, what to do; then what was looked at.

    Args:
        report: What was found.
        limit: How many findings to show, errors first; 0 shows all.
    """
    lines: list[str] = []
    excerpts = _Excerpts(report.root)
    shown = report.findings
    if limit and len(shown) > limit:
        most_urgent = set(sorted(shown, key=lambda finding: finding.severity != ERROR)[:limit])
        shown = tuple(finding for finding in shown if finding in most_urgent)
    for finding in shown:
        place = ":".join(str(part) for part in (finding.file, finding.line, finding.column) if part is not None)
        lines.append(_visible(f"{place}: {finding.severity}: {finding.message}. [{finding.rule}]"))
        lines.extend(excerpts.show(finding))
        lines.append(_visible(f"    fix: {finding.fix}"))
        lines.append("")
    if len(shown) < len(report.findings):
        lines.append(f"… and {len(report.findings) - len(shown)} more; --limit 0 shows all")
    lines.append(summarise(report))
    return "\n".join(lines)


def summarise(report: Report) -> str:
    """Say in one line what was looked at and how much was found."""
    looked_at = ", ".join(_number(report.counts[kind], kind) for kind in _SHOWN_COUNTS if report.counts[kind])
    errors, warnings = report.count(ERROR), report.count(WARNING)
    found = ", ".join(_number(n, f"{kind}s") for n, kind in ((errors, ERROR), (warnings, WARNING)) if n)
    return f"{found or 'no findings'} in {looked_at or 'nothing'}"


def _number(number: int, plural: str) -> str:
    return f"{number} {plural.removesuffix('s') if number == 1 else plural}"


class _Excerpts:
    """Gives the line of a finding; each file is read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, list[str]] = {}

    def show(self, finding: Finding) -> Iterator[str]:
        if finding.line is None or finding.rule in ("secret", "secret-likely"):  # a secret is not shown a second time
            return
        if finding.file not in self._files:
            data = read_bytes(self._root / finding.file)
            self._files[finding.file] = [] if isinstance(data, Problem) else data.decode("utf-8", "replace").split("\n")
        lines = self._files[finding.file]
        text = lines[finding.line - 1].rstrip() if finding.line <= len(lines) else ""
        if not text.strip():
            return
        start = max(0, (finding.column or 1) - _WIDTH // 2) if len(text) > _WIDTH else 0
        yield f"    {finding.line} | {_visible(text[start : start + _WIDTH])}"
        if finding.column and finding.column - 1 - start <= _WIDTH:
            yield " " * (4 + len(str(finding.line))) + " | " + " " * (finding.column - 1 - start) + "^"


def _visible(text: str) -> str:
    """Show control and hidden characters as a sign, so that an excerpt cannot act on the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def render_github(findings: Iterable[Finding]) -> str:
    """Give one workflow command per finding, which GitHub shows beside the line."""
    lines = []
    for finding in findings:
        fields = {
            "file": finding.file,
            "line": finding.line,
            "col": finding.column,
            "title": f"skillway {finding.rule}",
        }
        given = ",".join(
            f"{key}={_escape(str(value), more=':,')}" for key, value in fields.items() if value is not None
        )
        lines.append(f"::{finding.severity} {given}::{_escape(f'{finding.message}. {finding.fix}')}")
    return "\n".join(lines)


def _escape(text: str, *, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def render_sarif(report: Report) -> str:
    """Give a SARIF 2.1.0 log with one run; rules that found nothing are listed too, so that fixed alerts close."""
    identifiers = list(RULES)
    rules = [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.why},
            "defaultConfiguration": {"level": rule.severity},
            "help": {"text": f"Bad:\n{rule.bad}\n\nGood:\n{rule.good}"},
        }
        for rule in RULES.values()
    ]
    results = [_result(finding, identifiers.index(finding.rule)) for finding in report.findings]
    driver = {"name": "skillway", "version": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "originalUriBaseIds": {"ROOT": {"uri": report.root.as_uri() + "/"}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _result(finding: Finding, index: int) -> dict[str, Any]:
    from urllib.parse import quote  # noqa: PLC0415 - only SARIF pays for it

    region = {"startLine": finding.line, "startColumn": finding.column or 1} if finding.line else None
    location: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.file), "uriBaseId": "ROOT"}}
    if region:
        location["region"] = region
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.severity,
        "message": {"text": f"{finding.message}. {finding.fix}"},
        "locations": [{"physicalLocation": location}],
    }
