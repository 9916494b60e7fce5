"""What does each gate look at, when a skill is to be promoted?

Owner, findings of `skillway check`, lint of the suite, recorded evidence, reach and cost per use. Each input gathers
what it needs when it is first asked, so that a check of many skills reads everything once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path

from skillway.catalog import Catalog
from skillway.checks import ERROR, Finding, check_catalog
from skillway.collector.errors import StoreError
from skillway.errors import SkillwayError
from skillway.organisation import Organisation
from skillway.usage.report import last_days
from skillway.usage.values import UsageReport
from skillway_evals.agent.arms import find_subject
from skillway_evals.gate import decide
from skillway_evals.lint import Severity, lint_suite
from skillway_evals.outcome import Outcome
from skillway_evals.promotion.engine import Condition, GateInput
from skillway_evals.promotion.evidence import Evidence, outcome_shown, provenance
from skillway_evals.promotion.policy import Gate
from skillway_evals.promotion.progress import describe_progress
from skillway_evals.promotion.summary import SummaryEntry
from skillway_evals.promotion.usage import usage_of
from skillway_evals.running.execute import SuiteReport
from skillway_evals.running.frame import DEFAULT_JUDGE, DEFAULT_MODEL
from skillway_evals.suite_files import SUITES, load_suite

FEW = 5
"""Fewer people than this are never told of as a group."""
DEFAULT_WEEKS = 4


@dataclass(slots=True)
class OwnerInput:
    """Somebody has to be named who looks after the skill."""

    catalog: Catalog
    organisation: Organisation

    def conditions(self, subject: str, gate: Gate) -> Sequence[Condition]:  # noqa: ARG002 - no thresholds
        """Look for the team's owners, then the plugin's author, then the organisation's owners."""
        plugin = find_subject(self.catalog, subject).plugin
        team = next((one for one in self.organisation.teams if one.name == plugin.team), None)
        author = (plugin.manifest or {}).get("author")
        name = author.get("name") if isinstance(author, Mapping) else None
        owners = (team.owners if team else ()) or ((str(name),) if name and plugin.team else self.organisation.owners)
        if owners:
            return [Condition("owner", "owner", Outcome.PASS, f"{', '.join(owners)} look after it.")]
        text = "Nobody is named who looks after it, neither in organisation.yaml nor in plugin.json (author)."
        return [Condition("owner", "owner", Outcome.FAIL, text)]


@dataclass
class CheckInput:
    """`skillway check` may have no open error about the skill or its plugin's manifest."""

    catalog: Catalog

    @cached_property
    def _findings(self) -> list[Finding]:
        return check_catalog(self.catalog)

    def conditions(self, subject: str, gate: Gate) -> Sequence[Condition]:  # noqa: ARG002 - no thresholds
        """Count the errors in the skill's folder."""
        folder = find_subject(self.catalog, subject).skill.folder.relative_to(self.catalog.root).as_posix()
        errors = [one for one in self._findings if one.severity == ERROR and one.file.startswith(f"{folder}/")]
        if not errors:
            return [Condition("check", "check", Outcome.PASS, "skillway check has no error about it.")]
        text = f"skillway check has {len(errors)} open error{'s'[: len(errors) != 1]}, such as {errors[0].rule} in {errors[0].file}."
        return [Condition("check", "check", Outcome.FAIL, text, next_actions=(f"skillway check {folder}",))]


@dataclass(slots=True)
class LintInput:
    """The suite has to be able to measure something."""

    catalog: Catalog

    def conditions(self, subject: str, gate: Gate) -> Sequence[Condition]:  # noqa: ARG002 - no thresholds
        """Count the errors of `skillway eval lint`."""
        folder = suite_folder(self.catalog.root, subject)
        if not (folder / "suite.yaml").is_file():
            return [_no_suite("lint", subject)]
        errors = [one for one in lint_suite(folder, self.catalog) if one.severity is Severity.ERROR]
        if not errors:
            return [Condition("lint", "lint", Outcome.PASS, "skillway eval lint has no error about its suite.")]
        text = f"skillway eval lint has {len(errors)} error{'s'[: len(errors) != 1]}, such as: {errors[0].message}"
        return [Condition("lint", "lint", Outcome.FAIL, text, next_actions=(f"skillway eval lint {subject}",))]


