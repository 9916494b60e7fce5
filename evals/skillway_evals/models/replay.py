"""What if there is no API key?

Then nothing new is asked: the store answers what was recorded, and the rest is not run. This client says so for
each request that reaches it.
"""

from __future__ import annotations

from collections.abc import Callable

from skillway_evals.models.client import Fault, ModelError, ModelReply, ModelRequest, no_waste
from skillway_evals.outcome import Provenance


class ReplayClient:
    """Answers nothing; a request that the store could have answered never gets here."""

    provenance = Provenance.REPLAY

    async def ask(self, request: ModelRequest, on_waste: Callable[[], None] = no_waste) -> ModelReply:  # noqa: ARG002 - nothing here is tried twice
        """Refuse.

        Raises:
            ModelError: Always, with the fault NOT_RECORDED.
        """
        raise ModelError(Fault.NOT_RECORDED, f"no verdict for {request.key[:12]} in the store, and no model to ask")

    async def close(self) -> None:
        """Do nothing."""
