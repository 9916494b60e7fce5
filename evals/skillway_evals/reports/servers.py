"""How does a build server show a result? JUnit's XML and SARIF 2.1.0.

What was not run is `skipped` in JUnit and a warning in SARIF, never a success that nobody looks at; an invalid run
is an error, a failed check a failure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from skillway import __version__

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_RULES = {
    "eval-check-failed": ("A check of a case did not hold", "error"),
    "eval-invalid": ("A run is no vote: the infrastructure failed", "warning"),
    "eval-not-run": ("Something was not run", "warning"),
    "eval-not-decided": ("A check could not be decided", "note"),
    "eval-trigger": ("A skill loaded when it should not, or did not when it should", "warning"),
}


def render_junit(data: dict[str, Any]) -> str:
    """Give one test suite per skill, one test case per case, arm, repeat and trigger."""
    root = ET.Element("testsuites")
    for suite in data["suites"]:
        element = ET.SubElement(root, "testsuite", name=_clean(suite["skill"]))
        properties = ET.SubElement(element, "properties")
        ET.SubElement(properties, "property", name="standing", value=_clean(suite["standing"]))
        counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        for name, kind, text in _tests(suite):
            case = ET.SubElement(element, "testcase", classname=_clean(suite["skill"]), name=_clean(name))
            counts["tests"] += 1
            if kind:
                counts[{"failure": "failures", "error": "errors", "skipped": "skipped"}[kind]] += 1
                first = _clean(text.partition("\n")[0])
                ET.SubElement(case, kind, message=first).text = _clean(text)
        for name, count in counts.items():
            element.set(name, str(count))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _tests(suite: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Give name, kind of trouble (or an empty text) and text of each test; what a scripted model said is no test."""
    if "fake" in suite["provenance"]:
        yield "not run", "skipped", suite["standing"]
        return
    for case in suite["cases"]:
        for run in case["runs"]:
            yield f"{case['id']} ({run['arm']}, {run['repeat'] + 1})", *_trouble(run)
    for trigger in suite["triggers"]:
        votes = trigger["fired"]
        if None in votes or not votes:
            yield f"trigger {trigger['id']}", "error", "\n".join(trigger["reasons"]) or "no vote"
        else:
            held = sum(vote is trigger["should"] for vote in votes) * 2 > len(votes)
            yield f"trigger {trigger['id']}", "" if held else "failure", "\n".join(trigger["reasons"])
    for reason, count in suite["missing"].items():
        yield f"not run: {count}", "skipped", reason
    if not suite["complete"] and not suite["missing"]:
        yield "not run", "skipped", "not everything that was planned has a result"


def _trouble(run: dict[str, Any]) -> tuple[str, str]:
    if not run["valid"]:
        return "error", run["reason"]
    lines = [f"{one['grader']}: {one['evidence']}" for one in run["results"] if one["passed"] is not True]
    if any(one["passed"] is False for one in run["results"]):
        # without the skill a check may fail, and that is what the arm is for
        return ("failure" if run["arm"] != "none" else ""), "\n".join(lines)
    return ("skipped" if lines else ""), "\n".join(lines)


def render_sarif(data: dict[str, Any]) -> str:
    """Give one run; each finding points at its case in cases.yaml or at the suite's triggers.yaml."""
    rules = [
        {"id": name, "shortDescription": {"text": text}, "defaultConfiguration": {"level": level}}
        for name, (text, level) in _RULES.items()
    ]
    results = [_result(*found) for suite in data["suites"] for found in _findings(suite)]
    driver = {"name": "skillway eval", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _findings(suite: dict[str, Any]) -> Iterator[tuple[str, str, int, str]]:
    """Give rule, file, line and message of each finding."""
    folder = "evals/suites/" + suite["skill"].replace(":", "/")
    cases = f"{folder}/cases.yaml"
    for case in suite["cases"]:
        for run in case["runs"]:
            where = f"{case['id']}, arm {run['arm']}, repeat {run['repeat'] + 1}"
            if not run["valid"]:
                yield "eval-invalid", cases, case["line"], f"{where}: {run['reason']}"
            for one in run["results"]:
                if one["passed"] is False and run["arm"] != "none":
                    yield "eval-check-failed", cases, case["line"], f"{where}: {one['grader']}: {one['evidence']}"
                elif one["passed"] is None:
                    yield "eval-not-decided", cases, case["line"], f"{where}: {one['grader']}: {one['evidence']}"
    for trigger in suite["triggers"]:
        wrong = [vote for vote in trigger["fired"] if vote is not None and vote is not trigger["should"]]
        if wrong:
            text = f"{trigger['id']}: {len(wrong)} of {len(trigger['fired'])} sessions: {'; '.join(trigger['reasons'])}"
            yield "eval-trigger", f"{folder}/triggers.yaml", 1, text
    for reason, count in suite["missing"].items():
        yield "eval-not-run", f"{folder}/suite.yaml", 1, f"{count} not run: {reason}"


def _result(rule: str, file: str, line: int, message: str) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": quote(file)}, "region": {"startLine": max(1, line)}}
    return {
        "ruleId": rule,
        "ruleIndex": list(_RULES).index(rule),
        "level": _RULES[rule][1],
        "message": {"text": message},
        "locations": [{"physicalLocation": place}],
    }


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
