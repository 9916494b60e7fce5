"""`skillway-sync` as MDM and people call it: real processes, one JSON object, exit codes, and never a traceback."""

from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import subprocess
import sys

import pytest

from skillway_sync.__main__ import main
from skillway_sync.layout import user_layout
from skillway_sync.status import iso_time, parse_time


@pytest.fixture
def call(real_site):
    """Calls the program for the laptop; `umask` and further environment for that process alone."""

    def run_program(*words, place=None, umask=-1, **environment):
        where = ["--root", real_site.prefix, "--home", real_site.prefix / "home"] if place is None else place
        return subprocess.run(
            [sys.executable, "-m", "skillway_sync", *words, *where],
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
            umask=umask,
            timeout=60,
            check=False,
        )

    return run_program


@pytest.fixture
def call_here(real_site, monkeypatch, capsys, tmp_path):
    """As `call`, in this process: the same `main` but for its quick exit; for tests of many calls."""
    monkeypatch.setattr("skillway_sync.__main__.leave", lambda code: code)
    monkeypatch.chdir(tmp_path)

    def run_main(*words):
        where = ["--root", str(real_site.prefix), "--home", str(real_site.prefix / "home")]
        monkeypatch.setattr(sys, "argv", ["skillway-sync", *words, *where])
        code = main()
        gc.enable()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, said.out, said.err)

    return run_main


@pytest.fixture
def installed(real_site, call):
    done = call("run")
    assert done.returncode == 0, done.stderr
    return real_site


def envelope(done) -> dict:
    """The one object on stdout; nothing else may be there."""
    content = json.loads(done.stdout)
    assert set(content) == {"ok", "schema_version", "data", "warnings", "error", "next_actions"}
    assert content["schema_version"] == 1
    assert content["ok"] == (done.returncode == 0)
    assert "Traceback" not in done.stderr
    return content


def skill(site):
    return site.folder("tools") / "skills" / "tools-skill" / "SKILL.md"


# --- JSON and exit codes --------------------------------------------------------------------------------------------

COMMANDS = [
    ["run"],
    ["run", "--dry-run"],
    ["run", "--full-check"],
    ["run", "--strict-exit"],
    ["run", "--release-hold"],
    ["status"],
    ["verify"],
    ["rollback"],
    ["doctor"],
    ["uninstall"],
]


def test_json_of_every_command_is_one_object_on_an_installed_laptop(installed, call):
    for words in COMMANDS:
        done = call(*words, "--json")

        data = envelope(done)["data"]
        assert (data["command"], data["exit_code"]) == (words[0], done.returncode), words
        assert done.returncode not in (1, 2), words


def test_json_of_every_command_is_one_object_without_a_configuration(real_site, call_here):
    real_site.layout.config_file.unlink()
    for words in COMMANDS:
        done = call_here(*words, "--json")

        content = envelope(done)
        assert done.returncode not in (1, 2), words
        if words[0] == "run":
            assert (done.returncode, content["error"]["code"]) == (50, "config"), words
            assert str(real_site.layout.config_file) in content["error"]["message"]


def test_every_failure_says_its_fix_on_stderr(real_site, call):
    shutil.rmtree(real_site.publisher.folder)

    done = call("run")

    assert done.returncode == 10
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "\n  fix: " in done.stderr


def test_quiet_says_nothing_when_all_is_well(installed, call):
    done = call("run", "--quiet")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


WRONG = [
    [],
    ["unknown"],
    ["run", "--unknown"],
    ["run", "extra"],
    ["run", "--home"],
    ["run", "--user", "--system"],
    ["run", "--user", "--root", "x"],
    ["run", "--user", "--home", "x", "--home", "y"],
    ["run", "--image"],
    ["rollback", "--to"],
    ["rollback", "--to", "second"],
    ["status", "--dry-run"],
    ["verify", "--to", "1"],
]


def test_wrong_options_exit_2_and_point_to_the_help(call):
    for words in WRONG:
        done = call(*words, place=[])

        assert (done.returncode, done.stdout) == (2, ""), words
        assert done.stderr.startswith("error: "), words
        assert "--help" in done.stderr, words


