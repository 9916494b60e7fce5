"""Stores with known events, filled as the receiver fills them."""

import json
import random

import pytest

from skillway.collector.decode import decode
from skillway.collector.otlp_json import JSON
from skillway.collector.store import open_store


def otlp(events):
    """Write events as one OTLP/JSON request."""

    def value(held):
        if isinstance(held, bool):
            return {"boolValue": held}
        if isinstance(held, int):
            return {"intValue": str(held)}
        return {"doubleValue": held} if isinstance(held, float) else {"stringValue": held}

    def attributes(values):
        return [{"key": key, "value": value(held)} for key, held in values.items()]

    groups = []
    for event in events:
        own = {} if event.get("native") else {"log.record.uid": event["uid"]}
        resource = {"service.name": "claude-code" if event.get("native") else "skillway"}
        if event["team"]:
            resource["team.id"] = event["team"]
        record = {
            "timeUnixNano": str(event["ts"]),
            "eventName": event["name"],
            "body": {"stringValue": event["name"]},
            "attributes": attributes({**event["attributes"], **own}),
        }
        groups.append({"resource": {"attributes": attributes(resource)}, "scopeLogs": [{"logRecords": [record]}]})
    return json.dumps({"resourceLogs": groups}).encode()


def fill_store(path, events, *, seed=0):
    """Make a store with events, which arrive in pieces and some of them twice."""
    chance = random.Random(seed)
    store = open_store(path)
    pieces = [events[start : start + 297] for start in range(0, len(events), 297)]
    pieces += chance.sample(pieces, len(pieces) // 3)
    for piece in pieces:
        decoded = decode("logs", otlp(piece), JSON)
        assert decoded.rejected == 0, decoded.reason
        store.write([decoded.rows[:40], decoded.rows[40:]])
    store.close()
    return path


@pytest.fixture
def filled(tmp_path):
    """Make a store of the test's own."""
    return lambda events, **how: fill_store(tmp_path / "usage.db", events, **how)


@pytest.fixture(scope="session")
def filled_once(tmp_path_factory):
    """Make a store that several tests read."""
    return lambda events: fill_store(tmp_path_factory.mktemp("store") / "usage.db", events)
