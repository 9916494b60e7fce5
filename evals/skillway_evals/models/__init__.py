"""Who answers a request? `client` is the protocol; `live`, `batch` and `replay` implement it.

`pacing` bounds how many requests are under way and how they are tried again, `fake_api` is a Messages API for tests.
"""

from __future__ import annotations

from skillway_evals.models.client import Fault, ModelClient, ModelError, ModelReply, ModelRequest

__all__ = ["Fault", "ModelClient", "ModelError", "ModelReply", "ModelRequest"]