def test_wrong_options_are_one_json_object_too(call):
    done = call("run", "--unknown", "--json", place=[])

    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "usage"


@pytest.mark.parametrize("command", ["", "run", "status", "verify", "rollback", "doctor", "uninstall"])
def test_every_command_has_help_with_an_example(call, command):
    done = call(*[command] if command else [], "--help", place=[])

    assert done.returncode == 0
    assert "example" in done.stdout


# --- status ---------------------------------------------------------------------------------------------------------


def test_status_needs_no_store_and_no_configuration(installed, call):
    shutil.rmtree(installed.publisher.folder)
    installed.layout.config_file.unlink()

    done = call("status", "--json")

    data = envelope(done)["data"]
    assert done.returncode == 0
    assert (data["state"], data["release"], data["ring"]) == ("ok", 1, "broad")
    assert 0 <= data["age_seconds"] < 600
    assert data["plugins"] == installed.digests(1)


def test_status_of_a_laptop_that_never_synced_exits_10(call):
    done = call("status", "--json")

    assert done.returncode == 10
    assert envelope(done)["data"]["state"] == "never"


def test_status_writes_nothing(installed, call, make):
    before = make.tree(installed.prefix)

    call("status")

    assert make.tree(installed.prefix) == before


@pytest.mark.parametrize(("days", "state", "code"), [(2, "ok", 0), (4, "stale", 10), (20, "alarm", 10)])
def test_status_ages(installed, call, days, state, code):
    path = installed.layout.state / "status.json"
    content = json.loads(path.read_text())
    content["last_check"] = iso_time(parse_time(content["last_check"]) - days * 86_400)
    path.write_text(json.dumps(content))

    done = call("status", "--json")

    assert (done.returncode, envelope(done)["data"]["state"]) == (code, state)


# --- verify ---------------------------------------------------------------------------------------------------------


def test_verify_exits_0_on_an_intact_laptop_and_writes_nothing(installed, call, make):
    before = make.tree(installed.prefix)

    done = call("verify")

    assert done.returncode == 0
    assert "intact" in done.stdout
    assert make.tree(installed.prefix) == before


def test_verify_exits_20_and_names_every_difference(installed, call, make):
    skill(installed).write_text("edited here")
    (skill(installed).parent / "added.md").write_text("added here")
    (skill(installed).parent / "scripts" / "tool.sh").chmod(0o644)
    (installed.folder("base") / "hooks" / "guard.py").unlink()
    installed.layout.catalogue_file.write_text("{}")
    installed.layout.policy_file.unlink()
    before = make.tree(installed.prefix)

    done = call("verify", "--json")

    assert done.returncode == 20
    differences = envelope(done)["data"]["differences"]
    wanted = {
        "SKILL.md: changed",
        "added.md: added",
        "tool.sh: mode (0644)",
        "guard.py: missing",
        "marketplace.json: changed",
        "50-skillway.json: missing",
    }
    assert {end for end in wanted if any(line.endswith(end) for line in differences)} == wanted
    assert len(differences) == len(wanted)
    assert make.tree(installed.prefix) == before


def test_verify_says_the_differences_to_people_too(installed, call):
    skill(installed).write_text("edited here")

    done = call("verify")

    assert done.returncode == 20
    assert "SKILL.md: changed" in done.stdout


# --- what is written, and where -------------------------------------------------------------------------------------


def test_dry_run_writes_nothing_and_says_what_it_would_do(real_site, call, make):
    before = make.tree(real_site.prefix)

    done = call("run", "--dry-run", "--json")

    data = envelope(done)["data"]
    assert make.tree(real_site.prefix) == before
    assert (data["release"], data["would_apply"]) == (None, 1)
    assert {name.partition("/")[0] for name in data["would_fetch"]} == {"base", "tools", "support"}


def test_dry_run_of_an_update_with_drift_writes_nothing(installed, call, make, second_release):
    second_release(installed.publisher)
    skill(installed).write_text("edited here")
    before = make.tree(installed.prefix)

    data = envelope(call("run", "--dry-run", "--json"))["data"]

    assert make.tree(installed.prefix) == before
    assert (data["release"], data["would_apply"]) == (1, 2)
    assert len(data["would_repair"]) == 1
    assert {name.partition("/")[0] for name in data["would_fetch"]} == {"base", "support"}


