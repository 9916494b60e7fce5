import json

from skillway_sync.engine import run


def test_first_run_installs_the_release(site):
    outcome = run(site.laptop())

    catalogue = json.loads(site.layout.catalogue_file.read_text())
    for entry in catalogue["plugins"]:
        assert (site.layout.root / entry["source"] / ".claude-plugin" / "plugin.json").is_file()
    assert [entry["name"] for entry in catalogue["plugins"]] == ["base", "support", "tools"]
    assert outcome.exit_code == 0
    assert outcome.changed


def test_second_run_changes_nothing(site, make):
    run(site.laptop())
    before = make.tree(site.prefix)

    outcome = run(site.laptop())

    assert make.tree(site.prefix) == before
    assert not outcome.changed


def test_real_parts(real_site):
    outcome = run(real_site.laptop())
    assert outcome.exit_code == 0, outcome
    print(outcome)
