"""How findings are shown to a build server: JUnit's XML, one test case per rule and file."""

from __future__ import annotations

import re
from collections import defaultdict
from xml.etree import ElementTree as ET

from skillway.checks.rules import ERROR, Finding
from skillway.checks.run import Report

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(report: Report, *, strict: bool = False) -> str:
    """Give one suite: a case per rule and file with findings, and one that passes when there is none.

    Errors are failures; warnings are told in `system-out`, and are failures with `strict`.
    """
    cases: defaultdict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in report.findings:
        cases[finding.file, finding.rule].append(finding)
    failed = sum(any(_fails(finding, strict) for finding in found) for found in cases.values())
    suite = ET.Element("testsuite", name="skillway check", tests=str(len(cases) or 1), failures=str(failed), errors="0")
    for (file, rule), found in cases.items():
        case = ET.SubElement(suite, "testcase", classname=_clean(file), name=rule, file=_clean(file))
        text = "\n".join(_clean(f"{one.file}:{one.line or 1}: {one.message}. {one.fix}") for one in found)
        if any(_fails(finding, strict) for finding in found):
            ET.SubElement(case, "failure", type=found[0].severity, message=_clean(found[0].message)).text = text
        else:
            ET.SubElement(case, "system-out").text = text
    if not cases:
        ET.SubElement(suite, "testcase", classname="skillway", name="check")
    root = ET.Element("testsuites")
    root.append(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _fails(finding: Finding, strict: bool) -> bool:
    return strict or finding.severity == ERROR


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
