"""What a JSON file says and on which line each value stands, with duplicate keys told.

The value comes from the standard parser; the lines from a second, iterative look at the same text, which is
only taken once the text is known to be JSON.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

KeyPath = tuple[str | int, ...]
MAX_DEPTH = 50
"""Levels; the deepest file that is read here, a settings fragment, has eight."""

_MARK = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],]|\n', re.DOTALL)


class JsonError(Exception):
    """The text is not JSON; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class JsonText:
    """A parsed JSON text.

    `lines` goes from a path of keys and indexes to a line from 1; `duplicates` lists (key, line) of every key
    that an object has for the second time, of which JSON keeps the last.
    """

    value: Any
    lines: dict[KeyPath, int]
    duplicates: tuple[tuple[str, int], ...]


def parse_json(text: str) -> JsonText:
    """Parse a text as strictly as JavaScript does: no NaN, no Infinity.

    Raises:
        JsonError: It is not JSON, or nested too deep to be meant.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise JsonError(error.msg, error.lineno, error.colno) from error
    except RecursionError:
        raise JsonError("nested too deep", 1, 1) from None
    except ValueError as error:
        raise JsonError(str(error), 1, 1) from error
    lines, duplicates = _locate(text)
    return JsonText(value, lines, tuple(duplicates))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


@dataclass(slots=True)
class _Container:
    path: KeyPath
    keys: set[str] | None  # None for an array
    index: int = 0
    key: str | None = None

    def child(self) -> KeyPath:
        return (*self.path, self.index if self.keys is None else self.key or "")


def _locate(text: str) -> tuple[dict[KeyPath, int], list[tuple[str, int]]]:
    lines: dict[KeyPath, int] = {(): 1}
    duplicates: list[tuple[str, int]] = []
    stack: list[_Container] = []
    line = 1
    for match in _MARK.finditer(text):
        mark = match[0]
        if mark == "\n":
            line += 1
        elif mark in "{[":
            path = stack[-1].child() if stack else ()
            lines.setdefault(path, line)
            stack.append(_Container(path, set() if mark == "{" else None))
            if len(stack) > MAX_DEPTH:
                raise JsonError(f"nested deeper than {MAX_DEPTH} levels", line, 1)
        elif mark in "}]":
            stack.pop()
        elif mark == ",":
            stack[-1].index += 1
            stack[-1].key = None
        elif stack and stack[-1].keys is not None and stack[-1].key is None:
            _note_key(stack[-1], json.loads(mark), line, lines, duplicates)
        elif stack:
            lines.setdefault(stack[-1].child(), line)
    return lines, duplicates


def _note_key(
    container: _Container, key: str, line: int, lines: dict[KeyPath, int], duplicates: list[tuple[str, int]]
) -> None:
    assert container.keys is not None
    container.key = key
    if key in container.keys:
        duplicates.append((key, line))
    container.keys.add(key)
    lines[container.child()] = line
