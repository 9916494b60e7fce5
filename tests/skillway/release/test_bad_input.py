"""What an operator can get wrong: each is one sentence with a way out, and the store keeps every byte."""

import json
import shutil

import pytest

from skillway.release.key_making import make_keys
from skillway.release.roles import now_utc

CHANGE = {"developer_tools": {"bin/skillway-pr": "#!/bin/sh\nexit\n"}}


def _fails_and_changes_nothing(desk, arguments, exit_code, error_code, *words):
    before = desk.files()
    code, envelope = desk.cli(*arguments)
    assert (code, envelope["error"]["code"]) == (exit_code, error_code), envelope["error"]
    for word in words:
        assert word in envelope["error"]["message"] + envelope["error"]["fix"] + " ".join(envelope["next_actions"])
    assert "Traceback" not in json.dumps(envelope)
    assert desk.files() == before


def test_publish_without_a_build_says_how_to_make_one(desk):
    desk.make_keys()
    code, envelope = desk.cli("publish")
    assert (code, envelope["next_actions"]) == (7, ["skillway build"])
    assert not desk.store.exists()


def test_publish_without_keys_says_how_to_make_them(desk):
    desk.build()
    code, envelope = desk.cli("publish")
    assert (code, envelope["next_actions"]) == (4, ["skillway release keys"])
    assert not desk.store.exists()


def test_other_keys_than_the_stores_are_refused_before_anything_is_written(published):
    published.build(**CHANGE)
    shutil.rmtree(published.keys)
    make_keys(published.keys, ("canary", "broad"), now=now_utc())
    _fails_and_changes_nothing(published, ["publish"], 4, "keys", "another root")


@pytest.mark.parametrize("role", ["release", "ring-canary", "snapshot", "timestamp"])
def test_wrong_key_of_a_role_is_refused_before_anything_is_written(published, role, tmp_path):
    published.build(**CHANGE)
    make_keys(tmp_path / "other", ("canary", "broad"), now=now_utc())
    shutil.copy(tmp_path / "other" / f"{role}.pem", published.keys)
    _fails_and_changes_nothing(published, ["publish"], 4, "keys", f"{role}.pem is not the {role} key")


def test_key_with_a_passphrase_is_refused_with_its_path(published):
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    path = published.keys / "release.pem"
    key = load_pem_private_key(path.read_bytes(), None)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    published.build(**CHANGE)
    _fails_and_changes_nothing(published, ["publish"], 4, "keys", "release.pem cannot be used")


def test_tampered_archive_is_not_signed(published):
    published.build(**CHANGE)
    record = json.loads((published.build_folder / "build.json").read_text())["plugins"]["developer-tools"]
    archive = published.build_folder / "plugins" / "developer-tools" / record["digest"] / "archive.tgz"
    other = next(published.build_folder.glob("plugins/base-plugin/*/archive.tgz"))
    for content in (other.read_bytes(), archive.read_bytes()[:-20], b"", b"<html>"):
        archive.write_bytes(content)
        _fails_and_changes_nothing(published, ["publish"], 1, "repository", "archive.tgz", "skillway build")


def test_tampered_manifest_is_not_signed(published):
    published.build(**CHANGE)
    record = json.loads((published.build_folder / "build.json").read_text())["plugins"]["developer-tools"]
    path = published.build_folder / "plugins" / "developer-tools" / record["digest"] / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"0755"', b'"0644"'))
    _fails_and_changes_nothing(published, ["publish"], 1, "repository", "manifest.json", "skillway build")


def test_build_with_another_digest_than_its_manifest_is_refused(published):
    record = json.loads((published.build_folder / "build.json").read_text())
    digest = record["plugins"]["base-plugin"]["digest"]
    record["plugins"]["base-plugin"]["digest"] = "0" * 64
    folder = published.build_folder / "plugins" / "base-plugin"
    shutil.copytree(folder / digest, folder / ("0" * 64))
    (published.build_folder / "build.json").write_text(json.dumps(record))
    _fails_and_changes_nothing(published, ["publish"], 1, "repository", digest)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": 1, "plugins": {"../x": {}}}', "<html>"])
