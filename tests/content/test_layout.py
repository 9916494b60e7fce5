"""What holds for all content: size, SPEC.md, Python 3.9, and shims that work where sync puts them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PLUGINS = [REPOSITORY / "base-plugin", REPOSITORY / "developer-tools", *sorted((REPOSITORY / "skills").glob("*"))]
SKILLS = [path.parent for plugin in PLUGINS for path in sorted(plugin.glob("**/SKILL.md"))]
SCRIPT_FOLDERS = [skill / "scripts" for skill in SKILLS if (skill / "scripts").is_dir()]
ENTRIES = [
    "developer-tools/skills/create-pr/scripts/create_pull_request.py",
    "skills/swarm/automation-taxonomy/scripts/automation.py",
    "skills/support/escalation-summary/scripts/mask_personal_data.py",
    "base-plugin/skills/find-skill/scripts/find_skill.py",
]
OLDEST = next((path for path in sorted(Path("~/.pyenv/versions").expanduser().glob("3.9.*/bin/python3"))), None) or (
    shutil.which("python3.9")
)
SHIM = "developer-tools/bin/create-pull-request"


def test_there_is_content_to_test():
    assert len(SKILLS) >= 5
    assert len(SCRIPT_FOLDERS) >= 3


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.name)
def test_skill_is_short_and_has_its_reasons_beside_it(skill):
    lines = (skill / "SKILL.md").read_text(encoding="utf-8").splitlines()

    assert len(lines) < 500
    assert (skill / "SPEC.md").is_file()


@pytest.mark.parametrize("folder", SCRIPT_FOLDERS, ids=lambda folder: folder.parent.name)
def test_scripts_need_no_more_than_python_3_9(folder):
    # Annotations are texts here (`from __future__ import annotations`), so vermin leaves them out by itself.
    vermin = [Path(sys.executable).with_name("vermin"), "-t=3.9-", "--no-tips", "--violations", str(folder)]

    finished = subprocess.run(vermin, capture_output=True, text=True, check=False)

    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.skipif(OLDEST is None, reason="not run: no Python 3.9 on this machine")
@pytest.mark.parametrize("entry", ENTRIES)
def test_script_starts_on_python_3_9(run_script, entry):
    ran = run_script(entry, "--help", python=str(OLDEST))

    assert ran.code == 0
    assert "usage:" in ran.stdout


@pytest.mark.skipif(OLDEST is None, reason="not run: no Python 3.9 on this machine")
def test_prediction_is_the_same_on_python_3_9(run_script, repository):
    assets = repository / "skills/swarm/automation-taxonomy/assets"
    arguments = ["predict", "--conversations", assets / "conversations.example.jsonl", "--json"]
    arguments += ["--capabilities", assets / "capabilities.example.json", "--rates", assets / "rates.example.json"]

    assert run_script(ENTRIES[1], *arguments).stdout == run_script(ENTRIES[1], *arguments, python=str(OLDEST)).stdout


def test_scripts_import_nothing_but_the_standard_library_and_their_siblings(repository):
    import ast

    foreign = []
    for folder in SCRIPT_FOLDERS:
        siblings = {path.stem for path in folder.glob("*.py")}
        for path in folder.glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                names = {name.partition(".")[0] for name in modules}
                foreign += [(path.name, name) for name in names - siblings if name not in sys.stdlib_module_names]

    assert foreign == []


def _run(command, cwd):
    finished = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert "Traceback" not in finished.stderr
    return finished


def test_shim_works_in_a_checkout_whose_path_has_spaces(repository, tmp_path, git):
    shutil.copytree(repository / "developer-tools", tmp_path / "a check out" / "developer-tools")
    git(tmp_path, "init", "-q", "-b", "main", "project")

    finished = _run([tmp_path / "a check out" / SHIM, "context", "--json"], tmp_path / "project")

    assert finished.returncode == 0
    assert json.loads(finished.stdout)["data"]["branch"] == "main"


def test_shim_uses_the_recorded_interpreter_when_installed(repository, tmp_path, git):
    """As sync lays it out: the launcher and the interpreter's path at the root, the plugin in the store."""
    root = tmp_path / "laptop root"
    plugin = root / "store" / "developer-tools" / ("0" * 64)
    shutil.copytree(repository / "developer-tools", plugin)
    (root / "bin").mkdir()
    shutil.copy(repository / "hooks" / "run", root / "bin" / "run")
    # An interpreter of its own, so that its use can be seen.
    mark = tmp_path / "used"
    interpreter = tmp_path / "recorded python"
    interpreter.write_text(f'#!/bin/sh\n: > "{mark}"\nexec "{sys.executable}" "$@"\n')
    interpreter.chmod(0o755)
    (root / "bin" / "interpreter").write_text(f"{interpreter}\n")
    git(tmp_path, "init", "-q", "-b", "main", "project")

    finished = _run([plugin / "bin" / "create-pull-request", "context", "--json"], tmp_path / "project")

    assert finished.returncode == 0, finished.stderr
    assert mark.exists()
    assert list(plugin.glob("**/__pycache__")) == []


def test_shim_without_any_python_says_so(repository, tmp_path, monkeypatch):
    shutil.copytree(repository / "developer-tools", tmp_path / "developer-tools")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "dirname").symlink_to(shutil.which("dirname"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    finished = _run(["/bin/sh", tmp_path / SHIM, "context"], tmp_path)

    assert finished.returncode == 127
    assert "skillway-sync doctor" in finished.stderr


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_shim_is_executable(repository):
    assert os.access(repository / SHIM, os.X_OK)
