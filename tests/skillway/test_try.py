"""`skillway try`: what is built, with which settings, and the command line that the client is started with."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

HOOK = 'f="${CLAUDE_PLUGIN_ROOT}/hooks/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" usage'
GUARD = 'f="${SKILLWAY_ROOT}/bin/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" guard'
CLIENT = """#!/bin/sh
{ printf '%s\\n' "$PWD"; for argument in "$0" "$@"; do printf '%s\\n' "$argument"; done; } >"$HOME/started"
exit 7
"""


def _hooks(event, matcher, command):
    return {"hooks": {event: [{"matcher": matcher, "hooks": [{"type": "command", "command": command, "timeout": 10}]}]}}


def _skill(name):
    return (
        f"---\nname: {name}\ndescription: Use when someone asks for {name} of something.\n---\n\nDo it, then say so.\n"
    )


def _plugin(name, **more):
    return {"name": name, "version": "1.0.0", "description": f"The plugin {name}.", "author": {"name": "Acme"}, **more}


FILES = {
    "organisation.yaml": "name: acme\nteams: [support, sales]\n",
    "hooks/run": "#!/bin/sh\nexit 0\n",
    "hooks/usage.py": "print()\n",
    "hooks/guard.py": "print()\n",
    "base-plugin/.claude-plugin/plugin.json": _plugin("base-plugin"),
    "base-plugin/hooks/hooks.json": _hooks("PreToolUse", "Skill", HOOK),
    "base-plugin/settings/managed-settings.d/10-guard.json": _hooks("PreToolUse", "Bash", GUARD),
    "base-plugin/settings/managed-settings.d/20-deny.json": {"permissions": {"deny": ["Bash(mkfs:*)"]}},
    "base-plugin/skills/about/SKILL.md": _skill("about"),
    "developer-tools/.claude-plugin/plugin.json": _plugin("developer-tools"),
    "developer-tools/skills/create-pr/SKILL.md": _skill("create-pr"),
    "skills/support/.claude-plugin/plugin.json": _plugin("support", skills="./"),
    "skills/support/triage/SKILL.md": _skill("triage"),
    "skills/support/report/SKILL.md": _skill("report"),
    "skills/sales/.claude-plugin/plugin.json": _plugin("sales", skills="./"),
    "skills/sales/report/SKILL.md": _skill("report"),
}


@pytest.fixture
def sources(tmp_path):
    root = tmp_path / "repository"
    for place, content in FILES.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
    return root


@pytest.fixture
def client(tmp_path):
    """A program in the client's place that writes down how it was started."""
    path = tmp_path / "programs" / "claude"
    path.parent.mkdir()
    path.write_text(CLIENT)
    path.chmod(0o755)
    return path


