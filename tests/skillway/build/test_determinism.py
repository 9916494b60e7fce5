"""The same sources give the same bytes, whoever builds them, when and where."""

import os
import shutil
import subprocess
import sys

PROGRAM = """
import os, sys
from pathlib import Path
if len(sys.argv) > 2:
    os.umask(int(sys.argv[2], 8))
from skillway.build import build_repository
from skillway.organisation import load_organisation
root = Path(sys.argv[1])
build_repository(root, load_organisation(root), root / ".skillway" / "build", check=False)
"""


def _build(root, *, umask="022", **environment):
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environment}
    subprocess.run([sys.executable, "-c", PROGRAM, root, umask], env=env, check=True)
    plugins = root / ".skillway" / "build" / "plugins"
    return {
        str(path.relative_to(plugins)): path.read_bytes() for path in sorted(plugins.rglob("*")) if path.is_file()
    } | {"build.json": (root / ".skillway/build/build.json").read_bytes()}


def _copy_backwards(source, target):
    """Copy a repository so that every folder lists its files in another order, with other times and modes."""
    for path in sorted((path for path in source.rglob("*") if path.is_file()), reverse=True):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        copy.chmod(0o600)
        os.utime(copy, (1_000_000_000, 1_000_000_000))


def test_two_builds_of_copies_are_identical_to_the_byte(sources, tmp_path):
    _copy_backwards(sources.path, tmp_path / "copy")
    one = _build(sources.path, umask="022", LC_ALL="C", PYTHONHASHSEED="1", TZ="UTC")
    two = _build(tmp_path / "copy", umask="077", LC_ALL="C.UTF-8", PYTHONHASHSEED="2", TZ="Asia/Tokyo")
    assert one == two
    assert len(one) == 7


def test_build_into_an_old_folder_is_the_build_into_an_empty_one(sources):
    sources.build()
    sources.write("skills/support/triage/SKILL.md", "---\ndescription: Use when it changed.\n---\n\nDo it.\n")
    after_change = _build(sources.path)
    shutil.rmtree(sources.out)
    assert _build(sources.path) == after_change


def test_a_changed_byte_changes_its_plugin_and_no_other(sources):
    before = sources.build().plugins
    sources.write("skills/support/triage/references/levels.md", "# LEVELS\n")
    after = sources.build()
    assert after.changes == {"base-plugin": "unchanged", "developer-tools": "unchanged", "support": "changed"}
    assert after.plugins["support"].digest != before["support"].digest
    assert after.plugins["base-plugin"].digest == before["base-plugin"].digest


def test_a_changed_hook_changes_the_plugins_that_it_is_wired_in(sources):
    sources.build()
    sources.write("hooks/events.json", '{"skill": []}\n')
    assert sources.build().changes == {"base-plugin": "changed", "developer-tools": "unchanged", "support": "unchanged"}


def test_plugin_version_plays_no_part_but_its_own(sources):
    """Raising a version changes the digest, because plugin.json is content; stamping it does not."""
    first = sources.build().plugins["support"]
    content = sources.read_json("skills/support/.claude-plugin/plugin.json")
    sources.write("skills/support/.claude-plugin/plugin.json", content | {"version": "0.1.0+0123456789ab"})
    second = sources.build().plugins["support"]
    assert second.version == f"0.1.0+{second.digest[:12]}"
    assert second.digest != first.digest
