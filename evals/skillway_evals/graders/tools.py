"""What did the agent do? Graders `tool_used`, `tool_not_used` and `no_tool_errors`, over the whole transcript."""

from __future__ import annotations

import json
import re

from skillway_evals.agent.transcript import ToolCall
from skillway_evals.graders.candidate import Candidate, Options, UndecidedGraderError, Verdict, shown

_SAME = {"Task": "Agent"}
"""The subagent tool is listed under one name and called under the other."""


def tool_used(candidate: Candidate, options: Options) -> Verdict:
    """Look for a call of a tool, whose input matches a pattern where one is given."""
    matching = _matching(candidate, options)
    if matching:
        call = matching[0]
        return True, f"{len(matching)} calls of {options['tool']}, first: {shown(_input(call))}"
    names = ", ".join(dict.fromkeys(call.name for call in candidate.calls())) or "none"
    wanted = f" with an input like {options['input']!r}" if options.get("input") else ""
    return False, f"no call of {options['tool']}{wanted}; tools called: {names}"


def tool_not_used(candidate: Candidate, options: Options) -> Verdict:
    """Make sure that there is no such call."""
    found, evidence = tool_used(candidate, options)
    return not found, evidence


def no_tool_errors(candidate: Candidate, options: Options) -> Verdict:
    """Count tool results that are errors; `allow` of them are fine."""
    calls = candidate.calls()
    failed = [call for call in calls if call.is_error]
    allowed = int(options.get("allow", 0))
    if not failed:
        return True, f"no error in {len(calls)} tool calls"
    first = f"{failed[0].name}: {shown(failed[0].result or '')}"
    return len(failed) <= allowed, f"{len(failed)} of {len(calls)} tool calls failed ({allowed} allowed), first {first}"


def _matching(candidate: Candidate, options: Options) -> list[ToolCall]:
    tool = _SAME.get(str(options["tool"]), str(options["tool"]))
    try:
        pattern = re.compile(str(options.get("input", "")), re.MULTILINE)
    except re.error as error:
        raise UndecidedGraderError(f"the pattern {options.get('input')!r} is none ({error})") from error
    calls = [call for call in candidate.calls() if _SAME.get(call.name, call.name) == tool]
    return [call for call in calls if pattern.search(_input(call))]


def _input(call: ToolCall) -> str:
    """Give what a pattern is held against: the command of a Bash call, else the input as JSON."""
    command = call.input.get("command")
    return command if isinstance(command, str) else json.dumps(dict(call.input), ensure_ascii=False)
