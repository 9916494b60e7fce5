"""Users' files get our parts, keep everything else, and survive whatever is wrong with them."""

import contextlib
import json
import os
import stat
import subprocess
import sys
import threading

import pytest

from skillway_sync.disk import Disk
from skillway_sync.errors import ConfigError
from skillway_sync.layout import system_layout, user_layout
from skillway_sync.personal import apply_personal, check_personal, remove_personal
from skillway_sync.record import load_record, note_created, record_file
from skillway_sync.release_document import Release, ReleasedPlugin
from skillway_sync.user_file import MAX_BYTES

UID = 12345
needs_root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="not run: changing uid needs root")
PLUGIN = ReleasedPlugin(digest="a" * 64, version="1.0.0", layer="base", team=None, description="")
PLUGINS = {"base-plugin": PLUGIN}
RELEASE = Release(seq=1, organisation="Example", catalogue="example", created="2026-11-20T10:00:00Z", plugins=PLUGINS)
GUARD = {"matcher": "Bash", "hooks": [{"type": "command", "command": "${SKILLWAY_ROOT}/bin/run"}]}
FRAGMENTS = [{"hooks": {"PreToolUse": [GUARD]}, "permissions": {"deny": ["Bash(mkfs:*)"]}, "env": {"EXAMPLE": "1"}}]


class CountingDisk(Disk):
    """Counts; a second run that counts nothing has written nothing."""


