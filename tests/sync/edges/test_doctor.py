"""Every difference is one line that names it, with a mend; and a laptop in order has none."""

import json
import os
import shutil
import stat
import sys
import time
from dataclasses import replace

import pytest

from skillway_sync.config import load_config
from skillway_sync.diagnosis import OK, PROBLEM, WARNING
from skillway_sync.disk import Disk
from skillway_sync.doctor import has_problems, run_doctor
from skillway_sync.layout import system_layout
from skillway_sync.status import load_status, save_status
from skillway_sync.telemetry_files import render_telemetry

DAY = 86_400.0


def findings(installed, **options):
    found = run_doctor(installed.layout, **options)
    assert all(each.fix for each in found if each.level != OK), "each difference has its mend"
    assert all("\n" not in each.what for each in found), "one line each"
    return found


def bad(installed, **options):
    return [each for each in findings(installed, **options) if each.level != OK]


def only(installed, **options):
    (one,) = bad(installed, **options)
    return one


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def known_file(installed):
    home = installed.layout.prefix / "home" / "ann" if installed.layout.prefix else installed.layout.homes[0]
    return home / ".claude" / "plugins" / "known_marketplaces.json"


# --- in order -----------------------------------------------------------------------------------------------------


def test_laptop_in_order_has_no_finding_and_says_what_was_looked_at(system_laptop):
    found = findings(system_laptop)
    assert [each for each in found if each.level != OK] == []
    text = " ".join(each.what for each in found)
    for word in (
        "configuration",
        "Release 1",
        "catalogue",
        "policy",
        "homes",
        "signed",
        "`gh pr create --fill` is refused",
    ):
        assert word in text


def test_users_own_installation_in_order_has_no_finding(user_laptop):
    assert bad(user_laptop) == []


def test_doctor_changes_nothing(system_laptop):
    def stamps():
        return {path: path.lstat().st_mtime_ns for path in system_laptop.layout.prefix.rglob("*")}

    before = stamps()
    run_doctor(system_laptop.layout)
    assert stamps() == before


def test_empty_laptop_is_told_in_findings_and_never_by_a_traceback(tmp_path):
    found = run_doctor(system_layout(prefix=tmp_path))
    assert has_problems(found)
    assert any("No release is applied" in each.what for each in found)


# --- what IT and the last run say -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["{", "[]", "", "\0", '{"store": 5}'])
def test_unusable_configuration(system_laptop, text):
    system_laptop.layout.config_file.write_text(text)
    assert str(system_laptop.layout.config_file) in only(system_laptop).what


def test_unknown_key_and_missing_root(system_laptop):
    edit(system_laptop.layout.config_file, rings="early")
    (system_laptop.layout.config_file.parent / "root.json").unlink()
    levels = {each.level: each.what for each in bad(system_laptop)}
    assert "'rings'" in levels[WARNING]
    assert "root.json" in levels[PROBLEM]


def test_secret_that_every_user_can_read(system_laptop):
    path = system_laptop.layout.config_file
    edit(path, telemetry={"endpoint": "https://o.example", "headers": {"x-team": "abc"}})
    path.chmod(0o644)
    system_laptop.layout.telemetry_file.write_bytes(render_telemetry(load_config(path).telemetry))
    finding = only(system_laptop)
    assert finding.level == WARNING
    assert "telemetry.headers" in finding.what
    assert "abc" not in finding.what
    path.chmod(0o600)
    assert bad(system_laptop) == []


def test_age_of_the_last_check(system_laptop):
    now = time.time()
    assert bad(system_laptop, now=now + 2 * DAY) == []
    assert only(system_laptop, now=now + 5 * DAY).level == WARNING
    assert only(system_laptop, now=now + 20 * DAY).level == PROBLEM


def test_failure_of_the_last_run_is_passed_on_with_its_fix(system_laptop):
    state = system_laptop.layout.state
    error = {"code": "refused", "message": "The store is wrong.", "fix": "Publish again."}
    save_status(state, replace(load_status(state), error=error), Disk())
    finding = only(system_laptop)
    assert "The store is wrong." in finding.what
    assert finding.fix == "Publish again."


def test_expired_signature_is_a_warning_because_nothing_stops(system_laptop):
    trust = system_laptop.layout.state / "trust"
    (trust / "root_history").mkdir(parents=True)
    for name, expires in (("timestamp", "2020-01-01T00:00:00Z"), ("snapshot", "2099-01-01T00:00:00Z")):
        (trust / f"{name}.json").write_text(json.dumps({"signed": {"expires": expires}}))
    (trust / "root_history" / "9.root.json").write_text(json.dumps({"signed": {"expires": "2020-01-01T00:00:00Z"}}))
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 5 * DAY))
    (trust / "root_history" / "10.root.json").write_text(json.dumps({"signed": {"expires": soon}}))
    (trust / "targets.json").write_text("torn")
    found = bad(system_laptop)
    assert {each.level for each in found} == {WARNING}
    assert [
        ("timestamp" in each.what, "root expires in" in each.what, "targets.json" in each.what) for each in found
    ] == [
        (False, True, False),
        (False, False, True),
        (True, False, False),
    ]


