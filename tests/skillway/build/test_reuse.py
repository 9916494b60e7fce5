"""What a second build takes over, what it makes again, and what it clears away."""

import json
import os
import shutil

import pytest

from skillway.build import load_build, plan_build
from skillway.errors import FindingsError, NotFoundError, RepositoryError

LEVELS = "skills/support/triage/references/levels.md"


def _digests(sources):
    return {path.name for path in (sources.out / "plugins").glob("*/*")}


def test_unchanged_plugins_are_taken_over_without_being_written(sources):
    first = sources.build()
    files = [plugin.archive_file for plugin in first.plugins.values()]
    stamps = [file.stat().st_ino for file in files]
    second = sources.build()
    assert second.reused == {"base-plugin", "developer-tools", "support"}
    assert second.plugins == first.plugins
    assert [file.stat().st_ino for file in files] == stamps


def test_change_of_the_same_size_with_the_former_time_is_seen(sources):
    before = sources.build().plugins["support"].digest
    path = sources.path / LEVELS
    status = path.stat()
    path.write_text("# LEVELS\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert sources.build().plugins["support"].digest != before


def test_change_within_the_same_moment_is_seen(sources):
    digests = set()
    for letter in "abcdefgh":
        sources.write(LEVELS, letter)
        digests.add(sources.build().plugins["support"].digest)
    assert len(digests) == 8


def test_swapped_files_are_seen(sources):
    sources.write("skills/support/triage/references/other.md", "# Others\n")
    before = sources.build().plugins["support"].digest
    one, two = sources.path / LEVELS, sources.path / "skills/support/triage/references/other.md"
    one.rename(one.with_suffix(".tmp"))
    two.rename(one)
    one.with_suffix(".tmp").rename(two)
    assert sources.build().plugins["support"].digest != before


def test_change_that_is_taken_back_gives_the_former_digest(sources):
    before = sources.build().plugins["support"]
    sources.write(LEVELS, "something else")
    sources.build()
    sources.write(LEVELS, "# Levels\n")
    assert sources.build().plugins["support"] == before
    assert load_build(sources.out).plugins["support"].read_manifest().digest == before.digest


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"null", b"\x00\xff", b'{"schema": 1}', b'{"schema": 1, "tool": "x"}']
)
def test_broken_cache_is_ignored(sources, damage):
    first = sources.build()
    (sources.out / "cache").write_bytes(damage)
    second = sources.build()
    assert second.plugins == first.plugins
    assert second.reused == frozenset()
    assert sources.build().reused == set(first.plugins)


@pytest.mark.parametrize("value", [None, 7, [], "x", {"inputs": 3}])
def test_cache_with_one_wrong_value_is_ignored(sources, value):
    first = sources.build()
    content = json.loads((sources.out / "cache").read_bytes())
    content["plugins"]["skills/support"] = value
    (sources.out / "cache").write_text(json.dumps(content))
    assert sources.build().plugins == first.plugins


def test_cache_of_another_skillway_is_ignored(sources):
    sources.build()
    content = json.loads((sources.out / "cache").read_bytes())
    (sources.out / "cache").write_text(json.dumps(content | {"tool": "0" * 64}))
    assert sources.build().reused == frozenset()


@pytest.mark.parametrize("file", ["archive.tgz", "manifest.json"])
def test_damaged_file_of_the_build_is_made_again(sources, file):
    plugin = sources.build().plugins["support"]
    path = plugin.folder / file
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    second = sources.build()
    assert path.read_bytes() == whole
    assert second.reused == {"base-plugin", "developer-tools"}
    path.unlink()
    sources.build()
    assert path.read_bytes() == whole


def test_former_digests_go_after_a_good_build_and_stay_after_a_refused_one(sources):
    sources.build()
    former = _digests(sources)
    sources.write(LEVELS, "new")
    (sources.path / "skills/support/triage/link").symlink_to("SKILL.md")
    with pytest.raises(FindingsError):
        sources.build()
    assert _digests(sources) == former
    (sources.path / "skills/support/triage/link").unlink()
    build = sources.build()
    assert _digests(sources) == {plugin.digest for plugin in build.plugins.values()} != former