def test_image_writes_the_paths_that_the_image_will_have(real_site, call):
    done = call("run", "--image")

    assert done.returncode == 0, done.stderr
    written = [real_site.layout.policy_file, real_site.layout.catalogue_file, real_site.layout.guard_pointer]
    written += [path for path in (real_site.prefix / "home").rglob("*") if path.is_file()]
    assert all(str(real_site.prefix) not in path.read_text() for path in written)
    assert "/opt/skillway/bin/run" in real_site.layout.policy_file.read_text()


def test_root_writes_paths_that_work_as_they_stand(installed):
    policy = installed.layout.policy_file.read_text()

    assert f"{installed.layout.root}/bin/run" in policy


def test_nothing_is_written_outside_our_places(installed):
    places = (installed.layout.root, installed.layout.policy_dir, installed.layout.config_file.parent)
    files = [path for path in installed.prefix.rglob("*") if path.is_file()]
    outside = {str(path.relative_to(installed.prefix)) for path in files if not set(places) & set(path.parents)}

    assert outside <= {"home/.claude/plugins/known_marketplaces.json"}


def test_user_scope_round_trip(real_site, call, tmp_path):
    person = tmp_path / "person"
    settings = person / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"model": "opus", "env": {"A": "1"}}\n')
    layout = user_layout(home=person, environment={})
    layout.config_file.parent.mkdir(parents=True)
    for name in ("config.json", "root.json"):
        shutil.copy(real_site.layout.config_file.parent / name, layout.config_file.parent / name)
    place = ["--user", "--home", str(person)]

    assert call("run", place=place).returncode == 0
    merged = json.loads(settings.read_text())
    assert (merged["model"], merged["env"]["A"]) == ("opus", "1")
    assert merged["enabledPlugins"]
    assert layout.catalogue_file.is_file()
    assert call("verify", place=place).returncode == 0
    assert call("status", place=place).returncode == 0
    assert call("run", place=place).stdout.startswith("Nothing to do")

    assert call("uninstall", place=place).returncode == 0
    assert json.loads(settings.read_text()) == {"model": "opus", "env": {"A": "1"}}
    assert not layout.root.exists()


def test_uninstall_leaves_nothing_but_the_configuration(installed, call):
    done = call("uninstall")

    assert done.returncode == 0
    left = {str(path.relative_to(installed.prefix)) for path in installed.prefix.rglob("*") if path.is_file()}
    assert left == {"etc/skillway/config.json", "etc/skillway/root.json"}
    assert call("status").returncode == 10
    assert call("run").returncode == 0


@pytest.mark.parametrize("umask", [0o077, 0o022, 0o000])
def test_umask_of_the_caller_changes_no_mode(real_site, call, umask):
    assert call("run", umask=umask).returncode == 0

    layout = real_site.layout
    for path in (layout.policy_file, layout.catalogue_file, layout.guard_pointer, layout.state / "status.json"):
        assert path.stat().st_mode & 0o777 == 0o644, path
    for folder in (layout.root, layout.store, layout.policy_dir, layout.state, layout.catalogue_file.parent):
        assert folder.stat().st_mode & 0o777 == 0o755, folder
    assert layout.launcher.stat().st_mode & 0o777 == 0o755
    wrong = {path: oct(path.stat().st_mode) for path in layout.store.rglob("*") if path.stat().st_mode & 0o022}
    assert not wrong
    assert not [path for path in layout.store.rglob("*") if not path.stat().st_mode & 0o004]
    assert call("verify").returncode == 0


# --- state that cannot be read --------------------------------------------------------------------------------------

