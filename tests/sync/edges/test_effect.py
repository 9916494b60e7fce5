"""The proof sees a guard that works, and every way in which one does not."""

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from skillway_sync import effect
from skillway_sync.effect import hook_command, prove_guard
from skillway_sync.layout import system_layout

DENY = '{"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": "no"}}'


def rules(body):
    return f"import os, sys, time\nDENY = '''{DENY}'''\ndef decide(payload):\n    refused = 'gh pr create' in payload\n    {body}\n"


def alter_guard(laptop, body):
    """Change the installed rules; the byte code goes, so that the source is what runs."""
    shutil.rmtree(laptop.base_folder / "hooks" / "__pycache__")
    (laptop.base_folder / "hooks" / "rules.py").write_text(rules(body))
    return prove_guard(laptop.layout)


def test_working_guard_is_proven(system_laptop):
    proof = prove_guard(system_laptop.layout)
    assert (proof.denies, proof.silent, proof.holds) == (True, True, True)


def test_this_repositorys_guard_is_proven(tmp_path, repository):
    if not (repository / "hooks" / "guard.py").exists():
        pytest.skip("not run: this repository has no guard")
    layout = system_layout(prefix=tmp_path)
    folder = layout.store / "base-plugin" / ("a" * 64)
    shutil.copytree(repository / "hooks", folder / "hooks", ignore=shutil.ignore_patterns("__pycache__"))
    layout.launcher.parent.mkdir(parents=True)
    shutil.copy(repository / "hooks" / "run", layout.launcher)
    layout.interpreter_file.write_text(f"{getattr(sys, '_base_executable', sys.executable)}\n")
    layout.guard_pointer.parent.mkdir()
    layout.guard_pointer.write_text(f"base-plugin/{'a' * 64}\n")
    assert prove_guard(layout).holds, prove_guard(layout).detail


@pytest.mark.parametrize(
    ("body", "denies", "silent"),
    [
        ("pass", False, True),
        ("print(DENY); sys.exit(2)", True, False),
        ("refused and (print(DENY), sys.exit(0))", False, True),
        ("refused and (print(DENY), sys.exit(1))", False, True),
        ("refused and sys.exit(2)", False, True),
        ("refused and (print('not JSON'), sys.exit(2))", False, True),
        ("refused and (print(DENY.replace('deny', 'DENY')), sys.exit(2))", False, True),
        ("refused and (print('[]'), sys.exit(2))", False, True),
        ("refused and (print(DENY), sys.exit(2)); print('{}')", True, False),
        ("refused and (print(DENY), sys.exit(2)); sys.exit(1)", True, False),
        ("raise ValueError('broken')", False, False),
    ],
)
def test_what_a_guard_does_wrong_is_seen(system_laptop, body, denies, silent):
    proof = alter_guard(system_laptop, body)
    assert (proof.denies, proof.silent) == (denies, silent)
    assert not proof.holds
    assert proof.detail


def test_last_words_of_a_broken_guard_are_in_the_detail(system_laptop):
    assert "ValueError: broken" in alter_guard(system_laptop, "raise ValueError('broken')").detail


def test_guard_that_hangs_is_ended_with_all_that_it_started(system_laptop, monkeypatch):
    monkeypatch.setattr(effect, "LIMIT_SECONDS", 0.5)
    proof = alter_guard(system_laptop, "os.fork(); time.sleep(600)")
    assert "no answer within" in proof.detail


@pytest.mark.parametrize("gone", ["bin/run", "guard/current", "store"])
def test_missing_part_means_no_deny_and_never_a_block(system_laptop, gone):
    path = system_laptop.layout.root / gone
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    proof = prove_guard(system_laptop.layout)
    assert (proof.denies, proof.silent) == (False, True)


def test_staged_candidate_is_proven_in_its_own_root(system_laptop, tmp_path):
    staged = tmp_path / "staged"
    shutil.copytree(system_laptop.layout.root, staged)
    shutil.rmtree(system_laptop.layout.root)
    assert prove_guard(system_laptop.layout, root=staged).holds
    assert not prove_guard(system_laptop.layout).denies


def test_proof_leaves_no_file_even_of_a_guard_that_writes(system_laptop, home, tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir(mode=0o777)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    body = (
        "os.makedirs(os.environ['XDG_STATE_HOME']); open(os.environ['HOME'] + '/note', 'w'); print(os.environ['HOME'])"
    )
    proof = alter_guard(system_laptop, body)
    assert f"exit 0, it said '{tmp_path / 'tmp'}/" in proof.detail
    assert list(home.iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_callers_environment_does_not_reach_the_guard(system_laptop, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    body = "('ANTHROPIC_API_KEY' in os.environ or 'PYTHONPATH' in os.environ) and print('leaked')"
    assert alter_guard(system_laptop, body).silent


def test_command_is_the_one_of_the_settings(system_laptop):
    """The form that is proven is the form that the base plugin wires."""
    policy = system_laptop.layout.policy_file.read_text()
    assert hook_command(str(system_laptop.layout.root), "guard").replace('"', '\\"') in policy


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="not run: changing uid needs root")
def test_root_runs_the_guard_as_nobody(system_laptop, tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)
    if effect.closed_to_others(Path(system_laptop.layout.interpreter_file.read_text().strip())) is not None:
        pytest.skip("not run: the only interpreter is closed to other users")
    proof = alter_guard(system_laptop, "sys.stderr.write('uid=%d' % os.getuid()); sys.exit(3)")
    assert "uid=65534" in proof.detail
