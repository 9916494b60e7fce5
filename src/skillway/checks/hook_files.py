"""Rules about the files of hooks/: each is used, and has what it imports."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator

from skillway.catalog import Catalog, Problem
from skillway.catalog.load import is_whole
from skillway.catalog.reading import read_bytes
from skillway.checks.hooks import SUBJECT
from skillway.checks.nearness import nearest
from skillway.checks.rules import CATALOG_CHECKS, ERROR, TEXT_CHECKS, Context, TextFile, define, on

_WIRING_RULES = frozenset({"hooks-json-broken", "settings-broken", "plugin-json-broken", "plugin-json-missing"})
_WIRING_FILE = re.compile(r"(?:hooks/hooks|settings/managed-settings\.d/[^/]+|\.claude-plugin/plugin)\.json\Z")
_IMPORT = re.compile(r"(?:^|;)[ \t]*(import|from)[ \t]+([A-Za-z_][^\n#;]*)", re.MULTILINE)
_ATTEMPTS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})

UNWIRED = define(
    "hook-unwired",
    ERROR,
    "Every file of hooks/ is wired by a hook, or used by one that is",
    subject=SUBJECT,
    why="The build copies what hooks name and refuses a file that nothing names: it would be on no laptop, and its "
    "author would believe that it acts.",
    bad="hooks/audit.py, and no hooks.json and no settings fragment starts `audit`",
    good='exec /bin/sh "$f" audit',
    outside=None,
)


@on(CATALOG_CHECKS)
def find_unwired_files(catalog: Catalog) -> Iterator[Problem]:
    """Follow imports and names of data files from the hooks that are wired; where one part alone is checked, not."""
    if not catalog.has_hooks_folder or not is_whole(catalog) or _has_unread_wiring(catalog):
        return
    texts = {}
    for file in catalog.hook_files:
        data = read_bytes(file.absolute)
        texts[file.path] = data.decode("utf-8", "replace") if isinstance(data, bytes) else ""
    used = {"run", "README.md"}
    for plugin in catalog.plugins:
        entries = (*plugin.hooks, *(hook for fragment in plugin.fragments for hook in fragment.hooks))
        used.update(f"{hook.wired}.py" for hook in entries if hook.wired)
    pending = [path for path in used if path in texts and path.endswith(".py")]
    while pending:
        text = texts[pending.pop()]
        for path in set(texts) - used:
            name = path.removesuffix(".py")
            is_used = re.search(rf"\bimport\b[^\n]*\b{re.escape(name)}\b|\bfrom\s+{re.escape(name)}\b", text)
            # A program that a hook starts is named in quotes, as a data file is; its name in a sentence is no use of it.
            if is_used or f'"{path}"' in text if path.endswith(".py") else path in text:
                used.add(path)
                pending.append(path)
    for file in catalog.hook_files:
        if file.path not in used:
            message = f"Nothing wires or uses hooks/{file.path}, so the build refuses it"
            yield UNWIRED.at(file.absolute, message, "Wire it in a hooks.json or a settings fragment, or remove it.")


def _has_unread_wiring(catalog: Catalog) -> bool:
    """Tell whether a file that wires hooks could not be read: what it names is then unknown, and it is told by itself."""
    return any(
        problem.rule in _WIRING_RULES
        or (problem.rule.startswith("file-") and bool(_WIRING_FILE.search(problem.file.as_posix())))
        for plugin in catalog.plugins
        for problem in plugin.problems
    )


IMPORT_MISSING = define(
    "hook-import-missing",
    ERROR,
    "What a hook imports stands beside it or in the standard library",
    subject=SUBJECT,
    why="A laptop has no other package, so the hook ends with ModuleNotFoundError on every call, and the guard with it.",
    bad="hooks/guard.py: from guard_words import words   (there is no hooks/guard_words.py)",
    good="hooks/guard.py: from guard_words import words   (and hooks/guard_words.py)",
    outside=None,
)


@on(TEXT_CHECKS)
def find_missing_imports(text: TextFile, context: Context) -> Iterator[Problem]:
    """Look at what a module of hooks/ imports when it starts or later; an import that may fail is the hook's own affair."""
    if text.plugin is not None or "/" in text.path or not text.path.endswith(".py"):
        return
    beside = {file.path.partition("/")[0].removesuffix(".py") for file in context.catalog.hook_files}
    known = beside | sys.stdlib_module_names
    if not _may_miss_one(text.text, known):
        return  # most modules: nothing to take apart
    for name, line, column in _certain_imports(text.text):
        if name not in known:
            near = nearest(name, beside, cutoff=0.7)
            message = f"The hook imports {name}, which is neither in hooks/ nor in the standard library"
            fix = f"Write {near}, or add hooks/{name}.py." if near else f"Add hooks/{name}.py."
            yield IMPORT_MISSING.at(text.file, message, fix, line=line, column=column, seen=name, expected=near)


def _may_miss_one(text: str, known: frozenset[str] | set[str]) -> bool:
    """Tell, without parsing, whether an import may name something unknown; a sentence that looks like one may too."""
    for kind, rest in _IMPORT.findall(text):
        for part in rest.split(",") if kind == "import" else [rest]:
            name = re.match(r"\s*(\w+)", part)
            if name is None or name[1] not in known:
                return True
    return False


def _certain_imports(text: str) -> Iterator[tuple[str, int, int]]:
    """Give the first part of each absolute import that is no attempt and not for type checkers alone, and its place."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pending: list[ast.AST] = [ast.parse(text)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # script-python has told it
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.partition(".")[0], node.lineno, node.col_offset + 1
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0], node.lineno, node.col_offset + 1
        pending.extend(_certain_parts(node))


def _certain_parts(node: ast.AST) -> list[ast.AST]:
    """Give a node's children without the body of an attempt to import, and without what only type checkers read."""
    if isinstance(node, ast.Try) and any(_catches_import(handler) for handler in node.handlers):
        return [*node.orelse, *node.finalbody]
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        return list(node.orelse)
    return list(ast.iter_child_nodes(node))


def _catches_import(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(part, ast.Name) and part.id in _ATTEMPTS for part in ast.walk(handler.type))
