"""What does one run know and remember while it goes from step to step?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from skillway_sync.applied import Applied
from skillway_sync.config import Config
from skillway_sync.fetcher import StoreFetcher
from skillway_sync.finish import Report
from skillway_sync.index import Index
from skillway_sync.laptop import Laptop
from skillway_sync.local import LocalRelease
from skillway_sync.look import StoreLook
from skillway_sync.quarantine import Quarantine

MakeFetcher = Callable[[Config], StoreFetcher]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a run was asked to do beside the usual.

    Attributes:
        release_hold: Take the release again that a person rolled back from.
        strict_exit: End with 20 when drift was repaired.
        full_check: Read every file, whatever its stat data says.
        signature: What `noop` knows this kind of run by, or None when a later run may not be cut short.
        look: A look at the store that is under way already.
    """

    release_hold: bool = False
    strict_exit: bool = False
    full_check: bool = False
    signature: list[object] | None = None
    look: StoreLook | None = None


@dataclass
class Work:
    """One run's own memory, handed from step to step."""

    laptop: Laptop
    options: RunOptions
    make_fetcher: MakeFetcher
    quarantine: Quarantine
    report: Report
    applied: Applied | None = None
    interpreter: str = ""
    local: LocalRelease | None = None
    index: Index = field(default_factory=Index)
    broken: set[tuple[str, str]] = field(default_factory=set)

    @property
    def config(self) -> Config:
        """The configuration, which has been read by now."""
        assert self.report.config is not None
        return self.report.config
