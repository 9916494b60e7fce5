"""What are the stored events, one by one? For other tools; each with all of its attributes, in the order of arrival."""

from __future__ import annotations

import csv
import json
from collections.abc import Generator, Iterable
from datetime import date
from typing import IO, Any

from skillway.collector.rows import NUMBER_COLUMNS, WORD_COLUMNS
from skillway.collector.schema import DAY_NS
from skillway.collector.store import Store, store_errors
from skillway.usage.selection import day_number

KINDS = ("log", "point", "span")
_WORDS = ("name", "source", *WORD_COLUMNS)
_SELECT = f"""
SELECT hex(event.uid), event.ts, event.kind, {", ".join(f"w_{column}.text" for column in _WORDS)},
    {", ".join(f"event.{column}" for column in NUMBER_COLUMNS)}, event.rest
FROM event {" ".join(f"LEFT JOIN word AS w_{column} ON w_{column}.id = event.{column}" for column in _WORDS)}
WHERE event.ts >= :first AND event.ts < :end ORDER BY event.id
"""
CSV_TITLES = ("uid", "time_unix_nano", "kind", *_WORDS, *NUMBER_COLUMNS, "attributes")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def read_events(store: Store, since: date | None, until: date | None) -> Generator[tuple[Any, ...], None, None]:
    """Give the stored events of some days, as rows of `CSV_TITLES`.

    Raises:
        StoreError: The store cannot be read.
    """
    first = day_number(since) * DAY_NS if since else 0
    end = (day_number(until) + 1) * DAY_NS if until else (1 << 63) - 1
    with store_errors(store.path):
        yield from store.connection.execute(_SELECT, {"first": first, "end": end})


def write_csv(events: Iterable[tuple[Any, ...]], file: IO[str]) -> None:
    """Write events as CSV, with a line of titles; attributes without a column are one JSON object."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_TITLES)
    for uid, ts, kind, *values in events:
        writer.writerow([uid.lower(), ts, KINDS[kind], *map(_cell, values)])


def write_jsonl(events: Iterable[tuple[Any, ...]], file: IO[str]) -> None:
    """Write one JSON object per event, with the attributes under the names that they were sent with."""
    for event in events:
        file.write(json.dumps(_event(event), ensure_ascii=False) + "\n")


def _event(event: tuple[Any, ...]) -> dict[str, Any]:
    uid, ts, kind, name, source, *values = event
    columns = (*WORD_COLUMNS.values(), *NUMBER_COLUMNS.values())
    attributes = {key: value for key, value in zip(columns, values, strict=False) if value is not None}
    if "success" in attributes:
        attributes["success"] = bool(attributes["success"])
    attributes |= json.loads(values[-1] or "{}")
    return {
        "uid": uid.lower(),
        "time_unix_nano": ts,
        "kind": KINDS[kind],
        "name": name,
        "attributes": attributes,
        **json.loads(source),
    }


def _cell(value: Any) -> Any:  # noqa: ANN401 - whatever SQLite gives
    # a name that a spreadsheet would take for a formula; names come from whoever sends
    return "'" + value if isinstance(value, str) and value.startswith(_FORMULA) else value
