"""What does a Messages API answer that costs nothing and fails as often as it is told to?

A server on 127.0.0.1 for tests, simulations and benchmarks of this harness, streaming and not, with batches. Each
request is answered by a function of its own; faults are planted by a plan. Its numbers are never quality: whoever
uses it marks what comes out as `Provenance.FAKE`. The scripted API for whole conversations is
`skillway_sync.scripted_api`.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self

from skillway_sync.scripted_turns import Say, encode_stream, make_message


class Plant(str, Enum):
    """A planted fault, instead of an answer or on top of it."""

    NONE = "none"
    RATE_LIMIT = "429"
    OVERLOADED = "529"
    TRUNCATED = "truncated"
    REFUSAL = "refusal"
    DISCONNECT = "disconnect"
    DRIP = "drip"
    UNPARSEABLE = "unparseable"
    TOKEN_LIMIT = "max_tokens"  # noqa: S105 - a stop reason
    SERVER_ERROR = "500"


Answer = Callable[[Mapping[str, Any]], str]
"""From the request's body to the text of the reply."""
Faults = Callable[[int, Mapping[str, Any]], Plant]
"""From the number of the request (from 1) and its body to the fault that it meets."""

DRIP_BYTE_S = 0.2


def no_faults(_number: int, _body: Mapping[str, Any]) -> Plant:
    """Plant nothing."""
    return Plant.NONE


def say_ok(_body: Mapping[str, Any]) -> str:
    """Answer every request with the same word."""
    return "ok"


@dataclass(slots=True)
class Log:
    """What arrived; read it when the requests are over.

    Attributes:
        bodies: The decoded bodies of `POST /v1/messages`, in the order of arrival, those inside batches too.
        faults: The fault that each of them met.
        under_way_most: The most requests that were under way at one time.
        batches: How many batches were made.
    """

    bodies: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Plant] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    under_way: int = 0
    under_way_most: int = 0
    batches: int = 0


