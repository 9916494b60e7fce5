"""What will a slot take, and what did a session take?

Estimates are for a person who decides whether to start; worst cases are what the budget sets aside. A session is
priced by our own dated list, because two clients were seen to price the same tokens differently (2.1.197 and
2.1.329 for claude-sonnet-5).
"""

from __future__ import annotations

from dataclasses import replace

from skillway_evals.agent.transcript import Transcript
from skillway_evals.outcome import Usage
from skillway_evals.running.settings import Settings

AGENT_TYPICAL = Usage(input_tokens=15_000, cache_read_tokens=100_000, output_tokens=4_000)
"""Of one run of a case; an assumption until the ledger holds real ones."""
TRIGGER_TYPICAL = Usage(input_tokens=10_000, cache_read_tokens=30_000, output_tokens=600)
"""Of one session that ends when the skill is loaded."""
JUDGE_TYPICAL = Usage(input_tokens=1_800, output_tokens=250)
MESSAGE_TYPICAL = Usage(input_tokens=3_000, output_tokens=1_000)
_WORST_FACTOR = 4.0
_USUAL_TURNS = 12


def typical_usd(settings: Settings, model: str, usage: Usage, *, is_session: bool = False) -> float | None:
    """Give the USD of a typical usage, or None when the model has no price; sessions never go in batches."""
    return settings.prices.priced(model, usage, batch=settings.batch and not is_session).cost_usd


def agent_worst_usd(settings: Settings, max_turns: int) -> float:
    """Bound what one session may take; the client gets it as its own limit. 0 for a model without a price."""
    usual = settings.prices.priced(settings.model, AGENT_TYPICAL).cost_usd or 0.0
    return usual * _WORST_FACTOR * max(1.0, max_turns / _USUAL_TURNS)


def session_usage(settings: Settings, transcript: Transcript) -> Usage:
    """Give what a session took, with its cost; None as cost when the client gave no account that can be priced."""
    usage = transcript.usage
    if usage.input_tokens or usage.output_tokens:
        priced = settings.prices.priced(settings.model, usage)
        return priced if priced.cost_usd is not None else usage
    if transcript.stopped:  # ended by us before the client gave its account
        return settings.prices.priced(settings.model, transcript.message_usage)
    return replace(usage, cost_usd=usage.cost_usd if transcript.result else None)
