"""The whole way of a pull request in the real client: the direct form is refused, the skill runs, its program creates it once.

The forge's program is a fake that notes its calls; everything else is real: client, plugin, guard, git, transcript, spool.
"""

import hashlib
import hmac
import json
import os
import subprocess
import sys

import pytest

from skillway_sync.client_proof import spool_records
from skillway_sync.policy_overlay import SYSTEM_PATH
from skillway_sync.scripted_api import SUBAGENT, Call, Say

pytestmark = pytest.mark.client

SKILL = "developer-tools:create-pr"
REASON = "Customers lose their cart whenever we deploy, because sessions live in memory."
BODY = "Customers lose their cart on every deploy, because sessions live in memory. They now come from the store."
ADDRESS = "https://github.com/acme/shop/pull/7"
KEY = "0f" * 32
GH = """#!{python}
import json, sys
with open({log!r}, "a") as stream:
    stream.write(json.dumps(sys.argv[1:3]) + "\\n")
print({address!r} if sys.argv[1:3] == ["pr", "create"] else "[]")
"""
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def bash(command):
    return Call("Bash", {"command": command, "description": "Work on the pull request"})


DIRECT = bash("gh pr create --fill")
USE_SKILL = Call("Skill", {"skill": SKILL})
CONTEXT = bash("create-pull-request context --json")
INTENT = bash("create-pull-request intent --json")


@pytest.fixture
def project(tmp_path):
    """The client's project: a branch with one commit that is pushed, as far as git knows."""
    folder = tmp_path / "project"
    folder.mkdir()

    def git(*arguments):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, env={**os.environ, **GIT})

    git("init", "-q", "-b", "main")
    (folder / "session.py").write_text("def load_session():\n    return None\n")
    git("add", ".")
    git("commit", "-qm", "Start")
    git("remote", "add", "origin", "git@github.com:acme/shop.git")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("switch", "-qc", "feature")
    (folder / "session.py").write_text("def load_session(store):\n    return store.read_session()\n")
    git("commit", "-qam", "Keep sessions in the store")
    git("update-ref", "refs/remotes/origin/feature", "HEAD")
    return folder


@pytest.fixture
def words(tmp_path):
    """Put the description and the intent into files; give the call that creates the pull request."""
    (tmp_path / "body.md").write_text(BODY)
    intent = {"why": REASON, "evidence": [{"kind": "user_message", "quote": REASON}]}
    (tmp_path / "intent.json").write_text(json.dumps(intent))
    files = f"--body-file {tmp_path}/body.md --intent {tmp_path}/intent.json"
    return bash(f"create-pull-request create --title 'Keep carts over a deploy' {files} --json")


@pytest.fixture
def play(drive, own_laptop, project, tmp_path):
    """Run a script on a laptop whose audit key is known; give what was seen, and a list of the fake gh's calls."""
    folder, log = tmp_path / "fake-gh", tmp_path / "calls.jsonl"
    folder.mkdir()
    (folder / "gh").write_text(GH.format(python=sys.executable, log=str(log), address=ADDRESS))
    (folder / "gh").chmod(0o755)
    telemetry = own_laptop.layout.root / "telemetry.json"
    telemetry.write_text(json.dumps({"schema": 1, "audit_key": KEY}))
    environment = {"PATH": f"{folder}:{SYSTEM_PATH}"}

    def run(turns, *, prompt=f"{REASON} Please open a pull request.", **more):
        seen = drive(own_laptop, turns, prompt=prompt, environment=environment, **more)
        calls = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return seen, [" ".join(call) for call in calls]

    return run


def created(home):
    return [record["attributes"] for record in spool_records(home) if record["name"] == "skillway.pr.created"]


def test_direct_form_is_refused_and_the_skills_program_creates_it_once(play, words):
    seen, calls = play([DIRECT, USE_SKILL, CONTEXT, INTENT, words, Say("done")])

    refused, skill, context, intent, made = seen.told
    assert refused.is_error
    assert "rule pull-request" in refused.text
    assert not skill.is_error
    assert json.loads(context.text)["data"]["branch"] == "feature"
    assert REASON in json.loads(intent.text)["data"]["candidates"][0]["text"]
    assert json.loads(made.text)["data"]["address"] == ADDRESS
    assert calls.count("pr create") == 1
    (event,) = created(seen.home)
    assert event["pr.hash"] == hmac.new(KEY.encode(), b"github.com/acme/shop#7", hashlib.sha256).hexdigest()[:32]
    assert event["session.id"] == seen.run.init["session_id"]


def test_skill_that_the_user_types_ends_the_same_way(play, words):
    seen, calls = play([words, Say("done")], prompt=f"/{SKILL} {REASON}")

    assert json.loads(seen.told[0].text)["data"]["created"], seen.told[0].text
    assert calls.count("pr create") == 1


def test_subagent_is_refused_the_direct_form_and_may_use_the_program(play, words):
    agent = Call("Agent", {"subagent_type": "general-purpose", "description": "Help", "prompt": "Open it"})
    seen, calls = play(
        [agent, Say("waiting"), Say("done")], subagent_turns=[DIRECT, words, Say("created")], whole_script=False
    )

    refused, made = seen.api.tool_results(SUBAGENT)
    assert "rule pull-request" in refused.text
    assert json.loads(made.text)["data"]["created"], made.text
    assert calls.count("pr create") == 1


@pytest.mark.parametrize("between", [None, "/compact"], ids=["resumed", "compacted"])
def test_session_that_goes_on_later_still_knows_the_reason(play, words, own_laptop, between):
    home = own_laptop.new_home()
    play([Say("noted")], prompt=REASON, home=home)
    if between:
        play([], prompt=between, home=home, more=("--continue",), whole_script=False)
    seen, calls = play([DIRECT, words, Say("done")], prompt="open the pull request", home=home, more=("--continue",))

    refused, made = seen.told
    assert "rule pull-request" in refused.text
    assert json.loads(made.text)["data"]["created"], made.text
    assert calls.count("pr create") == 1


def test_no_from_the_user_holds_in_the_client_too(play, words):
    seen, calls = play([words, Say("done")], prompt=f"{REASON} No PR yet, I want to look at it first.")

    assert "needs_confirmation" in seen.told[0].text
    assert "pr create" not in calls
    assert created(seen.home) == []
