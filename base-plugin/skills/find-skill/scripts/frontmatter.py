"""What does the head of a SKILL.md say? The few forms of YAML that heads are written in, without a YAML library.

Texts only: plain, quoted, over several lines, and block scalars. What has another form is left out, never guessed.
"""

from __future__ import annotations

import json
import re
from typing import Dict, List

_KEY = re.compile(r"([A-Za-z_][\w-]*):(?:[ \t]+(.*))?$")
_BLOCK = re.compile(r"[|>][+-]?[0-9]?\s*(?:#.*)?$")


def read_head(text: str) -> Dict[str, str]:
    """Give the texts of a head by key.

    Raises:
        ValueError: There is no head, or it does not end.
    """
    lines = text.replace("\r\n", "\n").lstrip("\ufeff").split("\n")
    if lines[0].rstrip() != "---":
        raise ValueError("has no frontmatter")
    end = next((index for index, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
    if end is None:
        raise ValueError("has a frontmatter without an end")
    found: Dict[str, str] = {}
    key, block = "", []  # type: str, List[str]
    for line in [*lines[1:end], "end:"]:
        opening = _KEY.match(line)
        if not opening:
            block.append(line)
            continue
        if key:
            found[key] = _value(block)
        key, block = opening[1], [opening[2] or ""]
    return found


def _value(lines: List[str]) -> str:
    first = lines[0].strip()
    if _BLOCK.match(first):
        separator = "\n" if first[0] == "|" else " "
        return separator.join(line.strip() for line in lines[1:]).strip()
    text = " ".join(line.strip() for line in lines if not line.lstrip().startswith("#") or line is lines[0]).strip()
    if text.startswith('"'):
        return _double_quoted(text)
    if text.startswith("'"):
        closing = re.match(r"'((?:[^']|'')*)'", text)
        return closing[1].replace("''", "'") if closing else ""
    return re.split(r"\s#", text, maxsplit=1)[0].strip()


def _double_quoted(text: str) -> str:
    closing = re.match(r'"(?:[^"\\]|\\.)*"', text)
    if not closing:
        return ""
    try:
        return str(json.loads(closing[0], strict=False))
    except ValueError:
        return closing[0][1:-1]  # an escape of YAML that JSON does not know; the words are still there
