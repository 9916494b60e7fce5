"""Laptops with a release really installed on them, by the engine's own staging and commit, without a store."""

import json
import time
from dataclasses import dataclass

import pytest

from skillway_sync.applied import Applied
from skillway_sync.apply import Candidate, commit_candidate, stage_release
from skillway_sync.archive import write_archive
from skillway_sync.disk import Disk
from skillway_sync.interpreter import find_interpreter
from skillway_sync.laptop import Laptop, default_parts
from skillway_sync.layout import Layout, system_layout, user_layout
from skillway_sync.lock import exclusive_lock
from skillway_sync.manifest import PLUGIN_FILE, make_manifest
from skillway_sync.release_document import Release, ReleasedPlugin
from skillway_sync.status import Status, save_status

GUARD_COMMAND = 'f="${SKILLWAY_ROOT}/bin/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" guard'
GUARD = """
import sys
sys.path.insert(0, __file__.rpartition("/")[0])
import rules
rules.decide(sys.stdin.read())
"""
RULES = '''
import sys
DENY = """{"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "deny",
"permissionDecisionReason": "Use create-pr."}}"""
def decide(payload):
    if "gh pr create" in payload:
        print(DENY)
        sys.exit(2)
'''


@dataclass
class Installed:
    """A laptop and what is on it."""

    layout: Layout
    laptop: Laptop
    release: Release

    @property
    def base_folder(self):
        return self.layout.store / "base-plugin" / self.release.plugins["base-plugin"].digest


def base_files(repository, rules=RULES):
    fragment = {
        "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": GUARD_COMMAND}]}]},
        "permissions": {"deny": ["Bash(mkfs:*)"]},
    }
    return {
        PLUGIN_FILE: (b'{"name": "base-plugin", "version": "1.0.0"}', "0644"),
        "hooks/run": ((repository / "hooks" / "run").read_bytes(), "0755"),
        "hooks/guard.py": (GUARD.encode(), "0644"),
        "hooks/rules.py": (rules.encode(), "0644"),
        "settings/managed-settings.d/10-guard.json": (json.dumps(fragment).encode(), "0644"),
        "skills/hello/SKILL.md": (b"---\nname: hello\ndescription: Says hello.\n---\nSay hello.\n", "0644"),
    }


def install(layout, plugins):
    """Install plugins, from name to files, as a run does once it has them on this disk."""
    laptop = Laptop(layout, Disk(), time.time(), default_parts())
    released = {}
    for name, files in plugins.items():
        manifest, stamped = make_manifest(name, "1.0.0", files)
        contents = {path: data for path, (data, _) in files.items()} | {PLUGIN_FILE: stamped}
        laptop.disk.make_folders(laptop.archives.manifest_file(name, manifest.digest).parent)
        laptop.archives.manifest_file(name, manifest.digest).write_bytes(manifest.to_bytes())
        laptop.archives.archive_file(name, manifest.digest).write_bytes(write_archive(manifest, contents.__getitem__))
        layer, team = ("base", None) if name == "base-plugin" else ("team", name)
        released[name] = ReleasedPlugin(manifest.digest, manifest.stamped_version, layer, team, "")
    release = Release(1, "Example", "example", "2026-11-20T10:00:00Z", released)
    interpreter = find_interpreter(layout, None)
    pairs = [(name, plugin.digest) for name, plugin in released.items()]
    candidate = Candidate(release, release.to_bytes(), released)
    digests = {name: plugin.digest for name, plugin in released.items()}
    applied = Applied(1, digests, "base-plugin", "broad", laptop.now, 1, "0" * 64)
    stage_release(laptop, candidate, pairs, interpreter, applied)
    with exclusive_lock(layout.state):
        commit_candidate(laptop, candidate, lambda _: None)
    laptop.disk.remove_tree(layout.staging)
    status = Status(state="ok", release=1, ring="broad", last_check=laptop.now, last_apply=laptop.now)
    save_status(layout.state, status, laptop.disk)
    layout.config_file.parent.mkdir(parents=True, exist_ok=True)
    layout.config_file.write_text(json.dumps({"store": "https://store.example"}))
    (layout.config_file.parent / "root.json").write_text("{}")
    return Installed(layout, laptop, release)


@pytest.fixture
def install_plugins(repository):
    """Install on a layout: the base plugin, with other rules for its guard if wished, and a team's plugin."""

    def on(layout, rules=RULES):
        team = {PLUGIN_FILE: (b'{"name": "support", "version": "1.0.0"}', "0644")}
        return install(layout, {"base-plugin": base_files(repository, rules), "support": team})

    return on


@pytest.fixture
def system_laptop(tmp_path, install_plugins):
    """A laptop root in system scope, with the home of ann."""
    (tmp_path / "laptop" / "home" / "ann").mkdir(parents=True)
    return install_plugins(system_layout(prefix=tmp_path / "laptop"))


@pytest.fixture
def user_laptop(home, install_plugins):
    """One user's own installation in the test's HOME."""
    return install_plugins(user_layout(home=home))
