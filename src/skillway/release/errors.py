"""Which failures only a release can have; the others are in `skillway.errors`."""

from __future__ import annotations

from skillway.errors import EXIT_REFUSED, EXIT_RETRY, SkillwayError


class StoreError(SkillwayError):
    """The operator must act: the store cannot be read or written, or its files are not what was signed."""

    code = "store"


class ReleaseOrderError(SkillwayError):
    """The operator must act: the ring would go to a lower release number, which every laptop refuses."""

    code = "release_order"
    exit_code = EXIT_REFUSED


class BusyError(SkillwayError):
    """Nobody must act: another publisher is at work in this store."""

    code = "busy"
    exit_code = EXIT_RETRY
