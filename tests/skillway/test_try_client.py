"""`skillway try` with the real Claude Code client against a scripted API: the skill loads, guard and usage hooks act."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from skillway_sync.client import find_client
from skillway_sync.scripted_api import Call, Say, ScriptedApi

pytestmark = pytest.mark.client
SECONDS = 120


@pytest.fixture
def client(repository):
    program = find_client(repository / "tests" / "client")
    if program is None:
        pytest.skip("not run: no npm client in tests/client")
    return program


@pytest.fixture
def sources(repository, tmp_path):
    folder = tmp_path / "repository"
    for name in ("base-plugin", "developer-tools", "skills", "hooks"):
        shutil.copytree(repository / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(repository / "organisation.yaml", folder)
    return folder


def test_real_client_gets_the_skill_and_the_guard_of_this_repository(sources, client, home):
    with ScriptedApi([Call("Bash", {"command": "gh pr create --fill"}), Say("done")]) as api:
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "ANTHROPIC_BASE_URL": api.url,
            "ANTHROPIC_API_KEY": "test-key",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            **({"IS_SANDBOX": "1"} if os.geteuid() == 0 else {}),
        }
        asked = ["-p", "/developer-tools:create-pr", "--output-format", "stream-json", "--verbose"]
        done = subprocess.run(
            [
                *(sys.executable, "-m", "skillway", "try", "create-pr", "--client", str(client), "--"),
                *asked,
                "--dangerously-skip-permissions",
            ],
            cwd=sources,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        results = api.tool_results()
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    started = next(event for event in events if event.get("subtype") == "init")
    digests = json.loads((sources / ".skillway/dev/build/build.json").read_bytes())["plugins"]
    assert {plugin["name"]: plugin["path"].rsplit("/", 1)[1] for plugin in started["plugins"]} == {
        name: digests[name]["digest"] for name in ("base-plugin", "developer-tools")
    }
    assert "developer-tools:create-pr" in started["skills"]
    assert len(results) == 1
    assert results[0].is_error, "the guard of the settings file refused the direct form"
    assert "create-pull-request" in results[0].text
    spooled = [path for path in home.rglob("events.jsonl") if "developer-tools:create-pr" in path.read_text()]
    assert spooled, "the usage hook of the plugin recorded the skill"
