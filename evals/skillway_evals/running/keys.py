"""On what does an answer depend? Everything named here is in its content hash, and nothing else.

Graders are not: they are derived again from the recorded answer whenever they change, without asking anybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from skillway.aliases import Alias, current_names
from skillway_evals.agent.arms import arm_digest, find_subject, skill_digest
from skillway_evals.agent.session import DEFAULT_TOOLS
from skillway_evals.judge.prompt import JudgePrompt
from skillway_evals.running.settings import HARNESS_VERSION, JudgeChoice, Settings
from skillway_evals.store.line import content_key
from skillway_evals.suite import Arm, Case, Runner, Suite, Trigger

TRIGGERS = "triggers"
"""How an alias names what trigger sessions load; runs are named by their arm."""


def case_key(settings: Settings, suite: Suite, case: Case, arm: Arm, repeat: int, moved: Alias | None = None) -> str:
    """Give the key of one run of a case, or the one that it had before the skill moved."""
    parts = {
        "kind": "run",
        "runner": suite.runner.value,
        "prompt": case.prompt,
        "files": {path: file_digest(file) for path, file in sorted(case.files.items())},
        "setup": [*case.setup, *(file_digest(program) for program in setup_programs(suite, case))],
        "repeat": repeat,
    }
    return content_key(parts | _common(settings, suite, arm, moved, with_siblings=False))


def trigger_key(settings: Settings, suite: Suite, trigger: Trigger, repeat: int, moved: Alias | None = None) -> str:
    """Give the key of one session of a trigger, or its former one; only the agent can load skills."""
    name = moved.former if moved else suite.skill
    parts = {"kind": "trigger", "prompt": trigger.prompt, "skill": name, "repeat": repeat}
    return content_key(parts | _common(settings, suite, Arm.PLUGIN, moved, with_siblings=True))


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


def loaded_digests(settings: Settings, suite: Suite) -> dict[str, str]:
    """Give what all arms and the trigger sessions load today, for the alias that a move leaves behind."""
    who = _Identity(settings)
    digests = {arm.value: _loaded(who, suite.skill, suite.siblings, arm, with_siblings=False) for arm in Arm}
    return {**digests, TRIGGERS: _loaded(who, suite.skill, suite.siblings, Arm.PLUGIN, with_siblings=True)}


def find_key(settings: Settings, suite: Suite, make: Callable[[Alias | None], str]) -> tuple[str, str]:
    """Give a slot's key, and the name that the skill has in it.

    What is not recorded under the present name is looked for under the former ones, as long as the skill itself is
    what it was when it moved: a promotion must not cost the evidence that it rests on.

    Args:
        settings: With the store and the aliases.
        suite: The suite of the slot.
        make: Makes the key, as it is now or as it was before a move.
    """
    key = make(None)
    if settings.aliases and key not in settings.store:
        for alias in _former(_Identity(settings), suite.skill):
            if (former := make(alias)) in settings.store:
                return former, alias.former
    return key, suite.skill


def _common(settings: Settings, suite: Suite, arm: Arm, moved: Alias | None, *, with_siblings: bool) -> dict[str, Any]:
    is_agent = with_siblings or suite.runner is Runner.AGENT
    loaded = moved.loaded.get(TRIGGERS if with_siblings else arm.value, "") if moved else None
    common: dict[str, Any] = {
        "harness": HARNESS_VERSION,
        "model": settings.model,
        "loaded": loaded or _loaded(_Identity(settings), suite.skill, suite.siblings, arm, with_siblings=with_siblings),
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
def _former(who: _Identity, skill: str) -> tuple[Alias, ...]:
    """Give the moves that led to this name with the content of today, the latest first."""
    names = current_names(who.settings.aliases)
    digest = skill_digest(find_subject(who.settings.catalog, skill))
    moves = [one for one in who.settings.aliases if names.get(one.former) == skill and one.skill_digest == digest]
    return tuple(reversed(moves))


@cache
def _loaded(who: _Identity, skill: str, siblings: tuple[str, ...], arm: Arm, *, with_siblings: bool) -> str:
    suite = Suite(folder=Path(), skill=skill, cases=(), siblings=siblings)
    return arm_digest(who.settings.catalog, suite, arm, with_siblings=with_siblings)
