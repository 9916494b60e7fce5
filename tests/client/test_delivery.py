"""What the real client loads and what its hooks do, on a laptop that sync put together."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from dataclasses import replace

import pytest

from skillway_sync.catalogue import catalogue_digests
from skillway_sync.client import ClientSession, ClientStart, run_client
from skillway_sync.client_proof import prove_with_client, spool_records
from skillway_sync.scripted_api import SUBAGENT, Call, Say, ScriptedApi

pytestmark = pytest.mark.client

SKILL = "developer-tools:write-skill"
USE_SKILL = Call("Skill", {"skill": SKILL})
CREATE_PR = Call("Bash", {"command": "gh pr create --fill", "description": "Create the pull request"})
HARMLESS = Call("Bash", {"command": "echo harmless-ran", "description": "Say something"})


def _harmless_ran(result):
    return not result.is_error and result.text.strip() == "harmless-ran"


def _start(client, laptop, home, cwd, api, **start):
    allowed = ("--allowedTools", "Skill,Bash,Agent")
    return ClientStart(client.program, home, cwd, api.url, policy_dir=laptop.policy_dir, arguments=allowed, **start)


def _digests(laptop):
    return catalogue_digests(laptop.layout.catalogue_file.read_bytes())


def _assert_proven(proof, client, laptop):
    assert proof.detail == ()
    assert proof.version == client.version
    folders = {name: str(laptop.layout.store / name / digest) for name, digest in _digests(laptop).items()}
    assert proof.plugins == folders
    assert SKILL in proof.skills
    assert proof.refused
    assert "create-pr" in proof.refusal
    assert proof.harmless_ran
    assert proof.event_recorded


@pytest.mark.parametrize("scope", ["laptop", "user_laptop"])
def test_everything_works_on_the_first_start_in_a_fresh_home(client, request, scope):
    laptop = request.getfixturevalue(scope)
    home = laptop.new_home()

    proof = prove_with_client(client.program, laptop.layout, home=home, skill=SKILL)

    _assert_proven(proof, client, laptop)
    # the first thing that a client misses which has not heard of the catalogue before
    assert [record["name"] for record in spool_records(home)].count("skillway.session.started") == 1


def test_proof_without_a_home_leaves_the_users_home_alone(client, user_laptop):
    home = user_laptop.layout.homes[0]
    _wait_for_the_telling(home)
    before = {path: path.stat().st_mtime_ns for path in sorted(home.rglob("*"))}

    _assert_proven(prove_with_client(client.program, user_laptop.layout, skill=SKILL), client, user_laptop)

    assert {path: path.stat().st_mtime_ns for path in sorted(home.rglob("*"))} == before


def _wait_for_the_telling(home):
    """Wait until sync has told of its run, which it does not wait for itself."""
    state, until = home / ".local/state/skillway", time.monotonic() + 30
    while not (state / "flush.json").exists() and time.monotonic() < until:
        time.sleep(0.05)
    with (state / "flush.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


def test_skill_that_the_model_uses_is_recorded_once(drive, laptop):
    seen = drive(laptop, [USE_SKILL, Say("done")])

    assert not seen.told[0].is_error
    assert seen.uses() == ["claude-proactive"]


@pytest.mark.parametrize("scope", ["laptop", "user_laptop"])
def test_skill_that_the_user_types_is_recorded_once(drive, request, scope):
    seen = drive(request.getfixturevalue(scope), [Say("done")], prompt=f"/{SKILL} for release notes")

    assert "first release" in json.dumps(seen.api.main_requests[0].body["messages"])
    assert seen.uses() == ["user-slash"]


@pytest.mark.parametrize("mode", ["default", "acceptEdits", "bypassPermissions"])
def test_guard_denies_in_every_permission_mode(drive, laptop, mode):
    seen = drive(laptop, [CREATE_PR, HARMLESS, Say("done")], mode=mode)

    assert seen.run.init["permissionMode"] == mode
    assert seen.told[0].is_error
    assert "create-pr" in seen.told[0].text
    assert _harmless_ran(seen.told[1])


def test_guard_denies_in_a_subagent(client, laptop, tmp_path):
    """The newest client runs it beside the conversation and wakes that afterwards, so turns may be left over."""
    agent = Call(
        "Agent", {"subagent_type": "general-purpose", "description": "Help", "prompt": "Create the pull request"}
    )
    with ScriptedApi([agent, Say("waiting"), Say("done")], subagent_turns=[CREATE_PR, HARMLESS, Say("refused")]) as api:
        run = run_client(_start(client, laptop, laptop.new_home(), tmp_path, api), "go")
        told = api.tool_results(SUBAGENT)

    assert run.version == client.version
    assert "create-pr" in told[0].text
    assert _harmless_ran(told[1])


def test_a_release_does_not_touch_a_running_session(client, own_laptop, tmp_path):
    """The session keeps its release for skill text and hooks; the next one has the new release."""
    laptop, home, cwd = own_laptop, own_laptop.new_home(), tmp_path / "project"
    cwd.mkdir()
    old = laptop.layout.store / "developer-tools" / _digests(laptop)["developer-tools"]
    with ScriptedApi([USE_SKILL, Say("one"), USE_SKILL, CREATE_PR, HARMLESS, Say("two")]) as api:
        with ClientSession(_start(client, laptop, home, cwd, api)) as session:
            session.prompt("first prompt")
            laptop.sync(ring="canary")
            before = len(api.main_requests)
            session.prompt("second prompt")
        later = json.dumps([request.body["messages"] for request in api.main_requests[before:]])
        told = api.tool_results()
    new = laptop.layout.store / "developer-tools" / _digests(laptop)["developer-tools"]
    next_session = prove_with_client(client.program, laptop.layout, home=laptop.new_home(), skill=SKILL)

    assert session.run.version == client.version
    assert session.run.results == ("one", "two")
    assert new != old
    assert "This is the first release." in later
    assert str(old) in later
    assert str(new) not in later
    assert "This is the second release." not in later
    assert [result.is_error for result in told] == [False, False, True, False]
    assert "create-pr" in told[2].text
    _assert_proven(next_session, client, laptop)
    assert next_session.plugins["developer-tools"] == str(new)


def test_user_cannot_switch_it_off_in_system_scope(drive, laptop, tmp_path):
    off = {"disableAllHooks": True, "enabledPlugins": {f"{name}@acme": False for name in _digests(laptop)}}
    home = laptop.new_home()
    project = tmp_path / "project"
    for folder in (home, project):
        (folder / ".claude").mkdir(parents=True, exist_ok=True)
        (folder / ".claude" / "settings.json").write_text(json.dumps(off))

    seen = drive(laptop, [USE_SKILL, CREATE_PR, Say("done")], home=home)

    assert set(_digests(laptop)) <= set(seen.run.plugins)
    assert not seen.told[0].is_error
    assert "create-pr" in seen.told[1].text
    assert seen.uses() == ["claude-proactive"]


REMOVALS = ["launcher", "interpreter", "guard pointer", "guard script", "base plugin", "store", "catalogue", "root"]


def _place(laptop, what):
    layout = laptop.layout
    base = layout.store / layout.guard_pointer.read_text().strip()
    return {
        "launcher": layout.launcher,
        "interpreter": layout.interpreter_file,
        "guard pointer": layout.guard_pointer,
        "guard script": base / "hooks" / "guard.py",
        "base plugin": base,
        "store": layout.store,
        "catalogue": layout.catalogue_file,
        "root": layout.root,
    }[what]


class _Away:
    """Takes a file or folder away, and puts it back."""

    def __init__(self, path, aside):
        self._path = path
        self._aside = aside

    def __enter__(self):
        self._path.rename(self._aside)

    def __exit__(self, *_):
        self._aside.rename(self._path)


@pytest.mark.parametrize("what", REMOVALS)
def test_user_can_work_when_something_is_missing_at_the_start(drive, laptop, tmp_path, what):
    home = laptop.new_home()
    with _Away(_place(laptop, what), laptop.folder / "aside"):
        seen = drive(laptop, [HARMLESS, Say("done")], home=home)

    assert _harmless_ran(seen.told[0])
    assert seen.run.results == ("done",)


def test_user_can_work_when_something_vanishes_in_a_session(client, laptop, tmp_path):
    turns = [HARMLESS, Say("ok")] * (len(REMOVALS) + 1)
    cwd = tmp_path / "project"
    cwd.mkdir()
    with ScriptedApi([*turns, CREATE_PR, Say("end")]) as api:
        with ClientSession(_start(client, laptop, laptop.new_home(), cwd, api)) as session:
            session.prompt("start")
            for what in REMOVALS:
                with _Away(_place(laptop, what), laptop.folder / "aside"):
                    session.prompt(f"without {what}")
            session.prompt("and all is back")
        told = api.tool_results()

    assert session.run.version == client.version
    assert [_harmless_ran(result) for result in told[:-1]] == [True] * (len(REMOVALS) + 1)
    assert "create-pr" in told[-1].text


def test_recorded_interpreter_that_is_gone_does_not_stop_the_user(drive, laptop):
    recorded = laptop.layout.interpreter_file.read_bytes()
    home = laptop.new_home()
    try:
        laptop.layout.interpreter_file.write_text("/nowhere/python3\n")
        seen = drive(laptop, [HARMLESS, Say("done")], home=home)
    finally:
        laptop.layout.interpreter_file.write_bytes(recorded)

    assert _harmless_ran(seen.told[0])


def test_proof_says_what_does_not_work(client, laptop):
    home = laptop.new_home()
    with _Away(laptop.layout.launcher, laptop.folder / "aside"):
        proof = prove_with_client(client.program, laptop.layout, home=home, skill=SKILL)

    assert proof.version == client.version
    assert not proof.refused
    assert not proof.ok
    assert any("was not refused by the guard" in line for line in proof.detail)
    assert proof.harmless_ran


@pytest.mark.root
@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="not run: needs root to become another user"
)
def test_works_for_another_user_on_a_tree_that_root_owns(client, open_laptop):
    uid, layout = 12345, open_laptop.layout
    home, cwd = open_laptop.folder / "their-home", open_laptop.folder / "their-project"
    for folder in (home, cwd):
        folder.mkdir()
        os.chown(folder, uid, uid)
    their_laptop = replace(open_laptop, layout=replace(layout, homes=(home,)))
    their_laptop.sync()
    client = _within_reach(client, uid, open_laptop.folder)
    before = _states(layout.root)

    with ScriptedApi([USE_SKILL, CREATE_PR, HARMLESS, Call("Bash", {"command": "id -u"}), Say("done")]) as api:
        run = run_client(_start(client, their_laptop, home, cwd, api, uid=uid), "go")
        told = api.tool_results()

    assert run.version == client.version
    assert not told[0].is_error
    assert "create-pr" in told[1].text
    assert _harmless_ran(told[2])
    assert told[3].text.strip() == str(uid)
    used = [
        record["attributes"]["skill.name"] for record in spool_records(home) if record["name"] == "skillway.skill.used"
    ]
    assert used == [SKILL]
    assert _states(layout.root) == before
    assert {path.lstat().st_uid for path in home.rglob("*")} == {uid}


def _within_reach(client, uid, folder):
    """Give the client at a place that the other user may enter; a checkout is often in a closed folder."""
    become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    if subprocess.run([*become, "test", "-x", str(client.program)], check=False).returncode == 0:
        return client
    program = folder / "client"
    try:
        program.hardlink_to(client.program)
    except OSError:
        shutil.copy(client.program, program)
    return replace(client, program=program)


def _states(folder):
    return {path: (path.lstat().st_mtime_ns, path.lstat().st_mode, path.lstat().st_uid) for path in folder.rglob("*")}