@dataclass(slots=True)
class EvidenceInput:
    """The recorded verdicts have to pass the gate.

    Attributes:
        evidence: The store.
        signed_off: From skill to who signed off that no value is claimed, with the day.
        shown: What the evidence gate said, for the summary that others show; filled as skills are looked at.
    """

    evidence: Evidence
    signed_off: Mapping[str, str] = field(default_factory=dict)
    shown: dict[str, SummaryEntry] = field(default_factory=dict)

    def conditions(self, subject: str, gate: Gate) -> Sequence[Condition]:
        """Grade what is recorded, and let the gate decide over it."""
        folder = suite_folder(self.evidence.repository, subject)
        if not (folder / "suite.yaml").is_file():
            self.shown[subject] = SummaryEntry(Outcome.NOT_RUN, None, "")
            return [_no_suite("evidence", subject)]
        try:
            suite = load_suite(folder)
            model, judge = gate.options.get("model", DEFAULT_MODEL), gate.options.get("judge", DEFAULT_JUDGE)
            report = self.evidence.report(suite, model, judge)
        except SkillwayError as error:
            self.shown[subject] = SummaryEntry(Outcome.INVALID, None, "")
            text = f"The evidence cannot be read: {error.message}"
            return [Condition("evidence", "suite", Outcome.INVALID, text, next_actions=error.next_actions)]
        origin = provenance(report)
        if origin is None:
            return [self._nothing(subject, report, gate, model, judge)]
        decision = decide(suite, report.result, gate.rules(), signed_off=self.signed_off.get(subject, ""))
        outcome = outcome_shown(decision.outcome, origin)
        self.shown[subject] = SummaryEntry(outcome, origin, self.evidence.day(report))
        conditions = [Condition("evidence", name, *reason) for name, *reason in decision.reasons]  # type: ignore[arg-type]
        if origin is not None and outcome is Outcome.NOT_RUN and decision.outcome is not Outcome.NOT_RUN:
            text = "A scripted model answered, so nothing is known of the skill."
            return [Condition("evidence", "origin", Outcome.NOT_RUN, text)]
        progress, actions = describe_progress(report, decision.outcome, gate, model, judge)
        first = conditions[0]
        return [Condition("evidence", first.name, first.outcome, first.text, progress, actions), *conditions[1:]]

    def _nothing(self, subject: str, report: SuiteReport, gate: Gate, model: str, judge: str) -> Condition:
        """Say once that nothing was run, in place of every condition of the gate."""
        self.shown[subject] = SummaryEntry(Outcome.NOT_RUN, None, "")
        asked = report.result.expected_runs + report.result.expected_triggers
        text = f"None of {asked} runs and trigger sessions is recorded." if asked else "The suite has drafts alone."
        progress, actions = describe_progress(report, Outcome.NOT_RUN, gate, model, judge)
        return Condition("evidence", "complete", Outcome.NOT_RUN, text, progress, actions)


@dataclass
class UsageInput:
    """People have to use it, in more than one team, at a bearable cost; answers for the kinds `reach` and `cost`.

    Attributes:
        repository: The folder with organisation.yaml, whose aliases join former names.
        store: The collector's file, or None for the user's own.
    """

    repository: Path
    store: Path | None
    _reports: dict[int, UsageReport | str] = field(default_factory=dict)

    def conditions(self, subject: str, gate: Gate) -> Sequence[Condition]:
        """Look at the last weeks of usage events."""
        weeks = gate.options.get("weeks", DEFAULT_WEEKS)
        report = self._report(weeks)
        if isinstance(report, str):
            return [Condition(gate.kind, gate.kind, Outcome.NOT_RUN, report, next_actions=("skillway collector",))]
        return self._reach(subject, gate, report, weeks) if gate.kind == "reach" else [_cost(subject, gate, report)]

    def _report(self, weeks: int) -> UsageReport | str:
        if weeks not in self._reports:
            period = last_days(7 * weeks, until=datetime.now(timezone.utc).date())
            try:
                self._reports[weeks] = usage_of(self.repository, self.store, period)
            except StoreError as error:
                self._reports[weeks] = error.message
        return self._reports[weeks]

    def _reach(self, subject: str, gate: Gate, report: UsageReport, weeks: int) -> list[Condition]:
        use = next((one for one in report.skills if one.name == subject), None)
        users, teams = (use.users, use.teams) if use else (0, 0)
        least_users, least_teams = gate.options["least_users"], gate.options["least_teams"]
        is_few = users is None or users < FEW
        shown = f"fewer than {FEW}" if is_few else str(users)
        enough = not is_few and users is not None and users >= least_users
        text = f"{shown} people used it in {weeks} weeks; {least_users} are needed."
        found = [Condition("reach", "users", Outcome.PASS if enough else Outcome.FAIL, text)]
        if is_few:  # in how many teams so few are would tell of them
            return [
                *found,
                Condition(
                    "reach", "teams", Outcome.FAIL, f"Too few people to tell of teams; {least_teams} are needed."
                ),
            ]
        text = f"They are in {teams} team{'s'[: teams != 1]}; {least_teams} are needed."
        return [*found, Condition("reach", "teams", Outcome.PASS if teams >= least_teams else Outcome.FAIL, text)]


def _cost(subject: str, gate: Gate, report: UsageReport) -> Condition:
    most = gate.options["most_usd_per_use"]
    use = next((one for one in report.skills if one.name == subject), None)
    spent = next((one for one in report.cost.by_skill if one.name == subject), None) if report.cost else None
    if use is None or spent is None or not use.uses:
        reason = (
            "Claude Code's own events of cost did not arrive"
            if report.cost is None
            else "its cost is not known, or told of too few people"
        )
        return Condition("cost", "cost", Outcome.NOT_RUN, f"Cost per use: {reason}; at most ${most:.2f} is allowed.")
    each = spent.usd / use.uses
    text = f"${each:.2f} per use, an estimate over {use.uses} uses; at most ${most:.2f} is allowed."
    return Condition("cost", "cost", Outcome.PASS if each <= most else Outcome.FAIL, text)


def skill_inputs(
    catalog: Catalog, organisation: Organisation, evidence: EvidenceInput, store: Path | None
) -> dict[str, GateInput]:
    """Give the inputs of every kind of gate that a skill is asked for."""
    usage = UsageInput(catalog.root, store)
    return {
        "owner": OwnerInput(catalog, organisation),
        "check": CheckInput(catalog),
        "lint": LintInput(catalog),
        "evidence": evidence,
        "reach": usage,
        "cost": usage,
    }


def suite_folder(repository: Path, skill: str) -> Path:
    """Give where the suite of a skill stands, or would."""
    plugin, _, name = skill.partition(":")
    return repository / SUITES / plugin / name


def _no_suite(gate: str, subject: str) -> Condition:
    action = f"skillway eval new {subject}"
    return Condition(gate, "suite", Outcome.NOT_RUN, "It has no eval suite.", next_actions=(action,))
