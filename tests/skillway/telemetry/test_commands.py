"""What the CLI tells of its own work, whom it tells, and that it works the same with nobody to tell."""

import json
import socket
import subprocess
import sys

import pytest

from skillway.telemetry.endpoint import parse_headers, resolve_endpoint
from skillway.telemetry.wanted import managed_files, managed_roots
from skillway_sync.layout import system_layout, user_layout

ORGANISATION = "name: acme\nteams: [support]\n"


@pytest.fixture
def checked(tmp_path):
    """A small repository that `skillway check` passes or not; either is a command that ends."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "organisation.yaml").write_text(ORGANISATION)
    return folder


def test_command_is_a_span_with_its_name_and_end_and_no_argument(skillway, receiver, read_attributes):
    done = skillway("build", "--out", "/secret/place", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert done.returncode == 1
    (span,) = receiver.spans()
    assert span.name == "skillway build"
    assert read_attributes(span) == {"skillway.command": "build", "process.exit.code": 1, "error.type": "repository"}
    assert span.status.code == 2
    assert not any(b"secret" in body for _, _, body in receiver.posts)


def test_work_inside_a_command_is_below_it(skillway, receiver, repository, tmp_path):
    done = skillway("build", "--out", tmp_path / "out", cwd=repository, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert done.returncode == 0, done.stderr
    spans = {span.name: span for span in receiver.spans()}
    assert set(spans) == {"skillway build", "skillway.build.plan", "skillway.build.pack"}
    assert spans["skillway.build.pack"].parent_span_id == spans["skillway build"].span_id


def test_verb_of_a_group_is_named_and_an_unknown_word_is_not(skillway, receiver):
    skillway("release", "status", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    skillway("hunter2", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert [span.name for span in receiver.spans()] == ["skillway release status", "skillway unknown"]


def test_event_has_its_name_twice_and_an_id(receiver, read_attributes, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    script = """
from skillway import telemetry
with telemetry.command(lambda: "evals run"):
    telemetry.event("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "x" * 999, "gen_ai.evaluation.score.value": 0.5, "bad": [1]})
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    (record,) = receiver.logs()
    assert (record.event_name, record.body.string_value) == ("gen_ai.evaluation.result",) * 2
    found = read_attributes(record)
    assert len(found.pop("log.record.uid")) == 32
    assert found == {"gen_ai.evaluation.name": "x" * 256, "gen_ai.evaluation.score.value": 0.5}
    (span,) = receiver.spans()
    assert record.trace_id == span.trace_id


def test_traceparent_of_a_pipeline_is_continued(skillway, receiver):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    skillway("build", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, TRACEPARENT=parent)
    assert receiver.spans()[0].trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"


def test_repository_names_the_endpoint_and_the_environment_the_key(skillway, receiver, checked):
    (checked / "organisation.yaml").write_text(f"{ORGANISATION}telemetry:\n  endpoint: {receiver.url}\n")
    skillway("build", cwd=checked, OTEL_EXPORTER_OTLP_HEADERS="x-key=a%20b")
    assert {headers["x-key"] for _, headers, _ in receiver.posts} == {"a b"}


def test_managed_outweighs_repository_and_environment(home, tmp_path, monkeypatch, checked):
    managed = home / ".local" / "share" / "skillway"
    managed.mkdir(parents=True)
    content = {"schema": 1, "endpoint": "https://managed.example", "headers": {"k": "v"}, "always": False}
    (checked / "organisation.yaml").write_text(f"{ORGANISATION}telemetry:\n  endpoint: https://repository.example\n")
    monkeypatch.chdir(checked)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://environment.example")
    assert resolve_endpoint().url == "https://repository.example"
    (managed / "telemetry.json").write_text(json.dumps(content))
    assert resolve_endpoint().url == "https://managed.example"
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    assert resolve_endpoint() is None
    (managed / "telemetry.json").write_text(json.dumps({**content, "always": True}))
    assert resolve_endpoint().url == "https://managed.example"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 9}', '{"schema": 1, "endpoint": 5}', "[" * 100_000])
def test_damaged_managed_file_is_passed_over(home, text, monkeypatch, tmp_path):
    folder = home / ".local" / "share" / "skillway"
    folder.mkdir(parents=True)
    (folder / "telemetry.json").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert resolve_endpoint() is None


@pytest.mark.parametrize("endpoint", ["5", "ftp://x", "https://user:key@x", '"https://x\\r\\ny: z"', "[a]"])
def test_bad_endpoint_of_the_repository_is_the_commands_own_error(skillway, checked, endpoint):
    (checked / "organisation.yaml").write_text(f"{ORGANISATION}telemetry:\n  endpoint: {endpoint}\n")
    done = skillway("build", cwd=checked)
    assert done.returncode == 1
    assert "telemetry.endpoint" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "variables", [{"DO_NOT_TRACK": "1"}, {"SKILLWAY_TELEMETRY": "0"}, {"OTEL_SDK_DISABLED": "true"}]
)
def test_refusal_stops_it_before_any_connection(skillway, receiver, variables):
    skillway("build", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, **variables)
    assert receiver.posts == []


def test_debug_prints_and_sends_nothing(skillway, receiver):
    done = skillway("build", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, SKILLWAY_TELEMETRY_DEBUG="1")
    assert json.loads(done.stderr.splitlines()[-1])["span"] == "skillway build"
    assert receiver.posts == []


def test_off_imports_no_sdk(tmp_path):
    script = """
import sys
from skillway.cli.run import run_command
run_command(["build"])
print([name for name in sys.modules if name.startswith(("opentelemetry", "google.protobuf", "httpx", "requests"))])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("protocol", ["grpc", "http/json", "nonsense"])
def test_other_protocols_end_as_well(skillway, protocol):
    url = "http://127.0.0.1:9"
    done = skillway("build", OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


@pytest.mark.parametrize("kind", ["refused", "silent", "500", "garbage"])
def test_dead_receiver_changes_neither_answer_nor_exit_code(skillway, receiver, kind):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        if kind == "silent":
            silent.listen()
        if kind in ("500", "garbage"):
            url = receiver.url
            receiver.answer = lambda *_: (500 if kind == "500" else 200, {}, b"\xff\xfe not protobuf")
        alone = skillway("build")
        done = skillway("build", OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert (done.returncode, done.stdout, done.stderr) == (alone.returncode, alone.stdout, alone.stderr)


def test_endpoint_that_is_no_address_fails_nothing(skillway):
    done = skillway("build", OTEL_EXPORTER_OTLP_ENDPOINT="not an address", OTEL_EXPORTER_OTLP_HEADERS="=,x,\r\n=2")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_places_of_managed_files_are_those_of_sync(home):
    layouts = (system_layout(), user_layout(home=home))
    assert list(managed_files()) == [str(layout.telemetry_file) for layout in layouts]
    assert list(managed_roots()) == [str(layout.root) for layout in layouts]


def test_headers_are_read_as_the_specification_writes_them():
    assert parse_headers("A=1, b=x%3Dy=z,,=q,c") == {"a": "1", "b": "x=y=z"}