class FailingDisk(Disk):
    """Fails at one operation, as a full disk does."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def step(self, name, path):
        super().step(name, path)
        if self.operations == self.at:
            raise OSError(28, "No space left on device", str(path))


@pytest.fixture
def user(home):
    return user_layout(home=home)


@pytest.fixture
def system(tmp_path):
    ann = tmp_path / "laptop" / "home" / "ann"
    ann.mkdir(parents=True)
    return system_layout(prefix=tmp_path / "laptop")


def apply(layout, disk=None, fragments=FRAGMENTS):
    return apply_personal(layout, disk or Disk(), RELEASE, PLUGINS, fragments)


def settings_file(home):
    return home / ".claude" / "settings.json"


def known_file(home):
    return home / ".claude" / "plugins" / "known_marketplaces.json"


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
    return path


def read(path):
    return json.loads(path.read_text())


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def ann(layout):
    return layout.prefix / "home" / "ann"


# --- user scope ---------------------------------------------------------------------------------------------------


def test_fresh_home_gets_settings_and_entry_for_the_user_alone(user, home):
    assert apply(user) == []
    root = str(user.root)
    assert read(settings_file(home)) == {
        "extraKnownMarketplaces": {"example": {"source": {"source": "directory", "path": root}}},
        "enabledPlugins": {"base-plugin@example": True},
        "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": f"{root}/bin/run"}]}]},
        "permissions": {"deny": ["Bash(mkfs:*)"]},
        "env": {"EXAMPLE": "1"},
    }
    assert read(known_file(home)) == {
        "example": {
            "source": {"source": "directory", "path": root},
            "installLocation": root,
            "lastUpdated": "2026-11-20T10:00:00.000Z",
        }
    }
    assert stat.S_IMODE(settings_file(home).stat().st_mode) == 0o600
    assert stat.S_IMODE((home / ".claude").stat().st_mode) == 0o700


def test_removal_leaves_a_fresh_home_empty(user, home):
    apply(user)
    assert remove_personal(user, Disk()) == []
    assert not (home / ".claude").exists()
    assert load_record(user).created == ()


def test_second_run_writes_nothing(user):
    apply(user)
    disk = CountingDisk()
    assert apply(user, disk) == []
    assert disk.operations == 0


def test_settings_of_a_user_come_back_byte_for_byte(user, home):
    text = '{\n\t"model": "opus",\n\t"permissions": {\n\t\t"allow": [\n\t\t\t"Bash(ls)"\n\t\t]\n\t},\n\t"x": 1.5\n}'
    path = put(settings_file(home), text)
    path.chmod(0o640)
    apply(user)
    assert '\n\t"model"' in path.read_text()
    assert list(read(path))[:3] == ["model", "permissions", "x"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    remove_personal(user, Disk())
    assert path.read_text() == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_the_user_adds_meanwhile_stays(user, home):
    apply(user)
    content = read(settings_file(home))
    content["enabledPlugins"]["mine@theirs"] = True
    content["theme"] = "dark"
    put(settings_file(home), content)
    put(
        known_file(home),
        {**read(known_file(home)), "theirs": {"source": {"source": "github"}, "installLocation": "/x"}},
    )
    remove_personal(user, Disk())
    assert read(settings_file(home)) == {"enabledPlugins": {"mine@theirs": True}, "theme": "dark"}
    assert list(read(known_file(home))) == ["theirs"]


def test_plugin_that_the_user_switched_off_stays_off(user, home):
    apply(user)
    content = read(settings_file(home))
    content["enabledPlugins"]["base-plugin@example"] = False
    put(settings_file(home), content)
    warnings = apply(user)
    assert read(settings_file(home))["enabledPlugins"] == {"base-plugin@example": False}
    assert any("base-plugin@example" in warning for warning in warnings)


def test_linked_settings_of_a_dotfiles_repository_stay_a_link(user, home, tmp_path):
    real = put(tmp_path / "dotfiles" / "settings.json", {"model": "opus"})
    (home / ".claude").mkdir()
    settings_file(home).symlink_to(real)
    apply(user)
    assert settings_file(home).is_symlink()
    assert read(real)["enabledPlugins"] == {"base-plugin@example": True}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ('{"a": 1,}', "not JSON"),
        ("[]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ("{}\0", "not JSON"),
        ("\0" * 100, "not JSON"),
        ('{"a": NaN}', "not JSON"),
        ('{"a": 1e999}', "not JSON"),
        ('{"a": 1, "a": 2}', "twice"),
        ("[" * 100_000, "not JSON"),
        ('{"hooks": []}', "hooks"),
        ("// note\n{}", "not JSON"),
    ],
)
def test_settings_that_cannot_be_merged_are_a_config_error_and_stay(user, home, text, says):
    path = put(settings_file(home), text)
    before = tree(home)
    for attempt in (lambda: check_personal(user, RELEASE, PLUGINS, FRAGMENTS), lambda: apply(user)):
        with pytest.raises(ConfigError, match=says) as seen:
            attempt()
        assert str(path) in seen.value.message
        assert seen.value.exit_code == 50
        assert tree(home) == before


def test_bytes_that_are_no_text_are_a_config_error(user, home):
    put(settings_file(home), "")
    settings_file(home).write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ConfigError, match="not JSON"):
        apply(user)
    assert settings_file(home).read_bytes() == b'{"a": "\xff"}'


def test_folder_pipe_and_giant_in_the_place_of_settings_are_config_errors(user, home):
    path = settings_file(home)
    path.mkdir(parents=True)
    with pytest.raises(ConfigError, match="not a regular file"):
        apply(user)
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="not a regular file"):
        apply(user)
    path.unlink()
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(ConfigError, match="bytes"):
        apply(user)
    assert path.stat().st_size == MAX_BYTES + 1


def test_empty_file_and_byte_order_mark_are_no_errors(user, home):
    put(settings_file(home), "")
    apply(user)
    settings_file(home).write_bytes(b'\xef\xbb\xbf{"model": "opus"}')
    apply(user)
    assert read(settings_file(home))["model"] == "opus"
    assert "enabledPlugins" in read(settings_file(home))


def test_text_that_utf8_cannot_hold_is_kept_as_json_says_it(user, home):
    put(settings_file(home), '{"half": "\\ud800", "whole": "ä"}')
    apply(user)
    assert read(settings_file(home))["half"] == "\ud800"
    assert read(settings_file(home))["whole"] == "ä"


def test_other_programs_write_between_reading_and_replacing_is_not_lost(user, home):
    """Claude Code saves a setting at the very moment of our merge."""
    path = put(settings_file(home), {"theme": "light"})

    class Meanwhile(Disk):
        done = False

        def step(self, name, where):
            super().step(name, where)
            if name == "write_file" and "settings.json" in str(where) and not self.done:
                self.done = True
                put(path, {"theme": "dark", "new": 1})

    apply(user, Meanwhile())
    assert (read(path)["theme"], read(path)["new"]) == ("dark", 1)
    assert "enabledPlugins" in read(path)
    assert [name.name for name in path.parent.iterdir() if "skillway" in name.name] == []


def test_two_writers_at_once_leave_whole_files(user, home):
    def work():
        # Runs exclude each other by a lock; without it one may be refused, but no file may be torn.
        with contextlib.suppress(ConfigError, OSError):
            for _ in range(5):
                apply(user)
                remove_personal(user, Disk())

    threads = [threading.Thread(target=work) for _ in range(2)]
    put(settings_file(home), {"theme": "light"})
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(settings_file(home))["theme"] == "light"


def test_lost_record_is_no_obstacle_to_removal(user, home):
    put(settings_file(home), {"model": "opus"})
    apply(user)
    record_file(user).write_text("\0 torn")
    remove_personal(user, Disk())
    left = read(settings_file(home))
    assert left["model"] == "opus"
    assert "base-plugin@example" not in left.get("enabledPlugins", {})
    assert left["hooks"]["PreToolUse"] == []
    assert not known_file(home).exists() or "example" not in read(known_file(home))


def test_full_disk_at_any_operation_leaves_the_users_file_whole_and_the_next_run_finishes(user, home):
    """ENOSPC at each operation in turn, then a run on a good disk, then removal."""
    before = {"model": "opus", "hooks": {"Stop": [{"hooks": []}]}}
    counted = CountingDisk()
    put(settings_file(home), before)
    apply(user, counted)
    for at in range(1, counted.operations + 1):
        remove_personal(user, Disk())
        assert read(settings_file(home)) == before
        with contextlib.suppress(OSError):
            apply(user, FailingDisk(at))
        assert {key: read(settings_file(home))[key] for key in ("model",)} == {"model": "opus"}
        apply(user)
        assert "enabledPlugins" in read(settings_file(home))
        assert [path.name for path in (home / ".claude").iterdir() if path.name.startswith(".settings")] == []
    remove_personal(user, Disk())
    assert read(settings_file(home)) == before


def test_full_disk_during_removal_leaves_the_rest_on_record(user, home):
    counted = CountingDisk()
    apply(user)
    remove_personal(user, counted)
    for at in range(1, counted.operations + 1):
        apply(user)
        with contextlib.suppress(OSError):
            remove_personal(user, FailingDisk(at))
        remove_personal(user, Disk())
        assert not (home / ".claude").exists(), at


@needs_root
def test_root_does_not_install_for_another_user_in_user_scope(user, home):
    os.chown(home, UID, UID)
    for attempt in (lambda: check_personal(user, RELEASE, PLUGINS, FRAGMENTS), lambda: apply(user)):
        with pytest.raises(ConfigError, match="as root"):
            attempt()
    assert list(home.iterdir()) == []


def test_only_what_did_not_exist_is_noted_as_made_by_us(user, tmp_path):
    note_created(user, Disk(), [tmp_path, tmp_path / "new"])
    note_created(user, Disk(), [tmp_path / "new", tmp_path / "newer"])
    assert load_record(user).created == (str(tmp_path / "new"), str(tmp_path / "newer"))


# --- known_marketplaces.json in system scope ----------------------------------------------------------------------


def test_system_scope_touches_no_settings(system):
    put(settings_file(ann(system)), {"enabledPlugins": {"base-plugin@example": False}})
    assert apply(system) == []
    assert read(settings_file(ann(system))) == {"enabledPlugins": {"base-plugin@example": False}}
    assert read(known_file(ann(system)))["example"]["installLocation"] == str(system.root)


def test_every_other_entry_stays_and_a_tampered_one_of_ours_is_healed(system):
    other = {
        "source": {"source": "github", "repo": "a/b"},
        "installLocation": "/x",
        "lastUpdated": "2026-01-01T00:00:00.000Z",
    }
    evil = {
        "source": {"source": "directory", "path": "/evil"},
        "installLocation": "/evil",
        "lastUpdated": "2026-02-02T00:00:00.000Z",
        "autoUpdate": True,
    }
    put(known_file(ann(system)), {"other": other, "example": evil})
    (warning,) = apply(system)
    assert "/evil" in warning
    content = read(known_file(ann(system)))
    assert content["other"] == other
    assert content["example"] == {
        "source": {"source": "directory", "path": str(system.root)},
        "installLocation": str(system.root),
        "lastUpdated": "2026-02-02T00:00:00.000Z",
        "autoUpdate": True,
    }
    assert apply(system) == []


@pytest.mark.parametrize("text", ['{"example": {"sou', "\0\0", "[1]", '{"a": 1} trailing'])
def test_unparsable_file_is_kept_aside_and_a_good_one_written(system, text):
    """One bad file disables all marketplaces and is never repaired (#94451, #94452)."""
    path = put(known_file(ann(system)), text)
    (warning,) = apply(system)
    (aside,) = path.parent.glob("known_marketplaces.json.broken-*")
    assert aside.read_text() == text
    assert str(aside) in warning
    assert list(read(path)) == ["example"]


def test_malformed_entry_of_others_is_named_and_left(system):
    put(known_file(ann(system)), {"bad": 5, "worse": {"source": "x"}})
    warnings = apply(system)
    assert len(warnings) == 2
    assert "'bad'" in warnings[0]
    assert read(known_file(ann(system)))["bad"] == 5


def test_trouble_in_one_home_does_not_keep_the_others_from_theirs(system):
    (system.prefix / "home" / "bob").mkdir()
    known_file(ann(system)).mkdir(parents=True)
    (warning,) = apply(system)
    assert str(ann(system)) in warning
    assert list(read(known_file(system.prefix / "home" / "bob"))) == ["example"]
    assert known_file(ann(system)).is_dir()


def test_image_names_the_paths_that_it_will_have(system):
    image = system_layout(prefix=system.prefix, image=True)
    apply(image)
    assert str(system.prefix) not in known_file(ann(system)).read_text()


def test_removal_restores_a_home_that_had_files_of_its_own(system):
    put(known_file(ann(system)), {"other": {"source": {"source": "github"}, "installLocation": "/x"}})
    before = tree(ann(system))
    apply(system)
    assert tree(ann(system)) != before
    assert remove_personal(system, Disk()) == []
    assert read(known_file(ann(system))) == {"other": {"source": {"source": "github"}, "installLocation": "/x"}}
    assert list(tree(ann(system))) == list(before)


def test_removal_removes_what_was_made_and_keeps_what_others_put_there(system):
    apply(system)
    (ann(system) / ".claude" / "notes.md").write_text("mine")
    assert remove_personal(system, Disk()) == []
    assert list(tree(ann(system))) == [".claude", ".claude/notes.md"]


@needs_root
def test_files_in_a_home_belong_to_its_owner(system, tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)
    os.chown(ann(system), UID, UID)
    assert apply(system) == []
    for path in (known_file(ann(system)), known_file(ann(system)).parent, ann(system) / ".claude"):
        assert (path.stat().st_uid, path.stat().st_gid) == (UID, UID)
    assert stat.S_IMODE(known_file(ann(system)).stat().st_mode) == 0o600
    assert remove_personal(system, Disk()) == []
    assert tree(ann(system)) == {}


FRESH = """
import builtins, os, sys
from pathlib import Path
from skillway_sync.disk import Disk
from skillway_sync.layout import system_layout
from skillway_sync.personal import apply_personal, remove_personal
from skillway_sync.release_document import Release, ReleasedPlugin
plugins = {"base-plugin": ReleasedPlugin("a" * 64, "1", "base", None, "")}
release = Release(1, "Example", "example", "2026-11-20T10:00:00Z", plugins)
class Closed:
    def find_spec(self, name, path=None, target=None):
        if os.geteuid() != 0:
            raise ImportError(f"the user cannot read {name}")
sys.meta_path.insert(0, Closed())
layout = system_layout(prefix=Path(sys.argv[1]))
for path in Path(sys.argv[1]).glob("home/ann/.claude/plugins/known_marketplaces.json"):
    path.write_bytes(bytes([0xEF, 0xBB, 0xBF]) + path.read_bytes().lstrip(bytes([0xEF, 0xBB, 0xBF])))
print(apply_personal(layout, Disk(), release, plugins, []))
if sys.argv[2:]:
    print(remove_personal(layout, Disk()))
"""


@needs_root
@pytest.mark.parametrize("text", [None, "{", "[]", '{"example": {}}'])
def test_user_who_cannot_read_this_programs_files_is_served_all_the_same(system, tmp_path, text):
    """With Python below /root, a child that became the user can import nothing that is not there already."""
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)
    if text is not None:
        put(known_file(ann(system)), text)
    for path in (ann(system), *ann(system).rglob("*")):
        os.chown(path, UID, UID)
    for more in ([], [], ["remove"]):
        command = [sys.executable, "-c", FRESH, str(system.prefix), *more]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "fault" not in done.stdout
        assert "left out" not in done.stdout


@needs_root
@pytest.mark.parametrize("link", [".claude", ".claude/plugins"])
def test_planted_link_is_refused_with_a_warning(system, tmp_path, link):
    target = tmp_path / "target"
    target.mkdir(mode=0o777)
    place = ann(system) / link
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(target)
    (warning,) = apply(system)
    assert str(place) in warning
    assert list(target.iterdir()) == []


@needs_root
def test_pipe_planted_by_a_user_does_not_hang_root(system, tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)
    known_file(ann(system)).parent.mkdir(parents=True)
    os.mkfifo(known_file(ann(system)))
    for path in (ann(system), *ann(system).rglob("*")):
        os.chown(path, UID, UID)
    (warning,) = apply(system)
    assert "not a regular file" in warning


@needs_root
def test_home_of_an_account_that_is_gone_is_cleaned_too(system):
    apply(system)
    other = system.prefix / "other"
    other.mkdir()
    gone = system_layout(prefix=system.prefix, homes=(other,))
    record = load_record(system)
    assert any("ann" in path for path in record.created)
    remove_personal(gone, Disk())
    assert tree(ann(system)) == {}
