"""Repair and rollback ask no network, nobody's file is thrown away unseen, and no change escapes the short answer."""

from __future__ import annotations

import os
import shutil
import socket

import pytest

from skillway_sync import noop
from skillway_sync.engine import RunOptions, run
from skillway_sync.errors import OfflineError
from skillway_sync.noop import answer_without_change, read_plain_run, signature
from skillway_sync.rollback import roll_back
from skillway_sync.verify import verify


@pytest.fixture
def installed(site):
    run(site.laptop())
    return site


def offline_run(site):
    def unreachable(config):
        raise OfflineError("There is no network in this test.", fix="None is needed.")

    return run(site.laptop(), make_fetcher=unreachable)


def skill(site):
    return site.folder("tools") / "skills" / "tools-skill" / "SKILL.md"


def quarantined(site) -> list[bytes]:
    return [path.read_bytes() for path in sorted((site.layout.state / "quarantine").rglob("*")) if path.is_file()]


def edit(path) -> None:
    path.write_text("edited here\n")


def edit_and_restore_times(path) -> None:
    seen = path.stat()
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(bytes(data))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def replace_by_link(path) -> None:
    elsewhere = path.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def replace_by_folder(path) -> None:
    path.unlink()
    path.mkdir()
    edit(path / "inside")


CHANGES = {
    "changed": edit,
    "changed with its times restored": edit_and_restore_times,
    "emptied": lambda path: path.write_bytes(b""),
    "deleted": lambda path: path.unlink(),
    "added": lambda path: edit(path.parent / "added.md"),
    "made executable": lambda path: path.chmod(0o755),
    "made writable for all": lambda path: path.chmod(0o666),
    "folder made writable for all": lambda path: path.parent.chmod(0o777),
    "folder deleted": lambda path: shutil.rmtree(path.parent),
    "replaced by a link": replace_by_link,
    "replaced by a folder": replace_by_folder,
    "hard link to another place": lambda path: os.link(path, path.parent / "twin"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_store_is_repaired_offline(installed, change):
    before = installed.installed()
    CHANGES[change](skill(installed))
    assert installed.installed() != before

    outcome = offline_run(installed)

    assert installed.installed() == before
    assert outcome.data["drift"]
    assert verify(installed.laptop()).exit_code == 0
    assert offline_run(installed).data["drift"] == []


def test_executable_bit_that_was_lost_comes_back(installed):
    script = skill(installed).parent / "scripts" / "tool.sh"
    script.chmod(0o644)

    offline_run(installed)

    assert script.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("place", ["mine.md", "tools/mine.md", "mine/mine.md", "tools/mine/mine.md"])
def test_file_beside_the_plugin_folders_is_kept_in_quarantine(installed, place):
    before = installed.installed()
    path = installed.layout.store / place
    path.parent.mkdir(exist_ok=True)
    edit(path)

    run(installed.laptop())

    assert installed.installed() == before
    assert b"edited here\n" in quarantined(installed)


POINTERS = ("catalogue_file", "guard_pointer", "policy_file", "launcher", "interpreter_file")
POINTER_CHANGES = {
    "edited": edit,
    "emptied": lambda path: path.write_bytes(b""),
    "removed": lambda path: path.unlink(),
    "made unreadable for users": lambda path: path.chmod(0o600),
    "replaced by a link": replace_by_link,
    "replaced by a folder": replace_by_folder,
    "its folder removed": lambda path: shutil.rmtree(path.parent),
}


@pytest.mark.parametrize("pointer", POINTERS)
@pytest.mark.parametrize("change", POINTER_CHANGES)
def test_changed_pointer_is_repaired_offline(installed, pointer, change):
    before = installed.installed()
    path = getattr(installed.layout, pointer)
    POINTER_CHANGES[change](path)

    outcome = offline_run(installed)

    assert outcome.data["drift"]
    (path.parent / "elsewhere").unlink(missing_ok=True)  # the link's target was never ours
    assert installed.installed() == before


def test_policy_of_somebody_else_is_not_touched(installed):
    other = installed.layout.policy_dir / "10-other.json"
    other.write_text('{"env": {}}')

    run(installed.laptop())

    assert other.read_text() == '{"env": {}}'


@pytest.mark.parametrize("gone", ["digest", "plugin", "store"])
def test_removed_store_folder_is_made_again_from_the_local_archives(installed, gone):
    before = installed.installed()
    folder = installed.folder("support")
    shutil.rmtree({"digest": folder, "plugin": folder.parent, "store": installed.layout.store}[gone])

    offline_run(installed)

    assert installed.installed() == before


# --- rollback -------------------------------------------------------------------------------------------------------


@pytest.fixture
def updated(installed, second_release):
    second_release(installed.publisher)
    run(installed.laptop())
    return installed


def test_rollback_needs_neither_store_nor_network(updated, monkeypatch):
    tried = []

    def refuse(*arguments, **_):
        tried.append(arguments)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    updated.configure(store="https://store.invalid")
    shutil.rmtree(updated.publisher.folder)

    roll_back(updated.laptop())

    assert tried == []
    assert updated.catalogue() == updated.digests(1)


def test_next_run_does_not_apply_again_what_was_rolled_back(updated):
    roll_back(updated.laptop())
    before = updated.installed()

    for _ in range(3):
        outcome = run(updated.laptop())
        assert (outcome.exit_code, outcome.state, outcome.changed) == (0, "held", False)

    assert updated.installed() == before


# --- the short answer -----------------------------------------------------------------------------------------------


@pytest.fixture
def calm(site, tmp_path, monkeypatch):
    """A laptop whose next run would be answered by `noop`; gives it with that run's arguments."""
    monkeypatch.chdir(tmp_path)  # the answer changes the working folder
    monkeypatch.setattr(noop, "program_stamp", lambda: ["program", 1])
    words = ["run", "--root", str(site.prefix), "--home", str(site.prefix / "home")]
    run(site.laptop(), RunOptions(signature=signature(read_plain_run(words), noop.program_stamp())))
    assert answer_without_change(words) is not None
    return site, words


def new_root(site) -> None:
    site.publisher.root_version = 2
    site.publisher.write_root()


ESCAPES = {
    "configuration edited": lambda site: site.configure(teams=[]),
    "configuration touched": lambda site: os.utime(site.layout.config_file),
    "configuration removed": lambda site: site.layout.config_file.unlink(),
    "root.json replaced": lambda site: (site.layout.config_file.parent / "root.json").write_bytes(b"{}"),
    "new timestamp": lambda site: site.publisher.sign(),
    "newer root in the store": new_root,
    "store away": lambda site: site.publisher.folder.rename(site.publisher.folder.with_name("away")),
    "file touched": lambda site: os.utime(skill(site)),
    "file edited with its times restored": lambda site: edit_and_restore_times(skill(site)),
    "file made executable": lambda site: skill(site).chmod(0o755),
    "file added": lambda site: edit(skill(site).parent / "added"),
    "plugin folder removed": lambda site: shutil.rmtree(site.folder("support")),
    "stray folder beside a plugin's folders": lambda site: (site.layout.store / "tools" / "stray").mkdir(),
    "stray folder in the store": lambda site: (site.layout.store / "stray").mkdir(),
    "catalogue edited": lambda site: edit(site.layout.catalogue_file),
    "guard pointer removed": lambda site: site.layout.guard_pointer.unlink(),
    "launcher made unreadable": lambda site: site.layout.launcher.chmod(0o600),
    "interpreter edited": lambda site: edit(site.layout.interpreter_file),
    "policy removed": lambda site: site.layout.policy_file.unlink(),
    "record removed": lambda site: (site.layout.state / "applied.json").unlink(),
    "index removed": lambda site: (site.layout.state / "index").unlink(),
}


@pytest.mark.parametrize("change", ESCAPES)
def test_no_change_escapes_the_short_answer(calm, change):
    site, words = calm
    ESCAPES[change](site)

    assert answer_without_change(words) is None
