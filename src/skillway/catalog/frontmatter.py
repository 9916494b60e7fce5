"""What the frontmatter of a Markdown file says: keys, values, lines, and what is wrong with it.

Read as Claude Code's own YAML 1.2 reader does: only `true` and `false` are booleans, dates are texts, and a block
that is not YAML is read once more with quotes around values that hold special characters (both in 2.1.197 and
2.1.328). Within limits: a frontmatter is a page of settings, so aliases that multiply, deep nesting and huge blocks are refused.
Which keys and values are good is for `skillway.checks`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

MAX_CHARS = 64 * 1024
"""Most characters of a frontmatter block; the largest seen in public skills has under 4,000."""

MAX_DEPTH = 20
MAX_NODES = 10_000
_MANY_COLLECTIONS = 64
_TOO_DEEP = f"The frontmatter is nested deeper than {MAX_DEPTH} levels"
_FENCE = re.compile(r"---[ \t]*\r?\n")
_CLOSING = re.compile(r"^---[ \t]*\r?$", re.MULTILINE)
_SIMPLE_LINE = re.compile(r"([A-Za-z_-]+):[ \t]+(\S.*)")
_SPECIAL = re.compile(r"[{}[\]*&#!|>%@`]|: ")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: `rule` as checks know it, `line` and `column` in the file from 1."""

    rule: str
    message: str
    line: int
    column: int = 1
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class Frontmatter:
    """A Markdown text taken apart. `values`, `raw` and `lines` go by top-level key; see `Definition`."""

    body: str
    body_line: int
    is_present: bool
    values: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    is_usable: bool = True


def parse_frontmatter(text: str) -> Frontmatter:
    """Take a Markdown text apart; never raises, whatever the text is."""
    opening = _FENCE.match(text)
    if not opening:
        return Frontmatter(text, 1, is_present=False)
    closing = _CLOSING.search(text, opening.end())
    if not closing:
        fault = Fault(
            "frontmatter-missing", "The frontmatter that starts in line 1 has no closing line ---", 1, seen="---"
        )
        return Frontmatter(text, 1, is_present=True, faults=(fault,), is_usable=False)
    block = text[opening.end() : closing.start()]
    body = text[closing.end() :].removeprefix("\n")
    body_line = text.count("\n", 0, closing.end()) + 2
    if len(block) > MAX_CHARS:
        message = f"The frontmatter has {len(block)} characters, and {MAX_CHARS} is the most that is read"
        fault = Fault("frontmatter-broken", message, 1)
        return Frontmatter(body, body_line, is_present=True, faults=(fault,), is_usable=False)
    parsed = _parse_block(block, body, body_line)
    dashes = block.find("---")
    if dashes < 0 or not parsed.is_usable:
        return parsed
    line = block.count("\n", 0, dashes) + 2
    message = f"The --- inside line {line} ends the frontmatter there for Claude Code 2.1.197 and 2.1.329"
    return replace(parsed, faults=(*parsed.faults, Fault("frontmatter-dashes", message, line, seen="---")))


def _parse_block(block: str, body: str, body_line: int) -> Frontmatter:
    reader, values, fault = _read_yaml(block)
    if fault and fault.rule == "frontmatter-unquoted":
        reader, values, second = _read_yaml(_quote_values(block))
        fault = fault if second is None else replace(fault, rule="frontmatter-broken")
    faults = (*reader.faults, *([fault] if fault else []))
    if values is None:
        return Frontmatter(body, body_line, is_present=True, faults=faults, is_usable=False)
    return Frontmatter(
        body, body_line, is_present=True, values=values, raw=reader.raw, lines=reader.lines, faults=faults
    )


def _read_yaml(block: str) -> tuple[_Reader, dict[str, Any] | None, Fault | None]:
    """Read a block once.

    Returns:
        The reader with what it noted, the values or None, and what is wrong: `frontmatter-unquoted` where quotes
        could mend it.
    """
    import yaml  # noqa: PLC0415 - only a file with frontmatter pays for it

    reader = _Reader()
    try:
        if _may_be_deep(block):
            _refuse_depth(block)
        loader = _loader_class()(block)
        try:
            return reader, reader.read(loader), None
        finally:
            loader.dispose()
    except _RefusedError as refused:
        return reader, None, Fault("frontmatter-broken", str(refused), refused.line)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 2, mark.column + 1) if mark else (2, 1)
        message = f"The frontmatter is not YAML: {error.problem or error.context}"
        return reader, None, Fault("frontmatter-unquoted", message, line, column)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        return reader, None, Fault("frontmatter-broken", f"The frontmatter is not YAML: {_one_line(error)}", 2)


