"""What `skillway-sync uninstall` and `doctor --client` tell whoever started them."""

import subprocess
import sys

import pytest

from skillway_sync import cli


def run(*arguments, cwd=None):
    command = [sys.executable, "-m", "skillway_sync", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_removal_that_left_a_users_entries_is_not_called_done(monkeypatch, capsys, tmp_path):
    left = [f"Our parts in {tmp_path} could not all be taken out: not JSON."]
    monkeypatch.setattr("skillway_sync.uninstall.uninstall", lambda *_: left)
    assert cli.run_command_line(["uninstall", "--root", str(tmp_path)]) == 50
    assert "but for a user's file" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="not run: the stand-in client is a shell script, no Windows")
def test_client_may_be_named_relative_to_where_the_command_is_typed(repository, tmp_path):
    laptop = tmp_path / "laptop"
    (laptop / "etc" / "skillway").mkdir(parents=True)
    (tmp_path / "client").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "client").chmod(0o755)
    done = run("doctor", "--root", laptop, "--client", "client", cwd=tmp_path)
    assert "not found" not in done.stdout
    assert done.returncode == 20
