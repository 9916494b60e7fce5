"""What is an eval suite, once it has been read?

The values that everything else of the evals works on: what to ask (cases), when the skill should load (triggers),
how an answer is judged (graders, rubric). Reading and refusing files is `suite_files`' part; running is `run`'s.
A suite lies in `evals/suites/<plugin>/<skill>/`, apart from the skill, so that it never ships and the answers are
never in front of the agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any


class Arm(str, Enum):
    """What is loaded while a case runs."""

    NONE = "none"
    """Claude Code without the plugin."""
    SKILL = "skill"
    """The one skill alone."""
    PLUGIN = "plugin"
    """The whole plugin, as laptops get it."""


class Runner(str, Enum):
    """Who answers a case."""

    AGENT = "agent"
    """The real Claude Code, with tools, in a private project folder."""
    MESSAGES = "messages"
    """One call of the Messages API; for cases whose answer is text."""


class Claims(str, Enum):
    """What the suite claims of its skill."""

    VALUE = "value"
    """Answers are better with the skill than without: the gate asks for added value."""
    NONE = "none"
    """A skill of knowledge or policy: no number is claimed; the owner signs off."""


@dataclass(frozen=True, slots=True)
class Grader:
    """One check of one run.

    Attributes:
        id: Unique in its case.
        kind: What is checked, a kind of `suite_schema.json`, such as regex, file_contains, command, tool_used, rubric.
        options: The kind's own options, as the schema allows them.
        must: The check has to hold in every repeat; one failure fails the case whatever the others say.
    """

    id: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    must: bool = False


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question of a rubric, judged separately.

    Attributes:
        id: Unique in the rubric.
        question: One question, answerable from the answer alone.
        anchors: From score (0, 1, 2) to what an answer of that score looks like.
        weight: Positive; in the suite's own unit.
    """

    id: str
    question: str
    anchors: Mapping[int, str]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to ask, the unit of every statistic.

    Attributes:
        id: Unique in the suite.
        prompt: What the user types. Never names the skill.
        files: From the path in the project folder to the fixture's path on disk.
        setup: argv of a program of the suite that prepares the project folder, empty for none.
        expected: What a good answer does, for people who read the report.
        graders: At least one.
        criteria: Ids of the rubric's criteria that apply; empty means that code alone decides this case.
        draft: Written by `eval new` and not yet confirmed by a person; never counts as evidence.
        line: Where it starts in its file, counted from 1.
    """

    id: str
    prompt: str
    graders: tuple[Grader, ...]
    files: Mapping[str, Path] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    expected: str = ""
    criteria: tuple[str, ...] = ()
    draft: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class Trigger:
    """A prompt with which the skill should load, or should not.

    Attributes:
        id: Unique in the suite.
        prompt: What the user types.
        should: Whether the skill should load.
        instead: The skill (`plugin:skill`) that should load in its place, or None where none or any other may.
        draft: As in `Case`.
        line: As in `Case`.
    """

    id: str
    prompt: str
    should: bool
    instead: str | None = None
    draft: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one agent run.

    Attributes:
        max_turns: Turns of the agent.
        timeout_s: Seconds of wall time; over it the run is invalid, never a failure.
    """

    max_turns: int = 12
    timeout_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Suite:
    """Everything that is asked about one skill.

    Attributes:
        folder: `evals/suites/<plugin>/<skill>`.
        skill: `plugin:skill`.
        claims: What the suite claims.
        runner: Who answers the cases.
        arms: Which arms run; `plugin` is the one that is promoted.
        repeats: Runs of each case in each arm.
        tools: Allow-list of tools in agent runs, in Claude Code's own spelling.
        limits: Bounds of one agent run.
        siblings: Skills (`plugin:skill`) that are loaded beside it when triggers run.
        cases: The cases, in the file's order.
        triggers: The triggers, in the file's order.
        rubric: The criteria, by id.
        digest: sha256 (hex) over all files of the suite; part of every verdict's content hash.
    """

    folder: Path
    skill: str
    cases: tuple[Case, ...]
    triggers: tuple[Trigger, ...] = ()
    rubric: Mapping[str, Criterion] = field(default_factory=dict)
    claims: Claims = Claims.VALUE
    runner: Runner = Runner.AGENT
    arms: tuple[Arm, ...] = (Arm.NONE, Arm.SKILL, Arm.PLUGIN)
    repeats: int = 3
    tools: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    siblings: tuple[str, ...] = ()
    digest: str = ""

    @property
    def needs_judge(self) -> bool:
        """Tell whether a model has to judge; a suite without a rubric is decided by code alone."""
        return any(case.criteria for case in self.cases)
