"""Which errors can end the collector or a reader of its store, and who must act."""

from __future__ import annotations

from skillway.errors import EXIT_FAILURE, SkillwayError


class StoreError(SkillwayError):
    """The operator must act: the store cannot be used (foreign, damaged, too new, not writable, disk full)."""

    code = "store"
    exit_code = EXIT_FAILURE


class RequestError(Exception):
    """The sender must act: a request that is answered with `status` and not stored.

    Args:
        status: The HTTP status.
        message: One sentence: what was seen and what was expected.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
