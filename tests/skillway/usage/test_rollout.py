"""Which release people were on, week by week."""

import json
from datetime import date, datetime, timezone

import pytest

from skillway.collector.decode import decode
from skillway.collector.otlp_json import JSON
from skillway.collector.store import open_store
from skillway.usage.report import build_report
from skillway.usage.selection import make_period

MONDAYS = [date(2026, 10, 5), date(2026, 10, 12), date(2026, 10, 19)]
PERIOD = make_period(MONDAYS[0], date(2026, 10, 25))


@pytest.fixture
def synced(tmp_path):
    """Make a store of syncs, each (day, person, release, outcome), and give the rollout of three weeks."""

    def rollout(*syncs):
        path = tmp_path / "usage.db"
        records = [
            {
                "timeUnixNano": str(int(datetime(day.year, day.month, day.day, 9, tzinfo=timezone.utc).timestamp()) * 10**9),
                "eventName": "skillway.sync.completed",
                "body": {"stringValue": "skillway.sync.completed"},
                "attributes": [
                    {"key": key, "value": {"stringValue": value}}
                    for key, value in {
                        "log.record.uid": f"{number + 1:032x}", "user.hash": f"{person + 1:032x}",
                        "sync.to": release, "sync.outcome": outcome,
                    }.items()
                ],
            }
            for number, (day, person, release, outcome) in enumerate(syncs)
        ]  # fmt: skip
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "skillway"}}]}
        body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}
        decoded = decode("logs", json.dumps(body).encode(), JSON)
        assert decoded.rejected == 0, decoded.reason
        store = open_store(path)
        store.write([decoded.rows])
        store.close()
        return {each.release: each.weekly for each in build_report(path, PERIOD).rollout}

    return rollout


def everybody(day, release, people=range(6), outcome="ok"):
    return [(day, person, release, outcome) for person in people]


def test_who_does_not_sync_in_a_week_stays_on_the_release_of_the_week_before(synced):
    assert synced(*everybody(MONDAYS[0], "1"), *everybody(MONDAYS[2], "2")) == {"1": (6, 6, 0), "2": (0, 0, 6)}


def test_latest_sync_of_a_week_counts(synced):
    assert synced(*everybody(date(2026, 10, 6), "1"), *everybody(date(2026, 10, 8), "2")) == {"2": (6, 6, 6)}


def test_failed_sync_changes_nothing(synced):
    assert synced(*everybody(MONDAYS[0], "1"), *everybody(MONDAYS[1], "2", outcome="failed")) == {"1": (6, 6, 6)}


def test_too_few_people_are_hidden_and_nobody_is_zero(synced):
    rollout = synced(*everybody(MONDAYS[0], "1", range(12)), *everybody(MONDAYS[1], "2", range(3)))

    assert rollout == {"2": (0, None, None), "1": (12, 9, 9)}


def test_newest_to_arrive_comes_first(synced):
    rollout = synced(*everybody(MONDAYS[0], "9"), *everybody(MONDAYS[1], "10"), *everybody(MONDAYS[2], "8"))

    assert list(rollout) == ["8", "10", "9"]


def test_without_syncs_there_is_no_rollout(synced):
    assert synced() == {}
