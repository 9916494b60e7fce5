"""Sync gives every user where events go and a pseudonym of their own, keeps the salt to itself, and takes all of it back."""

import hashlib
import hmac
import json
import os
import time

import pytest

from skillway_sync.applied import load_applied
from skillway_sync.disk import Disk
from skillway_sync.engine import run
from skillway_sync.errors import OfflineError
from skillway_sync.homes import Home
from skillway_sync.layout import user_layout
from skillway_sync.rollback import roll_back
from skillway_sync.telemetry_files import describe_telemetry, state_folder
from skillway_sync.telemetry_run import STAMP_FILE, describe_run, telling
from skillway_sync.uninstall import uninstall

SALT = "0123456789abcdef" * 4
TELEMETRY = {
    "endpoint": "https://otlp.example/",
    "headers": {"x-honeycomb-team": "hcaik_1"},
    "key_id": "2026-11",
    "salt": SALT,
    "environment": "production",
}
ADA = {"id": "Ada@Example.com", "team": "support"}

RECORD = """import json, os, sys
with open(os.environ["HOME"] + "/recorded", "a") as file:
    file.write(json.dumps([sys.argv[1], json.load(sys.stdin)]) + chr(10))
"""
FLUSH = """import os
with open(os.environ["HOME"] + "/flushed", "a") as file:
    file.write(__file__ + chr(10))
"""


def user_file(site):
    return site.prefix / "home" / ".local" / "state" / "skillway" / "user.json"


def everything_written(site):
    places = (site.layout.root, site.layout.policy_dir, site.prefix / "home")
    return {path: path.read_bytes() for place in places for path in place.rglob("*") if path.is_file()}


def test_telemetry_file_has_what_flushers_need_and_not_the_salt(site):
    site.configure(telemetry=TELEMETRY, user=ADA)
    run(site.laptop())
    content = json.loads(site.layout.telemetry_file.read_text())
    assert len(content.pop("audit_key")) == 64
    assert content == {
        "schema": 1,
        "endpoint": "https://otlp.example",
        "headers": {"x-honeycomb-team": "hcaik_1"},
        "key_id": "2026-11",
        "always": False,
        "environment": "production",
        "ca_file": None,
    }
    assert site.layout.telemetry_file.stat().st_mode & 0o777 == 0o644


def test_user_file_is_the_keyed_hash_of_the_lower_case_id(site):
    site.configure(telemetry=TELEMETRY, user=ADA)
    run(site.laptop())
    expected = hmac.new(SALT.encode(), b"ada@example.com", hashlib.sha256).hexdigest()[:32]
    assert json.loads(user_file(site).read_text()) == {"schema": 1, "user.hash": expected, "team.id": "support"}
    assert user_file(site).stat().st_mode & 0o777 == 0o600
    assert user_file(site).parent.stat().st_mode & 0o777 == 0o700


def test_neither_salt_nor_id_is_written_anywhere(site):
    site.configure(telemetry=TELEMETRY, user=ADA)
    run(site.laptop())
    site.now += 1
    run(site.laptop())
    for path, data in everything_written(site).items():
        assert SALT.encode() not in data, path
        assert b"ada@example" not in data.lower(), path


def test_shared_laptop_gives_each_login_its_own(site):
    for login in ("ada", "grace", "guest"):
        (site.prefix / "people" / login).mkdir(parents=True)
    homes = tuple(sorted((site.prefix / "people").iterdir()))
    people = {"ada": ADA, "grace": {"id": "grace@example.com", "team": "swarm"}}
    site.configure(telemetry=TELEMETRY, users=people)
    laptop = site.laptop()
    laptop.layout = type(laptop.layout)(
        **{name: getattr(site.layout, name) for name in site.layout.__slots__} | {"homes": homes}
    )
    run(laptop)
    found = {home.name: home / ".local/state/skillway/user.json" for home in homes}
    hashes = {name: json.loads(path.read_text())["user.hash"] for name, path in found.items() if path.exists()}
    assert set(hashes) == {"ada", "grace"}
    assert hashes["ada"] != hashes["grace"]


