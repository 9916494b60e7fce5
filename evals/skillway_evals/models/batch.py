"""How are many requests asked at half the price?

Message Batches, for backfills that can wait up to a day. Requests that come close together go into one batch; its
id is told to `note_batch` before anything is awaited, so that a run that was killed collects what is paid for
instead of asking again. For requests that somebody waits for: `live`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from skillway_evals.models.client import Fault, ModelError, ModelReply, ModelRequest, decode_message, no_waste
from skillway_evals.models.live import decode_body, guarded, open_sdk
from skillway_evals.models.pacing import Pacer
from skillway_evals.outcome import Provenance

MOST_REQUESTS = 100_000
"""The API's own limit of one batch; its other one, 256 MB, is kept by `MOST_BYTES`."""
MOST_BYTES = 200 * 2**20
LONGEST_S = 25 * 3600.0
_GATHER_S = 0.2


class BatchClient:
    """Asks through Message Batches.

    Args:
        api_key: The key.
        pacer: Bounds and repeats the calls that send and look.
        base_url: Another address of the API, or None.
        provenance: As in `live`.
        note_batch: Told the id of each batch and the keys in it.
        earlier: Ids of batches of an earlier run whose replies were not collected.
        poll_s: Seconds between two looks.
    """

    def __init__(
        self,
        api_key: str,
        pacer: Pacer,
        *,
        base_url: str | None = None,
        provenance: Provenance = Provenance.LIVE,
        note_batch: Callable[[str, Sequence[str]], None] = lambda _id, _keys: None,
        earlier: Sequence[str] = (),
        poll_s: float = 30.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provenance = provenance
        self._pacer = pacer
        self._sdk = open_sdk(api_key, base_url)
        self._note_batch = note_batch
        self._earlier = list(earlier)
        self._poll_s = poll_s
        self._sleep = sleep
        self._clock = clock
        self._gathered: list[ModelRequest] = []
        self._open: dict[str, asyncio.Future[ModelReply]] = {}
        self._known: dict[str, object] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._collected: asyncio.Task[None] | None = None

    async def ask(self, request: ModelRequest, on_waste: Callable[[], None] = no_waste) -> ModelReply:  # noqa: ARG002 - nothing here is tried twice
        """Put the request into the next batch and wait for its reply."""
        if self._collected is None:
            self._collected = asyncio.create_task(self._collect_earlier())
        await asyncio.shield(self._collected)
        if request.key in self._known:
            return _decode_result(self._known.pop(request.key))
        reply: asyncio.Future[ModelReply] = asyncio.get_running_loop().create_future()
        self._open[request.key] = reply
        self._gathered.append(request)
        if len(self._gathered) == 1:
            task = asyncio.create_task(self._send_gathered())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await reply

    async def close(self) -> None:
        """Stop waiting and close the connections; the batches go on and are collected by the next run."""
        for task in self._tasks:
            task.cancel()
        await self._sdk.close()

    async def _collect_earlier(self) -> None:
        for batch in self._earlier:
            try:
                await self._wait_for_end(batch)
                self._known.update(await self._results(batch))
            except ModelError:
                continue  # expired or gone: its requests are asked again

    async def _send_gathered(self) -> None:
        await self._sleep(_GATHER_S)
        requests, self._gathered = self._gathered, []
        for part in _parts(requests):
            try:
                await self._run_batch(part)
            except ModelError as error:
                self._fail(part, error)
            finally:  # whatever ended it: nobody waits for ever
                self._fail(part, ModelError(Fault.BROKEN, "the batch ended without this reply", billed=True))

    async def _run_batch(self, requests: Sequence[ModelRequest]) -> None:
        params: list[Any] = [{"custom_id": r.key, "params": r.parameters()} for r in requests]
        content = await self._call(lambda: self._sdk.messages.batches.with_raw_response.create(requests=params))
        batch = str(content.get("id"))
        self._note_batch(batch, [request.key for request in requests])
        await self._wait_for_end(batch)
        results = await self._results(batch)
        for request in requests:
            self._settle(request.key, results.get(request.key))

    async def _wait_for_end(self, batch: str) -> None:
        latest = self._clock() + LONGEST_S
        while True:
            content = await self._call(lambda: self._sdk.messages.batches.with_raw_response.retrieve(batch))
            if content.get("processing_status") == "ended":
                return
            if self._clock() > latest:
                raise ModelError(Fault.TIMEOUT, f"batch {batch} did not end within {LONGEST_S / 3600:.0f} hours")
            await self._sleep(self._poll_s)

    async def _results(self, batch: str) -> dict[str, object]:
        """Give the results of an ended batch, from key to the API's own value."""

        async def read() -> dict[str, object]:
            results = await guarded(self._sdk.messages.batches.results(batch))
            return {item.custom_id: item.result.to_dict() async for item in results}

        return await self._pacer.run(read)

    async def _call(self, call: Callable[[], Awaitable[Any]]) -> Mapping[str, Any]:
        async def send() -> Mapping[str, Any]:
            response = await guarded(call())
            self._pacer.note_headers(response.headers)
            content = decode_body(response.http_response.content)
            return content if isinstance(content, dict) else {}

        return await self._pacer.run(send)

    def _settle(self, key: str, result: object) -> None:
        reply = self._open.pop(key)
        if reply.done():
            return
        try:
            reply.set_result(_decode_result(result))
        except ModelError as error:
            reply.set_exception(error)

    def _fail(self, requests: Sequence[ModelRequest], error: ModelError) -> None:
        for request in requests:
            reply = self._open.pop(request.key, None)
            if reply is not None and not reply.done():
                reply.set_exception(error)


def _decode_result(result: object) -> ModelReply:
    values = result if isinstance(result, dict) else {}
    if values.get("type") == "succeeded":
        return decode_message(values.get("message"))
    raise ModelError(Fault.REJECTED, f"the batch gives it as {values.get('type', 'missing')!r}")


def _parts(requests: Sequence[ModelRequest]) -> list[list[ModelRequest]]:
    """Cut into batches that the API takes."""
    parts: list[list[ModelRequest]] = [[]]
    size = 0
    for request in requests:
        weight = len(request.system.encode()) + len(request.prompt.encode()) + 2048
        if len(parts[-1]) == MOST_REQUESTS or (parts[-1] and size + weight > MOST_BYTES):
            parts.append([])
            size = 0
        parts[-1].append(request)
        size += weight
    return parts
