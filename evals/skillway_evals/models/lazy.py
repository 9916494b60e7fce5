"""When is a client opened?

With the first request: loading the SDK takes 0.7 s and 50 MB, and a run that finds everything in the store asks
nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from skillway_evals.models.client import ModelClient, ModelReply, ModelRequest, no_waste
from skillway_evals.outcome import Provenance


class LazyClient:
    """Opens another client at the first request.

    Args:
        open_client: Gives the client.
        provenance: Of what it will answer.
    """

    def __init__(self, open_client: Callable[[], ModelClient], provenance: Provenance) -> None:
        self.provenance = provenance
        self._open_client = open_client
        self._client: ModelClient | None = None

    async def ask(self, request: ModelRequest, on_waste: Callable[[], None] = no_waste) -> ModelReply:
        """Hand the request on."""
        if self._client is None:
            self._client = self._open_client()
        return await self._client.ask(request, on_waste)

    async def close(self) -> None:
        """Close the client, if it was opened."""
        if self._client is not None:
            await self._client.close()
