"""How a client is found and started: programs of the tests' own stand in where the real one cannot misbehave."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skillway_sync import installed_client, policy_overlay
from skillway_sync.client import ClientError, ClientSession, ClientStart, run_client
from skillway_sync.client_proof import prove_with_client
from skillway_sync.installed_client import find_client
from skillway_sync.layout import system_layout, user_layout
from skillway_sync.policy_overlay import can_overlay, overlaid

posix_only = pytest.mark.skipif(os.name != "posix", reason="not run: the stand-in clients are shell scripts")


@pytest.fixture
def stand_in(tmp_path):
    """Make a program that is started in the client's place."""

    def make(script, **start):
        program = tmp_path / "client"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        home = tmp_path / "client-home"
        home.mkdir(exist_ok=True)
        return ClientStart(program, home, tmp_path, "http://127.0.0.1:9", **start)

    return make


@posix_only
def test_nothing_of_the_callers_environment_reaches_the_client(stand_in, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "secret")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "/elsewhere")
    monkeypatch.setenv("EDITOR", "vi")
    start = stand_in("env > environment")

    run_client(start, "go")

    lines = (start.cwd / "environment").read_text().splitlines()
    environment = dict(line.split("=", 1) for line in lines)
    temporary = environment.pop("CLAUDE_CODE_TMPDIR")
    assert not Path(temporary).exists(), "it goes with the client"
    shells_own = {"PWD", "SHLVL", "_", "OLDPWD"}
    assert {name: value for name, value in environment.items() if name not in shells_own} == {
        "HOME": str(start.home),
        "PATH": "/usr/bin:/bin",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        "ANTHROPIC_API_KEY": "test-key",
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "IS_SANDBOX": "1",
    }


@posix_only
def test_arguments_reach_the_client_whole(stand_in, tmp_path):
    start = stand_in(
        'for a in "$@"; do echo "[$a]"; done > arguments',
        arguments=("--model", "a b"),
        settings=tmp_path / "s.json",
        plugin_dirs=(tmp_path / "p", tmp_path / "q"),
    )

    run_client(start, "-p $(touch x) 'quoted'")

    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments[-2:] == ["[--]", "[-p $(touch x) 'quoted']"]
    assert f"[{tmp_path / 's.json'}]" in arguments
    assert arguments.count("[--plugin-dir]") == 2
    assert "[a b]" in arguments


@posix_only
def test_lines_that_are_no_events_are_left_out(stand_in):
    init = {
        "type": "system",
        "subtype": "init",
        "claude_code_version": "9.9.9",
        "skills": ["a:b"],
        "plugins": [{"name": "a", "path": "/a"}],
    }
    start = stand_in(f"echo notice; echo '{json.dumps(init)}'; echo '[1]'; printf '\\377\\n'; echo warned >&2; exit 3")

    run = run_client(start, "go")

    assert (run.version, run.skills, run.plugins) == ("9.9.9", ("a:b",), {"a": "/a"})
    assert len(run.events) == 1
    assert (run.returncode, run.stderr) == (3, "warned\n")


@posix_only
def test_client_that_hangs_is_stopped_with_its_children(stand_in, tmp_path):
    start = stand_in("sleep 300 & echo $! > child; wait")

    with pytest.raises(ClientError, match="did not come to an end within 1 seconds"):
        run_client(start, "go", timeout=1)

    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not _is_running(child):
            break
        time.sleep(0.05)
    assert not _is_running(child)