def test_without_a_salt_there_is_a_team_and_no_hash(site):
    site.configure(telemetry={"endpoint": "https://otlp.example"}, user=ADA)
    run(site.laptop())
    assert json.loads(user_file(site).read_text()) == {"schema": 1, "team.id": "support"}


def test_what_the_configuration_no_longer_says_goes(site):
    site.configure(telemetry=TELEMETRY, user=ADA)
    run(site.laptop())
    site.configure()
    run(site.laptop())
    assert not site.layout.telemetry_file.exists()
    assert not user_file(site).exists()


def test_edited_or_removed_telemetry_file_is_set_right_and_told(site):
    site.configure(telemetry=TELEMETRY)
    run(site.laptop())
    wanted = site.layout.telemetry_file.read_bytes()
    site.layout.telemetry_file.write_text('{"schema": 1, "endpoint": "https://evil.example"}')
    assert any("telemetry.json" in line for line in run(site.laptop()).data["drift"])
    site.layout.telemetry_file.unlink()
    site.layout.telemetry_file.mkdir()
    run(site.laptop())
    assert site.layout.telemetry_file.read_bytes() == wanted


def test_link_in_place_of_the_user_file_is_replaced_and_not_followed(site, tmp_path):
    other = tmp_path / "other"
    other.write_text("mine")
    user_file(site).parent.mkdir(parents=True)
    user_file(site).symlink_to(other)
    site.configure(telemetry=TELEMETRY, user=ADA)
    run(site.laptop())
    assert other.read_text() == "mine"
    assert not user_file(site).is_symlink()


def test_home_that_cannot_be_written_is_a_warning(site):
    site.configure(telemetry=TELEMETRY, user=ADA)
    (site.prefix / "home" / ".local").write_text("a file where a folder belongs")
    outcome = run(site.laptop())
    assert outcome.exit_code == 0
    assert any("telemetry name" in warning for warning in outcome.warnings)


def test_uninstall_takes_out_both_files_and_leaves_a_strangers(site):
    site.configure(telemetry=TELEMETRY, user=ADA)
    run(site.laptop())
    uninstall(site.layout, Disk())
    assert not site.layout.root.exists()
    assert list((site.prefix / "home").iterdir()) == []


def test_uninstall_leaves_a_user_file_that_is_not_ours(site):
    site.configure(telemetry=TELEMETRY, user=ADA)
    run(site.laptop())
    user_file(site).write_text('{"schema": 1, "mine": true}')
    uninstall(site.layout, Disk())
    assert json.loads(user_file(site).read_text()) == {"schema": 1, "mine": True}


def test_user_scope_keeps_the_file_to_the_user_and_honours_xdg(tmp_path, monkeypatch):
    home = Home(tmp_path, os.getuid(), os.getgid())
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert state_folder(user_layout(home=tmp_path), home) == tmp_path / "xdg" / "skillway"


def test_native_settings_stand_in_the_policy_file_and_go_again(site):
    native = {"enabled": True, "headers": {"x-honeycomb-team": "other key"}}
    site.configure(telemetry={**TELEMETRY, "native": native})
    run(site.laptop())
    env = json.loads(site.layout.policy_file.read_text())["env"]
    assert env == {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://otlp.example",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-honeycomb-team=other key",
    }
    site.configure(telemetry={**TELEMETRY, "native": {"enabled": False}})
    run(site.laptop())
    assert "env" not in json.loads(site.layout.policy_file.read_text())


def test_native_endpoint_of_its_own_never_gets_our_key(site):
    native = {"enabled": True, "endpoint": "https://elsewhere.example"}
    site.configure(telemetry={**TELEMETRY, "native": native})
    run(site.laptop())
    assert "hcaik_1" not in site.layout.policy_file.read_text()


def test_native_without_any_endpoint_writes_nothing(site):
    site.configure(telemetry={"native": {"enabled": True}})
    run(site.laptop())
    assert "env" not in json.loads(site.layout.policy_file.read_text())


