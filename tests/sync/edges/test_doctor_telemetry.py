"""The doctor says what keeps events here, what the receiver refused, and where a pseudonym would be undone."""

import json

import pytest

from skillway_sync.config import load_config
from skillway_sync.diagnosis import OK, PROBLEM, WARNING
from skillway_sync.doctor import run_doctor
from skillway_sync.doctor_telemetry import FLUSH_STATE
from skillway_sync.laptop import Laptop
from skillway_sync.telemetry_files import render_telemetry

SALT = "s" * 32
SOUND = {"endpoint": "https://otlp.example", "headers": {"x-key": "secret-1"}, "salt": SALT}
ADA = {"id": "ada@example.com"}


@pytest.fixture
def diagnose(system_laptop):
    """Configure the laptop as given, put telemetry.json in place, and give what the doctor finds wrong."""

    def look(telemetry=None, *, sync=True, mode=0o600, **config):
        layout = system_laptop.layout
        content = {"store": "https://store.example", **config}
        layout.config_file.write_text(
            json.dumps({**content, **({"telemetry": telemetry} if telemetry is not None else {})})
        )
        layout.config_file.chmod(mode)
        loaded = load_config(layout.config_file)
        data = render_telemetry(loaded.telemetry)
        if sync and data is not None:
            layout.telemetry_file.write_bytes(data)
        laptop = Laptop(layout, system_laptop.laptop.disk, 0.0, system_laptop.laptop.parts, config=loaded)
        plugins = system_laptop.release.plugins
        policy = laptop.parts.render_policy(
            layout, system_laptop.release, plugins, laptop.fragments(system_laptop.base_folder)
        )
        layout.policy_file.write_bytes(policy)
        return [each for each in run_doctor(layout) if each.level != OK]

    look.layout = system_laptop.layout
    return look


def only(found):
    (one,) = found
    assert one.fix
    assert "secret-1" not in one.what
    return one


def test_sound_telemetry_is_no_finding(diagnose):
    assert diagnose(SOUND, user=ADA) == []
    assert "Events go to https://otlp.example." in [each.what for each in run_doctor(diagnose.layout)]


def test_names_without_a_salt_are_told(diagnose):
    found = only(diagnose({"endpoint": "https://otlp.example"}, user=ADA))
    assert (found.level, "telemetry.salt" in found.what) == (WARNING, True)


def test_salt_that_every_user_can_read_is_a_problem(diagnose):
    found = diagnose({"endpoint": "https://otlp.example", "salt": SALT}, mode=0o644)
    assert only(found).level == PROBLEM
    assert SALT not in only(found).what


@pytest.mark.parametrize(
    ("telemetry", "word"),
    [
        ({}, "no telemetry.endpoint"),
        ({"endpoint": "http://otlp.example"}, "not encrypted"),
        ({"endpoint": "https://api.eu1.honeycomb.io"}, "x-honeycomb-team"),
        ({"native": {"enabled": True}, "salt": SALT, "endpoint": None}, "stays off"),
    ],
)
def test_what_keeps_events_here_is_told(diagnose, telemetry, word):
    found = diagnose(telemetry)
    assert word in " ".join(each.what for each in found)
    assert {each.level for each in found} == {WARNING}


def test_plain_http_to_this_machine_is_fine(diagnose):
    assert diagnose({"endpoint": "http://127.0.0.1:4318"}) == []


def test_login_without_a_home_is_told(diagnose):
    assert "bob" in only(diagnose(SOUND, users={"ann": ADA, "bob": ADA})).what


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", '{"schema": 2}', "[" * 100_000, '{"schema": 1, "endpoint": "https://evil"}']
)
def test_missing_damaged_or_edited_file_is_a_problem(diagnose, text):
    diagnose(SOUND)
    if text is None:
        diagnose.layout.telemetry_file.unlink()
    else:
        diagnose.layout.telemetry_file.write_text(text)
    found = only(diagnose(SOUND, sync=False))
    assert (found.level, str(diagnose.layout.telemetry_file) in found.what) == (PROBLEM, True)


def test_file_that_users_cannot_read_is_a_problem(diagnose):
    diagnose(SOUND)
    diagnose.layout.telemetry_file.chmod(0o600)
    assert "cannot read" in only(diagnose(SOUND)).what


def test_native_telemetry_into_the_same_environment_undoes_the_pseudonym(diagnose):
    found = only(diagnose({**SOUND, "native": {"enabled": True}}, user=ADA))
    assert (found.level, "user.email" in found.what) == (WARNING, True)


@pytest.mark.parametrize("native", [{"headers": {"x-key": "another"}}, {"endpoint": "https://other.example"}])
def test_native_telemetry_elsewhere_is_fine(diagnose, native):
    assert diagnose({**SOUND, "native": {"enabled": True, **native}}, user=ADA) == []


def test_native_telemetry_that_another_policy_switches_on_is_found(diagnose):
    env = {"CLAUDE_CODE_ENABLE_TELEMETRY": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": "https://otlp.example:443/"}
    path = diagnose.layout.policy_dir / "20-other.json"
    path.write_text(json.dumps({"env": {**env, "OTEL_EXPORTER_OTLP_ENDPOINT": "https://otlp.example"}}))
    assert str(path) in only(diagnose(SOUND)).what
    path.write_text(json.dumps({"env": {**env, "OTEL_EXPORTER_OTLP_ENDPOINT": "https://["}}))
    assert diagnose(SOUND) == []


@pytest.mark.parametrize(
    ("failure", "detail"), [("auth", "401"), ("auth", "403"), ("config", "404"), ("tls", "SSLError")]
)
def test_what_no_waiting_mends_is_a_problem(diagnose, failure, detail, system_laptop):
    home = next(iter((system_laptop.layout.prefix / "home").iterdir()))
    state = home / ".local" / "state" / "skillway"
    state.mkdir(parents=True)
    (state / FLUSH_STATE).write_text(json.dumps({"failure": failure, "detail": detail}))
    found = only(diagnose(SOUND))
    assert (found.level, detail in found.what) == (PROBLEM, True)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 70_000, '{"failure": ["auth"]}', '{"failure": "connection"}'])
def test_damaged_flusher_state_is_no_traceback(diagnose, text, system_laptop):
    home = next(iter((system_laptop.layout.prefix / "home").iterdir()))
    (home / ".local" / "state" / "skillway").mkdir(parents=True)
    (home / ".local" / "state" / "skillway" / FLUSH_STATE).write_text(text)
    assert diagnose(SOUND) == []