def test_damaged_build_record_is_one_sentence(published, content):
    (published.build_folder / "build.json").write_text(content)
    _fails_and_changes_nothing(published, ["publish"], 1, "repository", "build.json")


def test_build_without_base_plugin_is_refused(published):
    published.build(base_plugin=None)
    _fails_and_changes_nothing(published, ["publish"], 1, "repository", "0 plugins of the base layer")


def test_unknown_ring_and_unknown_release_name_what_there_is(published):
    _fails_and_changes_nothing(published, ["publish", "--ring", "beta"], 7, "not_found", "canary, broad")
    _fails_and_changes_nothing(published, ["publish", "--release", "9"], 7, "not_found", "1 to 1")
    _fails_and_changes_nothing(published, ["publish", "--revert-to", "9"], 7, "not_found", "release history")


@pytest.mark.parametrize(
    "arguments",
    [["--release", "1", "--revert-to", "1"], ["--release", "0"], ["--release", "1", "--note", "x"], ["--rung", "x"]],
)
def test_options_that_do_not_go_together_are_usage_errors(published, arguments):
    _fails_and_changes_nothing(published, ["publish", *arguments], 2, "usage")


def test_store_of_another_organisation_is_not_published_into(published):
    published.configure(name="umbrella")
    published.build(**CHANGE)
    _fails_and_changes_nothing(published, ["publish"], 8, "conflict", "belongs to acme", "umbrella")


def test_store_that_is_a_file_or_lies_in_one_is_one_sentence(published):
    (published.folder / "file").write_text("precious")
    for store in ("file", "file/store"):
        _fails_and_changes_nothing(published, ["publish", "--store", store], 1, "store", "file")
    assert (published.folder / "file").read_text() == "precious"


TORN = [b"", b"{", b"<html><body>sign in</body></html>", b"\xff\xfe", b"[]", b"{}", b'{"signed": 1, "signatures": []}']


@pytest.mark.parametrize("name", ["timestamp", "1.snapshot", "1.targets", "1.release", "1.ring-canary", "1.root"])
def test_damaged_metadata_is_named_by_every_command_and_not_written_over(published, name):
    path = published.store / "metadata" / f"{name}.json"
    whole = path.read_bytes()
    published.build(**CHANGE)
    for content in (*TORN, whole[:-40], whole.replace(b'"version":1', b'"version":7')):
        path.write_bytes(content)
        error = ("keys", 4) if name == "1.root" else ("store", 1)
        for verb in ("publish", "resign"):
            _fails_and_changes_nothing(published, [verb], error[1], error[0])
        if content != whole:
            for verb in ("status", "history"):
                _fails_and_changes_nothing(published, [verb], 1, "store", path.name)
    path.write_bytes(whole)
    assert published.cli("publish")[0] == 0


def test_missing_metadata_is_named(published):
    (published.store / "metadata" / "1.release.json").unlink()
    _fails_and_changes_nothing(published, ["status"], 1, "store", "1.release.json is missing")
    _fails_and_changes_nothing(published, ["publish"], 1, "store", "1.release.json is missing")


def test_metadata_file_that_is_a_folder_is_one_sentence(published):
    path = published.store / "metadata" / "timestamp.json"
    path.unlink()
    path.mkdir()
    _fails_and_changes_nothing(published, ["publish"], 1, "store", "timestamp.json cannot be read")


def test_store_that_went_back_in_time_is_not_hidden(published, tmp_path):
    """An old timestamp is validly signed; the next publish goes on from it, above every version that has a file."""
    old = (published.store / "metadata" / "timestamp.json").read_bytes()
    published.build(**CHANGE)
    published.publish()
    (published.store / "metadata" / "timestamp.json").write_bytes(old)
    published.publish()
    assert published.seen(tmp_path / "cache").seq == 2
    assert "metadata/3.release.json" in published.files()
