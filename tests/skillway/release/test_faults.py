"""A publish that is killed, or that the disk stops, at any of its steps: what a reader sees and what the next does."""

import errno
import os
import re
import shutil
import subprocess

import pytest
from tuf.api.exceptions import DownloadError

from skillway.release.errors import StoreError
from skillway.release.store import Store

KILLED = 77


class StopAt:
    """Counts the steps of a publish and does something at the n-th."""

    def __init__(self, number, action):
        self.number, self.action, self.count = number, action, 0

    def __call__(self, _what, path):
        self.count += 1
        if self.count == self.number:
            self.action(path)


def _killed(desk, number):
    """Publish in a child process that dies before step `number`; tells whether it died."""
    child = os.fork()
    if child == 0:
        try:
            desk.publish(before=StopAt(number, lambda _path: os._exit(KILLED)))
        except BaseException:  # noqa: BLE001 - the child must never return into the test run
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, KILLED)
    return code == KILLED


def _fresh_copy(desk, saved):
    shutil.rmtree(desk.store, ignore_errors=True)
    if saved.exists():
        shutil.copytree(saved, desk.store)


def _assert_sound(desk):
    assert desk.cli("status")[0] == 0
    known = re.compile(r"metadata/(timestamp|\d+\.[a-z-]+)\.json|targets/.*[0-9a-f]{64}\.[0-9a-z-]+\.(json|tgz)")
    assert not [name for name in desk.files() if not known.fullmatch(name)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked child")
def test_publish_killed_at_any_step_leaves_the_old_release_and_the_next_completes_it(published, tmp_path):
    saved = tmp_path / "saved"
    shutil.copytree(published.store, saved)
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    seen, number = [], 1
    while _killed(published, number):
        seen.append(published.seen(tmp_path / f"reader-{number}").seq)
        published.publish()
        assert published.seen(tmp_path / f"reader-{number}").seq == 2, f"not completed after step {number}"
        _assert_sound(published)
        _fresh_copy(published, saved)
        number += 1
    # Release 1 up to the timestamp's replacement, release 2 for what little comes after it.
    assert seen == sorted(seen)
    assert number > 50
    assert seen.count(2) <= 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked child")
def test_first_publish_killed_at_any_step_offers_nothing_and_the_next_completes_it(desk, tmp_path):
    desk.make_keys()
    desk.build()
    number = 1
    while _killed(desk, number):
        if not (desk.store / "metadata" / "timestamp.json").exists():
            with pytest.raises(DownloadError):
                desk.seen(tmp_path / f"reader-{number}")
        desk.publish()
        assert desk.seen(tmp_path / f"reader-{number}").seq == 1
        _assert_sound(desk)
        shutil.rmtree(desk.store)
        number += 3  # each file has five steps, so all kinds are met
    assert number > 60


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_disk_error_at_any_step_is_one_sentence_and_changes_nothing_for_readers(published, tmp_path, code):
    saved = tmp_path / "saved"
    shutil.copytree(published.store, saved)
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})

    def fail(_path):
        raise OSError(code, os.strerror(code))

    number, told = 0, None
    while True:
        number += 1
        stop = StopAt(number, fail)
        try:
            published.publish(before=stop)
        except StoreError as error:
            told = error.message
        if stop.count < number:
            break
        assert os.strerror(code) in told
        assert str(published.store) in told
        timestamp = (published.store / "metadata" / "timestamp.json").read_bytes()
        committed = timestamp != (saved / "metadata" / "timestamp.json").read_bytes()
        assert published.seen(tmp_path / f"{code}-{number}").seq == (2 if committed else 1)
        assert not list((published.store / ".skillway-staging").glob("*"))
        _fresh_copy(published, saved)
    assert number > 50


def test_killed_run_that_left_signed_metadata_is_passed_over_and_not_overwritten(published, tmp_path):
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    stopped = []

    def stop_at_timestamp(what, path):
        if what == "make folders" and path.name == "timestamp.json":
            stopped.append(path)
            raise OSError(errno.EIO, "stopped")

    with pytest.raises(StoreError):
        published.publish(before=stop_at_timestamp)
    assert stopped
    left = published.files()
    assert "metadata/2.release.json" in left
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit 2\n"})
    published.publish()
    after = published.files()
    assert {name: after[name] for name in left if name != "metadata/timestamp.json"} == {
        name: data for name, data in left.items() if name != "metadata/timestamp.json"
    }
    assert "metadata/3.release.json" in after
    assert published.seen(tmp_path / "cache").seq == 2


def test_damage_on_the_way_to_disk_is_found_before_it_is_visible(published, tmp_path):
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    written = []

    def damage_the_archive(what, path):
        if what == "sync folder" or path.name == "timestamp.json":
            return
        written.append(path)
        if path.name.endswith("release.json") and what == "create":
            archive = next(p for p in written if p.name.endswith(".tgz"))
            archive.write_bytes(b"\0" + archive.read_bytes()[1:])

    with pytest.raises(StoreError, match="cannot be read back"):
        published.publish(before=damage_the_archive)
    assert published.seen(tmp_path / "cache").seq == 1
    published.publish()
    assert published.seen(tmp_path / "cache").seq == 2


def test_second_publisher_is_told_to_come_back(published, command):
    published.build(developer_tools={"bin/skillway-pr": "#!/bin/sh\nexit\n"})
    before = published.files()
    with Store(published.store).locked():
        for verb in ("publish", "resign"):
            ended = command(verb, cwd=published.folder)
            assert ended.returncode == 9
            assert "Another publisher is at work" in ended.stderr
    assert published.files() == before
    assert command("publish", cwd=published.folder).returncode == 0


@pytest.mark.root
def test_really_full_disk_is_said_and_the_next_publish_after_making_room_works(published, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=False).returncode
    ):
        pytest.skip("not run: a small disk cannot be mounted here")
    try:
        shutil.copytree(published.store, disk / "store")
        published.build(developer_tools={"big.txt": "".join(f"{number * 7919 % 999983}" for number in range(200_000))})
        before = sorted(path.name for path in disk.rglob("*.*"))
        free = shutil.disk_usage(disk).free
        (disk / "ballast").write_bytes(bytes(free - 4096))
        code, envelope = published.cli("publish", "--store", str(disk / "store"))
        assert (code, envelope["error"]["code"]) == (1, "store")
        assert "MiB" in envelope["error"]["message"]
        assert sorted(path.name for path in disk.rglob("*.*")) == before
        (disk / "ballast").unlink()
        assert published.cli("publish", "--store", str(disk / "store"))[0] == 0
        assert published.cli("status", "--store", str(disk / "store"))[0] == 0
    finally:
        subprocess.run(["umount", disk], check=True)
