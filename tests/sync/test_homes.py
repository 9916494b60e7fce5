"""Homes are found where people are, and written to with nobody's rights but their owner's."""

import errno
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from skillway_sync import homes
from skillway_sync.errors import ConfigError, DiskError, SyncError
from skillway_sync.homes import Home, as_owner, find_homes, linked_folder
from skillway_sync.layout import system_layout, user_layout

UID = 12345
needs_root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="not run: changing uid needs root")


@pytest.fixture
def other_home(tmp_path):
    """A home that belongs to another uid, reachable by it."""
    home = tmp_path / "home-of-other"
    home.mkdir()
    os.chown(home, UID, UID)
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/") and stat.S_IMODE(folder.stat().st_mode) & 0o001 == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    return Home(home, UID, UID)


def test_named_homes_are_taken_as_they_are(tmp_path):
    one = tmp_path / "one"
    one.mkdir()
    assert [home.path for home in find_homes(system_layout(prefix=tmp_path, homes=(one,)))] == [one]


def test_named_home_that_is_missing_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="nowhere"):
        find_homes(system_layout(prefix=tmp_path, homes=(tmp_path / "nowhere",)))


def test_user_scope_has_the_one_home(home):
    assert [found.path for found in find_homes(user_layout(home=home))] == [home]


def test_laptop_root_lists_home_and_users_without_links_files_and_shared_folders(tmp_path):
    for folder in ("home/ann", "Users/bob", "Users/Shared", "home/.cache"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "home" / "note.txt").write_text("no home")
    (tmp_path / "home" / "linked").symlink_to("/")
    found = [home.path.relative_to(tmp_path).as_posix() for home in find_homes(system_layout(prefix=tmp_path))]
    assert found == ["Users/bob", "home/ann"]


def test_running_machine_lists_no_system_accounts():
    for home in find_homes(system_layout()):
        assert home.uid >= homes.FIRST_PERSON
        assert home.path.is_dir()


def test_link_in_the_place_of_a_folder_is_named(tmp_path):
    home = Home(tmp_path, os.getuid(), os.getgid())
    assert linked_folder(home) is None
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "plugins").symlink_to("/etc")
    assert linked_folder(home) == tmp_path / ".claude" / "plugins"


def test_own_home_needs_no_child(tmp_path):
    assert as_owner(Home(tmp_path, os.geteuid(), os.getegid()), os.getpid) == os.getpid()


@needs_root
def test_action_has_the_owners_uid_gid_and_no_group_more(other_home):
    groups = os.getgroups()
    os.setgroups([0, 4])
    try:
        seen = _identity_in(other_home)
    finally:
        os.setgroups(groups)
    assert seen == [UID, UID, UID, []]
    assert os.geteuid() == 0


def _identity_in(home):
    return as_owner(home, lambda: [os.getuid(), os.geteuid(), os.getgid(), os.getgroups()])


@needs_root
def test_child_cannot_become_root_again(other_home):
    def action():
        try:
            os.setuid(0)
        except PermissionError:
            return "refused"
        return "root again"

    assert as_owner(other_home, action) == "refused"


@needs_root
def test_planted_link_does_not_make_root_write_elsewhere(other_home, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("root's own")
    precious.chmod(0o600)
    link = other_home.path / "settings.json"
    link.symlink_to(precious)
    with pytest.raises(PermissionError):
        as_owner(other_home, lambda: link.write_text("from the user"))
    assert precious.read_text() == "root's own"


@needs_root
def test_file_written_in_a_home_belongs_to_its_owner(other_home):
    as_owner(other_home, lambda: (other_home.path / "file").write_text("x"))
    assert (other_home.path / "file").stat().st_uid == UID


@needs_root
def test_errors_come_back_as_they_were(other_home):
    def full():
        raise DiskError("The disk is full.", fix="Free some space.")

    with pytest.raises(DiskError) as seen:
        as_owner(other_home, full)
    assert (seen.value.message, seen.value.fix, seen.value.exit_code) == ("The disk is full.", "Free some space.", 40)

    def failing():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/there")

    with pytest.raises(OSError, match="No space") as error:
        as_owner(other_home, failing)
    assert (error.value.errno, error.value.filename) == (errno.ENOSPC, "/there")


@needs_root
def test_fault_of_the_program_names_its_place_in_the_child(other_home):
    with pytest.raises(SyncError, match=r"ZeroDivisionError: .* at test_homes\.py:\d+"):
        as_owner(other_home, lambda: 1 // 0)


@needs_root
def test_child_that_dies_is_an_error_and_not_a_success(other_home):
    with pytest.raises(SyncError, match="without an answer"):
        as_owner(other_home, lambda: os._exit(0))


@needs_root
def test_home_that_hangs_is_given_up(other_home, monkeypatch):
    monkeypatch.setattr(homes, "CHILD_SECONDS", 0.3)
    with pytest.raises(SyncError, match="did not answer"):
        as_owner(other_home, lambda: time.sleep(600))


@needs_root
def test_large_answer_comes_back_whole(other_home):
    assert len(as_owner(other_home, lambda: "x" * 1_000_000)) == 1_000_000
