import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMANDS = ["run", "status", "verify", "rollback", "doctor", "uninstall"]


def call(*arguments, environment=None):
    command = [sys.executable, "-m", "skillway_sync", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def sync(site, command, *more):
    return call(command, "--root", site.prefix, "--home", site.prefix / "home", *more)


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_has_a_runnable_example(command, tmp_path):
    done = call(*command, "--help")

    assert done.returncode == 0
    example = re.search(r"example:\n  skillway-sync (.+)", done.stdout).group(1).split()
    tried = call(*[str(tmp_path / "laptop") if word == "./laptop" else word for word in example])
    assert tried.returncode != 2, tried.stderr
    assert "unrecognized" not in tried.stderr


def test_life_of_a_laptop(real_site, second_release):
    assert sync(real_site, "status").returncode == 10
    assert sync(real_site, "run").returncode == 0
    assert sync(real_site, "verify").returncode == 0
    second_release(real_site.publisher)
    assert "Release 2 is installed" in sync(real_site, "run").stdout
    assert "Release 1 is installed again in place of 2" in sync(real_site, "rollback").stdout
    held = sync(real_site, "run", "--json")
    assert json.loads(held.stdout)["data"]["state"] == "held"
    assert "Release 2 is installed" in sync(real_site, "run", "--release-hold").stdout
    assert sync(real_site, "status").stdout.startswith("state        ok")
    assert sync(real_site, "uninstall").returncode == 0
    assert not real_site.layout.root.exists()
    assert not real_site.layout.policy_file.exists()


@pytest.mark.parametrize(
    "command", [["run"], ["run", "--dry-run"], ["status"], ["verify"], ["rollback"], ["doctor"], ["nonsense"]]
)
@pytest.mark.parametrize("state", ["installed", "empty", "broken"])
def test_json_is_one_object_with_the_exit_code_in_it(real_site, command, state):
    if state == "installed":
        sync(real_site, "run")
    if state == "broken":
        real_site.layout.config_file.write_text("{")

    done = sync(real_site, *command, "--json") if command != ["nonsense"] else call("nonsense", "--json")

    answer = json.loads(done.stdout)
    assert set(answer) == {"ok", "schema_version", "data", "warnings", "error", "next_actions"}
    assert answer["ok"] == (done.returncode == 0)
    if answer["data"] is not None:
        assert answer["data"]["exit_code"] == done.returncode
    if answer["error"] is not None:
        assert answer["error"]["message"]
        assert answer["error"]["fix"]
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["run", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["run", "--user", "--system"], "not allowed with"),
        (["run", "--image"], "--image needs --root"),
        (["run", "--user", "--root", "x"], "--root goes with --system"),
        (["run", "--user", "--home", "a", "--home", "b"], "takes one --home"),
        (["rollback", "--to", "many"], "invalid int value"),
    ],
)
def test_wrong_command_line_is_exit_2_and_two_sentences(arguments, words):
    done = call(*arguments)

    assert done.returncode == 2
    assert words in done.stderr
    assert "fix:" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_configuration_says_where_it_should_be(tmp_path):
    done = call("run", "--root", tmp_path)

    assert done.returncode == 50
    assert str(tmp_path / "etc" / "skillway" / "config.json") in done.stderr
    assert "fix: Write it" in done.stderr


def test_offline_laptop_says_so_and_is_in_order(real_site):
    sync(real_site, "run")
    shutil.rmtree(real_site.publisher.folder)

    done = sync(real_site, "run")

    assert done.returncode == 0
    assert done.stderr.startswith("note: The store")
    assert "Release 1 stays installed" in done.stderr


def test_status_needs_no_store_and_little_time(real_site):
    sync(real_site, "run")
    shutil.rmtree(real_site.publisher.folder)
    begun = time.monotonic()

    done = sync(real_site, "status", "--json")

    assert time.monotonic() - begun < 5
    data = json.loads(done.stdout)["data"]
    assert data["release"] == 1
    assert data["ring"] == "broad"
    assert data["state"] == "ok"
    assert data["last_check"].endswith("Z")
    assert data["age_seconds"] < 60
    assert sorted(data["plugins"]) == ["base", "support", "tools"]


