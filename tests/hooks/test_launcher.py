"""The launcher finds interpreter and hook in every place, and whatever is missing never stops a tool call."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DENIED = "gh pr create --fill"


@pytest.fixture
def no_interpreter(laptop):
    """A launcher whose list of known interpreters leads nowhere, as on a laptop without Python."""
    for launcher in (laptop.launcher, laptop.plugin / "hooks" / "run"):
        launcher.write_text(launcher.read_text().replace("/bin/python3", "/bin/no-python3"))
    (laptop.root / "bin" / "interpreter").unlink()


def script(laptop, *arguments, launcher=None):
    argv = ["/bin/sh", str(launcher or laptop.launcher), "script", *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, env=laptop.environment(), timeout=30, check=False)


def test_the_fixed_launcher_runs_the_guard_that_the_pointer_names(laptop):
    assert laptop.bash(DENIED).decision == "deny"


def test_a_plugins_own_launcher_runs_the_hook_beside_it(laptop):
    (laptop.root / "guard" / "current").unlink()
    payload = {"hook_event_name": "SessionStart", "session_id": "s", "source": "startup"}
    laptop.start("usage", payload, launcher=laptop.plugin / "hooks" / "run")
    assert [record["name"] for record in laptop.records()] == ["skillway.session.started"]


@pytest.mark.parametrize("shell", ["dash", "bash", "ksh", "zsh", "busybox"])
def test_the_launcher_works_in_every_shell_that_is_here(laptop, shell):
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"not run: no {shell}")
    argv = [
        path,
        *(["sh"] if shell == "busybox" else ["--posix"] if shell == "bash" else []),
        str(laptop.launcher),
        "guard",
    ]
    payload = '{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"gh pr create"}}'
    done = subprocess.run(
        argv, input=payload, capture_output=True, text=True, env=laptop.environment(), timeout=30, check=False
    )
    assert done.returncode == 2


def test_the_recorded_interpreter_is_used_in_both_places(laptop, tmp_path):
    witness = tmp_path / "witness"
    fake = tmp_path / "my python"
    fake.write_text(f'#!/bin/sh\necho "$@" >> "{witness}"\n')
    fake.chmod(0o755)
    (laptop.root / "bin" / "interpreter").write_text(str(fake))  # without a newline, too
    laptop.bash(DENIED)
    laptop.start("usage", {}, launcher=laptop.plugin / "hooks" / "run")
    guard, usage = witness.read_text().splitlines()
    assert guard.startswith("-I -S ")
    assert guard.endswith("/hooks/guard.py")
    assert usage.endswith("/hooks/usage.py")


@pytest.mark.parametrize("line", ["", "python3", "/nowhere/python3", "../python3", "/etc/passwd", "/tmp"])
def test_a_useless_record_of_the_interpreter_falls_back_to_the_known_places(laptop, line):
    (laptop.root / "bin" / "interpreter").write_text(line + "\n")
    known = any(Path(place).exists() for place in ("/usr/bin/python3", "/usr/local/bin/python3"))
    assert laptop.bash(DENIED).decision == ("deny" if known else "silent")


def test_no_interpreter_at_all_lets_the_call_through(laptop, no_interpreter):
    assert laptop.bash(DENIED).decision == "silent"
    assert laptop.start("usage", {}, launcher=laptop.plugin / "hooks" / "run").code == 0


@pytest.mark.parametrize(
    "pointer",
    ["", "\n", "/etc/passwd", "base-plugin", "base-plugin/", "/base-plugin/x", "../store/base-plugin", "base-plugin/../..", "a/b/c",
     "base-plugin/missing", "base plugin/x", "base-plugin/$(touch x)", "./x", "base-plugin/.hidden"],
)  # fmt: skip
def test_a_broken_pointer_lets_the_call_through_and_starts_nothing(laptop, pointer):
    outside = laptop.root / "store" / "hooks"
    outside.mkdir()
    (outside / "guard.py").write_text("import sys; print('escaped'); sys.exit(2)")
    (laptop.root / "guard" / "current").write_text(pointer)
    assert laptop.bash(DENIED).decision == "silent"


@pytest.mark.parametrize("missing", ["guard/current", "guard", "store", "bin/interpreter"])
def test_a_missing_part_lets_the_call_through_without_a_word(laptop, missing):
    target = laptop.root / missing
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    answer = laptop.bash("ls")
    assert (answer.code, answer.out, answer.err) == (0, "", "")


def test_a_missing_script_or_module_never_gives_exit_code_2(laptop):
    (laptop.plugin / "hooks" / "guard_rules.py").unlink()
    assert laptop.bash(DENIED).decision == "silent"
    (laptop.plugin / "hooks" / "guard.py").unlink()
    assert laptop.bash(DENIED).decision == "silent"


def test_the_settings_command_lets_the_call_through_when_the_launcher_is_gone(laptop, repository):
    fragment = json.loads((repository / "base-plugin/settings/managed-settings.d/10-guard.json").read_text())
    command = fragment["hooks"]["PreToolUse"][0]["hooks"][0]["command"].replace("${SKILLWAY_ROOT}", str(laptop.root))
    payload = json.dumps({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": DENIED}})

    def run():
        argv = ["/bin/sh", "-c", command]
        done = subprocess.run(
            argv, input=payload, text=True, capture_output=True, env=laptop.environment(), check=False
        )
        return done.returncode, done.stderr

    assert run()[0] == 2
    laptop.launcher.unlink()
    assert run() == (0, "")


@pytest.mark.parametrize("name", ["", "../guard", "/etc/passwd", "GUARD", "no_such_hook", "guard.py", "a b"])
def test_a_name_that_is_no_hook_does_nothing(laptop, name):
    answer = laptop.start(name, {})
    assert (answer.code, answer.out, answer.err) == (0, "", "")


def test_a_script_gets_its_arguments_and_its_exit_code_counts(laptop, tmp_path):
    file = tmp_path / "my script.py"
    file.write_text(
        "import sys; print(sys.argv[1:], sys.flags.ignore_environment, sys.flags.no_user_site); sys.exit(7)"
    )
    done = script(laptop, file, "a b", "", "*")
    assert (done.returncode, done.stdout) == (7, "['a b', '', '*'] 1 1\n")


def test_a_script_without_an_interpreter_says_so_with_127(laptop, no_interpreter, tmp_path):
    done = script(laptop, tmp_path / "x.py")
    assert done.returncode == 127
    assert done.stderr.count("\n") == 1
    assert "no Python was found" in done.stderr


def test_a_script_that_is_not_there_is_named_with_127(laptop):
    done = script(laptop, "/nowhere/x.py")
    assert (done.returncode, "/nowhere/x.py" in done.stderr) == (127, True)


@pytest.mark.parametrize("place", ["installed", "beside", "checkout"])
def test_skillway_run_finds_the_launcher_wherever_the_plugin_is(laptop, repository, tmp_path, place):
    file = tmp_path / "x.py"
    file.write_text("import sys; print('ran', *sys.argv[1:])")
    plugin = laptop.plugin if place == "installed" else tmp_path / "elsewhere" / "base-plugin"
    (plugin / "bin").mkdir(parents=True)
    shutil.copy(repository / "base-plugin" / "bin" / "skillway-run", plugin / "bin")
    if place != "installed":
        target = plugin / "hooks" if place == "beside" else plugin.parent / "hooks"
        shutil.copytree(repository / "hooks", target)
    done = subprocess.run(
        ["skillway-run", str(file), "a b"],
        capture_output=True, text=True, check=False, timeout=30,
        env=laptop.environment(PATH=f"{plugin / 'bin'}:{os.environ['PATH']}"),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "ran a b\n")


def test_skillway_run_without_a_launcher_says_so(laptop, repository, tmp_path):
    (tmp_path / "bin").mkdir()
    shutil.copy(repository / "base-plugin" / "bin" / "skillway-run", tmp_path / "bin")
    done = subprocess.run([str(tmp_path / "bin" / "skillway-run"), "x"], capture_output=True, text=True, check=False)
    assert (done.returncode, "launcher is missing" in done.stderr) == (127, True)


def interpreters():
    """Every Python from 3.9 on that a version switcher or the system has, apart from the one that runs the tests."""
    found = {}
    for folder in [*Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv").glob("versions/3.*"), Path("/usr")]:
        for minor in range(9, 15):
            candidate = folder / "bin" / f"python3.{minor}"
            if candidate.exists() and candidate.resolve() != Path(sys.executable).resolve():
                found.setdefault(f"3.{minor}", str(candidate))
    return found


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13"])
def test_the_hooks_work_on_every_python_that_a_laptop_may_have(laptop, version):
    python = INTERPRETERS.get(version)
    if python is None:
        pytest.skip(f"not run: no Python {version} beside the one that runs the tests")
    (laptop.root / "bin" / "interpreter").write_text(python + "\n")
    assert laptop.bash("bash -c 'gh pr create'; echo é").rule == "pull-request"
    assert laptop.bash("npm test").decision == "silent"
    laptop.start("usage", {"hook_event_name": "SessionEnd", "session_id": "s", "reason": "other"})
    assert [record["name"] for record in laptop.records()] == ["skillway.hook.decision", "skillway.session.ended"]


INTERPRETERS = interpreters()
