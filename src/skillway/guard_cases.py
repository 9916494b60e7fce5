"""How well does the guard decide a list of labelled tool calls, by family?

A case list is one JSON object per line: `command` (a shell command) or `tool` and `tool_input`; `expect` (allow, deny or
ask); `category`, the family; and optionally `cwd` and `home`. "Stopped" is a deny or ask of a case that expects one of
the two, a "false stop" one of a case that expects allow. Leaves what is good enough to the caller's thresholds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from skillway.content import content_path
from skillway.errors import NotFoundError, SkillwayError
from skillway.guard import Guard

HOME = "/home/dev"
CWD = "/home/dev/work/shop"
"""Where a case happens that does not say it."""

EXPECTATIONS = ("allow", "deny", "ask")

_HOOK_TIMEOUT_S = 60
_EXIT_DENY = 2


class CaseListError(SkillwayError):
    """The author must act: the case list cannot be scored."""

    code = "cases"


@dataclass(frozen=True)
class Case:
    """One labelled tool call; `line` is its place in the file."""

    line: int
    tool: str
    tool_input: dict[str, Any]
    expect: str
    family: str
    cwd: str
    home: str

    @property
    def text(self) -> str:
        """The command, or the tool with its input."""
        if self.tool == "Bash":
            return str(self.tool_input.get("command"))
        return f"{self.tool} {json.dumps(self.tool_input, ensure_ascii=False)}"


@dataclass(frozen=True)
class Miss:
    """A case whose decision is not the expected one; `kind` is missed, false stop or softer (ask for deny or deny for ask)."""

    case: Case
    kind: str
    decision: str
    rule: str


@dataclass
class Family:
    """Counts of one family."""

    harmful: int = 0
    stopped: int = 0
    harmless: int = 0
    false_stops: int = 0

    @property
    def stop_rate(self) -> float | None:
        """Share of harmful cases that were stopped, 0 to 1; None without one."""
        return self.stopped / self.harmful if self.harmful else None

    @property
    def false_rate(self) -> float | None:
        """Share of harmless cases that were stopped, 0 to 1; None without one."""
        return self.false_stops / self.harmless if self.harmless else None


@dataclass
class Score:
    """A scored list; `slowest` in milliseconds."""

    total: Family = field(default_factory=Family)
    families: dict[str, Family] = field(default_factory=dict)
    misses: list[Miss] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def add(self, case: Case, answer: dict[str, Any]) -> None:
        """Count one decision."""
        decision = str(answer["decision"])
        is_stop = decision != "silent"
        is_harmful = case.expect != "allow"
        self.slowest = max(self.slowest, float(answer.get("milliseconds", 0)))
        if answer.get("fault"):
            self.faults.append(f"line {case.line}: {answer['fault']}")
        for family in (self.total, self.families.setdefault(case.family, Family())):
            family.harmful += is_harmful
            family.stopped += is_harmful and is_stop
            family.harmless += not is_harmful
            family.false_stops += not is_harmful and is_stop
        expected = "silent" if case.expect == "allow" else case.expect
        if decision != expected:
            kind = "missed" if not is_stop else "other decision" if is_harmful else "false stop"
            self.misses.append(Miss(case, kind, decision, str(answer.get("rule", ""))))

    def failures(self, *, least_stopped: float, least_in_family: float, most_false: float) -> list[str]:
        """List the thresholds that are not kept, all of them shares from 0 to 1."""
        found = []
        if self.total.stop_rate is not None and self.total.stop_rate < least_stopped:
            found.append(f"stopped {self.total.stop_rate:.1%}, at least {least_stopped:.1%} is wanted")
        for name, family in sorted(self.families.items()):
            if family.stop_rate is not None and family.stop_rate < least_in_family:
                found.append(f"stopped {family.stop_rate:.1%} of {name}, at least {least_in_family:.1%} is wanted")
        if self.total.false_rate is not None and self.total.false_rate > most_false:
            found.append(f"false stops {self.total.false_rate:.1%}, at most {most_false:.1%} is wanted")
        if self.faults:
            found.append(f"{len(self.faults)} internal errors, none is wanted")
        return found


def read_cases(path: Path) -> list[Case]:
    """Read a case list.

    Raises:
        NotFoundError: The file cannot be read.
        CaseListError: A line is no case, or there is none; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    except OSError as error:
        raise NotFoundError(
            f"The case list {path} cannot be read ({error.strerror}).",
            fix="Name a file with one JSON object per line; skillway guard test --help tells of its keys.",
        ) from error
    cases = [_case(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not cases:
        raise CaseListError(
            f"The case list {path} is empty.", fix="Write one JSON object per line: command, expect, category."
        )
    return cases


def _case(path: Path, number: int, line: str) -> Case:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        why = getattr(error, "msg", "nested too deeply")
        raise CaseListError(
            f"{path}:{number} is not JSON ({why}).",
            fix='Write one JSON object per line, such as {"command": "ls", "expect": "allow", "category": "files"}.',
        ) from error
    if not isinstance(row, dict):
        raise CaseListError(f"{path}:{number} is no JSON object.", fix="Put the case between { and }.")
    if row.get("expect") not in EXPECTATIONS:
        seen = f"expects {row['expect']!r}" if "expect" in row else "does not say what it expects"
        raise CaseListError(f"{path}:{number} {seen}.", fix='Give "expect" as allow, deny or ask.')
    command, tool, tool_input = row.get("command"), row.get("tool", "Bash"), row.get("tool_input")
    if isinstance(command, str):
        tool_input = {"command": command}
    if not isinstance(tool, str) or not isinstance(tool_input, dict):
        raise CaseListError(
            f"{path}:{number} has neither a command nor a tool with tool_input.",
            fix='Add "command" to the line.',
        )
    rest = [row.get("category", "other"), row.get("cwd", CWD), row.get("home", HOME)]
    if not all(isinstance(value, str) for value in rest):
        raise CaseListError(f"{path}:{number} has a category, cwd or home that is no text.", fix="Put it in quotes.")
    return Case(number, tool, tool_input, row["expect"], *rest)


def score_cases(cases: Iterable[Case], decide: Callable[[Case], dict[str, Any]]) -> Score:
    """Score cases by a function that decides one: it gives `decision`, and `rule`, `milliseconds` and `fault` if it can."""
    score = Score()
    for case in cases:
        score.add(case, decide(case))
    return score


def decide_with(guard: Guard) -> Callable[[Case], dict[str, Any]]:
    """Decide by the guard's code in its worker: fast."""
    return lambda case: guard.judge(case.tool, case.tool_input, cwd=case.cwd, home=case.home)


class HookProcess:
    """Decides by the whole hook, one process per case, in a plugin folder of its own; a context manager.

    Args:
        policy: The organisation's policy that the plugin folder gets.
    """

    def __init__(self, policy: Path) -> None:
        self._policy = policy
        self._folder = tempfile.TemporaryDirectory(prefix="skillway-guard-")
        self._entry = Path(self._folder.name) / "hooks" / "guard.py"

    def __enter__(self) -> Self:
        root = Path(self._folder.name)
        for source in content_path("hooks").iterdir():
            if source.suffix in (".py", ".json"):
                self._entry.parent.mkdir(exist_ok=True)
                (self._entry.parent / source.name).write_bytes(source.read_bytes())
        (root / "settings").mkdir()
        (root / "settings" / "guard-policy.json").write_bytes(self._policy.read_bytes())
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def decide(self, case: Case) -> dict[str, Any]:
        """Decide one case as Claude Code has it decided."""
        payload = {
            "hook_event_name": "PreToolUse",
            "cwd": case.cwd,
            "tool_name": case.tool,
            "tool_input": case.tool_input,
        }
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(self._entry)],
            input=json.dumps(payload).encode(),
            capture_output=True,
            timeout=_HOOK_TIMEOUT_S,
            # No log and no telemetry of cases: nobody met these stops.
            env={"HOME": case.home, "PATH": os.defpath, "DO_NOT_TRACK": "1", "SKILLWAY_GUARD_LOG": "0"},
            check=False,
        )
        return _answer(done)


def _answer(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    """Read a hook's answer; one that Claude Code could not read is a fault."""
    if not done.stdout:
        fault = "" if (done.returncode, done.stderr) == (0, b"") else f"exit code {done.returncode} without a decision"
        return {"decision": "silent", "fault": fault}
    try:
        said = json.loads(done.stdout)["hookSpecificOutput"]
        decision, reason = said["permissionDecision"], said["permissionDecisionReason"]
    except (ValueError, KeyError, TypeError):
        return {"decision": "silent", "fault": "stdout is no decision"}
    is_whole = done.returncode == (_EXIT_DENY if decision == "deny" else 0)
    rule = reason.partition("(rule ")[2].partition(")")[0]
    return {
        "decision": decision,
        "rule": rule,
        "fault": "" if is_whole else f"{decision} with exit code {done.returncode}",
    }
