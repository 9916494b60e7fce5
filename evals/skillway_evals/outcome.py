"""What came out of runs, and how sure is it?

The values between running, grading and deciding. A number never goes without its provenance, and what was not
run is never a pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from skillway_evals.suite import Arm


class Outcome(str, Enum):
    """What may be said of a suite, a gate or a comparison."""

    PASS = "pass"  # noqa: S105 - an outcome, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    """It ran, and the evidence does not decide; more cases would, a rerun would not."""
    INVALID = "invalid"
    """The infrastructure failed, not the skill."""
    NOT_RUN = "not run"


class Provenance(str, Enum):
    """Where a verdict comes from; only `live` and `replay` are ever shown as quality."""

    LIVE = "live"
    REPLAY = "replay"
    RECORDED = "recorded"
    """A transcript that a person put into the suite."""
    FAKE = "fake"
    """A scripted model; for tests of this harness alone."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call or run took.

    Attributes:
        input_tokens: Without what came from the cache.
        output_tokens: As billed.
        cache_read_tokens: Read from the prompt cache.
        cache_write_tokens: Written to it.
        cost_usd: By the dated price file; None when the model has no price there.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class GraderResult:
    """What one grader said of one run.

    Attributes:
        grader: The grader's or criterion's id.
        passed: True, False, or None when it could not be decided (which is never a pass).
        must: As in `suite.Grader`.
        score: 0, 1 or 2 of a rubric criterion, else None.
        evidence: A quote or a fact, verified by code, for people.
    """

    grader: str
    passed: bool | None
    must: bool = False
    score: int | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class RunResult:
    """One graded run of one case in one arm.

    Attributes:
        case: The case's id.
        arm: What was loaded.
        repeat: Counted from 0.
        valid: False when the infrastructure failed (timeout, API error, skill not offered); such a run is no vote.
        reason: Why it is not valid, a sentence; else empty.
        results: One per grader and criterion.
        usage: What it took.
        key: Content hash of the slot in the verdict store.
        provenance: Where it comes from.
    """

    case: str
    arm: Arm
    repeat: int
    valid: bool
    results: tuple[GraderResult, ...] = ()
    reason: str = ""
    usage: Usage = field(default_factory=Usage)
    key: str = ""
    provenance: Provenance = Provenance.LIVE

    @property
    def must_failed(self) -> bool:
        """Tell whether a check that has to hold did not."""
        return any(result.must and result.passed is False for result in self.results)

    @property
    def passed(self) -> bool | None:
        """Tell whether everything held; None when the run is no vote or something is undecided."""
        if not self.valid or not self.results:
            return None
        if any(result.passed is False for result in self.results):
            return False
        return None if any(result.passed is None for result in self.results) else True


@dataclass(frozen=True, slots=True)
class TriggerResult:
    """Whether the skill loaded for one prompt.

    Attributes:
        trigger: The trigger's id.
        should: Whether it should have loaded.
        fired: One per repeat: loaded, did not, or None when that repeat is no vote.
        keys: Content hashes, one per repeat.
    """

    trigger: str
    should: bool
    fired: tuple[bool | None, ...]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """Everything that is known about one skill for one model.

    Attributes:
        skill: `plugin:skill`.
        skill_digest: 12 hex of the skill folder's content.
        suite_digest: As in `suite.Suite`.
        model: The model that answered.
        judge: Name and version of the judge, or empty when code alone decided.
        judge_admitted: Whether the judge may gate (`calibration`); otherwise its scores are advisory.
        runs: All graded runs.
        triggers: All trigger results.
        expected_runs: How many runs the plan asked for; fewer means not all ran.
        expected_triggers: As `expected_runs`, in prompts times repeats.
        signed: Whether every verdict carries a valid signature of the protected workflow; else all is advisory.
        attempts: From content hash to how many attempts may have shown somebody an answer: all in the ledger but
            those that ended in a recorded fault of the infrastructure.
    """

    skill: str
    skill_digest: str
    suite_digest: str
    model: str
    runs: tuple[RunResult, ...]
    triggers: tuple[TriggerResult, ...]
    expected_runs: int
    expected_triggers: int
    judge: str = ""
    judge_admitted: bool = False
    signed: bool = False
    attempts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate says, and what would change it.

    Attributes:
        outcome: Pass only when every condition holds.
        reasons: One sentence per condition, in the gate's order, with its own outcome and figures.
        progress: What is still needed, in cases and dollars, for a person; empty when nothing is.
        next_actions: Commands to run next.
    """

    outcome: Outcome
    reasons: tuple[tuple[str, Outcome, str], ...]
    progress: str = ""
    next_actions: tuple[str, ...] = ()
