"""A small repository with all three layers, hooks and a settings fragment, to be built and to be broken."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from skillway.build import build_repository
from skillway.organisation import load_organisation

HOOK = 'f="${CLAUDE_PLUGIN_ROOT}/hooks/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" usage'
GUARD = 'f="${SKILLWAY_ROOT}/bin/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" guard'


def _hooks(event, matcher, command):
    return {"hooks": {event: [{"matcher": matcher, "hooks": [{"type": "command", "command": command, "timeout": 10}]}]}}


def _skill(name, purpose):
    return f"---\nname: {name}\ndescription: Use when someone asks to {purpose}.\n---\n\nDo it in two steps, then say what was done.\n"


FILES = {
    "organisation.yaml": "name: acme\ntitle: Acme Inc.\nowners: ['@acme/platform']\nteams: [support]\n",
    "hooks/run": "#!/bin/sh\nexit 0\n",
    "hooks/usage.py": "import spool\n\nspool.append({})\n",
    "hooks/guard.py": "import json\n\nfrom lexer import words\n\nprint(json, words)\n",
    "hooks/lexer.py": '"""Words of a command."""\n\n\ndef words(text):\n    return text.split()\n',
    "hooks/spool.py": 'import os\n\nEVENTS = "events.json"\n\n\ndef append(record):\n    return os.fspath(EVENTS), record\n',
    "hooks/events.json": "{}\n",
    "hooks/README.md": "# Hooks\n",
    "base-plugin/.claude-plugin/plugin.json": {
        "name": "base-plugin",
        "version": "1.2.0",
        "description": "What every laptop gets.",
        "author": {"name": "Acme"},
    },
    "base-plugin/hooks/hooks.json": _hooks("PreToolUse", "Skill", HOOK),
    "base-plugin/settings/managed-settings.d/10-guard.json": _hooks("PreToolUse", "Bash", GUARD),
    "base-plugin/settings/managed-settings.d/20-deny.json": {"permissions": {"deny": ["Bash(mkfs:*)"]}},
    "base-plugin/skills/about/SKILL.md": _skill("about", "explain where these skills come from"),
    "developer-tools/.claude-plugin/plugin.json": {
        "name": "developer-tools",
        "version": "0.3.1",
        "description": "For engineers.",
        "author": {"name": "Acme"},
    },
    "developer-tools/skills/tidy/SKILL.md": _skill("tidy", "tidy a branch before review"),
    "skills/support/.claude-plugin/plugin.json": {
        "name": "support",
        "version": "0.1.0",
        "description": "For the support team.",
        "author": {"name": "Acme"},
        "skills": "./",
    },
    "skills/support/triage/SKILL.md": _skill("triage", "sort a support ticket by urgency"),
    "skills/support/triage/SPEC.md": "For maintainers.\n",
    "skills/support/triage/scripts/sort_tickets.py": "#!/usr/bin/env python3\nprint('sorted')\n",
    "skills/support/triage/references/levels.md": "# Levels\n",
}


@dataclass
class Sources:
    """A repository in a test's own folder."""

    path: Path

    @property
    def organisation(self):
        return load_organisation(self.path)

    @property
    def out(self):
        return self.path / ".skillway" / "build"

    def write(self, place, content):
        path = self.path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(
                content if isinstance(content, str) else json.dumps(content, indent=2) + "\n", encoding="utf-8"
            )
        return path

    def read_json(self, place):
        return json.loads((self.path / place).read_bytes())

    def build(self, **options):
        return build_repository(self.path, self.organisation, self.out, **{"check": False, **options})


def make_sources(path):
    sources = Sources(path)
    for place, content in FILES.items():
        sources.write(place, content)
    return sources


@pytest.fixture
def sources(tmp_path):
    return make_sources(tmp_path / "repository")


@pytest.fixture
def sources_maker(tmp_path):
    """Make a second repository with the same content."""
    return lambda name: make_sources(tmp_path / name)
