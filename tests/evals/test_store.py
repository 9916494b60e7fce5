"""The verdict store: nothing acknowledged is lost, nothing is invented, and what was edited does not gate."""

import asyncio
import json
import resource
import signal
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from skillway.errors import SigningKeyError
from skillway_evals.store import Journal, Signer, TrustedKeys, Verdict, VerdictStore, content_key
from skillway_evals.store.journal import StoreError
from skillway_evals.store.signing import KEY_VARIABLE

NOBODY = TrustedKeys({})


def make_key_pair():
    """Make a private and a public key, both as PEM."""
    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def key(name):
    return content_key({"name": name})


def write(folder, *verdicts, signer=None, begun=()):
    """Write one shard: (name, valid) each, with the attempts that never ended in `begun`."""

    async def run():
        async with Journal(folder, signer=signer) as journal:
            for name in begun:
                journal.begin(key(name))
            for name, valid in verdicts:
                journal.begin(key(name))
                await journal.append(Verdict(key(name), "run", {"valid": valid, "text": name}, ""))
        return journal.file

    return asyncio.run(run())


@pytest.fixture
def pair(tmp_path):
    """A signer, and the folder with its public key."""
    private, public = make_key_pair()
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "workflow.pem").write_text(public)
    return Signer.from_environment({KEY_VARIABLE: private}), TrustedKeys.load(keys)


def test_written_verdicts_are_found_again(tmp_path):
    write(tmp_path, ("a", True), ("b", True))
    store = VerdictStore.read(tmp_path, NOBODY)
    assert store.find(key("a")).body["text"] == "a"
    assert store.find(key("c")) is None
    assert (len(store), store.problems) == (2, [])


def test_first_valid_verdict_counts_whatever_came_later(tmp_path):
    write(tmp_path, ("a", False), ("a", True)).rename(tmp_path / "0-first.jsonl")
    later = write(tmp_path, ("a", True))
    later.write_text(later.read_text().replace('"text":"a"', '"text":"later"'))
    store = VerdictStore.read(tmp_path, NOBODY)
    found = store.find(key("a"))
    assert found.valid
    assert found.body["text"] == "a"
    assert store.attempts(key("a")) == 3


def test_attempts_that_never_ended_are_counted(tmp_path):
    write(tmp_path, ("a", True), begun=["a", "a", "b"])
    store = VerdictStore.read(tmp_path, NOBODY)
    assert (store.attempts(key("a")), store.attempts(key("b"))) == (3, 1)
    assert key("b") not in store


def test_torn_tail_is_tolerated(tmp_path):
    file = write(tmp_path, ("a", True), ("b", True))
    file.write_bytes(file.read_bytes()[:-20])
    store = VerdictStore.read(tmp_path, NOBODY)
    assert key("a") in store
    assert key("b") not in store
    assert store.problems == []
    assert store.attempts(key("b")) == 1


@pytest.mark.parametrize("harm", ["change", "remove", "insert", "garbage", "swap"])
def test_edited_file_is_told_and_does_not_gate(tmp_path, pair, harm):
    signer, trusted = pair
    folder = tmp_path / "store"
    file = write(folder, ("a", False), ("a", True), ("b", True), signer=signer)
    assert VerdictStore.read(folder, trusted).find(key("b")).signed
    lines = file.read_text().splitlines()
    if harm == "change":
        lines[2] = lines[2].replace('"valid":false', '"valid":true')
    elif harm == "remove":
        del lines[1:3]
    elif harm == "insert":
        lines.insert(3, lines[2])
    elif harm == "garbage":
        lines[2] = "not a line"
    else:
        lines[2], lines[4] = lines[4], lines[2]
    file.write_text("\n".join(lines) + "\n")
    store = VerdictStore.read(folder, trusted)
    assert len(store.problems) == 1
    assert file.name in store.problems[0]
    assert "advisory" in store.problems[0]
    assert not store.find(key("b")).signed
    assert store.find(key("b"), signed_only=True) is None


def test_signature_of_an_untrusted_key_does_not_gate(tmp_path, pair):
    stranger = Signer.from_environment({KEY_VARIABLE: make_key_pair()[0]})
    write(tmp_path / "store", ("a", True), signer=stranger)
    assert not VerdictStore.read(tmp_path / "store", pair[1]).find(key("a")).signed


