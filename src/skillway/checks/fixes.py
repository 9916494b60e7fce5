"""What can be mended without a decision: byte order marks, line ends, modes, misspelt keys, blanks around names.

Only what has one meaning: a key is renamed when one known key alone is near and does not stand there already. Planned
from findings, shown as a diff, written by replacing whole files. What needs judgement stays with the author.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from skillway.catalog import Problem
from skillway.catalog.frontmatter import parse_frontmatter
from skillway.catalog.reading import BOM, read_bytes
from skillway.checks.rules import Finding
from skillway.errors import ConflictError

_KEY_RULES = (
    "frontmatter-key-unknown",
    "plugin-key-unknown",
    "hook-key-unknown",
    "mcp-key-unknown",
    "settings-key-unknown",
)
_NAME_RULES = ("skill-name-folder", "plugin-name")
FIXABLE = frozenset({"file-bom", "text-crlf", "script-crlf", "script-not-executable", *_KEY_RULES, *_NAME_RULES})
"""Rules of which findings may be mended by this module."""

_RUN_BITS = 0o111


@dataclass(frozen=True, slots=True)
class Fix:
    """One file to be mended. `before` and `after` are its bytes; `makes_executable` is about its mode."""

    file: Path
    name: str
    rules: tuple[str, ...]
    before: bytes
    after: bytes
    makes_executable: bool

    def diff(self) -> str:
        """Give the change as a unified diff, a changed mode as git writes it."""
        lines = [f"--- a/{self.name}", f"+++ b/{self.name}"]
        if self.makes_executable:
            lines = ["old mode 100644", "new mode 100755", *(lines if self.before != self.after else [])]
        before, after = (_shown(data).split("\n") for data in (self.before, self.after))
        lines.extend(list(difflib.unified_diff(before, after, lineterm="", n=1))[2:])
        return "\n".join([f"diff a/{self.name} b/{self.name}", *lines])


def _shown(data: bytes) -> str:
    """Make line ends and marks visible, which a diff would hide."""
    return data.decode("utf-8", "replace").replace("\r", "␍").replace(BOM, "<U+FEFF>")


def plan_fixes(root: Path, findings: Iterable[Finding]) -> list[Fix]:
    """Work out what to write; files that cannot be read, or stand behind a link, are left alone."""
    by_file: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.rule in FIXABLE:
            by_file.setdefault(finding.file, []).append(finding)
    fixes = [_plan(root / name, name, found) for name, found in by_file.items()]
    return [fix for fix in fixes if fix is not None]


def _plan(file: Path, name: str, findings: list[Finding]) -> Fix | None:
    data = read_bytes(file)
    if isinstance(data, Problem) or file.is_symlink():
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    rules: list[str] = []
    mended = text
    for finding in findings:
        changed = _mend(mended, finding)
        if changed != mended:
            rules.append(finding.rule)
            mended = changed
    makes_executable = any(one.rule == "script-not-executable" for one in findings) and mended.startswith("#!")
    if makes_executable:
        rules.append("script-not-executable")
    if not rules:
        return None
    return Fix(file, name, tuple(dict.fromkeys(rules)), data, mended.encode(), makes_executable)


def _mend(text: str, finding: Finding) -> str:
    if finding.rule == "file-bom":
        return text.removeprefix(BOM)
    if finding.rule in ("text-crlf", "script-crlf"):
        return text.replace("\r\n", "\n")
    if finding.rule in _KEY_RULES and finding.seen and finding.expected and finding.line:
        rename = _rename_yaml_key if finding.rule.startswith("frontmatter") else _rename_json_key
        return rename(text, finding.line, finding.seen, finding.expected)
    if finding.rule in _NAME_RULES and finding.seen is not None and finding.line:
        return _strip_name(text, finding.line)
    return text


def _rename_yaml_key(text: str, line: int, old: str, new: str) -> str:
    if new in parse_frontmatter(text.removeprefix(BOM)).lines:
        return text
    return _in_line(text, line, rf"^{re.escape(old)}(?=[ \t]*:)", new)


def _rename_json_key(text: str, line: int, old: str, new: str) -> str:
    is_ambiguous = f'"{new}"' in text or text.count(json.dumps(old)) != 1
    if is_ambiguous:
        return text
    # a hook's or server's finding names the line where it starts, and the key stands on that one or below
    return re.sub(rf"{re.escape(json.dumps(old))}(?=\s*:)", json.dumps(new), text) if line else text


def _strip_name(text: str, line: int) -> str:
    """Take blanks out of the ends of a quoted name; a name that is wrong in another way is the author's to change."""
    return _in_line(
        text, line, r"(?<=[:\s])([\"'])[ \t]*([a-z0-9]+(?:-[a-z0-9]+)*)[ \t]*\1(?=[ \t]*,?[ \t]*\r?$)", r"\1\2\1"
    )


def _in_line(text: str, line: int, pattern: str, replacement: str) -> str:
    lines = text.split("\n")
    if line > len(lines):
        return text
    lines[line - 1] = re.sub(pattern, replacement, lines[line - 1], count=1)
    return "\n".join(lines)


def apply_fixes(fixes: Iterable[Fix]) -> None:
    """Write the files, each at once: a reader sees the old or the new one, never a part.

    Raises:
        ConflictError: A file has changed since it was read; it and all later ones are left as they are.
        OSError: The disk refused; files before this one are mended, this one is as it was.
    """
    for fix in fixes:
        if read_bytes(fix.file) != fix.before:
            message = f"{fix.name} has changed while it was checked, so it was left alone."
            raise ConflictError(message, fix="Run skillway check --fix again.")
        mode = fix.file.stat().st_mode & 0o7777
        if fix.makes_executable:
            mode |= _RUN_BITS
        if fix.after == fix.before:
            fix.file.chmod(mode)
        else:
            _replace(fix.file, fix.after, mode)


def _replace(file: Path, data: bytes, mode: int) -> None:
    descriptor, name = tempfile.mkstemp(prefix=".skillway-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(data)
            target.flush()
            os.fsync(target.fileno())
        Path(name).chmod(mode)
        Path(name).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
