"""What would the guard do with a tool call, and what is its policy? Asks the guard's own code, in a process apart.

Leaves scoring case lists to `guard_cases.py`, the local log to `guard_log.py`, and showing to the command line.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import jsonschema

from skillway.content import content_path
from skillway.errors import NotFoundError, SkillwayError, UndecidedError

UNKNOWN = "<unknown>"
"""How a text that only exists at run time is shown."""

PROJECT_FILE = ".claude/skillway-guard.json"

_FORMS = {
    "^(/|~/).": ", a path that begins with / or ~/",
    "^[a-z0-9-]{1,48}$": ", small letters, digits and -",
    "^[^/ ]{1,48}$": ", a program's name without a folder",
    "^-.": ", an option that begins with -",
}
"""What the schemas' patterns mean, for people."""

_WORKER = Path(__file__).with_name("guard_worker.py")
_SCHEMAS = Path(__file__).with_name("schemas")
_ROW = re.compile(
    r"^\| `(?P<id>[a-z0-9-]+)`(?P<mark> ●)? \| (?P<decision>[^|]+) \| (?P<stops>[^|]*(?:\\\|[^|]*)*) \|$", re.MULTILINE
)


class GuardWorkerError(SkillwayError):
    """The operator must act: the guard's code could not be run here."""

    code = "guard"


@dataclass(frozen=True)
class Rule:
    """One rule as `hooks/README.md` lists it."""

    id: str
    decision: str
    stops: str
    is_catastrophic: bool


class Guard:
    """The guard's code in a worker process; a context manager.

    Args:
        home: The home that paths are judged against; the caller's own by default.
        environment: Variables that commands may use; the caller's own by default.
        policy: The organisation's policy; the one that ships with skillway by default.
        hooks: The folder with the guard's modules; skillway's own by default.
    """

    def __init__(
        self,
        *,
        home: Path | None = None,
        environment: Mapping[str, str] | None = None,
        policy: Path | None = None,
        hooks: Path | None = None,
    ) -> None:
        self.home = str(home or Path.home())
        self._environment = dict(os.environ if environment is None else environment)
        self._hooks = hooks or content_path("hooks")
        self._policy = (policy or content_path("base-plugin/settings/guard-policy.json")).absolute()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        if os.name != "posix":
            raise UndecidedError("The guard reads POSIX shells and does not run here.", fix="Use Linux, macOS or WSL.")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_WORKER), str(self._hooks), str(self._policy)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=self._environment,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.communicate()

    def judge(
        self, tool: str, tool_input: Mapping[str, Any], *, cwd: str, home: str | None = None, explain: bool = False
    ) -> dict[str, Any]:
        """Judge one tool call.

        Args:
            tool: The tool's name.
            tool_input: What it is called with.
            cwd: The session's working directory, absolute.
            home: Another home than the guard's.
            explain: Tell also how it was read: `commands`, `stops`, `project`, `policy_faults`.

        Returns:
            `decision` (deny, ask or silent), `milliseconds`, `processor_milliseconds` (without waiting for others),
            `fault` (an internal error; the hook is silent then), and with a
            stop `rule`, `what`, `why`, `instead`, `command`, `message`.
        """
        request = {"op": "judge", "tool": tool, "tool_input": tool_input, "cwd": cwd, "explain": explain}
        answer = self._ask({**request, "home": home or self.home})
        answer.setdefault("decision", "silent")
        return answer

    def policy(self, *, cwd: str) -> dict[str, Any]:
        """Give what both policies come to in a folder; `faults` says what in them is not used."""
        return self._ask({"op": "policy", "cwd": cwd, "home": self.home})

    def faults(self, text: str, *, whose: str) -> list[str]:
        """List what the hook would not use of a policy's text; `whose` is `organisation` or `project`."""
        return list(self._ask({"op": "check", "text": text, "whose": whose})["faults"])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise GuardWorkerError("The guard was asked before it was started.", fix="Use it in a with statement.")
        line = ""
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise GuardWorkerError(
                f"The guard's code in {self._hooks} stopped with exit code {process.wait()}.",
                fix="Run it as shown above, and report what it says with the command that it was asked about.",
            )
        return dict(json.loads(line))


def find_policy(folder: Path) -> Path:
    """Find the organisation's policy: the repository's around a folder, else the one that ships with skillway.

    Raises:
        NotFoundError: There is none.
    """
    for parent in (folder, *folder.parents):
        found = parent / "base-plugin" / "settings" / "guard-policy.json"
        if found.is_file():
            return found
    return content_path("base-plugin/settings/guard-policy.json")


