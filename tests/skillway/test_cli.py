"""How every command speaks and ends, seen from outside."""

import json
import subprocess
import sys

import click
import pytest

from skillway.cli import run
from skillway.errors import ConflictError


def skillway(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "skillway", *arguments], capture_output=True, text=True, cwd=cwd, check=False
    )


def test_outside_a_repository_the_next_step_is_named(tmp_path):
    done = skillway("build", cwd=tmp_path)
    assert done.returncode == 1
    assert "skillway init" in done.stderr
    assert done.stdout == ""


def test_failure_with_json_is_one_envelope_on_stdout(tmp_path):
    done = skillway("build", "--json", cwd=tmp_path)
    envelope = json.loads(done.stdout)
    assert set(envelope) == {"ok", "schema_version", "data", "warnings", "error", "next_actions"}
    assert (envelope["ok"], envelope["error"]["code"]) == (False, "repository")


def test_wrong_use_with_json_is_an_envelope_too(tmp_path):
    done = skillway("build", "--nosuch", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "usage"


def test_json_after_two_dashes_is_not_ours(tmp_path):
    done = skillway("build", "--", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""


@pytest.fixture
def failing(monkeypatch):
    def install(error):
        @click.command("failing")
        def command():
            raise error

        monkeypatch.setattr(run, "load_command", lambda _: command)

    return install


def test_expected_failure_ends_with_its_code_and_its_fix(failing, capsys):
    failing(ConflictError("It is there already.", fix="Choose another name.", next_actions=("skillway new plugin b",)))
    assert run.run_command(["build"]) == 8
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "error: It is there already.\n  fix: Choose another name.\n  next: skillway new plugin b\n"


def test_unexpected_failure_leaves_a_log_and_no_traceback(failing, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failing(ZeroDivisionError("seven"))
    assert run.run_command(["build"]) == 1
    assert "Traceback" not in capsys.readouterr().err
    (log,) = (tmp_path / ".skillway" / "logs").iterdir()
    assert "ZeroDivisionError: seven" in log.read_text()


def test_missing_extra_is_one_sentence_that_names_it(failing, capsys):
    failing(ModuleNotFoundError("No module named 'scipy'", name="scipy"))
    assert run.run_command(["build"]) == 3
    assert "scipy" in capsys.readouterr().err


def test_interrupt_is_130_and_no_traceback(failing, capsys):
    failing(KeyboardInterrupt())
    assert run.run_command(["build"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_program_says_what_is_missing_when_the_authors_extra_is_not_installed(tmp_path):
    blocked = "import sys; sys.modules['click'] = None; from skillway.cli import main; main(['build'])"
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "skillway[authors]" in done.stderr
