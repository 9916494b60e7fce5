"""Do the guard's decisions hold in the real client for the tools that are not Bash?

Whether a call ran is seen on the disk, or in what an MCP server wrote down. Every user here has allowed everything.
"""

import json
import sys
from pathlib import Path

import pytest

from skillway_sync.scripted_api import Call, Say

pytestmark = pytest.mark.client

SERVER = Path(__file__).with_name("shop_server.py")
ALLOWED = ["Bash", "Write", "Edit", "Read", "Grep", "Glob", "mcp__shop__*"]
STOPS = ".local/state/skillway/guard/stops.jsonl"


@pytest.fixture
def home(laptop):
    """A HOME with a key in it, whose user has allowed every tool."""
    home = laptop.new_home()
    settings = home / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"permissions": {"allow": ALLOWED, "additionalDirectories": [str(home)]}}))
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id_ed25519").write_text("the key itself")
    (home / ".ssh" / "authorized_keys").write_text("ssh-ed25519 mine\n")
    (home / ".zshrc").write_text("a\n")
    return home


def stops(home):
    log = home / STOPS
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def told(seen):
    return "\n".join(result.text for result in seen.told)


def test_read_of_a_key_is_stopped(drive, laptop, home):
    seen = drive(laptop, [Call("Read", {"file_path": f"{home}/.ssh/id_ed25519"}), Say("done")], home=home)

    assert seen.told[0].is_error
    assert "rule secret-read" in told(seen)
    assert "the key itself" not in told(seen)


def test_grep_through_keys_is_stopped(drive, laptop, home):
    call = Call("Grep", {"pattern": "key", "path": f"{home}/.ssh", "output_mode": "content"})
    seen = drive(laptop, [call, Say("done")], home=home)

    assert seen.told[0].is_error
    assert "the key itself" not in told(seen)


def test_write_of_a_login_key_is_stopped(drive, laptop, home):
    path = home / ".ssh" / "authorized_keys"
    read = Call("Read", {"file_path": str(path)})
    seen = drive(
        laptop,
        [read, Call("Write", {"file_path": str(path), "content": "ssh-ed25519 theirs\n"}), Say("done")],
        home=home,
    )

    assert seen.told[1].is_error
    assert "rule login-write" in told(seen)
    assert path.read_text() == "ssh-ed25519 mine\n"


@pytest.mark.parametrize("mode", ["default", "acceptEdits", "bypassPermissions", "dontAsk", "plan"])
def test_write_that_is_asked_about_does_not_happen_when_nobody_answers(drive, laptop, home, mode):
    path = home / ".ssh" / "config"
    seen = drive(
        laptop, [Call("Write", {"file_path": str(path), "content": "Host *\n"}), Say("done")], home=home, mode=mode
    )

    assert seen.told[0].is_error
    assert not path.exists()
    assert [(stop["rule"], stop["decision"]) for stop in stops(home)] == [("dotfile-write", "ask")]


@pytest.mark.parametrize("mode", ["default", "bypassPermissions"])
def test_question_about_a_startup_file_holds_with_the_managed_permissions(drive, laptop, home, mode):
    """The client asks about such a file itself, in place of the hook, and drops its own question in bypassPermissions."""
    path = home / ".bashrc"
    seen = drive(laptop, [Call("Write", {"file_path": str(path), "content": "x"}), Say("done")], home=home, mode=mode)

    assert [(stop["rule"], stop["decision"]) for stop in stops(home)] == [("dotfile-write", "ask")]
    assert seen.told[0].is_error
    assert not path.exists()


def test_settings_cannot_switch_the_hooks_off(drive, laptop, home, tmp_path):
    path = tmp_path / "project" / ".claude" / "settings.local.json"
    seen = drive(
        laptop,
        [Call("Write", {"file_path": str(path), "content": '{"disableAllHooks": true}'}), Say("done")],
        home=home,
    )

    assert seen.told[0].is_error
    assert "rule guard-tampering" in told(seen)
    assert not path.exists()


def test_ordinary_work_with_the_same_tools_is_not_touched(drive, laptop, home, tmp_path):
    path = tmp_path / "project" / "notes.md"
    calls = [
        Call("Write", {"file_path": str(path), "content": "Never run rm -rf / here.\n"}),
        Call("Edit", {"file_path": str(path), "old_string": "Never", "new_string": "Do not ever"}),
        Call("Read", {"file_path": str(path)}),
    ]
    seen = drive(laptop, [*calls, Say("done")], home=home)

    assert [result.is_error for result in seen.told] == [False, False, False]
    assert path.read_text() == "Do not ever run rm -rf / here.\n"
    assert stops(home) == []


@pytest.fixture
def server(tmp_path):
    """The arguments that give the client an MCP server, and the file in which that writes down its calls."""
    log = tmp_path / "calls.txt"
    log.touch()
    config = tmp_path / "mcp.json"
    shop = {"command": sys.executable, "args": [str(SERVER), str(log)]}
    config.write_text(json.dumps({"mcpServers": {"shop": shop}}))
    return ("--mcp-config", str(config)), log


@pytest.mark.parametrize(
    ("name", "arguments", "rule"),
    [
        (
            "create_pull_request",
            {"owner": "acme", "repo": "shop", "title": "x", "head": "f", "base": "main"},
            "pull-request",
        ),
        ("query", {"sql": "DROP TABLE users"}, "database-drop"),
    ],
)
def test_mcp_tool_is_stopped_before_the_server_hears_of_it(drive, laptop, home, server, name, arguments, rule):
    more, log = server
    harmless = Call("mcp__shop__list_pull_requests", {"owner": "acme", "repo": "shop"})
    seen = drive(laptop, [Call(f"mcp__shop__{name}", arguments), harmless, Say("done")], home=home, more=more)

    assert seen.told[0].is_error
    assert f"rule {rule}" in seen.told[0].text
    assert seen.told[1].text == "reached"
    assert log.read_text() == "list_pull_requests\n"
