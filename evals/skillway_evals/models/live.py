"""How is a request sent to the Messages API?

Through the anthropic SDK, and nowhere else but here and in `batch`. The SDK's own retries are off, because `pacing`
has to see every 429; replies are decoded by `client`, so that a truncated one is a fault and no exception of the
SDK's. Since 2.0 the SDK stands on httpx2 and refuses an httpx client (docs/adr/0024).
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from skillway_evals.models.client import Fault, ModelError, ModelReply, ModelRequest, decode_message, no_waste
from skillway_evals.models.pacing import Pacer, retry_after
from skillway_evals.outcome import Provenance

if TYPE_CHECKING:
    import anthropic

T = TypeVar("T")
TIMEOUT_S = 180.0
"""For one try, from first byte sent to last byte read: a server that drips byte after byte ends here too."""
_TOO_MANY, _OVERLOADED = 429, 529
_KEY_STATUSES = (401, 403)


class LiveClient:
    """Asks the real API, or the fake one of the tests.

    Args:
        api_key: The key.
        base_url: Another address of the API, or None for the SDK's own.
        pacer: Bounds and repeats.
        timeout_s: Seconds for one try.
        provenance: `FAKE` when the address is a scripted API.
    """

    def __init__(
        self,
        api_key: str,
        pacer: Pacer,
        *,
        base_url: str | None = None,
        timeout_s: float = TIMEOUT_S,
        provenance: Provenance = Provenance.LIVE,
    ) -> None:
        self.provenance = provenance
        self._pacer = pacer
        self._timeout_s = timeout_s
        self._sdk = open_sdk(api_key, base_url)

    async def ask(self, request: ModelRequest, on_waste: Callable[[], None] = no_waste) -> ModelReply:
        """Send one request, repeated as `pacing` says."""
        return await self._pacer.run(lambda: self._try(request), on_waste)

    async def close(self) -> None:
        """Close the connections."""
        await self._sdk.close()

    async def _try(self, request: ModelRequest) -> ModelReply:
        try:
            async with asyncio.timeout(self._timeout_s):
                headers, body = await self._send(request)
        except TimeoutError as error:
            message = f"no whole reply within {self._timeout_s:g} seconds"
            raise ModelError(Fault.TIMEOUT, message, billed=True) from error
        except ModelError as error:
            refusal = getattr(error.__cause__, "response", None)
            if refusal is not None:
                self._pacer.note_headers(refusal.headers)
            raise
        self._pacer.note_headers(headers)
        return decode_message(decode_body(body))

    async def _send(self, request: ModelRequest) -> tuple[Mapping[str, str], bytes]:
        response = await guarded(self._sdk.messages.with_raw_response.create(**request.parameters()))
        return response.headers, response.http_response.content


async def guarded(call: Awaitable[T]) -> T:
    """Await a call of the SDK.

    Raises:
        ModelError: Whatever the SDK raised, as one of our faults.
    """
    import anthropic  # noqa: PLC0415 - loaded with the SDK already

    try:
        return await call
    except anthropic.APIStatusError as error:
        raise status_fault(error.status_code, error.response.headers, error.message) from error
    except anthropic.APITimeoutError as error:
        raise ModelError(Fault.TIMEOUT, str(error), billed=True) from error
    except anthropic.APIConnectionError as error:
        raise ModelError(Fault.DISCONNECTED, str(error.__cause__ or error), billed=True) from error
    except (anthropic.AnthropicError, json.JSONDecodeError) as error:
        raise ModelError(Fault.BROKEN, str(error), billed=True) from error


def open_sdk(api_key: str, base_url: str | None) -> anthropic.AsyncAnthropic:
    """Give the SDK's client, without retries of its own."""
    gc.disable()  # the SDK makes 1,400 classes; collecting among them takes a fifth of its 0.7 s
    try:
        import anthropic  # noqa: PLC0415 - a run that finds everything in the store does not pay for it
    finally:
        gc.enable()
    options: dict[str, Any] = {} if base_url is None else {"base_url": base_url}
    return anthropic.AsyncAnthropic(api_key=api_key, max_retries=0, **options)


def decode_body(body: bytes) -> object:
    """Decode a reply's JSON.

    Raises:
        ModelError: It is none, as when the connection ended in the middle.
    """
    try:
        return json.loads(body)
    except ValueError as error:
        message = f"{len(body)} bytes that are no whole JSON"
        raise ModelError(Fault.BROKEN, message, billed=True) from error


def status_fault(status: int, headers: Mapping[str, str], message: str) -> ModelError:
    """Say what an HTTP error means."""
    if status == _TOO_MANY:
        return ModelError(Fault.RATE_LIMITED, message, retry_after_s=retry_after(headers))
    if status == _OVERLOADED or status >= 500:  # noqa: PLR2004 - HTTP's server errors
        return ModelError(Fault.OVERLOADED, f"{status} {message}", retry_after_s=retry_after(headers))
    if status in _KEY_STATUSES:
        return ModelError(Fault.NO_KEY, message)
    return ModelError(Fault.REJECTED, f"{status} {message}")