def test_signature_does_not_fit_another_body(tmp_path, pair):
    """The last line: no line behind it can betray the change, so the signature has to."""
    signer, trusted = pair
    file = write(tmp_path / "store", ("a", True), signer=signer)
    file.write_text(file.read_text().replace('"text":"a"', '"text":"b"'))
    store = VerdictStore.read(tmp_path / "store", trusted)
    assert not store.find(key("a")).signed


def test_signed_verdict_wins_over_an_earlier_unsigned_one(tmp_path, pair):
    signer, trusted = pair
    folder = tmp_path / "store"
    write(folder, ("a", True)).rename(folder / "00000000T000000Z-unsigned.jsonl")
    write(folder, ("a", True), signer=signer)
    store = VerdictStore.read(folder, trusted)
    assert store.find(key("a")).signed


def test_wrong_signing_key_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(SigningKeyError, match=KEY_VARIABLE):
        Signer.from_environment({KEY_VARIABLE: "nonsense"})
    (tmp_path / "bad.pem").write_text("nonsense")
    with pytest.raises(SigningKeyError, match=r"bad\.pem"):
        TrustedKeys.load(tmp_path)


def test_full_disk_is_an_error_and_leaves_a_readable_file(tmp_path):
    async def run():
        async with Journal(tmp_path) as journal:
            await journal.append(Verdict(key("a"), "run", {"valid": True}, ""))
            size = journal.file.stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, hard))
            with pytest.raises(StoreError, match="cannot be written"):
                await journal.append(Verdict(key("b"), "run", {"valid": True, "text": "x" * 500}, ""))

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        asyncio.run(run())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    store = VerdictStore.read(tmp_path, NOBODY)
    assert key("a") in store
    assert key("b") not in store
    assert store.problems == []


WRITER = """
import asyncio, sys
from pathlib import Path
from skillway_evals.store import Journal, Verdict
async def main():
    async with Journal(Path(sys.argv[1])) as journal:
        for number in range(100000):
            key = f"{number:064}"
            journal.begin(key)
            await journal.append(Verdict(key, "run", {"valid": True, "text": "x" * 2000}, ""))
            print(key, flush=True)
asyncio.run(main())
"""


def test_kill_loses_no_acknowledged_verdict(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    seen = [process.stdout.readline().strip() for _ in range(40)]
    process.send_signal(signal.SIGKILL)
    seen += [line.strip() for line in process.stdout if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    store = VerdictStore.read(tmp_path, NOBODY)
    assert all(one in store for one in seen)
    assert len(store) - len(seen) <= 1
    assert store.problems == []


def test_line_ends_of_another_system_are_no_edit(tmp_path, pair):
    signer, trusted = pair
    file = write(tmp_path / "store", ("a", True), ("b", True), signer=signer)
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    store = VerdictStore.read(tmp_path / "store", trusted)
    assert store.problems == []
    assert store.find(key("b")).signed


def test_unreadable_file_is_told(tmp_path):
    write(tmp_path, ("a", True))
    (tmp_path / "b.jsonl").mkdir()
    store = VerdictStore.read(tmp_path, NOBODY)
    assert key("a") in store
    assert "cannot be read" in store.problems[0]


def test_batches_without_replies_are_named(tmp_path):
    async def run():
        async with Journal(tmp_path) as journal:
            journal.note_batch("batch-1", [key("a"), key("b")])
            journal.note_batch("batch-2", [key("c")])
            await journal.append(Verdict(key("a"), "judge", {"valid": True}, ""))
            await journal.append(Verdict(key("c"), "judge", {"valid": True}, ""))

    asyncio.run(run())
    assert VerdictStore.read(tmp_path, NOBODY).open_batches() == ["batch-1"]


def test_key_does_not_depend_on_order_and_depends_on_every_value():
    assert content_key({"a": 1, "b": 2}) == content_key({"b": 2, "a": 1})
    assert content_key({"a": 1, "b": 2}) != content_key({"a": 1, "b": 3})
    assert content_key({"text": "\ud800"}) != content_key({"text": "?"})


def test_lines_are_plain_json(tmp_path):
    file = write(tmp_path, ("ä\u2028", True))
    records = [json.loads(line) for line in file.read_text().split("\n") if line]
    assert [record["type"] for record in records] == ["shard", "begin", "verdict"]
