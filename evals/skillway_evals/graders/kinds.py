"""Which function grades which kind, and what if it cannot?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from skillway_evals.graders import files, names, programs, text, tools
from skillway_evals.graders.candidate import Candidate, Options, UndecidedGraderError, Verdict
from skillway_evals.outcome import GraderResult
from skillway_evals.suite import Grader

PAIRWISE = "pairwise"
"""The one kind of grader that needs a judge."""

CODE_KINDS: Mapping[str, Callable[[Candidate, Options], Verdict]] = {
    "contains": text.contains,
    "not_contains": text.not_contains,
    "regex": text.regex,
    "not_regex": text.not_regex,
    "json_schema": text.json_schema,
    "file_exists": files.file_exists,
    "file_absent": files.file_absent,
    "file_contains": files.file_contains,
    "file_matches": files.file_matches,
    "command": programs.command,
    "script": programs.script,
    "tool_used": tools.tool_used,
    "tool_not_used": tools.tool_not_used,
    "no_tool_errors": tools.no_tool_errors,
    "no_invented_names": names.no_invented_names,
}


def grade_by_code(grader: Grader, candidate: Candidate) -> GraderResult:
    """Run one code grader; whatever keeps it from deciding makes the result None, never a pass or a failure."""
    check = CODE_KINDS.get(grader.kind)
    if check is None:
        return GraderResult(grader.id, None, must=grader.must, evidence=f"no code decides the kind {grader.kind!r}")
    try:
        passed, evidence = check(candidate, grader.options)
    except UndecidedGraderError as error:
        return GraderResult(grader.id, None, must=grader.must, evidence=f"not decided: {error}")
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        # a grader's own options or a file that nobody foresaw: the run goes on, and nothing is claimed
        return GraderResult(grader.id, None, must=grader.must, evidence=f"not decided: {type(error).__name__}: {error}")
    return GraderResult(grader.id, passed, must=grader.must, evidence=evidence)