# --- what is installed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["{", "[]", "\0", '{"name": "example", "plugins": [{"name": "x", "source": "./elsewhere"}]}']
)
def test_unusable_catalogue(system_laptop, text):
    system_laptop.layout.catalogue_file.write_text(text)
    assert any("no plugin loads" in each.what for each in bad(system_laptop))


def test_missing_catalogue(system_laptop):
    system_laptop.layout.catalogue_file.unlink()
    assert any("catalogue" in each.what and "missing" in each.what for each in bad(system_laptop))


def test_missing_plugin_folder_is_named(system_laptop):
    folder = system_laptop.layout.store / "support"
    shutil.rmtree(folder)
    assert any(str(folder) in each.what and each.level == PROBLEM for each in bad(system_laptop))


@pytest.mark.parametrize(
    "text", ["", "base-plugin", "/etc/passwd", "../../evil/" + "a" * 64, "base-plugin/" + "b" * 64, "\0"]
)
def test_wrong_guard_pointer(system_laptop, text):
    system_laptop.layout.guard_pointer.write_text(text)
    found = bad(system_laptop)
    assert any(str(system_laptop.layout.guard_pointer) in each.what for each in found)
    assert any(each.what.startswith("By effect: `gh pr create --fill` was not refused") for each in found)


def test_altered_launcher(system_laptop):
    system_laptop.layout.launcher.write_text("exit 0\n")
    assert [each.what.split()[0] for each in bad(system_laptop)] == ["The", "By"]


def test_missing_launcher_is_told_and_blocks_nobody(system_laptop):
    system_laptop.layout.launcher.unlink()
    found = bad(system_laptop)
    assert any("launcher" in each.what for each in found)
    assert not any("did not pass in silence" in each.what for each in found)


def test_interpreter_that_is_gone(system_laptop):
    system_laptop.layout.interpreter_file.write_text("/nowhere/python3\n")
    assert any("/nowhere/python3" in each.what and each.level == PROBLEM for each in bad(system_laptop))


def test_wish_for_an_interpreter_that_could_not_be_met(system_laptop):
    edit(system_laptop.layout.config_file, interpreter="/nowhere/python3")
    finding = only(system_laptop)
    assert finding.level == WARNING
    assert "/nowhere/python3" in finding.what


def test_hooks_without_byte_code_are_slower_and_told_so(system_laptop):
    for path in (system_laptop.base_folder / "hooks" / "__pycache__").iterdir():
        path.unlink()
    assert any("byte code" in each.what and each.level == WARNING for each in bad(system_laptop))


def test_edited_added_removed_and_unreadable_files_are_each_named(system_laptop):
    folder = system_laptop.base_folder
    (folder / "hooks" / "rules.py").write_text("def decide(payload): pass\n")
    (folder / "note.txt").write_text("added")
    (folder / "skills" / "hello" / "SKILL.md").unlink()
    (folder / "hooks" / "run").chmod(0o644)
    text = "\n".join(each.what for each in bad(system_laptop))
    for line in ("rules.py: changed", "note.txt: added", "SKILL.md: missing", "hooks/run: mode"):
        assert line in text


def test_guard_that_no_longer_denies_is_seen_by_effect(system_laptop):
    shutil.rmtree(system_laptop.base_folder / "hooks" / "__pycache__")
    (system_laptop.base_folder / "hooks" / "rules.py").write_text("def decide(payload): pass\n")
    assert any(each.what.startswith("By effect") and each.level == PROBLEM for each in bad(system_laptop))


# --- the policy -----------------------------------------------------------------------------------------------------


def test_missing_policy(system_laptop):
    system_laptop.layout.policy_file.unlink()
    assert any("no guard is in force" in each.what for each in bad(system_laptop))


@pytest.mark.parametrize("text", ["{}", "{", "\0", ""])
def test_altered_policy(system_laptop, text):
    system_laptop.layout.policy_file.write_text(text)
    assert any(
        each.level == PROBLEM and "not what the applied release says" in each.what for each in bad(system_laptop)
    )


@pytest.mark.skipif(sys.platform == "win32", reason="not run: Windows has no mode bits")
@pytest.mark.parametrize("what", ["policy_file", "policy_dir"])
def test_policy_that_only_root_can_read(system_laptop, what):
    """`umask 077` in whatever wrote it means no policy, and the client says nothing."""
    path = getattr(system_laptop.layout, what)
    path.chmod(0o700 if path.is_dir() else 0o600)
    finding = only(system_laptop)
    assert str(path) in finding.fix
    assert "chmod" in finding.fix