class FakeApi:
    """The server, in a thread with an event loop of its own; use it as a context manager.

    Example:
        with FakeApi(answer=lambda body: '{"score": 2}') as api:
            client = LiveClient("key", Pacer(4), base_url=api.url, provenance=Provenance.FAKE)

    Args:
        answer: Gives the text of each reply.
        faults: Says which request meets which fault.
        delay_s: Seconds before each reply.
        retry_after: What a 429 carries as `retry-after`.
        headers: Further headers of each reply, for example rate limits.
    """

    def __init__(
        self,
        answer: Answer = say_ok,
        *,
        faults: Faults = no_faults,
        delay_s: float = 0.0,
        retry_after: str | None = "0",
        headers: Callable[[int], Mapping[str, str]] = lambda _number: {},
    ) -> None:
        self.log = Log()
        self._answer = answer
        self._faults = faults
        self._delay_s = delay_s
        self._retry_after = retry_after
        self._headers = headers
        self._batches: dict[str, list[dict[str, Any]]] = {}
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()

    @property
    def url(self) -> str:
        """The base address, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connection, "127.0.0.1", 0, limit=2**26))
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def _stop(self) -> None:
        self._loop.stop()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                continue
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client hung up, or the server stops
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; tell whether the connection stays open."""
        head = await reader.readuntil(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        body = await reader.readexactly(int(headers.get("content-length") or 0))
        path = path.partition("?")[0]
        if method == "POST" and path == "/v1/messages":
            return await self._message(json.loads(body), writer)
        if path.startswith("/v1/messages/batches"):
            return await self._batch(method, path, body, writer)
        return await _send(writer, 404, _error("not_found_error", "Only messages and batches are served here."))

    async def _message(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        number, plant = self._note(body)
        self.log.under_way += 1
        self.log.under_way_most = max(self.log.under_way_most, self.log.under_way)
        try:
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            return await self._reply(number, plant, body, writer)
        finally:
            self.log.under_way -= 1

    def _note(self, body: dict[str, Any]) -> tuple[int, Plant]:
        self.log.bodies.append(body)
        self.log.arrivals.append(time.monotonic())
        number = len(self.log.bodies)
        plant = self._faults(number, body)
        self.log.faults.append(plant)
        return number, plant

    async def _reply(self, number: int, plant: Plant, body: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        more = dict(self._headers(number))
        if plant is Plant.DISCONNECT:
            return False
        if plant is Plant.RATE_LIMIT:
            more |= {} if self._retry_after is None else {"retry-after": self._retry_after}
            return await _send(writer, 429, _error("rate_limit_error", "Slow down."), more=more)
        if plant in (Plant.OVERLOADED, Plant.SERVER_ERROR):
            return await _send(writer, int(plant.value), _error("overloaded_error", "Overloaded."), more=more)
        message = self._make_message(number, plant, body)
        is_stream = body.get("stream") is True
        data = encode_stream(message) if is_stream else json.dumps(message).encode()
        kind = "text/event-stream" if is_stream else "application/json"
        if plant is Plant.TRUNCATED:
            return await _send(writer, 200, data[: len(data) // 2], kind=kind, more=more)
        if plant is Plant.DRIP:
            return await _send(writer, 200, data, kind=kind, more=more, byte_s=DRIP_BYTE_S)
        return await _send(writer, 200, data, kind=kind, more=more)

    def _make_message(self, number: int, plant: Plant, body: Mapping[str, Any]) -> dict[str, Any]:
        text = "This is no verdict." if plant is Plant.UNPARSEABLE else self._answer(body)
        message = make_message(Say(text), model=str(body.get("model")), number=number)
        stops = {Plant.REFUSAL: "refusal", Plant.TOKEN_LIMIT: "max_tokens"}
        tokens = len(json.dumps(body.get("messages", ""))) // 4
        usage = {**message["usage"], "input_tokens": tokens, "output_tokens": len(text) // 4 + 1}
        return {**message, "stop_reason": stops.get(plant, "end_turn"), "usage": usage}

    async def _batch(self, method: str, path: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
        if method == "POST":
            batch = f"msgbatch_{self.log.batches:04}"
            self.log.batches += 1
            self._batches[batch] = json.loads(body)["requests"]
            return await _send(writer, 200, json.dumps(self._describe(batch)).encode())
        batch = path.split("/")[4]
        if batch not in self._batches:
            return await _send(writer, 404, _error("not_found_error", "There is no such batch."))
        if path.endswith("/results"):
            lines = [json.dumps(line) for line in self._batch_lines(batch)]
            return await _send(writer, 200, "\n".join(lines).encode(), kind="application/x-jsonl")
        return await _send(writer, 200, json.dumps(self._describe(batch)).encode())

    def _batch_lines(self, batch: str) -> Iterator[dict[str, Any]]:
        for request in self._batches[batch]:
            number, plant = self._note(request["params"])
            failed = plant in (Plant.OVERLOADED, Plant.SERVER_ERROR, Plant.RATE_LIMIT, Plant.DISCONNECT)
            result: dict[str, Any] = {"type": "errored", "error": json.loads(_error("api_error", plant.value))}
            if not failed:
                result = {"type": "succeeded", "message": self._make_message(number, plant, request["params"])}
            yield {"custom_id": request["custom_id"], "result": result}

    def _describe(self, batch: str) -> dict[str, Any]:
        counts = dict.fromkeys(("processing", "errored", "canceled", "expired"), 0)
        return {
            "id": batch,
            "type": "message_batch",
            "processing_status": "ended",
            "request_counts": {**counts, "succeeded": len(self._batches[batch])},
            "created_at": "2026-01-01T00:00:00Z",
            "expires_at": "2026-01-02T00:00:00Z",
            "ended_at": "2026-01-01T00:00:01Z",
            "results_url": f"{self.url}/v1/messages/batches/{batch}/results",
        }


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()


async def _send(
    writer: asyncio.StreamWriter,
    status: int,
    data: bytes,
    *,
    kind: str = "application/json",
    more: Mapping[str, str] | None = None,
    byte_s: float = 0.0,
) -> bool:
    headers = {"content-type": kind, "content-length": str(len(data)), "request-id": "req_fake", **(more or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {status} Fake\r\n{lines}\r\n".encode("latin-1"))
    for part in [data[i : i + 1] for i in range(len(data))] if byte_s else [data]:
        writer.write(part)
        await writer.drain()
        if byte_s:
            await asyncio.sleep(byte_s)
    return True