def test_rollback_keeps_native_settings_and_works_with_a_broken_configuration(site, second_release):
    site.configure(telemetry={**TELEMETRY, "native": {"enabled": True}})
    run(site.laptop())
    second_release(site.publisher)
    run(site.laptop())
    roll_back(site.laptop())
    assert "CLAUDE_CODE_ENABLE_TELEMETRY" in site.layout.policy_file.read_text()
    run(site.laptop())
    site.layout.config_file.write_text("{")
    assert load_applied(site.layout.state).seq == 1
    assert site.layout.telemetry_file.exists()


def test_status_says_where_events_go_and_shows_no_header(site):
    assert describe_telemetry(site.layout)[1] == "telemetry    no endpoint; events stay on this laptop"
    site.configure(telemetry=TELEMETRY)
    run(site.laptop())
    facts, line = describe_telemetry(site.layout)
    assert line == "telemetry    https://otlp.example (key 2026-11)"
    assert "hcaik_1" not in json.dumps(facts)
    site.layout.telemetry_file.write_text("[" * 100_000)
    assert "cannot be used" in describe_telemetry(site.layout)[1]


# --- what a run tells -----------------------------------------------------------------------------------------------


@pytest.fixture
def telling_site(site, make):
    """A laptop whose base plugin has stand-ins for the hooks that record and send."""
    base = make.base("one") | {"hooks/record.py": RECORD.encode(), "hooks/flush.py": FLUSH.encode()}
    site.publisher.release(2, {"base": base, "tools": make.plugin("tools")})
    site.configure(telemetry=TELEMETRY, user=ADA)
    return site


def told(site):
    with telling(site.layout) as command:
        command.outcome = run(site.laptop())


def lines(site, name, count=1):
    """What the stand-ins wrote, once there are so many lines; they run on after sync has ended."""
    path = site.prefix / "home" / name
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if path.exists() and len(path.read_text().splitlines()) >= count:
            break
        time.sleep(0.02)
    return path.read_text().splitlines() if path.exists() else []


def test_run_is_recorded_and_the_flusher_started(telling_site):
    told(telling_site)
    (line,) = lines(telling_site, "recorded")
    name, facts = json.loads(line)
    assert name == "skillway.sync.completed"
    assert facts.pop("duration_ms") >= 0
    assert facts == {
        "sync.outcome": "ok",
        "sync.to": "2",
        "sync.trigger": "timer",
        "sync.scope": "system",
        "sync.plugins.changed": 2,
    }
    assert lines(telling_site, "flushed")[0].endswith("/hooks/flush.py")


def test_runs_without_change_are_told_once_a_day(telling_site):
    told(telling_site)
    for _ in range(3):
        told(telling_site)
    assert [json.loads(line)[1]["sync.outcome"] for line in lines(telling_site, "recorded", 2)] == ["ok", "noop"]
    stamp = telling_site.layout.state / STAMP_FILE
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "at": "2020-01-01T00:00:00Z"}))
    told(telling_site)
    assert len(lines(telling_site, "recorded", 3)) == 3


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": 5, "facts": {}}', "[" * 100_000])
def test_damaged_stamp_costs_one_more_event(telling_site, text):
    run(telling_site.laptop())
    (telling_site.layout.state / STAMP_FILE).write_text(text)
    told(telling_site)
    assert len(lines(telling_site, "recorded")) == 1


def test_failed_run_tells_its_class_and_never_its_message(telling_site):
    told(telling_site)
    lines(telling_site, "recorded")
    error = OfflineError("secret/path", fix="secret")
    before = load_applied(telling_site.layout.state)
    facts = describe_run(before, before, error, is_rollback=False)
    assert (facts["sync.outcome"], facts["error.type"]) == ("failed", "OfflineError")
    assert "secret" not in json.dumps(facts)


def test_release_without_the_hooks_tells_nothing_and_fails_nothing(site):
    told(site)
    assert not (site.layout.state / STAMP_FILE).exists()


def test_image_never_starts_anything(telling_site):
    layout = telling_site.layout
    image = type(layout)(**{name: getattr(layout, name) for name in layout.__slots__} | {"image": True})
    with telling(image) as command:
        command.outcome = run(telling_site.laptop())
    assert not (layout.state / STAMP_FILE).exists()