def _is_running(pid):
    """Tell whether a process runs; one that has ended and waits for its parent does not."""
    found = subprocess.run(["/bin/ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip()) and not found.stdout.strip().startswith("Z")


@posix_only
def test_session_that_ends_by_itself_says_why(stand_in):
    start = stand_in("read line; echo 'no licence' >&2; exit 7")

    with pytest.raises(ClientError, match="exit code 7: 'no licence'"), ClientSession(start) as session:
        session.prompt("hello")


@posix_only
def test_session_that_does_not_answer_is_stopped(stand_in):
    start = stand_in("while read line; do :; done; exec sleep 300")

    with pytest.raises(ClientError, match="did not come to an end"), ClientSession(start, timeout=1) as session:
        session.prompt("hello")


def test_program_that_does_not_exist_is_one_sentence(tmp_path):
    start = ClientStart(tmp_path / "none", tmp_path, tmp_path, "http://127.0.0.1:9")

    with pytest.raises(ClientError, match=r"cannot be started \(No such file or directory\)") as caught:
        run_client(start, "go")

    assert caught.value.fix


def test_proof_of_an_empty_laptop_is_refused(tmp_path):
    with pytest.raises(ClientError, match=r"marketplace\.json cannot be used"):
        prove_with_client(tmp_path / "client", user_layout(home=tmp_path, environment={}))


def test_proof_of_an_image_is_refused(tmp_path):
    with pytest.raises(ClientError, match="is an image"):
        prove_with_client(tmp_path / "client", system_layout(prefix=tmp_path, image=True))


def test_policy_without_overlay_is_refused_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr("skillway_sync.client.can_overlay", lambda: "There is no such thing here.")
    start = ClientStart(Path(sys.executable), tmp_path, tmp_path, "http://127.0.0.1:9", policy_dir=tmp_path)

    with pytest.raises(ClientError, match="There is no such thing here"):
        run_client(start, "go")


def _install(folder, version, *, platform_in=None):
    """Lay out an installed package as npm does."""
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"name": "@anthropic-ai/claude-code", "version": version}))
    place = (platform_in or folder) / "node_modules" / "@anthropic-ai" / installed_client._platform_packages()[0]
    place.mkdir(parents=True)
    (place / "package.json").write_text(json.dumps({"version": version}))
    program = place / ("claude.exe" if sys.platform == "win32" else "claude")
    program.write_text("")
    return program


def test_each_of_two_installed_versions_is_found_under_its_name(tmp_path):
    modules = tmp_path / "node_modules"
    pinned = _install(modules / "@anthropic-ai" / "claude-code", "2.1.197", platform_in=tmp_path)
    newest = _install(modules / "newest", "2.1.400")

    assert find_client(tmp_path) == pinned
    assert find_client(tmp_path, package="newest") == newest


def test_alias_of_the_same_version_shares_the_program(tmp_path):
    pinned = _install(tmp_path / "node_modules" / "@anthropic-ai" / "claude-code", "2.1.400", platform_in=tmp_path)
    alias = tmp_path / "node_modules" / "newest"
    alias.mkdir()
    (alias / "package.json").write_text('{"version": "2.1.400"}')

    assert find_client(tmp_path, package="newest") == pinned


def test_program_of_another_version_is_not_taken(tmp_path):
    _install(tmp_path / "node_modules" / "@anthropic-ai" / "claude-code", "2.1.197", platform_in=tmp_path)
    alias = tmp_path / "node_modules" / "newest"
    alias.mkdir()
    (alias / "package.json").write_text('{"version": "2.1.400"}')

    assert find_client(tmp_path, package="newest") is None


def test_client_on_path_is_never_found(tmp_path, monkeypatch):
    (tmp_path / "claude").write_text("#!/bin/sh\n")
    (tmp_path / "claude").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert find_client(tmp_path) is None


@pytest.fixture
def overlay():
    """Skip where no policy can be laid over /etc."""
    reason = can_overlay()
    if reason:
        pytest.skip(f"not run: {reason}")


@pytest.mark.parametrize("overlay_works", [True, False], ids=["overlay", "links"])
def test_policy_is_seen_by_the_child_alone(overlay, tmp_path, monkeypatch, overlay_works):
    if not overlay_works:
        monkeypatch.setattr(policy_overlay, "_MOUNT", policy_overlay._MOUNT.replace("mount -t overlay", "false"))
    policy_dir, work = tmp_path / "policy", tmp_path / "work"
    (policy_dir / "managed-settings.d").mkdir(parents=True)
    work.mkdir()
    (policy_dir / "managed-settings.d" / "50-x.json").write_text("only here")
    script = "cat /etc/claude-code/managed-settings.d/50-x.json && test -r /etc/passwd && grep -c . /etc/passwd"

    child = subprocess.run(
        overlaid(["/bin/sh", "-c", script], policy_dir=policy_dir, work=work),
        capture_output=True,
        text=True,
        check=False,
    )

    assert child.stderr == ""
    assert child.stdout.splitlines()[0].startswith("only here")
    assert not Path("/etc/claude-code/managed-settings.d/50-x.json").exists()


def test_machine_that_refuses_a_namespace_says_why(monkeypatch):
    monkeypatch.setattr(policy_overlay, "_MOUNT", "echo 'mount: permission denied' >&2; exit 32")
    can_overlay.cache_clear()
    try:
        assert "mount: permission denied" in (can_overlay() or "")
    finally:
        can_overlay.cache_clear()
