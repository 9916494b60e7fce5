"""A small repository without a fault, for the tests of rules to break in one place at a time."""

import json

import pytest

LAUNCH = 'f="${{{variable}}}/{folder}/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" {name}'
SKILL = """---
name: triage
description: Use when new support tickets wait to be sorted by urgency.
allowed-tools: Read, Bash(git log:*)
---

# Triage

Sort the tickets by [category](references/categories.md).

```sh
skillway-run "${CLAUDE_SKILL_DIR}/scripts/triage.py"
```
"""
AGENT = "---\nname: reviewer\ndescription: Reviews a change.\ntools: Read, Grep\nmodel: sonnet\n---\nReview it.\n"


def _hooks(command, event="PreToolUse"):
    return {event: [{"matcher": "Bash", "hooks": [{"type": "command", "command": command, "timeout": 5}]}]}


def _files():
    usage = LAUNCH.format(variable="CLAUDE_PLUGIN_ROOT", folder="hooks", name="usage")
    guard = LAUNCH.format(variable="SKILLWAY_ROOT", folder="bin", name="guard")
    manifest = {"version": "1.0.0", "description": "Skills.", "author": {"name": "Acme"}}
    return {
        "organisation.yaml": "name: acme\nteams:\n  - support\n",
        "hooks/run": "#!/bin/sh\nexit 0\n",
        "hooks/usage.py": "print('usage')\n",
        "hooks/guard.py": "print('guard')\n",
        "base-plugin/.claude-plugin/plugin.json": json.dumps({"name": "base-plugin", **manifest}, indent=2),
        "base-plugin/hooks/hooks.json": json.dumps({"hooks": _hooks(usage)}, indent=2),
        "base-plugin/settings/managed-settings.d/10-guard.json": json.dumps({"hooks": _hooks(guard)}, indent=2),
        "base-plugin/settings/guard-policy.json": '{"schema": 1}\n',
        "developer-tools/.claude-plugin/plugin.json": json.dumps({"name": "developer-tools", **manifest}, indent=2),
        "developer-tools/agents/reviewer.md": AGENT,
        "developer-tools/commands/release-notes.md": "Write the release notes.\n",
        "skills/support/.claude-plugin/plugin.json": json.dumps(
            {"name": "support", "skills": "./", **manifest}, indent=2
        ),
        "skills/support/triage/SKILL.md": SKILL,
        "skills/support/triage/SPEC.md": "# Why\n\nSee [the conventions](../../../docs/conventions.md).\n",
        "skills/support/triage/references/categories.md": "# Categories\n\nBack to [the skill](../SKILL.md#triage).\n",
        "skills/support/triage/scripts/triage.py": "#!/usr/bin/env python3\nprint('sorted')\n",
        "skills/support/triage/scripts/sort.sh": "#!/bin/sh\nset -eu\nif true; then\n  echo sorted\nfi\n",
        "docs/conventions.md": "# Conventions\n",
    }


@pytest.fixture
def good(tmp_path):
    """The repository, written to disk; `skillway check` finds nothing in it."""
    root = tmp_path / "repository"
    for path, text in _files().items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root