def test_other_broken_managed_settings(system_laptop):
    (system_laptop.layout.policy_dir.parent / "managed-settings.json").write_text("{")
    finding = only(system_laptop)
    assert finding.level == WARNING
    assert "managed-settings.json" in finding.what


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"enabledPlugins": {"support@example": False}}, "enabledPlugins.support@example"),
        (
            {"extraKnownMarketplaces": {"example": {"source": {"source": "directory", "path": "/evil"}}}},
            "extraKnownMarketplaces.example",
        ),
        ({"disableAllHooks": True}, "disableAllHooks"),
        ({"strictKnownMarketplaces": []}, "strictKnownMarketplaces"),
        ({"enabledPlugins": []}, "enabledPlugins"),
    ],
)
def test_later_drop_in_that_overrules_ours_is_named(system_laptop, content, says):
    path = system_laptop.layout.policy_dir / "90-other.json"
    path.write_text(json.dumps(content))
    found = bad(system_laptop)
    assert all(each.level == PROBLEM and str(path) in each.what for each in found)
    assert any(says in each.what for each in found)


def test_drop_in_that_adds_its_own_is_no_finding(system_laptop):
    (system_laptop.layout.policy_dir / "90-other.json").write_text('{"enabledPlugins": {"x@y": true}, "model": "opus"}')
    (system_laptop.layout.policy_dir / ".hidden.json").write_text("{")
    assert bad(system_laptop) == []


def test_settings_of_claude_codes_server_shadow_our_policy(system_laptop):
    path = system_laptop.layout.prefix / "home" / "ann" / ".claude" / "remote-settings.json"
    path.write_text('{"model": "opus"}')
    assert str(path) in only(system_laptop).what
    path.write_text("{}")
    assert bad(system_laptop) == []


# --- users ----------------------------------------------------------------------------------------------------------


def test_tampered_entry_of_ours(system_laptop):
    content = json.loads(known_file(system_laptop).read_text())
    content["example"]["installLocation"] = "/evil"
    known_file(system_laptop).write_text(json.dumps(content))
    assert "/evil" in only(system_laptop).what


def test_entry_of_others_that_disables_all(system_laptop):
    edit(known_file(system_laptop), other=5)
    assert "'other'" in only(system_laptop).what


@pytest.mark.parametrize("text", ["{", "[]", "\0"])
def test_broken_marketplaces_file(system_laptop, text):
    known_file(system_laptop).write_text(text)
    assert str(known_file(system_laptop)) in only(system_laptop).what


def test_missing_entry(system_laptop):
    known_file(system_laptop).write_text("{}")
    assert "does not know our catalogue" in only(system_laptop).what


def test_users_settings_have_no_effect_in_system_scope_and_are_no_finding(system_laptop):
    home = system_laptop.layout.prefix / "home" / "ann" / ".claude"
    (home / "settings.json").write_text('{"disableAllHooks": true, "enabledPlugins": {"support@example": false}}')
    assert bad(system_laptop) == []


def test_users_choices_are_warnings_in_user_scope(user_laptop, home):
    path = home / ".claude" / "settings.json"
    content = json.loads(path.read_text())
    content["enabledPlugins"]["support@example"] = False
    content["disableAllHooks"] = True
    path.write_text(json.dumps(content))
    found = bad(user_laptop)
    assert {each.level for each in found} == {WARNING}
    assert any("disableAllHooks" in each.what for each in found)
    assert any("support@example" in each.what for each in found)


def test_lost_parts_are_problems_in_user_scope(user_laptop, home):
    (home / ".claude" / "settings.json").write_text("{}")
    found = bad(user_laptop)
    assert {each.level for each in found} == {PROBLEM}
    assert any("hooks.PreToolUse" in each.what for each in found)


@pytest.mark.parametrize("text", ["{", "\0"])
def test_broken_settings_in_user_scope(user_laptop, home, text):
    (home / ".claude" / "settings.json").write_text(text)
    assert "settings.json" in only(user_laptop).what


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="not run: changing uid needs root")
def test_home_of_another_user_is_read_as_that_user(system_laptop, tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)
    secret = tmp_path / "secret.json"
    secret.write_text('{"a": "root alone"}')
    secret.chmod(0o600)
    known_file(system_laptop).unlink()
    known_file(system_laptop).symlink_to(secret)
    for path in (known_file(system_laptop).parents[2], *known_file(system_laptop).parents[2].rglob("*")):
        os.chown(path, 12345, 12345, follow_symlinks=False)
    finding = only(system_laptop)
    assert "Permission denied" in finding.what


# --- the client -----------------------------------------------------------------------------------------------------


def test_client_that_cannot_be_started_is_a_finding(system_laptop, tmp_path):
    found = run_doctor(system_laptop.layout, client=tmp_path / "no-client")
    assert has_problems(found)
