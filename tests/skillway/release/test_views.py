"""`status` and `history`: what they say of a good store and of a bad one, and that they write nothing."""

import shutil


def test_status_names_releases_of_each_ring_and_is_good(published):
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    published.publish(rings=("canary",))
    before = published.files()
    code, envelope = published.cli("status")
    assert code == 0
    assert envelope["ok"] is True
    assert envelope["data"]["newest"] == 2
    assert envelope["data"]["rings"] == {"canary": 2, "broad": 1}
    assert published.files() == before
    code, text, _ = published.told("status")
    assert "ring canary: release 2" in text
    assert "ring broad: release 1" in text


def test_status_works_with_nothing_but_the_store(published, tmp_path, monkeypatch):
    shutil.rmtree(published.keys)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert published.cli("status", "--store", str(published.store))[0] == 0
    monkeypatch.setenv("SKILLWAY_STORE", str(published.store))
    assert published.cli("status")[0] == 0
    assert published.cli("history")[0] == 0


def test_status_lists_missing_and_damaged_files_and_fails(published):
    archive = next(published.store.glob("targets/plugins/base-plugin/*.tgz"))
    archive.unlink()
    pointer = next(published.store.glob("targets/rings/*.broad.json"))
    pointer.write_bytes(pointer.read_bytes()[:-1] + b" ")
    release = next(published.store.glob("targets/releases/*.json"))
    release.write_bytes(b"<html>")
    code, envelope = published.cli("status")
    assert code == 5
    assert envelope["ok"] is False
    assert envelope["data"]["damaged"] == {str(archive): "missing", str(pointer): "damaged", str(release): "damaged"}
    assert envelope["next_actions"] == ["skillway release publish"]


def test_status_of_no_store_is_not_found_and_makes_none(desk):
    for verb in ("status", "history"):
        code, envelope = desk.cli(verb)
        assert (code, envelope["error"]["code"]) == (7, "not_found")
    assert not desk.store.exists()


def test_status_tells_of_rings_that_differ_from_the_organisations(published):
    published.configure(rings=("canary", "late"))
    warnings = published.cli("status")[1]["warnings"]
    assert len(warnings) == 2
    assert "ring late of organisation.yaml is not in the store" in warnings[0]
    assert "ring broad is in the store and not in organisation.yaml" in warnings[1]


def test_history_lists_the_newest_first_with_changes_and_rings(published):
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    published.publish(rings=("canary",), notes=("exits",))
    published.build(developer_tools=None)
    published.publish(rings=("canary",))
    code, envelope = published.cli("history", "--limit", "2")
    assert code == 0
    listed = [(entry["seq"], entry["rings"], entry["changes"]) for entry in envelope["data"]["releases"]]
    assert listed == [
        (3, ["canary"], {"developer-tools": {"change": "removed", "lines": []}}),
        (2, [], {"developer-tools": {"change": "changed", "lines": ["program skillway-pr changed", "exits"]}}),
    ]
    text = published.told("history")[1]
    assert "developer-tools: changed (program skillway-pr changed; exits)" in text
    assert "release 1" in text


def test_help_of_every_verb_has_an_example(published):
    for verb in ("keys", "publish", "resign", "status", "history"):
        code, text, _ = published.told(verb, "--help")
        assert code == 0
        assert "Example:" in text
