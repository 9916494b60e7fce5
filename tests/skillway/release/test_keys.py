"""The keys folder: made once, whole, closed to others, and never overwritten."""

import json
import os
import stat

import pytest
from tuf.api.metadata import Metadata, Root

from skillway.release import key_making

NAMES = ["root-1", "root-2", "root-3", "targets", "release", "ring-canary", "ring-broad", "snapshot", "timestamp"]


def _files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_keys_makes_every_key_and_a_root_that_two_of_three_sign(desk):
    code, envelope = desk.cli("keys")
    assert code == 0
    assert envelope["data"]["created"] == NAMES
    root = Metadata[Root].from_bytes((desk.keys / "root.json").read_bytes())
    assert (root.signed.version, root.signed.consistent_snapshot) == (1, True)
    assert root.signed.roles["root"].threshold == 2
    assert len(root.signed.roles["root"].keyids) == 3
    assert len(root.signatures) == 3
    root.signed.verify_delegate("root", root.signed_bytes, root.signatures)


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_folder_and_private_keys_are_closed_to_others_whatever_the_umask(desk):
    former = os.umask(0)
    try:
        desk.cli("keys")
    finally:
        os.umask(former)
    assert stat.S_IMODE(desk.keys.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in desk.keys.glob("*.pem")} == {0o600}


def test_git_ignores_a_keys_folder_wherever_it_lies(desk):
    desk.cli("keys", "--keys", str(desk.folder / "elsewhere"))
    assert (desk.folder / "elsewhere" / ".gitignore").read_text().endswith("*\n")


def test_second_run_keeps_every_byte_and_says_so(desk):
    desk.cli("keys")
    before = _files(desk.keys)
    code, envelope = desk.cli("keys")
    assert code == 0
    assert envelope["data"]["created"] == []
    assert envelope["data"]["kept"] == NAMES
    assert _files(desk.keys) == before
    assert "Kept 9 keys as they were" in desk.told("keys")[1]


def test_dry_run_makes_no_folder(desk):
    assert desk.cli("keys", "--dry-run")[1]["data"]["created"] == NAMES
    assert not desk.keys.exists()


def test_key_that_was_taken_away_is_reported_and_not_made_again(desk):
    desk.cli("keys")
    (desk.keys / "root-1.pem").unlink()
    (desk.keys / "release.pem").unlink()
    code, envelope = desk.cli("keys")
    assert (code, envelope["data"]["created"], envelope["data"]["elsewhere"]) == (0, [], ["root-1", "release"])
    assert not (desk.keys / "release.pem").exists()


def test_new_ring_gets_a_key_and_the_others_stay(desk):
    desk.cli("keys")
    before = _files(desk.keys)
    desk.configure(rings=("canary", "early", "broad"))
    assert desk.cli("keys")[1]["data"]["created"] == ["ring-early"]
    after = _files(desk.keys)
    assert set(after) - set(before) == {"ring-early.pem"}
    assert {name for name in before if after[name] != before[name]} == {"keys.json"}


def test_ring_key_of_a_run_that_was_killed_before_listing_it_is_taken_up(desk):
    desk.cli("keys")
    listed = (desk.keys / "keys.json").read_bytes()
    desk.configure(rings=("canary", "early", "broad"))
    desk.cli("keys")
    made = (desk.keys / "ring-early.pem").read_bytes()
    (desk.keys / "keys.json").write_bytes(listed)  # as if killed between the two writes
    assert desk.cli("keys")[0] == 0
    assert (desk.keys / "ring-early.pem").read_bytes() == made
    assert "ring-early" in json.loads((desk.keys / "keys.json").read_bytes())["keys"]


@pytest.mark.parametrize("lost", ["root.json", "keys.json"])
def test_half_written_folder_is_refused_and_left_alone(desk, lost):
    desk.cli("keys")
    (desk.keys / lost).unlink()
    before = _files(desk.keys)
    for verb in ("keys", "publish"):
        code, envelope = desk.cli(verb)
        assert (code, envelope["error"]["code"]) == (4, "keys")
        assert f"{lost} is missing" in envelope["error"]["message"]
        assert "move the folder away" in envelope["error"]["fix"]
    assert _files(desk.keys) == before


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nMC4C", b"\xff\x00"])
def test_torn_private_key_is_named(desk, content):
    desk.cli("keys")
    (desk.keys / "snapshot.pem").write_bytes(content)
    code, envelope = desk.cli("keys")
    assert code == 4
    assert "snapshot.pem cannot be used" in envelope["error"]["message"]


def test_swapped_private_key_is_named(desk):
    desk.cli("keys")
    (desk.keys / "snapshot.pem").write_bytes((desk.keys / "timestamp.pem").read_bytes())
    code, envelope = desk.cli("keys")
    assert code == 4
    assert "is not the snapshot key" in envelope["error"]["message"]


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"schema": 2}', b'{"schema": 1, "keys": {"targets": 3}}', b"\xff"])
def test_damaged_public_list_is_one_sentence(desk, content):
    desk.cli("keys")
    (desk.keys / "keys.json").write_bytes(content)
    code, envelope = desk.cli("keys")
    assert (code, envelope["error"]["code"]) == (4, "keys")
    assert "keys.json cannot be used" in envelope["error"]["message"]


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b"\xff"])
def test_damaged_root_is_one_sentence(desk, content):
    desk.cli("keys")
    (desk.keys / "root.json").write_bytes(content)
    code, envelope = desk.cli("publish")
    assert (code, envelope["error"]["code"]) == (4, "keys")
    assert "root.json cannot be used" in envelope["error"]["message"]


def test_folder_with_other_files_is_not_taken(desk):
    other = desk.folder / "documents"
    other.mkdir()
    (other / "letter.txt").write_text("dear")
    code, envelope = desk.cli("keys", "--keys", str(other))
    assert (code, envelope["error"]["code"]) == (8, "conflict")
    assert [path.name for path in other.iterdir()] == ["letter.txt"]


def test_keys_folder_that_is_a_file_or_lies_in_one_is_one_sentence(desk):
    (desk.folder / "file").write_text("x")
    assert desk.cli("keys", "--keys", "file")[0] == 8
    code, envelope = desk.cli("keys", "--keys", "file/keys")
    assert (code, envelope["error"]["code"]) == (1, "store")
    assert (desk.folder / "file").read_text() == "x"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked child")
@pytest.mark.parametrize("number", [1, 5, 9, 10, 11])
def test_run_killed_while_making_keys_leaves_no_folder(desk, number):
    child = os.fork()
    if child == 0:
        written = []
        real = key_making._write_new

        def die_at(path, data, *, mode):
            written.append(path)
            if len(written) == number:
                os._exit(77)
            real(path, data, mode=mode)

        key_making._write_new = die_at
        desk.make_keys()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 77
    assert not desk.keys.exists()
    assert desk.cli("keys")[1]["data"]["created"] == NAMES


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_keys_that_others_can_read_are_warned_of(published):
    (published.keys / "release.pem").chmod(0o644)
    for verb in ("keys", "publish"):
        code, envelope = published.cli(verb)
        assert code == 0
        assert len(envelope["warnings"]) == 1
        assert "release.pem" in envelope["warnings"][0]
        assert "chmod -R go=" in envelope["warnings"][0]


def test_renewing_the_root_with_one_root_key_is_refused(published):
    for name in ("root-1", "root-3"):
        (published.keys / f"{name}.pem").unlink()
    before = _files(published.keys)
    code, envelope = published.cli("keys", "--renew-root")
    assert code == 4
    assert "needs 2 of the 3 root keys" in envelope["error"]["message"]
    assert _files(published.keys) == before
