"""What `--fix` mends, what it leaves to the author, and that a file is never lost on the way."""

import json
import os
import subprocess
import sys

import pytest

from skillway.checks import check_path
from skillway.checks.fixes import apply_fixes, plan_fixes
from skillway.errors import ConflictError

TRIAGE = "skills/support/triage/SKILL.md"
SUPPORT = "skills/support/.claude-plugin/plugin.json"
MCP = "skills/support/.mcp.json"


def skillway(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "skillway", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def fix(root):
    fixes = plan_fixes(root, check_path(root).findings)
    apply_fixes(fixes)
    return fixes


def break_much(root):
    """Break what can be mended, without touching what is said."""
    text = (root / TRIAGE).read_text().replace("allowed-tools", "allowed_tools")
    (root / TRIAGE).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    plugin = (root / SUPPORT).read_text().replace('"description"', '"descripton"').replace('"support"', '"support "')
    (root / SUPPORT).write_text(plugin)
    (root / MCP).write_text('{"mcpServers": {"tickets": {"command": "npx", "comand": []}}}'.replace("comand", "argss"))
    (root / "developer-tools/bin").mkdir()
    (root / "developer-tools/bin/triage").write_text("#!/bin/sh\necho sorted\n")


def test_what_has_one_meaning_is_mended_and_nothing_else_is_changed(good):
    before = (good / TRIAGE).read_bytes()
    break_much(good)
    fix(good)
    assert (good / TRIAGE).read_bytes() == before
    assert json.loads((good / SUPPORT).read_text())["name"] == "support"
    assert json.loads((good / SUPPORT).read_text())["description"] == "Skills."
    assert json.loads((good / MCP).read_text())["mcpServers"]["tickets"] == {"command": "npx", "args": []}
    assert os.access(good / "developer-tools/bin/triage", os.X_OK)
    assert check_path(good).findings == ()


def test_second_run_has_nothing_to_do(good):
    break_much(good)
    assert fix(good)
    assert fix(good) == []


def test_dry_run_shows_the_diff_and_writes_nothing(good):
    break_much(good)
    before = {path: path.read_bytes() for path in good.rglob("*") if path.is_file()}
    run = skillway("check", "--fix", "--dry-run", cwd=good)
    assert {path: path.read_bytes() for path in good.rglob("*") if path.is_file()} == before
    assert run.returncode == 5
    assert '-  "descripton": "Skills.",' in run.stderr
    assert '+  "description": "Skills.",' in run.stderr
    assert "new mode 100755" in run.stderr


def test_command_mends_and_then_tells_what_is_left(good):
    break_much(good)
    (good / "skills/support/triage/references/categories.md").write_text("[a](nowhere.md)\n")
    run = skillway("check", "--fix", "--json", cwd=good)
    data = json.loads(run.stdout)["data"]
    assert [finding["rule"] for finding in data["findings"]] == ["link-broken"]
    assert {entry["file"] for entry in data["fixes"]} == {TRIAGE, SUPPORT, MCP, "developer-tools/bin/triage"}


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (TRIAGE, "name: triage", "name: triage\nallowed_tools: Grep"),  # the right key stands there too
        (TRIAGE, "name: triage", "name: triage\nzzz: Grep"),  # nothing is near
        (TRIAGE, "name: triage", "name: sorting"),  # folder or name: only the author knows
        (SUPPORT, '"description"', '"descripton": "b", "description"'),
    ],
)
def test_what_is_ambiguous_is_left_to_the_author(good, path, old, new):
    text = (good / path).read_text().replace(old, new)
    (good / path).write_text(text)
    assert fix(good) == []
    assert (good / path).read_text() == text


def test_file_that_changed_meanwhile_is_left_alone(good):
    break_much(good)
    fixes = plan_fixes(good, check_path(good).findings)
    for one in fixes:
        one.file.write_text("changed meanwhile")
    with pytest.raises(ConflictError):
        apply_fixes(fixes)
    assert all(one.file.read_text() == "changed meanwhile" for one in fixes)


def test_failed_write_leaves_the_old_file_and_no_other(good, monkeypatch):
    break_much(good)
    before = (good / TRIAGE).read_bytes()
    fixes = [one for one in plan_fixes(good, check_path(good).findings) if one.name == TRIAGE]

    def fail(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        apply_fixes(fixes)
    assert (good / TRIAGE).read_bytes() == before
    assert not [path for path in (good / TRIAGE).parent.iterdir() if path.name.startswith(".skillway-")]


def test_mode_of_a_mended_file_stays(good):
    script = good / "skills/support/triage/scripts/sort.sh"
    script.write_bytes(b"#!/bin/sh\r\necho x\r\n")
    script.chmod(0o750)
    fix(good)
    assert script.stat().st_mode & 0o7777 == 0o750
    assert script.read_bytes() == b"#!/bin/sh\necho x\n"
