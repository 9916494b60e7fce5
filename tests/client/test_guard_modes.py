"""Do the guard's decisions hold in the real client, whatever permission mode it is in?

Every command here is harmless if it did run: the project is no repository and has no remote. Each ends by making a
file, so that a command that ran leaves a trace. The client is started with `-p`, where nobody can answer a question.
"""

import json

import pytest

from skillway_sync.scripted_api import SUBAGENT, Call, Say

pytestmark = pytest.mark.client

MODES = ["default", "acceptEdits", "bypassPermissions", "plan", "dontAsk"]
TRACE = "ran.txt"
STOPS = ".local/state/skillway/guard/stops.jsonl"
DENIED = {
    "git-force-push": f"git push --force origin main; touch {TRACE}",
    "pull-request": f"bash -c 'cd . && gh pr create --fill'; touch {TRACE}",
    "disk-overwrite": f"mkfs.ext4 --help-is-no-option /dev/sd-none; touch {TRACE}",
}
ASK_RULE = "branch-delete-remote"
ASKED = f"git push origin --delete feature/old; touch {TRACE}"
ALLOWED = f"git push --help >/dev/null 2>&1; touch {TRACE}"


def bash(command):
    return Call("Bash", {"command": command, "description": "Work on the branch"})


def stops(home):
    log = home / STOPS
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def allowed_home(laptop):
    """A HOME whose user has allowed every Bash command, so that only the guard can stop one."""
    home = laptop.new_home()
    settings = home / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    content = json.loads(settings.read_text()) if settings.exists() else {}
    content["permissions"] = {"allow": ["Bash", "Bash(*)", "Write", "Edit", "Read", "Grep", "Agent", "mcp__shop__*"]}
    settings.write_text(json.dumps(content))
    return home


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rule", DENIED)
def test_deny_holds_although_the_user_allowed_everything(drive, laptop, allowed_home, tmp_path, mode, rule):
    seen = drive(laptop, [bash(DENIED[rule]), Say("done")], home=allowed_home, mode=mode)

    assert seen.run.init["permissionMode"] == mode
    assert seen.told[0].is_error
    assert f"rule {rule}" in seen.told[0].text
    assert "Do not try another spelling" in seen.told[0].text
    assert not (tmp_path / "project" / TRACE).exists()


@pytest.mark.parametrize("mode", MODES)
def test_ask_holds_although_the_user_allowed_everything(drive, laptop, allowed_home, tmp_path, mode):
    seen = drive(laptop, [bash(ASKED), Say("done")], home=allowed_home, mode=mode)

    assert seen.run.init["permissionMode"] == mode
    assert seen.told[0].is_error
    assert not (tmp_path / "project" / TRACE).exists()
    # The stop is the guard's: a client in plan or dontAsk mode has refusals of its own.
    assert [(stop["rule"], stop["decision"]) for stop in stops(allowed_home)] == [(ASK_RULE, "ask")]


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "plan"])
def test_silence_leaves_the_call_to_the_users_own_permissions(drive, laptop, allowed_home, tmp_path, mode):
    """The counterpart: without a stop, the same settings let the command run.

    Not in plan mode, where the newest client refuses Bash by itself.
    """
    seen = drive(laptop, [bash(ALLOWED), Say("done")], home=allowed_home, mode=mode)

    assert not seen.told[0].is_error
    assert (tmp_path / "project" / TRACE).exists()


def test_stop_is_in_the_users_own_log(drive, laptop, allowed_home):
    drive(laptop, [bash(DENIED["git-force-push"]), Say("done")], home=allowed_home)

    log = allowed_home / STOPS
    (entry,) = stops(allowed_home)
    assert (entry["rule"], entry["decision"]) == ("git-force-push", "deny")
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", ["default", "bypassPermissions", "dontAsk"])
@pytest.mark.parametrize("call", [bash(DENIED["git-force-push"]), bash(ASKED)], ids=["deny", "ask"])
def test_stops_hold_in_a_subagent(drive, laptop, allowed_home, tmp_path, mode, call):
    """Not in plan mode, where the newest client starts no subagent without its safety check."""
    agent = Call("Agent", {"subagent_type": "general-purpose", "description": "Help", "prompt": "Push it"})

    seen = drive(
        laptop,
        [agent, Say("waiting"), Say("done")],
        subagent_turns=[call, Say("refused")],
        home=allowed_home,
        mode=mode,
        whole_script=False,
    )

    assert seen.api.tool_results(SUBAGENT)[0].is_error
    assert len(stops(allowed_home)) == 1
    assert not (tmp_path / "project" / TRACE).exists()
