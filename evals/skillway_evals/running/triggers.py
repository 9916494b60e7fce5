"""Does the skill load when it should, beside its siblings?

One session per prompt and repeat, with the whole plugin and the suite's siblings; it ends as soon as the skill is
loaded. Whether it was is derived from the kept transcript each time.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from skillway_evals.agent.arms import lay_out_arm
from skillway_evals.agent.session import Assignment, run_session
from skillway_evals.agent.transcript import Transcript
from skillway_evals.agent.trigger import detect_trigger
from skillway_evals.outcome import Provenance, Usage
from skillway_evals.running.ask import Answered, Asker, Body, need_agent, reason_of
from skillway_evals.running.keys import find_key, trigger_key
from skillway_evals.running.prices import TRIGGER_TYPICAL, session_usage
from skillway_evals.running.settings import Settings
from skillway_evals.suite import Arm, Suite, Trigger

_WORST_FACTOR = 6.0


@dataclass(frozen=True, slots=True)
class TriggerSlot:
    """One session of one trigger. `key` is its content hash, `skill` the name that the skill has in that session."""

    suite: Suite
    trigger: Trigger
    repeat: int
    key: str
    skill: str


@dataclass(frozen=True, slots=True)
class TriggerVote:
    """What one session said.

    Attributes:
        slot: Which session.
        fired: As in `agent.trigger.Detection`.
        reason: A sentence for people.
        signed: Whether its verdict is.
        provenance: Where it comes from.
        usage: What it took.
    """

    slot: TriggerSlot
    fired: bool | None
    reason: str
    signed: bool
    provenance: Provenance
    usage: Usage


def trigger_slots(settings: Settings, suite: Suite) -> list[TriggerSlot]:
    """List the sessions of a suite's triggers, drafts left out."""
    return [
        TriggerSlot(
            suite, trigger, repeat, *find_key(settings, suite, partial(trigger_key, settings, suite, trigger, repeat))
        )
        for repeat in range(suite.repeats)
        for trigger in suite.triggers
        if not trigger.draft
    ]


async def run_trigger(asker: Asker, slot: TriggerSlot) -> TriggerVote:
    """Run one session.

    Raises:
        NotAskedError: It was not run.
    """
    need_agent(asker, slot.key)
    worst = trigger_worst_usd(asker)
    answered = await asker.answer(slot.key, "trigger", worst, lambda: _attempt(asker, slot, worst), is_session=True)
    return _vote(slot, answered)


def trigger_worst_usd(asker: Asker) -> float:
    """Bound what one session may take; 0 for a model without a price."""
    usual = asker.settings.prices.priced(asker.settings.model, TRIGGER_TYPICAL).cost_usd or 0.0
    return usual * _WORST_FACTOR


def _vote(slot: TriggerSlot, answered: Answered) -> TriggerVote:
    body = answered.verdict.body
    fired, reason = None, f"no vote: {reason_of(body)}"
    if answered.verdict.valid:
        detection = detect_trigger(Transcript(body.get("events", ())), slot.skill)
        fired, reason = detection.fired, detection.reason
    return TriggerVote(slot, fired, reason, answered.verdict.signed, answered.provenance, answered.usage)


async def _attempt(asker: Asker, slot: TriggerSlot, worst_usd: float) -> tuple[Body, float | None]:
    agent, suite = asker.means.agent, slot.suite
    assert agent is not None

    def is_loaded(transcript: Transcript) -> bool:
        return detect_trigger(transcript, suite.skill).fired is True

    with tempfile.TemporaryDirectory(prefix="skillway-arm-", ignore_cleanup_errors=True) as folder:
        plugins = lay_out_arm(asker.settings.catalog, suite, Arm.PLUGIN, Path(folder), with_siblings=True)
        assignment = Assignment(
            slot.trigger.prompt,
            plugin_dirs=tuple(plugins),
            tools=suite.tools,
            limits=suite.limits,
            max_usd=worst_usd or None,
            suite_folder=suite.folder,
        )
        async with run_session(agent, assignment, enough=is_loaded) as session:
            usage = session_usage(asker.settings, session.transcript)
            detection = detect_trigger(session.transcript, suite.skill)
            fault = session.fault or (detection.reason if detection.fired is None else "")
            body: Body = {
                "valid": not fault,
                "reason": fault,
                "final": suite.skill not in session.transcript.offered,
                "events": session.transcript.kept(),
                "usage": asdict(usage),
            }
    return body, usage.cost_usd