@pytest.fixture
def run(sources):
    def run(*arguments, path="/usr/bin:/bin", cwd=None):
        return subprocess.run(
            [sys.executable, "-m", "skillway", "try", *arguments],
            cwd=cwd or sources,
            env={"PATH": str(path), "HOME": os.environ["HOME"]},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def _data(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["data"]


def _plugin_folders(command):
    return [command[index + 1] for index, part in enumerate(command) if part == "--plugin-dir"]


def test_client_is_started_with_every_plugin_and_the_settings(run, sources, client, home):
    done = run("--client", str(client))
    assert done.returncode == 7, "the command ends as the client ends"
    started_in, program, *arguments = (home / "started").read_text().splitlines()
    assert started_in == str(sources)
    assert program == str(client)
    digests = json.loads((sources / ".skillway/dev/build/build.json").read_bytes())["plugins"]
    store = sources / ".skillway" / "dev" / "store"
    assert _plugin_folders(arguments) == [str(store / name / digests[name]["digest"]) for name in sorted(digests)]
    assert arguments[-2:] == ["--settings", str(sources / ".skillway/dev/settings.json")]
    assert set(digests) == {"base-plugin", "developer-tools", "support", "sales"}
    assert done.stdout == ""


def test_client_on_path_is_found(run, client, home):
    assert run("triage", path=f"{client.parent}:/usr/bin:/bin").returncode == 7
    assert (home / "started").read_text().splitlines()[1] == str(client)


def test_only_the_plugins_that_a_skill_needs_are_loaded(run, client):
    done = run("triage", "--client", str(client), "--print")
    assert done.returncode == 0
    names = [folder.split("/")[-2] for folder in _plugin_folders(shlex.split(done.stdout))]
    assert names == ["base-plugin", "support"]
    assert "Invoke the skill with: /support:triage" in done.stderr


def test_printed_command_does_what_the_started_one_does(run, client, home, sources):
    line = run("create-pr", "--client", str(client), "--print", "--", "-p", "a b 'c'").stdout
    assert not (home / "started").exists()
    assert subprocess.run(line, shell=True, cwd=sources, check=False).returncode == 7
    printed = (home / "started").read_text()
    run("create-pr", "--client", str(client), "--", "-p", "a b 'c'")
    assert (home / "started").read_text() == printed


@pytest.mark.parametrize("skill", [(), ("triage",)])
def test_what_follows_the_dashes_goes_to_the_client_unread(run, client, home, skill):
    extra = ["-p", "/support:triage --json", "--print", "--", "--help"]
    assert run(*skill, "--client", str(client), "--", *extra).returncode == 7
    assert (home / "started").read_text().splitlines()[-5:] == extra


def test_settings_are_the_fragments_with_this_root_in_them(run, sources):
    data = _data(run("--json"))
    settings = json.loads((sources / ".skillway/dev/settings.json").read_bytes())
    command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    root = str(sources / ".skillway" / "dev")
    assert data["root"] == root
    assert command == GUARD.replace("${SKILLWAY_ROOT}", root)
    assert settings["permissions"] == {"deny": ["Bash(mkfs:*)"]}
    assert set(settings) == {"hooks", "permissions"}, "the plugins come with --plugin-dir, and not a second time"


def test_guard_of_the_settings_finds_its_script(run, sources):
    """The hook command of the settings file, run as the client runs it, reaches the guard in the development root."""
    (sources / "hooks/run").write_text('#!/bin/sh\ncat "${0%/*}/../guard/current"; echo "$1"\n')
    _data(run("--json"))
    settings = json.loads((sources / ".skillway/dev/settings.json").read_bytes())
    command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    pointer, name = done.stdout.split()
    assert name == "guard"
    assert (sources / ".skillway/dev/store" / pointer / "hooks/guard.py").is_file()


def test_json_prints_and_starts_nothing(run, client, home):
    data = _data(run("triage", "--client", str(client), "--json"))
    assert not (home / "started").exists()
    assert data["started"] is False
    assert data["command"][0] == str(client)
    assert shlex.split(data["line"]) == data["command"]
    assert data["invoke"] == "/support:triage"
    assert set(data["plugins"]) == {"base-plugin", "support"}


def test_without_a_client_the_command_is_printed_and_it_is_said(run):
    done = run("triage")
    assert done.returncode == 0
    assert shlex.split(done.stdout)[0] == "claude"
    assert "No client was found on PATH" in done.stderr


def test_client_that_does_not_exist_is_exit_7(run, tmp_path):
    done = run("--client", str(tmp_path / "nothing"))
    assert done.returncode == 7
    assert "There is no program" in done.stderr


def test_client_that_cannot_be_executed_is_one_sentence(run, client):
    client.write_text("#!/nowhere/sh\n")
    done = run("--client", str(client))
    assert done.returncode == 1
    assert "cannot be started" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "wanted", ["developer-tools/create-pr", "developer-tools:create-pr", "create-pr", "skills/support/triage"]
)
def test_skill_is_found_by_each_of_its_names(run, wanted):
    invoke = _data(run(wanted, "--json"))["invoke"]
    assert invoke == ("/support:triage" if "triage" in wanted else "/developer-tools:create-pr")


@pytest.mark.parametrize("wanted", ["create-rp", "support/triag", "developer-tools/triage", "creat_pr"])
def test_unknown_skill_is_exit_7_with_the_nearest_names(run, wanted):
    done = run(wanted)
    assert done.returncode == 7
    assert f"There is no skill '{wanted}' in this repository." in done.stderr
    assert "Did you mean" in done.stderr
    assert ("support/triage" if "triag" in wanted else "developer-tools/create-pr") in done.stderr


def test_skill_that_resembles_none_gets_the_list(run):
    done = run("zzzzzzzz")
    assert done.returncode == 7
    assert "There are: base-plugin/about, developer-tools/create-pr" in done.stderr


def test_name_of_two_skills_asks_which(run):
    done = run("report", "--json")
    assert done.returncode == 3
    envelope = json.loads(done.stdout)
    assert envelope["error"]["code"] == "undecided"
    assert envelope["next_actions"] == ["skillway try support/report", "skillway try sales/report"] or envelope[
        "next_actions"
    ] == ["skillway try sales/report", "skillway try support/report"]
    assert _data(run("sales/report", "--json"))["invoke"] == "/sales:report"


def test_fault_of_another_team_does_not_stop_a_trial(run, sources):
    (sources / "skills/sales/report/SKILL.md").write_text("[gone](references/gone.md)\n")
    assert run("triage", "--print").returncode == 0
    done = run("sales/report", "--print")
    assert done.returncode == 5
    assert "skills/sales/report/SKILL.md" in done.stderr


def test_second_trial_sees_the_change(run, sources):
    first = _data(run("triage", "--json"))["plugins"]["support"]
    skill = sources / "skills/support/triage/SKILL.md"
    skill.write_text(skill.read_text() + "\nThen tell the customer.\n")
    second = _data(run("triage", "--json"))["plugins"]["support"]
    assert first != second
    assert "tell the customer" in (sources / second / "skills/triage/SKILL.md").read_text()
    assert Path(first).is_dir(), "a session that was started before keeps its folder"


def test_build_for_a_trial_is_apart_from_the_build_for_a_release(run, sources):
    run("--print")
    assert not (sources / ".skillway" / "build").exists()


def test_repository_whose_path_a_shell_would_read_is_refused(run, sources, tmp_path):
    odd = tmp_path / 'a"b'
    sources.rename(odd)
    done = run("--print", cwd=odd)
    assert done.returncode == 1
    assert "which a shell would read as code" in done.stderr
    assert "Traceback" not in done.stderr
