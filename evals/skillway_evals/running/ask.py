"""How is one slot asked, so that nothing is lost, repeated or overspent?

From the store when it is known; else noted, reserved, asked, booked and written, in this order. A fault of the
infrastructure is tried once more and then leaves the slot invalid. A slot for which there is no model, no key or no
money is not run: it has no answer, which is not the same.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from skillway_evals.models.client import Fault, ModelError, ModelReply, ModelRequest
from skillway_evals.money import CapReachedError, Reservation
from skillway_evals.outcome import Provenance, Usage
from skillway_evals.running.settings import Means, Settings
from skillway_evals.store import Journal, Verdict
from skillway_evals.store.journal import StoreError
from skillway_evals.telemetry import describe, span

TRIES = 2
_SETTLED = frozenset({Fault.NO_KEY, Fault.NOT_RECORDED, Fault.REJECTED})
"""Faults that a second try does not change."""
CAP_REACHED = "the cap is reached"
Body = dict[str, Any]
Attempt = Callable[[], Awaitable[tuple[Body, float | None]]]


class NotAskedError(Exception):
    """The slot was not run; the message says why."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What is known of a slot. `fresh` tells whether this run asked it."""

    verdict: Verdict
    fresh: bool

    @property
    def provenance(self) -> Provenance:
        """Where the answer comes from; what a fake once said stays fake."""
        if self.verdict.provenance == Provenance.FAKE.value:
            return Provenance.FAKE
        return Provenance.LIVE if self.fresh else Provenance.REPLAY

    @property
    def usage(self) -> Usage:
        """What it took when it was asked."""
        values = self.verdict.body.get("usage")
        return Usage(**values) if isinstance(values, dict) else Usage()