GARBAGE = {
    "empty": b"",
    "not utf-8": b"\xff\xfe\x00",
    "a list": b"[1, 2]",
    "null": b"null",
    "a number": b"7",
    "an empty object": b"{}",
    "deep": b"[" * 100_000,
    "wrong types": b'{"schema": 1, "seq": "x", "plugins": [1], "former": {}, "release": [], "notes": 5, "last_check": 3}',
    "wrong inner types": b'{"schema": 1, "error": "text", "drift": [1], "plugins": {"a": 1}, "release": 1,'
    b' "last_check": "2026-01-01T00:00:00Z", "drift_at": "x"}',
}
STATE_FILES = ["status.json", "applied.json", "index", "noop", "owned.json", "pointers.json", "ring.json"]
STATE_FILES += ["interpreter.json", "releases/1.json", "trust/timestamp.json", "trust/root_history/1.root.json"]


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_in_every_state_file_is_never_a_traceback_and_the_next_run_mends_it(installed, call_here, kind):
    before = installed.installed()
    for name in STATE_FILES:
        assert (installed.layout.state / name).is_file(), name
        is_marshalled = name in ("index", "noop")
        (installed.layout.state / name).write_bytes(b"no marshal" if is_marshalled else GARBAGE[kind])

    for words in (["status"], ["verify"], ["rollback"], ["run", "--dry-run"], ["doctor"]):
        done = call_here(*words, "--json")
        envelope(done)
        assert done.returncode != 1, (words, done.stdout)
    done = call_here("run", "--json")

    assert done.returncode == 0, done.stdout
    assert installed.installed() == before
    assert call_here("verify").returncode == 0
    assert call_here("run").stdout.startswith("Nothing to do")
    assert not (installed.layout.state / "logs").exists()


@pytest.mark.parametrize("name", STATE_FILES)
def test_state_file_that_is_a_folder_is_never_a_traceback(installed, call_here, name):
    before = installed.installed()
    path = installed.layout.state / name
    path.unlink()
    path.mkdir()

    codes = {words: call_here(words, "--json").returncode for words in ("status", "verify", "run")}

    assert 1 not in codes.values(), codes
    assert installed.installed() == before


def test_removed_state_folder_is_made_again(installed, call_here):
    before = installed.installed()
    shutil.rmtree(installed.layout.state)

    done = call_here("run")

    assert done.returncode == 0, done.stderr
    assert installed.installed() == before


def test_configuration_that_is_garbage_exits_50_and_names_the_file(installed, call_here):
    before = installed.installed()
    for content in GARBAGE.values():
        installed.layout.config_file.write_bytes(content)
        done = call_here("run", "--json")
        assert done.returncode == 50, done.stdout
        assert str(installed.layout.config_file) in envelope(done)["error"]["message"]
    assert installed.installed() == before


LISTS_OF_A_BILLION = b"[" * 5_000
"""What `marshal` reads as the length of a list: it asks for the room before it looks for the items."""


@pytest.mark.parametrize("name", ["index", "noop"])
def test_damaged_state_never_asks_for_gigabytes(installed, name):
    (installed.layout.state / name).write_bytes(LISTS_OF_A_BILLION)
    limit = (1024**3, 1024**3)

    done = subprocess.run(
        [sys.executable, "-m", "skillway_sync", "run", "--json", "--root", installed.prefix],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit),
    )

    assert done.returncode == 0, done.stdout
    assert installed.catalogue() == installed.digests(1)


STORES = ["https://[::1", "https://", "http:///store", "http://store:notaport/", "http://store:99999/", "file://"]
STORES += ["file:///nowhere", "http://user:secret@127.0.0.1:9/", "http://a b/", "http://\u0000/", "http://.."]


@pytest.mark.parametrize("store", STORES)
def test_address_that_cannot_be_one_is_never_a_traceback(installed, call_here, store):
    before = installed.installed()
    installed.configure(store=store)

    done = call_here("run", "--json")

    assert done.returncode in (0, 50), done.stdout
    assert envelope(done)["error"]["code"] in ("offline", "config")
    assert installed.installed() == before


def test_root_that_is_a_file_is_a_disk_error(call, tmp_path):
    (tmp_path / "file").write_text("x")

    done = call("run", "--json", place=["--root", str(tmp_path / "file")])

    assert done.returncode in (40, 50)
    envelope(done)
