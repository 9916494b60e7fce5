"""Would this suite measure what it says, before any money is spent?

Looks at suites that can be read. Each rule stands for a way in which public eval suites have fooled their authors:
prompts that name the skill, answers that stand in the prompt, graders that an idle agent passes, rubrics that
reward the skill's own words, repeats in place of cases. Rules are in `lint_cases`, `lint_rubric` and
`lint_triggers`; running and deciding are elsewhere.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from skillway.catalog import Catalog, Skill
from skillway_evals.suite import Suite
from skillway_evals.suite_files import SUITES, SuiteError, find_suites, load_suite


class Severity(str, Enum):
    """An error makes the suite no evidence; a warning is for a person to weigh."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a lint found: the rule's name, where (`line` from 1, 0 for the file), what, and how to mend it."""

    rule: str
    severity: Severity
    file: Path
    line: int
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rule looks at: a suite, the skill that it is about (None when there is none), and all other skills."""

    suite: Suite
    skill: Skill | None
    others: tuple[tuple[str, Skill], ...]

    def file(self, name: str) -> Path:
        """Give the path of one of the suite's files, such as `cases`."""
        return self.suite.folder / f"{name}.yaml"


Rule = Callable[[Subject], Iterator[Finding]]


def lint_repository(repository: Path, catalog: Catalog, folders: tuple[Path, ...] = ()) -> tuple[list[Finding], int]:
    """Lint some or all suites of a repository.

    Args:
        repository: The folder with organisation.yaml.
        catalog: What stands in it.
        folders: The suites to look at; all when empty.

    Returns:
        The findings in the order of suites and rules, and how many suites were looked at.
    """
    chosen = list(folders) or find_suites(repository)
    findings: list[Finding] = []
    for folder in chosen:
        findings += lint_suite(folder, catalog)
    return findings, len(chosen)


def lint_suite(folder: Path, catalog: Catalog) -> list[Finding]:
    """Lint one suite; a suite that cannot be read gives its faults as findings of the rule `suite`."""
    try:
        suite = load_suite(folder)
    except SuiteError as error:
        return [Finding("suite", Severity.ERROR, at.file, at.line, at.message, at.fix) for at in error.problems]
    subject = subject_of(suite, catalog)
    return [finding for rule in rules() for finding in rule(subject)]


def subject_of(suite: Suite, catalog: Catalog) -> Subject:
    """Find the skill that a suite is about, and the others around it."""
    named = {f"{plugin.name}:{skill.name}": skill for plugin in catalog.plugins for skill in plugin.skills}
    others = tuple((name, skill) for name, skill in sorted(named.items()) if name != suite.skill)
    return Subject(suite, named.get(suite.skill), others)


def rules() -> tuple[Rule, ...]:
    """Give every rule, in the order in which findings are told."""
    from skillway_evals import lint_cases, lint_rubric, lint_triggers  # noqa: PLC0415 - they take their values from here

    return (find_no_skill, *lint_cases.RULES, *lint_rubric.RULES, *lint_triggers.RULES, find_uncommitted_files)


def find_no_skill(subject: Subject) -> Iterator[Finding]:
    """A suite is about a skill that exists, and names siblings that exist."""
    file = subject.file("suite")
    if subject.skill is None:
        message = f"There is no skill {subject.suite.skill} in this repository."
        yield Finding(
            "skill-missing", Severity.ERROR, file, 2, message, f"Move the suite to {SUITES}/<plugin>/<skill>."
        )
    known = {name for name, _ in subject.others}
    for sibling in subject.suite.siblings:
        if sibling not in known:
            message = f"The sibling {sibling} is no skill of this repository, so it could never be loaded."
            yield Finding("sibling-missing", Severity.ERROR, file, 0, message, "Name a skill as plugin:skill.")


def find_uncommitted_files(subject: Subject) -> Iterator[Finding]:
    """Every file of a suite is in git; one that is not exists on one machine only."""
    folder = subject.suite.folder
    command = ["git", "-C", str(folder), "ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", "."]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return  # no git, or no repository of it: nothing can be said
    for name in filter(None, answer.decode(errors="replace").split("\0")):
        if "__pycache__" not in name:
            message = f"{name} is ignored by git, so nobody else gets it."
            yield Finding("file-ignored", Severity.ERROR, folder / name, 0, message, "Take it out of .gitignore.")
