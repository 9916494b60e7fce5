"""Errors of `skillway check` stop a build; what was found clean is not checked again until it changes."""

import subprocess
import sys

import pytest

from skillway.errors import FindingsError

SKILL = "skills/support/triage/SKILL.md"
BROKEN = "---\nname: triage\ndescription: Use when it breaks.\n---\n\nSee [levels](references/gone.md).\n"


def test_content_without_errors_is_built(sources):
    assert set(sources.build(check=True).plugins) == {"base-plugin", "developer-tools", "support"}


def test_error_of_the_check_stops_the_build_and_names_the_place(sources):
    sources.build(check=True)
    sources.write(SKILL, BROKEN)
    with pytest.raises(FindingsError, match=r"stops? the build:\n  skills/support/triage/SKILL\.md:\d+: ") as caught:
        sources.build(check=True)
    assert caught.value.exit_code == 5
    assert "skillway check" in caught.value.next_actions


def test_error_is_told_again_by_the_next_build(sources):
    sources.build(check=True)
    sources.write(SKILL, BROKEN)
    for _ in range(2):
        with pytest.raises(FindingsError):
            sources.build(check=True)


def test_build_without_check_does_not_make_the_content_clean(sources):
    sources.build(check=True)
    sources.write(SKILL, BROKEN)
    sources.build(check=False)
    with pytest.raises(FindingsError):
        sources.build(check=True)


def test_error_in_a_file_that_does_not_ship_stops_the_build_too(sources):
    sources.build(check=True)
    sources.write("skills/support/triage/SPEC.md", b"\xff\xfe not UTF-8")
    with pytest.raises(FindingsError, match=r"SPEC\.md"):
        sources.build(check=True)


def test_team_that_leaves_the_organisation_is_seen_though_no_plugin_changed(sources):
    sources.build(check=True)
    sources.write("organisation.yaml", "name: acme\nteams: [sales]\n")
    with pytest.raises(FindingsError, match="skills/support"):
        sources.build(check=True)


def test_rules_run_on_changed_plugins_only(sources, monkeypatch):
    from skillway import checks

    looked_at = []
    check_catalog = checks.check_catalog

    def watching(catalog, **options):
        looked_at.append([plugin.name for plugin in catalog.plugins])
        return check_catalog(catalog, **options)

    monkeypatch.setattr(checks, "check_catalog", watching)
    sources.build(check=True)
    sources.build(check=True)
    sources.write("skills/support/triage/references/levels.md", "# Other levels\n")
    sources.build(check=True)
    sources.write("hooks/events.json", '{"a": 1}\n')
    sources.build(check=True)
    every = ["base-plugin", "developer-tools", "support"]
    assert looked_at == [every, ["support"], every]


@pytest.mark.parametrize(("place", "name"), [("skills/support", "developer-tools"), ("developer-tools", "support")])
def test_name_that_another_unchanged_plugin_has_is_seen(sources, place, name):
    sources.build(check=True)
    plugin_json = f"{place}/.claude-plugin/plugin.json"
    sources.write(plugin_json, sources.read_json(plugin_json) | {"name": name})
    with pytest.raises(FindingsError, match=name):
        sources.build(check=True)


@pytest.mark.parametrize("check", [True, False])
def test_hook_that_a_partial_build_left_unwired_is_seen_by_the_next_full_one(sources, check):
    sources.build(check=True)
    (sources.path / "base-plugin/settings/managed-settings.d/10-guard.json").write_text("{}\n")
    sources.build(check=check, only={"base-plugin"})
    with pytest.raises(FindingsError, match=r"hooks/guard\.py: No hook command leads to this file\."):
        sources.build(check=check)


def test_plugin_that_was_built_without_check_is_checked_by_the_next_build(sources):
    """Its archive can be taken over, its verdict cannot."""
    sources.build(check=True)
    sources.write(SKILL, BROKEN)
    sources.build(check=False, only={"support"})
    with pytest.raises(FindingsError, match=r"skills/support/triage/SKILL\.md"):
        sources.build(check=True)


def test_build_of_unchanged_sources_loads_neither_catalog_nor_rules(sources):
    sources.build(check=True)
    program = (
        "import sys; from pathlib import Path\n"
        "from skillway.build import build_repository\n"
        "from skillway.organisation import load_organisation\n"
        "import skillway.build.pipeline as pipeline\n"
        "pipeline.load_catalog = pipeline.load_part = None\n"
        "root = Path(sys.argv[1])\n"
        "build = build_repository(root, load_organisation(root), root / '.skillway/build')\n"
        "assert len(build.reused) == 3 and 'skillway.checks' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program, sources.path], check=True)
