"""The real client sends its own telemetry to our receiver, and its cost joins the skill that our hook recorded."""

import threading
from datetime import UTC, datetime

import pytest

from skillway.collector.server import Receiver
from skillway.collector.store import open_for_reading, open_store
from skillway.collector.writer import Writer
from skillway.usage.export import _event, read_events
from skillway.usage.report import build_report, last_days
from skillway_sync.client import ClientStart, run_client
from skillway_sync.scripted_api import Call, Say, ScriptedApi

pytestmark = pytest.mark.client

SKILL = "developer-tools:write-skill"
CANARY = "canary-word-of-the-prompt"


@pytest.fixture
def receiver(tmp_path):
    """A receiver and its store's file."""
    path = tmp_path / "usage.db"
    store = open_store(path)
    writer = Writer(store)
    server = Receiver(("127.0.0.1", 0), writer)
    writer.start()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server, path
    server.shutdown()
    server.server_close()
    writer.stop()
    store.close()


def _environment(url, protocol, more):
    return {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_LOGS_EXPORT_INTERVAL": "300",
        "OTEL_METRIC_EXPORT_INTERVAL": "600",
        **more,
    }


@pytest.mark.parametrize(
    ("protocol", "more"),
    [
        (
            "http/protobuf",
            {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_LOG_USER_PROMPTS": "1", "OTEL_LOG_TOOL_DETAILS": "1"},
        ),
        ("http/json", {}),
    ],
    ids=["protobuf-gzip-with-details", "json"],
)
def test_native_logs_and_metrics_arrive_and_the_cost_joins_the_skill(
    client, user_laptop, receiver, tmp_path, protocol, more
):
    server, path = receiver
    home, cwd = user_laptop.new_home(), tmp_path / "project"
    cwd.mkdir()
    turns = [Call("Skill", {"skill": SKILL}), Say("Done.")]
    with ScriptedApi(turns) as api:
        start = ClientStart(
            client.program,
            home,
            cwd,
            api.url,
            arguments=("--allowedTools", "Skill"),
            environment=_environment(server.url, protocol, more),
        )
        run = run_client(start, f"go {CANARY}")
    assert run.returncode == 0, run.stderr

    store = open_for_reading(path)
    events = [_event(row) for row in read_events(store, None, None)]
    store.close()
    names = {event["name"] for event in events}
    assert {"claude_code.user_prompt", "claude_code.api_request", "claude_code.skill_activated"} <= names
    assert {"claude_code.session.count", "claude_code.token.usage"} <= {
        e["name"] for e in events if e["kind"] == "point"
    }
    assert server.rejected == 0
    assert all(event["scope"].startswith("com.anthropic.claude_code") for event in events)
    server.writer._store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert CANARY.encode() not in path.read_bytes(), "prompts are not kept, even where the client sends them"

    report = build_report(path, last_days(2, until=datetime.now(UTC).date()), state=home / ".local/state/skillway")

    assert [(use.name, use.uses) for use in report.skills] == [(SKILL, 1)]
    cost = {group.name: group for group in report.cost.by_skill}
    sent = [event["attributes"]["cost_usd"] for event in events if event["name"] == "claude_code.api_request"]
    assert report.cost.total_usd == pytest.approx(sum(sent))
    assert report.cost.with_skill_usd > 0, "the request after the Skill call is the skill's"
    assert cost