class Asker:
    """Asks slots; one for each run.

    Attributes:
        asked: From key to how many attempts of this run may have shown an answer; a fault is none.
        failure: Why nothing could be kept any more, or None.
    """

    def __init__(self, settings: Settings, means: Means) -> None:
        self.settings = settings
        self.means = means
        self.asked: Counter[str] = Counter()
        self.failure: StoreError | None = None
        self._refused = ""
        self._in_flight = 0
        self._settled = asyncio.Event()
        self._places = asyncio.Semaphore(means.concurrency)
        self._sessions = asyncio.Semaphore(means.sessions)
        self._open: dict[str, asyncio.Task[Answered]] = {}

    async def ask_model(self, request: ModelRequest, kind: str, check: Callable[[str], None]) -> Answered:
        """Answer a slot by one request.

        Args:
            request: The request; its key is the slot's.
            kind: What is asked, for the store.
            check: Raises ValueError for a reply that cannot be used, which is a fault and no verdict.

        Raises:
            NotAskedError: It was not run.
        """
        worst = self.worst_usd(request)
        return await self.answer(request.key, kind, worst, lambda: self._request(request, check, worst))

    async def answer(
        self, key: str, kind: str, worst_usd: float, attempt: Attempt, *, is_session: bool = False
    ) -> Answered:
        """Answer a slot by whatever `attempt` does; equal slots of one run are asked once.

        Args:
            key: Content hash of the slot.
            kind: What is asked, for the store.
            worst_usd: The most that one attempt may take.
            attempt: Gives the body and what it took in USD, None for all that was set aside.
            is_session: Whether it is an agent session, of which fewer may be under way.

        Raises:
            NotAskedError: It was not run.
        """
        known = self.settings.store.find(key, signed_only=self.settings.signed_only)
        if known is not None:
            return Answered(known, fresh=False)
        if key not in self._open:
            self._open[key] = asyncio.create_task(
                self._ask(key, kind, worst_usd, attempt, self._sessions if is_session else self._places)
            )
        return await asyncio.shield(self._open[key])

    async def _ask(
        self, key: str, kind: str, worst_usd: float, attempt: Attempt, places: asyncio.Semaphore
    ) -> Answered:
        journal = self.means.journal
        if journal is None:
            raise NotAskedError("nothing is recorded for it, and nothing new may be asked")
        try:
            async with places:
                verdict, synced = await self._tries(journal, key, kind, worst_usd, attempt)
            await synced  # outside of the place: the next call need not wait for the disk
        except StoreError as error:  # nothing more may be asked, because nothing could be kept
            self.failure, self._refused = error, error.message
            raise NotAskedError(error.message) from error
        return Answered(verdict, fresh=True)

    async def _tries(
        self, journal: Journal, key: str, kind: str, worst_usd: float, attempt: Attempt
    ) -> tuple[Verdict, asyncio.Future[None]]:
        """Try until there is an answer or no sense in another try; give it with the future of its fsync."""
        signed = journal.signer_id is not None and self.settings.store.trusts(journal.signer_id)
        number = 0
        while True:
            number += 1
            reservation = await self._reserve(worst_usd)
            with span("skillway.eval.slot", {"skillway.eval.kind": kind, "skillway.eval.attempt": number}) as opened:
                try:
                    journal.begin(key)
                except StoreError:
                    self.means.budget.settle(reservation, 0.0)
                    raise
                body = await self._attempt(attempt, reservation)
                verdict = Verdict(key, kind, body, "", self.means.client.provenance.value, signed=signed)
                synced = journal.append(verdict)
                self.asked[key] += verdict.valid
                describe(opened, Answered(verdict, fresh=True).usage, valid=verdict.valid)
            if verdict.valid or body.get("final") or number == TRIES:
                return verdict, synced

    async def _reserve(self, worst_usd: float) -> Reservation:
        """Set money aside; while calls in flight hold some, what they leave over is waited for."""
        while True:
            if self._refused:
                raise NotAskedError(self._refused)
            try:
                return self.means.budget.reserve(worst_usd)
            except CapReachedError as error:
                if self._in_flight == 0:
                    raise NotAskedError(CAP_REACHED) from error
            await self._settled.wait()

    def _settle(self, reservation: Reservation, spent_usd: float | None) -> None:
        self.means.budget.settle(reservation, spent_usd)
        self._in_flight -= 1
        settled, self._settled = self._settled, asyncio.Event()
        settled.set()

    async def _attempt(self, attempt: Attempt, reservation: Reservation) -> Body:
        """Make one attempt, and book what it took whatever happens."""
        spent: float | None = None
        self._in_flight += 1
        try:
            body, spent = await attempt()
        except ModelError as error:
            if error.fault is Fault.NO_KEY:
                self._refused = str(error)
            spent = error.usage.cost_usd if error.billed else 0.0
            final = error.fault in _SETTLED
            return {"valid": False, "reason": str(error), "final": final, "usage": asdict(error.usage)}
        except CapReachedError:
            spent = 0.0  # what was taken in vain is booked already
            return {"valid": False, "reason": CAP_REACHED, "final": True}
        finally:
            self._settle(reservation, spent)
        return body

    async def _request(
        self, request: ModelRequest, check: Callable[[str], None], worst_usd: float
    ) -> tuple[Body, float | None]:
        prices, budget, batch = self.settings.prices, self.means.budget, self.settings.batch
        try:
            reply = await self.means.client.ask(request, lambda: budget.charge(worst_usd))
        except ModelError as error:
            if error.usage != Usage():  # a refusal says what it took; any other fault may have taken all
                error.usage = prices.priced(request.model, error.usage, batch=batch)
            raise
        usage = prices.priced(request.model, reply.usage, batch=batch)
        return _checked(reply, usage, check), usage.cost_usd or 0.0

    def worst_usd(self, request: ModelRequest) -> float:
        """Bound what one request may take, in USD; 0 for a model without a price, which no cap allows."""
        price = self.settings.prices.find(request.model)
        if price is None:
            return 0.0
        worst = price.cost(Usage(cache_write_tokens=request.worst_input_tokens(), output_tokens=request.max_tokens))
        return worst * (self.settings.prices.batch_factor if self.settings.batch else 1.0)


def _checked(reply: ModelReply, usage: Usage, check: Callable[[str], None]) -> Body:
    body: Body = {"valid": True, "text": reply.text, "model": reply.model, "usage": asdict(usage)}
    try:
        check(reply.text)
    except ValueError as error:
        return {**body, "valid": False, "reason": f"{Fault.BROKEN.value}: {error}"}
    return body


def need_agent(asker: Asker, key: str) -> None:
    """Make sure that a session can be started, or need not be.

    Raises:
        NotAskedError: It is not recorded, and there is no client or no key.
    """
    settings = asker.settings
    if asker.means.agent is None and settings.store.find(key, signed_only=settings.signed_only) is None:
        raise NotAskedError("an agent run needs a Claude Code client and an API key")


def reason_of(body: Mapping[str, Any]) -> str:
    """Give why a slot is invalid, a sentence."""
    return str(body.get("reason") or "the recorded answer cannot be used")
