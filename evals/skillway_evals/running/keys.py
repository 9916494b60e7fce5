"""On what does an answer depend? Everything named here is in its content hash, and nothing else.

Graders are not: they are derived again from the recorded answer whenever they change, without asking anybody.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from skillway_evals.agent.arms import arm_digest
from skillway_evals.agent.session import DEFAULT_TOOLS
from skillway_evals.judge.prompt import JudgePrompt
from skillway_evals.running.settings import HARNESS_VERSION, JudgeChoice, Settings
from skillway_evals.store.line import content_key
from skillway_evals.suite import Arm, Case, Runner, Suite, Trigger


def case_key(settings: Settings, suite: Suite, case: Case, arm: Arm, repeat: int) -> str:
    """Give the key of one run of a case."""
    parts = {
        "kind": "run",
        "runner": suite.runner.value,
        "prompt": case.prompt,
        "files": {path: file_digest(file) for path, file in sorted(case.files.items())},
        "setup": [*case.setup, *(file_digest(program) for program in setup_programs(suite, case))],
        "repeat": repeat,
    }
    return content_key(parts | _common(settings, suite, arm, with_siblings=False))


def trigger_key(settings: Settings, suite: Suite, trigger: Trigger, repeat: int) -> str:
    """Give the key of one session of a trigger; only the agent can load skills."""
    parts = {"kind": "trigger", "prompt": trigger.prompt, "skill": suite.skill, "repeat": repeat}
    return content_key(parts | _common(settings, suite, Arm.PLUGIN, with_siblings=True))


def judge_key(judge: JudgeChoice, prompt: JudgePrompt, kind: str) -> str:
    """Give the key of one judge call: prompt, rubric, candidate and schema are in the prompt's identity."""
    return content_key(
        {
            "kind": kind,
            "harness": HARNESS_VERSION,
            "judge": judge.label,
            "model": judge.model,
            "max_tokens": judge.max_tokens,
            "prompt": prompt.identity,
        }
    )


def setup_programs(suite: Suite, case: Case) -> list[Path]:
    """List the suite's own files that the case's setup names."""
    places = [suite.folder / word for word in case.setup]
    return [place for place in places if place.is_file()]


def file_digest(path: Path) -> str:
    """Give the sha256 (hex) of a file, read once per run; an empty text when it cannot be read."""
    try:
        stamp = path.stat()
    except OSError:
        return ""
    return _digest(path, stamp.st_mtime_ns, stamp.st_size)


@cache
def _digest(path: Path, _mtime_ns: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _common(settings: Settings, suite: Suite, arm: Arm, *, with_siblings: bool) -> dict[str, Any]:
    is_agent = with_siblings or suite.runner is Runner.AGENT
    common: dict[str, Any] = {
        "harness": HARNESS_VERSION,
        "model": settings.model,
        "loaded": _loaded(_Identity(settings), suite.skill, suite.siblings, arm, with_siblings),
    }
    if is_agent:
        common["client"] = settings.client_version
        common["tools"] = list(suite.tools or DEFAULT_TOOLS)
        common["limits"] = [suite.limits.max_turns, suite.limits.timeout_s]
    return common


class _Identity:
    """Makes settings usable as a cache's key: the same object is the same catalogue."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.settings is self.settings

    def __hash__(self) -> int:
        return id(self.settings)


@cache
def _loaded(who: _Identity, skill: str, siblings: tuple[str, ...], arm: Arm, with_siblings: bool) -> str:
    suite = Suite(folder=Path(), skill=skill, cases=(), siblings=siblings)
    return arm_digest(who.settings.catalog, suite, arm, with_siblings=with_siblings)
