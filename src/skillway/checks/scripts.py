"""Rules about scripts: Python and shell files parse, with line ends that an interpreter takes."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from skillway.catalog import Problem
from skillway.checks.links import is_for_authors
from skillway.checks.rules import ERROR, TEXT_CHECKS, WARNING, Context, TextFile, define, on

SUBJECT = "Scripts"
OLDEST_PYTHON = (3, 9)
"""What the interpreter on a laptop may be, Apple's above all."""

MAX_PARSED_CHARS = 512 * 1024
_SHEBANG = re.compile(r"#![ \t]*\S*?(?:/env[ \t]+(?:-S[ \t]+)?)?([A-Za-z]+)[0-9.]*(?:[ \t].*)?$", re.MULTILINE)
_LINE = re.compile(r":(?: line)? (\d+): (.*)")
_SECONDS = 60
# One shell starts all the parsers: a Python process per script would cost ten times as much.
_LOOP = 'shell=$1; shift; for f; do m=$("$shell" -n -- "$f" 2>&1) || printf "%s\\0%s\\0" "$f" "$m"; done'

PYTHON = define(
    "script-python",
    ERROR,
    "A Python script parses as Python 3.9",
    subject=SUBJECT,
    why="Hooks and scripts run with the laptop's own interpreter, which may be 3.9; a syntax error there is a hook that "
    "never acts.",
    bad="match status:\n    case 'open': ...",
    good="if status == 'open': ...",
    outside=WARNING,
)
SHELL = define(
    "script-shell",
    ERROR,
    "A shell script parses",
    subject=SUBJECT,
    why="`sh -n` says at the desk what the user would see otherwise.",
    bad="if [ -r x ]; then\n  echo yes",
    good="if [ -r x ]; then\n  echo yes\nfi",
    outside=WARNING,
)
CRLF = define(
    "script-crlf",
    ERROR,
    "A script has Unix line ends",
    subject=SUBJECT,
    why="With CRLF the first line names an interpreter that ends in a carriage return, which does not exist.",
    bad="#!/bin/sh\\r\\n",
    good="#!/bin/sh\\n",
    outside=WARNING,
)


def interpreter(path: str, text: str) -> str | None:
    """Tell which interpreter a script is for: `python`, `sh`, `bash`, another's name, or None for no script."""
    shebang = _SHEBANG.match(text)
    if shebang:
        return shebang[1]
    name = path.rpartition("/")[2]
    if name.endswith(".py"):
        return "python"
    if name.endswith((".sh", ".bash")):
        return "bash" if name.endswith(".bash") else "sh"
    return None


@on(TEXT_CHECKS)
def find_unparsable_python(text: TextFile, context: Context) -> Iterator[Problem]:
    """Parse Python files that ship; nothing is executed."""
    if text.plugin is not None and is_for_authors(text.path, context):
        return  # a test's fixture may be broken on purpose
    if len(text.text) > MAX_PARSED_CHARS or interpreter(text.path, text.text) not in ("python", "uv"):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text.text, feature_version=OLDEST_PYTHON if text.is_ours else None)
    except SyntaxError as error:
        seen = (error.text or "").strip() or None
        message = f"The script is not Python {'3.9' if text.is_ours else '3'}: {error.msg}"
        yield PYTHON.at(text.file, message, "Mend that line.", line=error.lineno, column=error.offset, seen=seen)
    except (ValueError, RecursionError, MemoryError) as error:
        yield PYTHON.at(text.file, f"The script cannot be parsed: {error}", "Mend or shorten it.", line=1)


@on(TEXT_CHECKS)
def find_windows_line_ends(text: TextFile, _context: Context) -> Iterator[Problem]:
    """Look for a carriage return in the first line of a script."""
    end = text.text.find("\n")
    if end > 0 and text.text[end - 1] == "\r" and text.text.startswith("#!"):
        message = "The script has Windows line ends, so the interpreter that it names is not found"
        yield CRLF.at(text.file, message, "Save it with LF line ends.", line=1, seen="CR LF", expected="LF")


def find_unparsable_shell(files: Iterable[tuple[Path, str]]) -> Iterator[Problem]:
    """Let shells parse shell scripts, all scripts of one shell by one process.

    Args:
        files: Pairs of a file and its interpreter, `sh` or `bash`. Where that shell is not installed, its files are
            not looked at.
    """
    for shell in ("sh", "bash"):
        program = shutil.which(shell)
        paths = [str(path) for path, name in files if name == shell]
        if not program or not paths:
            continue
        try:
            run = subprocess.run(
                ["/bin/sh", "-c", _LOOP, "check", program, *paths],
                capture_output=True,
                check=False,
                timeout=_SECONDS,
                env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        parts = run.stdout.decode("utf-8", "replace").split("\0")
        for path, said in zip(parts[::2], parts[1::2], strict=False):
            where = _LINE.search(said)
            line, why = (int(where[1]), where[2]) if where else (1, said.strip()[:120])
            yield SHELL.at(Path(path), f"The script does not parse: {why}", "Mend that line.", line=line, seen=why)