def check_policy(path: Path) -> list[str]:
    """List what is wrong in a policy: by its schema, by the hook's own reading, and rule ids that do not exist.

    Args:
        path: A `guard-policy.json`, or a project's `skillway-guard.json`.

    Raises:
        NotFoundError: There is no such file, or it cannot be read.
    """
    whose = "project" if path.name == Path(PROJECT_FILE).name else "organisation"
    try:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise NotFoundError(
            f"{path} cannot be read ({error.strerror}).",
            fix="Name a policy file: a guard-policy.json, or a project's .claude/skillway-guard.json.",
        ) from error
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f"line {error.lineno}, column {error.colno}: " if isinstance(error, json.JSONDecodeError) else ""
        return [f"{place}it is not JSON ({getattr(error, 'msg', 'nested too deeply')})"]
    by_key = _schema_faults(document, whose)
    with Guard() as guard:
        # What the hook says of a key that the schema has found already would be the same once more.
        faults = [each for each in guard.faults(text, whose=whose) if not any(key and key in each for key in by_key)]
    found = [fault for several in by_key.values() for fault in several]
    return list(dict.fromkeys([*found, *faults, *_unknown_rules(document)]))


def rule_faults(path: Path) -> list[str]:
    """List the rules that a policy names and that do not exist or cannot be changed; a file that is no JSON has none."""
    try:
        return _unknown_rules(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return []


def _schema_faults(document: object, whose: str) -> dict[str, list[str]]:
    """Check by the schema; give the faults by the key that they are in, or by the key that is not known."""
    name = "guard-project.json" if whose == "project" else "guard-policy.json"
    schema = json.loads((_SCHEMAS / name).read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for error in jsonschema.Draft202012Validator(schema).iter_errors(document):
        keys = [str(error.instance if error.validator == "pattern" else _first(error))]
        keys = _unknown_keys(error) if error.validator == "additionalProperties" else keys
        for key in keys:
            found.setdefault(key, []).append(_in_words(error, key))
    return found


def _first(error: jsonschema.ValidationError) -> object:
    return next(iter(error.absolute_path), "")


def _unknown_keys(error: jsonschema.ValidationError) -> list[str]:
    instance = error.instance
    return [str(key) for key in instance if key not in _known_keys(error)] if isinstance(instance, dict) else []


def _known_keys(error: jsonschema.ValidationError) -> list[str]:
    schema = error.schema
    return sorted(schema.get("properties", {})) if isinstance(schema, Mapping) else []


def _in_words(error: jsonschema.ValidationError, key: str) -> str:
    """Say a schema's fault as a sentence for whoever wrote the file."""
    place = error.json_path.removeprefix("$").removeprefix(".")
    shown = json.dumps(error.instance, ensure_ascii=False)[:80]
    if error.validator == "additionalProperties":
        return (
            f"{f'{place}: ' if place else ''}the key {key!r} is not known; known are: {', '.join(_known_keys(error))}"
        )
    if error.validator == "type":
        kinds = {"array": "a list", "object": "an object", "string": "a text", "integer": "a whole number"}
        wanted = kinds.get(str(error.validator_value), str(error.validator_value))
        return f"{place or 'the file'}: {wanted} is expected, and {shown} is there"
    if error.validator == "pattern":
        return f"{place}: {shown} is not of the form that is wanted{_FORMS.get(str(error.validator_value), '')}"
    if error.validator == "required":
        return f"{place or 'the file'}: {error.message}"
    return f"{place or 'the file'}: {error.message[:200]}"


def _unknown_rules(document: object) -> list[str]:
    if not isinstance(document, dict):
        return []
    rules = {rule.id: rule for rule in list_rules()}
    added = [rule.get("id") for rule in _list(document, "rules") if isinstance(rule, dict)]
    faults = [f"rules: {name!r} is the id of a rule that the guard already has" for name in added if name in rules]
    faults += [f"rules: {name!r} stands twice" for name in dict.fromkeys(added) if added.count(name) > 1]
    for key in ("off", "ask", "deny"):
        for name in _list(document, key):
            if name not in rules and name not in added:
                faults.append(f"{key}: there is no rule {name!r}; see: skillway guard rules")
            elif key != "deny" and name in rules and rules[name].is_catastrophic:
                faults.append(f"{key}: {name} cannot be switched off or softened")
    return faults


def _list(document: dict[str, Any], key: str) -> list[Any]:
    value = document.get(key)
    return value if isinstance(value, list) else []


def list_rules() -> list[Rule]:
    """List the guard's own rules, from the table in the hooks' README.

    Raises:
        NotFoundError: The table is not there.
    """
    page = content_path("hooks/README.md").read_text(encoding="utf-8")
    rules = [
        Rule(row["id"], row["decision"].strip(), row["stops"].replace("\\|", "|").strip(), bool(row["mark"]))
        for row in _ROW.finditer(page)
    ]
    rules = [rule for rule in rules if set(rule.decision.replace(",", " ").split()) <= {"deny", "ask"}]
    if not rules:
        raise NotFoundError("hooks/README.md has no table of rules.", fix="Install skillway again.")
    return rules
