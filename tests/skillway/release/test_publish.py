"""Publishing seen from outside: what python-tuf's own client reads, and what the envelope says."""

import json
import shutil

import pytest

from skillway_sync.release_document import PluginNote


def test_first_publish_is_read_by_the_tuf_client_on_every_ring(desk, tmp_path):
    desk.build()
    assert desk.cli("keys")[0] == 0
    code, envelope = desk.cli("publish")
    assert code == 0
    assert envelope["data"]["release"] == 1
    assert envelope["data"]["rings"] == {"canary": 1, "broad": 1}
    for ring in ("canary", "broad"):
        release = desk.seen(tmp_path / ring, ring)
        assert (release.seq, release.catalogue, release.organisation) == (1, "acme", "Acme Inc.")
        assert set(release.plugins) == {"base-plugin", "developer-tools"}


def test_same_plugins_again_publish_nothing_and_change_no_byte(published):
    before = published.files()
    code, envelope = published.cli("publish")
    assert code == 0
    assert envelope["data"]["release"] is None
    assert envelope["data"]["signed"] == []
    assert published.files() == before
    assert "Nothing to publish" in published.told("publish")[1]


def test_changed_plugin_makes_the_next_release_with_notes_of_what_changed(published, tmp_path):
    published.versions["base-plugin"] = "0.2.0"
    published.build(
        base_plugin={
            "skills/help/SKILL.md": "# more help\n",
            "hooks/guard.py": "pass  # 2\n",
            "settings/guard-policy.json": "[]\n",
        },
        developer_tools={
            "skills/review/SKILL.md": "# review\n",
            "skills/create-pr/SKILL.md": None,
            "agents/tester.md": "x",
        },
        support={"skills/triage/SKILL.md": "# triage\n"},
    )
    code, envelope = published.cli("publish", "--note", "developer-tools: reviews now", "--note", "autumn clean-up")
    assert code == 0
    assert envelope["data"]["release"] == 2
    assert published.seen(tmp_path / "cache").notes == {
        "base-plugin": PluginNote(
            "changed",
            (
                "version 0.1.0 → 0.2.0",
                "hook guard.py changed",
                "settings changed",
                "skill help changed",
                "autumn clean-up",
            ),
        ),
        "developer-tools": PluginNote(
            "changed",
            (
                "agent tester.md added",
                "skill create-pr removed",
                "skill review added",
                "reviews now",
                "autumn clean-up",
            ),
        ),
        "support": PluginNote("added", ("version 0.1.0", "skill triage added", "autumn clean-up")),
    }


def test_removed_plugin_is_noted_and_leaves_the_release(published, tmp_path):
    published.build(developer_tools=None)
    published.publish()
    release = published.seen(tmp_path / "cache")
    assert set(release.plugins) == {"base-plugin"}
    assert release.notes["developer-tools"] == PluginNote("removed")
    assert release.notes["base-plugin"] == PluginNote("unchanged")


def test_note_for_nothing_new_is_said_to_be_dropped(published):
    code, envelope = published.cli("publish", "--note", "hello")
    assert code == 0
    assert envelope["warnings"] == ["the notes were not recorded, because no new release was made"]


def test_canary_alone_moves_and_broad_follows_without_a_build(published, tmp_path):
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    assert published.cli("publish", "--ring", "canary")[1]["data"]["rings"] == {"canary": 2}
    assert published.seen(tmp_path / "canary", "canary").seq == 2
    assert published.seen(tmp_path / "broad", "broad").seq == 1
    (published.build_folder / "build.json").unlink()
    code, envelope = published.cli("publish", "--ring", "broad", "--release", "2")
    assert code == 0
    assert envelope["data"]["signed"] == ["ring-broad", "snapshot", "timestamp"]
    assert published.seen(tmp_path / "broad", "broad").seq == 2


def test_publish_to_all_rings_of_what_canary_has_takes_no_new_number(published, tmp_path):
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    published.cli("publish", "--ring", "canary")
    code, envelope = published.cli("publish")
    assert (code, envelope["data"]["is_new"], envelope["data"]["rings"]) == (0, False, {"broad": 2})
    assert published.seen(tmp_path / "broad", "broad").seq == 2


def test_ring_is_never_moved_down_and_the_error_names_the_way_back(published, tmp_path):
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    published.publish()
    before = published.files()
    code, envelope = published.cli("publish", "--release", "1", "--ring", "broad")
    assert code == 6
    assert envelope["error"]["code"] == "release_order"
    assert published.files() == before
    way_back = envelope["next_actions"][0].split()[2:]
    assert published.cli(*way_back)[0] == 0
    assert published.seen(tmp_path / "broad", "broad").seq == 3


def test_revert_publishes_old_content_under_a_new_number(published, tmp_path):
    first = published.seen(tmp_path / "first")
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    published.publish()
    code, envelope = published.cli("publish", "--revert-to", "1")
    assert code == 0
    assert envelope["data"]["rings"] == {"canary": 3, "broad": 3}
    reverted = published.seen(tmp_path / "first")  # the same cache: the client that saw release 1
    assert (reverted.seq, reverted.plugins) == (3, first.plugins)
    assert reverted.notes["developer-tools"].lines == (
        "program skillway-pr changed",
        "back to the content of release 1",
    )
    assert published.cli("publish", "--revert-to", "1")[1]["data"]["release"] is None


