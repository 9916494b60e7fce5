"""Which files of `hooks/` a plugin gets: those that its hook commands name, and all that these need.

The commands in `hooks/hooks.json` and in settings fragments are the only lists. Names are followed from there: a
command to its entry, an entry to the modules that it imports, a module to the files whose names stand in it.
Nothing is executed. Whether a hook works is for the tests of hooks.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from skillway.build.faults import Fault
from skillway_sync.release_document import is_name

LAUNCHER = "run"
UNLISTED = ("README.md",)
"""Files of `hooks/` that are for people."""

_FOLDER = "hooks"
_SCRIPT_NAME = "script"
"""`run script PATH` starts a skill's script; there is no hook of that name."""
_LAUNCHER_PATH = r'(?:\$\{\w+\}|\$\w+)?[^\s"\';]*/(?:hooks|bin)/run'
_LAUNCHER = re.compile(_LAUNCHER_PATH + r"\b")
_DIRECT = re.compile(_LAUNCHER_PATH + r'["\']?\s+["\']?([^\s"\';&|]+)')
_ASSIGNED = re.compile(r'\b(\w+)=["\']?' + _LAUNCHER_PATH + r"\b")
_OWN_PATH = re.compile(r"\$\{?CLAUDE_PLUGIN_ROOT\}?[\"']?/([^\s\"';&|]*)")


@dataclass(frozen=True, slots=True)
class Command:
    """One hook command, with where it stands: `path` relative to the repository, `line` from 1 or 0."""

    text: str
    path: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Wiring:
    """What commands ask for, each with the command that asks first.

    Attributes:
        launcher: A command that starts the launcher, or None.
        nameless: Commands that start the launcher without a hook's name.
        hooks: From a hook's name to its command.
        own_files: From a path below the plugin's folder to its command.
    """

    launcher: Command | None = None
    nameless: tuple[Command, ...] = ()
    hooks: Mapping[str, Command] = field(default_factory=dict)
    own_files: Mapping[str, Command] = field(default_factory=dict)


def read_wiring(commands: Iterable[Command]) -> Wiring:
    """Read from hook commands which hooks they start and which files of their plugin they name."""
    hooks: dict[str, Command] = {}
    own_files: dict[str, Command] = {}
    starting = []
    nameless = []
    for command in commands:
        names = list(_hook_names(command.text))
        if _LAUNCHER.search(command.text):
            starting.append(command)
            nameless.extend([] if names else [command])
        for name in names:
            if name != _SCRIPT_NAME:
                hooks.setdefault(name, command)
        for path in _OWN_PATH.findall(command.text):
            own_files.setdefault(path, command)
    return Wiring(starting[0] if starting else None, tuple(nameless), hooks, own_files)


def _hook_names(text: str) -> Iterator[str]:
    yield from _DIRECT.findall(text)
    for variable in _ASSIGNED.findall(text):
        started = re.compile(r"(?:exec|sh|/bin/sh)\s+[\"']?\$\{?" + variable + r"\}?[\"']?\s+[\"']?([^\s\"';&|]+)")
        yield from started.findall(text)


class HookFolder:
    """The files of `hooks/`, and which of them belong together.

    Args:
        files: From path below `hooks/` to bytes; README.md may be among them.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = {path: data for path, data in files.items() if path not in UNLISTED}
        self._needs: dict[str, tuple[frozenset[str], tuple[Fault, ...]]] = {}

    def close(self, wiring: Wiring) -> tuple[frozenset[str], list[Fault]]:
        """Collect every file that a plugin's wiring needs.

        Returns:
            Paths below `hooks/`, and a fault for each name that leads nowhere.
        """
        wanted: list[str] = []
        faults = [_no_name(command) for command in wiring.nameless]
        if wiring.launcher:
            self._want(LAUNCHER, wiring.launcher, wanted, faults)
        for name, command in wiring.hooks.items():
            if is_name(name.replace("_", "-")):
                self._want(f"{name}.py", command, wanted, faults)
            else:
                faults.append(_bad_name(name, command))
        closed: set[str] = set()
        while wanted:
            path = wanted.pop()
            if path not in closed:
                closed.add(path)
                needs, met = self._needs_of(path)
                wanted.extend(needs)
                faults.extend(met)
        return frozenset(closed), faults

    def _want(self, path: str, command: Command, wanted: list[str], faults: list[Fault]) -> None:
        if path in self.files:
            wanted.append(path)
            return
        message = f"The hook command needs {_FOLDER}/{path}, which does not exist."
        faults.append(Fault(command.path, command.line, message, f"Add {_FOLDER}/{path}, or take the command out."))

    def _needs_of(self, path: str) -> tuple[frozenset[str], tuple[Fault, ...]]:
        if path not in self._needs:
            self._needs[path] = self._read_needs(path) if path.endswith(".py") else (frozenset(), ())
        return self._needs[path]

    def _read_needs(self, path: str) -> tuple[frozenset[str], tuple[Fault, ...]]:
        try:
            tree = ast.parse(self.files[path])
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None) or 0
            fault = Fault(f"{_FOLDER}/{path}", line, f"The file is not Python ({_reason(error)}).", "Mend the syntax.")
            return frozenset(), (fault,)
        needs: set[str] = set(self._named_files(tree)) - {path}
        faults: list[Fault] = []
        for module, line, is_optional in _imports(tree):
            found = self._module_files(module)
            needs |= found
            if not found and not is_optional and module.partition(".")[0] not in sys.stdlib_module_names:
                message = f"The hook imports {module!r}, which is neither in {_FOLDER}/ nor in the standard library."
                faults.append(
                    Fault(f"{_FOLDER}/{path}", line, message, f"Add {_FOLDER}/{module}.py, or do without it.")
                )
        return frozenset(needs - {path}), tuple(faults)

    def _named_files(self, tree: ast.AST) -> Iterator[str]:
        literals = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        for path in self.files:
            if path in literals or PurePosixPath(path).name in literals:
                yield path

    def _module_files(self, module: str) -> set[str]:
        top = module.partition(".")[0]
        if f"{top}.py" in self.files:
            return {f"{top}.py"}
        return {path for path in self.files if path.startswith(f"{top}/") and path.endswith(".py")}

    def unwired(self, closed: Iterable[str]) -> list[Fault]:
        """Give a fault for each file that no plugin gets.

        Args:
            closed: Every path that some plugin's wiring collected.
        """
        fix = (
            f"Name it in a hooks.json or a settings fragment, or take it out of {_FOLDER}/; tests are in tests/hooks/."
        )
        left = set(self.files) - set(closed)
        return [Fault(f"{_FOLDER}/{path}", 0, "No hook command leads to this file.", fix) for path in sorted(left)]


def _imports(tree: ast.AST) -> Iterator[tuple[str, int, bool]]:
    """Give each imported module with its line, and whether a `try` stands around it."""
    optional = {
        id(node)
        for attempt in ast.walk(tree)
        if isinstance(attempt, ast.Try)
        for statement in attempt.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, id(node) in optional
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno, id(node) in optional


def _reason(error: BaseException) -> str:
    return str(error.args[0]) if error.args else "nested too deeply"


def _no_name(command: Command) -> Fault:
    message = f"The hook command starts the launcher without the name of a hook: {command.text!r}."
    return Fault(command.path, command.line, message, 'End it as in: exec /bin/sh "$f" usage')


def _bad_name(name: str, command: Command) -> Fault:
    message = f"The hook command starts {name!r}, which is not the name of a hook."
    return Fault(command.path, command.line, message, f"A hook is a file directly in {_FOLDER}/, named like usage.")
