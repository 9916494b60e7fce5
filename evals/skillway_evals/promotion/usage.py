"""How much was something used lately, as a promotion may know it?

Reads the collector's store; what this laptop has not sent yet is left out, because a promotion rests on what
everybody can see.
"""

from __future__ import annotations

from pathlib import Path

from skillway.collector.store import default_store
from skillway.errors import NotFoundError
from skillway.usage.report import build_report
from skillway.usage.values import Period, UsageReport


def usage_of(repository: Path, store: Path | None, period: Period) -> UsageReport | str:
    """Give the report of a period, or a sentence that says why there is none.

    Args:
        repository: The folder with organisation.yaml.
        store: The collector's file; the user's own where None, which need not be there.
        period: The days.

    Raises:
        NotFoundError: The store that was named is not there.
        StoreError: It cannot be read.
    """
    place = store or default_store()
    if store is not None and not store.is_file():
        raise NotFoundError(
            f"There is no usage store at {store}.", fix="Name the collector's file, or leave --store out."
        )
    if not place.is_file():
        return f"There is no usage data: no store at {place}."
    report = build_report(place, period, repository=repository)
    if not report.provenance.skillway_events:
        return f"There is no usage data: {place} has no event of skillway from the last {period.days} days."
    return report