def test_pruning_leaves_what_the_build_did_not_make(sources):
    sources.build()
    mine = [sources.out / "notes.txt", sources.out / "plugins/support/keep/me.txt", sources.out / "plugins/Other/x"]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    sources.write(LEVELS, "new")
    sources.build()
    assert all(path.read_text() == "mine" for path in mine)


def test_removed_plugin_leaves_the_build_and_comes_back_with_its_folder(sources, tmp_path):
    first = sources.build()
    shutil.move(sources.path / "skills/support", tmp_path / "away")
    second = sources.build()
    assert second.changes["support"] == "removed"
    assert set(second.plugins) == {"base-plugin", "developer-tools"}
    assert not (sources.out / "plugins/support").exists()
    shutil.move(tmp_path / "away", sources.path / "skills/support")
    assert sources.build().plugins == first.plugins


def test_build_of_some_plugins_ignores_faults_of_the_others(sources):
    sources.build()
    sources.write("skills/support/triage/con.md", "")
    sources.write("hooks/orphan.py", "")
    build = sources.build(only={"base-plugin", "developer-tools"})
    assert set(build.plugins) == {"base-plugin", "developer-tools"} == set(load_build(sources.out).plugins)
    with pytest.raises(FindingsError):
        sources.build()


def test_partial_build_of_unchanged_sources_has_no_other_plugin(sources):
    sources.build()
    assert set(sources.build(only={"base-plugin"}).plugins) == {"base-plugin"}


def test_full_build_after_a_partial_one_has_every_plugin(sources):
    sources.build(only={"base-plugin"})
    assert set(sources.build().plugins) == {"base-plugin", "developer-tools", "support"}


def test_plugin_removed_between_a_full_and_a_partial_build_is_built_again(sources, tmp_path):
    """What a partial build forgets must not be missing from the next full one."""
    first = sources.build()
    shutil.move(sources.path / "skills/support", tmp_path / "away")
    sources.build(only={"base-plugin"})
    shutil.move(tmp_path / "away", sources.path / "skills/support")
    assert sources.build().plugins == first.plugins


def test_planned_build_writes_nothing_and_says_what_would_change(sources):
    planned = plan_build(sources.path, sources.organisation, sources.out)
    assert set(planned.changes.values()) == {"added"}
    assert not (sources.path / ".skillway").exists()
    built = sources.build()
    assert {name: plugin.digest for name, plugin in planned.plugins.items()} == {
        name: plugin.digest for name, plugin in built.plugins.items()
    }
    sources.write(LEVELS, "new")
    before = sorted((path, path.stat().st_mtime_ns) for path in sources.out.rglob("*"))
    planned = plan_build(sources.path, sources.organisation, sources.out)
    assert planned.changes == {"base-plugin": "unchanged", "developer-tools": "unchanged", "support": "changed"}
    assert sorted((path, path.stat().st_mtime_ns) for path in sources.out.rglob("*")) == before


def test_build_can_be_loaded_again(sources):
    build = sources.build()
    assert load_build(sources.out).plugins == build.plugins


def test_no_build_is_said_so(tmp_path):
    with pytest.raises(NotFoundError, match="No build in"):
        load_build(tmp_path / "nothing")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"schema": 2, "plugins": {}}',
        '{"schema": 1, "plugins": {"../x": {}}}',
        '{"schema": 1, "plugins": {"a": 1}}',
    ],
)
def test_damaged_record_is_said_so(sources, text):
    sources.build()
    (sources.out / "build.json").write_text(text)
    with pytest.raises(RepositoryError, match="The build is damaged"):
        load_build(sources.out)
    assert sources.build().plugins
    assert load_build(sources.out).plugins


def test_missing_archive_is_said_so(sources):
    plugin = sources.build().plugins["support"]
    plugin.archive_file.unlink()
    with pytest.raises(RepositoryError, match=r"archive\.tgz is missing"):
        load_build(sources.out)


def test_manifest_of_another_plugin_is_said_so(sources):
    plugins = sources.build().plugins
    plugins["support"].manifest_file.write_bytes(plugins["base-plugin"].manifest_file.read_bytes())
    with pytest.raises(RepositoryError, match="is the manifest of base-plugin"):
        plugins["support"].read_manifest()