def _quote_values(block: str) -> str:
    """Put quotes around the values of simple lines that hold special characters, as Claude Code does on its second try."""
    lines = []
    for line in block.split("\n"):
        simple = _SIMPLE_LINE.fullmatch(line.rstrip("\r"))
        if simple and _SPECIAL.search(simple[2]) and not _is_quoted(simple[2]):
            escaped = simple[2].replace("\\", "\\\\").replace('"', '\\"')
            line = f'{simple[1]}: "{escaped}"'  # noqa: PLW2901 - the line is replaced by its mended form
        lines.append(re.sub(r"^\t+", lambda tabs: "  " * len(tabs[0]), line))
    return "\n".join(lines)


def _is_quoted(value: str) -> bool:
    return value[0] == value[-1] and value[0] in "\"'" and len(value) > 1


class _RefusedError(Exception):
    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _Reader:
    """Walks a YAML tree once: lines and raw texts of the top keys, duplicates everywhere, aliases that multiply refused."""

    def __init__(self) -> None:
        self.raw: dict[str, str] = {}
        self.lines: dict[str, int] = {}
        self.faults: list[Fault] = []
        self._sizes: dict[int, int] = {}

    def read(self, loader: Any) -> dict[str, Any]:  # noqa: ANN401 - the C and the Python loader share no base class
        node = loader.get_single_node()
        if node is None:
            return {}
        if node.id != "mapping":
            raise _RefusedError("The frontmatter is not a list of `key: value` lines", 2)
        self._look(node, depth=0)
        values: dict[str, Any] = loader.construct_document(node)
        return {str(key): value for key, value in values.items()}

    def _look(self, node: Any, *, depth: int) -> int:  # noqa: ANN401 - as read
        """Look at a node and give how many nodes it is with every alias written out."""
        size = self._sizes.get(id(node))
        if size is None:
            self._sizes[id(node)] = MAX_NODES  # an alias inside its own anchor never ends
            size = 1 + self._look_inside(node, depth=depth)
            self._sizes[id(node)] = size
        if size >= MAX_NODES:
            message = f"The frontmatter has more than {MAX_NODES} values when its YAML aliases (*name) are written out"
            raise _RefusedError(message, node.start_mark.line + 2)
        return size

    def _look_inside(self, node: Any, *, depth: int) -> int:  # noqa: ANN401 - as read
        if depth > MAX_DEPTH:
            raise _RefusedError(_TOO_DEEP, node.start_mark.line + 2)
        if node.id == "sequence":
            return sum(self._look(child, depth=depth + 1) for child in node.value)
        return self._look_at_mapping(node, depth=depth) if node.id == "mapping" else 0

    def _look_at_mapping(self, node: Any, *, depth: int) -> int:  # noqa: ANN401 - as read
        size = 0
        keys: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value) if key.id == "scalar" else "?"
            line = key.start_mark.line + 2
            if key.id == "scalar" and name in keys:
                message = f"The key {name} stands in line {keys[name]} and again in line {line}; only the last counts"
                self.faults.append(
                    Fault("frontmatter-duplicate-key", message, line, key.start_mark.column + 1, seen=name)
                )
            keys.setdefault(name, line)
            if depth == 0:
                self.lines[name] = line
                if value.id == "scalar":
                    self.raw[name] = str(value.value)
            size += 1 + self._look(value, depth=depth + 1)
        return size


def _may_be_deep(block: str) -> bool:
    return sum(block.count(mark) for mark in ("[", "{", "- ", "? ")) > _MANY_COLLECTIONS


def _refuse_depth(block: str) -> None:
    """Measure the nesting on the flat stream of events, because building the tree recurses in C."""
    import yaml  # noqa: PLC0415 - as above

    depth = 0
    for event in yaml.parse(block, Loader=_loader_class()):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            line = event.start_mark.line + 2 if event.start_mark else 2
            raise _RefusedError(_TOO_DEEP, line)


@cache
def _loader_class() -> Any:  # noqa: ANN401 - the C and the Python loader share no base class
    """Make the loader: libyaml where PyYAML was built with it, with the plain scalars of YAML 1.2."""
    import yaml  # noqa: PLC0415 - as above

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own class attribute

    scalars = (
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+", "-+0123456789"),
        ("float", r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+", "-+0123456789."),
    )
    for tag, pattern, first in scalars:
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), list(first))
    Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
    return Loader


def _construct_int(_loader: Any, node: Any) -> int:  # noqa: ANN401 - PyYAML's signature
    """Read an integer as YAML 1.2 does: a leading zero does not make it octal, `0x` makes it hexadecimal."""
    return int(node.value, 16) if node.value.lower().startswith("0x") else int(node.value)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