def test_status_imports_neither_tuf_nor_urllib3():
    code = "import sys; from skillway_sync.cli import run_command_line as r; r(['status', '--root', '/nowhere']);"
    code += "print(sorted({'tuf', 'urllib3', 'skillway_sync.engine'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_status_ages(real_site):
    sync(real_site, "run")
    path = real_site.layout.state / "status.json"
    content = json.loads(path.read_text())
    for days, state, code in [(1, "ok", 0), (4, "stale", 10), (20, "alarm", 10)]:
        then = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 86_400))
        path.write_text(json.dumps(content | {"last_check": then}))
        done = sync(real_site, "status", "--json")
        assert (json.loads(done.stdout)["data"]["state"], done.returncode) == (state, code)


def test_status_repeats_the_failure_of_the_last_run(real_site):
    sync(real_site, "run")
    (real_site.publisher.folder / "metadata" / "timestamp.json").write_text("damaged")
    assert sync(real_site, "run").returncode == 30

    done = sync(real_site, "status")

    assert done.returncode == 30
    assert "refused" in done.stdout
    assert "fix " in done.stdout


def test_quiet_run_prints_nothing_when_all_is_well(real_site):
    done = sync(real_site, "run", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_verify_names_differences_on_stdout(real_site):
    sync(real_site, "run")
    (real_site.folder("tools") / "skills" / "tools-skill" / "SKILL.md").write_text("edited")

    done = sync(real_site, "verify")

    assert done.returncode == 20
    assert "SKILL.md: changed" in done.stdout


def test_something_unexpected_is_a_log_and_no_traceback(real_site):
    sync(real_site, "run")
    code = "import skillway_sync.engine as e, skillway_sync.cli as c, sys\n"
    code += "def broken(*_, **__): raise ZeroDivisionError('made up')\n"
    code += "e.run = broken\nsys.exit(c.run_command_line(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "run", "--root", str(real_site.prefix)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    log = re.search(r"(\S+\.log) is laid out", done.stderr).group(1)
    assert log.startswith(str(real_site.layout.state))
    text = Path(log).read_text()
    assert "ZeroDivisionError: made up" in text
    assert "arguments: ['run'" in text


def test_user_scope_installs_into_the_users_own_files(publisher, home, make):
    (home / "root.json").write_bytes(publisher.root_json())
    config = home / ".config" / "skillway" / "config.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"store": publisher.url, "root_json": str(home / "root.json")}))
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_text('{"model": "mine"}')

    done = call("run", "--user")

    assert done.returncode == 0, done.stderr
    settings = json.loads((home / ".claude" / "settings.json").read_text())
    assert settings["model"] == "mine"
    assert settings["enabledPlugins"] == {"base@acme": True, "tools@acme": True}
    assert call("run", "--user").stdout.startswith("Nothing to do")
    assert call("verify", "--user").returncode == 0
    assert call("uninstall", "--user").returncode == 0
    assert json.loads((home / ".claude" / "settings.json").read_text()) == {"model": "mine"}
    assert not (home / ".local" / "share" / "skillway").exists()


def test_broken_user_settings_stop_the_update_before_it_is_committed(publisher, home):
    (home / "root.json").write_bytes(publisher.root_json())
    config = home / ".config" / "skillway" / "config.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"store": publisher.url, "root_json": str(home / "root.json")}))
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_text("{broken")

    done = call("run", "--user")

    assert done.returncode == 50
    assert "settings.json" in done.stderr
    assert (home / ".claude" / "settings.json").read_text() == "{broken"
    assert not (home / ".local" / "share" / "skillway" / ".claude-plugin" / "marketplace.json").exists()