def test_published_archive_keeps_its_bytes_when_another_machine_compressed_differently(published, tmp_path):
    import gzip

    before = {name: data for name, data in published.files().items() if name.endswith(".tgz")}
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    for archive in published.build_folder.glob("plugins/base-plugin/*/archive.tgz"):
        archive.write_bytes(gzip.compress(gzip.decompress(archive.read_bytes()), 1, mtime=7))
    published.publish()
    after = {name: data for name, data in published.files().items() if name.endswith(".tgz")}
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1
    assert published.seen(tmp_path / "cache").seq == 2


def test_dry_run_says_what_it_would_do_and_writes_nothing(desk):
    desk.make_keys()
    desk.build()
    code, envelope = desk.cli("publish", "--dry-run")
    assert code == 0
    assert envelope["data"]["rings"] == {"canary": 1, "broad": 1}
    assert envelope["data"]["signed"][-1] == "timestamp"
    assert not desk.store.exists()


@pytest.mark.parametrize("offline", [("root-1", "root-2", "root-3"), ("root-1", "root-2", "root-3", "targets")])
def test_publish_needs_neither_root_keys_nor_targets_key(published, offline, tmp_path):
    for name in offline:
        (published.keys / f"{name}.pem").unlink()
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    assert published.cli("publish")[0] == 0
    assert published.seen(tmp_path / "cache").seq == 2


def test_new_ring_needs_keys_and_the_targets_key_and_then_has_its_release(published, tmp_path):
    published.configure(rings=("canary", "early", "broad"))
    before = published.files()
    code, envelope = published.cli("publish")
    assert (code, envelope["next_actions"]) == (4, ["skillway release keys"])
    assert published.files() == before
    assert published.cli("keys")[1]["data"]["created"] == ["ring-early"]
    kept = (published.keys / "targets.pem").rename(tmp_path / "targets.pem")
    code, envelope = published.cli("publish")
    assert code == 4
    assert "targets.pem is not here" in envelope["error"]["message"]
    assert published.files() == before
    kept.rename(published.keys / "targets.pem")
    assert published.cli("publish")[1]["data"]["rings"] == {"early": 1}
    assert published.seen(tmp_path / "early", "early").seq == 1


def test_ring_without_a_release_reads_as_none_and_not_as_an_error(desk, tmp_path):
    desk.make_keys()
    desk.build()
    desk.publish(rings=("canary",))
    updater = desk.reader(tmp_path / "cache")
    updater.refresh()
    assert updater.get_targetinfo("rings/broad.json") is None


def test_ring_key_alone_cannot_make_content_and_release_key_alone_cannot_move_a_ring(published):
    (published.keys / "release.pem").unlink()
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    before = published.files()
    assert published.cli("publish")[0] == 4
    assert published.files() == before
    updater = published.reader(published.folder / "cache")
    updater.refresh()
    delegated = json.loads((published.store / "metadata" / "1.targets.json").read_bytes())["signed"]["delegations"]
    paths = {role["name"]: (role["paths"], role["terminating"], role["threshold"]) for role in delegated["roles"]}
    assert paths == {
        "release": (["plugins/*/*", "releases/*"], True, 1),
        "ring-canary": (["rings/canary.json"], True, 1),
        "ring-broad": (["rings/broad.json"], True, 1),
    }
    keyids = [role["keyids"] for role in delegated["roles"]]
    assert len({keyid for ids in keyids for keyid in ids}) == 3


def test_keys_can_be_split_between_who_makes_content_and_who_moves_a_ring(published, tmp_path):
    def folder_with(name, *keys):
        folder = tmp_path / name
        folder.mkdir(mode=0o700)
        for file in ("keys.json", "root.json", *(f"{key}.pem" for key in keys)):
            shutil.copy(published.keys / file, folder)
        return str(folder)

    ci = folder_with("ci", "release", "ring-canary", "snapshot", "timestamp")
    operator = folder_with("operator", "ring-broad", "snapshot", "timestamp")
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    for keys, missing in ((ci, "ring-broad.pem"), (operator, "release.pem")):
        before = published.files()
        code, envelope = published.cli("publish", "--keys", keys)
        assert code == 4
        assert f"{missing} is not here" in envelope["error"]["message"]
        assert published.files() == before
    assert published.cli("publish", "--keys", ci, "--ring", "canary")[0] == 0
    assert published.cli("publish", "--keys", operator, "--ring", "broad", "--release", "2")[0] == 0
    assert published.seen(tmp_path / "cache", "broad").seq == 2


def test_lost_file_of_the_store_is_put_back_by_the_next_publish(published, tmp_path):
    lost = next(published.store.glob("targets/plugins/base-plugin/*.tgz"))
    lost.unlink()
    assert published.cli("status")[0] == 5
    assert published.cli("publish")[0] == 0
    assert published.cli("status")[0] == 0
    assert published.seen(tmp_path / "cache").seq == 1
