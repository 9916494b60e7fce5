import os
import shutil
import stat
from pathlib import Path

import pytest

from skillway_sync import quarantine as quarantine_module
from skillway_sync.disk import Disk
from skillway_sync.engine import run
from skillway_sync.errors import DriftError
from skillway_sync.quarantine import Quarantine
from skillway_sync.work import RunOptions


@pytest.fixture
def installed(site):
    run(site.laptop())
    return site


def skill(site, plugin="tools"):
    return site.folder(plugin) / "skills" / f"{plugin}-skill"


def edit(site):
    path = skill(site) / "SKILL.md"
    path.write_text("edited here")
    return "SKILL.md: changed"


def edit_with_the_old_times(site):
    path = skill(site) / "SKILL.md"
    status = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return "SKILL.md: changed"


def delete(site):
    (skill(site) / "SKILL.md").unlink()
    return "SKILL.md: missing"


def make_writable(site):
    (skill(site) / "SKILL.md").chmod(0o666)
    return "SKILL.md: mode (0666)"


def take_the_executable_bit(site):
    (skill(site) / "scripts" / "tool.sh").chmod(0o644)
    return "tool.sh: mode (0644)"


def close_a_folder(site):
    skill(site).chmod(0o700)
    return "tools-skill: mode (0700)"


def add_a_file(site):
    (skill(site) / "extra.md").write_text("added here")
    return "extra.md: added"


def add_a_skill(site):
    folder = skill(site).parent / "other-skill"
    folder.mkdir()
    (folder / "SKILL.md").write_text("added here")
    return "other-skill/SKILL.md: added"


def put_a_link_in_a_files_place(site):
    path = skill(site) / "SKILL.md"
    path.unlink()
    path.symlink_to("/etc/hostname")
    return "SKILL.md: added (a link)"


def put_a_link_in_a_folders_place(site):
    elsewhere = site.prefix / "elsewhere"
    shutil.move(skill(site), elsewhere)
    skill(site).symlink_to(elsewhere)
    return "tools-skill: added (a link)"


def put_a_folder_in_a_files_place(site):
    path = skill(site) / "SKILL.md"
    path.unlink()
    path.mkdir()
    (path / "inner").write_text("x")
    return "SKILL.md/inner: added"


def put_a_pipe_in_a_files_place(site):
    path = skill(site) / "SKILL.md"
    path.unlink()
    os.mkfifo(path)
    return "SKILL.md: added (no regular file)"


def remove_a_plugin(site):
    shutil.rmtree(site.folder("tools"))
    return "missing"


def remove_the_store(site):
    shutil.rmtree(site.layout.store)
    return "missing"


def alter_byte_code(site):
    path = next((site.folder("base") / "hooks" / "__pycache__").iterdir())
    path.write_bytes(b"evil")
    return ".pyc: changed"


def add_byte_code(site):
    (site.folder("base") / "hooks" / "__pycache__" / "json.cpython-311.pyc").write_bytes(b"evil")
    return "json.cpython-311.pyc: added"


CHANGES = [
    edit,
    edit_with_the_old_times,
    delete,
    make_writable,
    take_the_executable_bit,
    close_a_folder,
    add_a_file,
    add_a_skill,
    put_a_link_in_a_files_place,
    put_a_link_in_a_folders_place,
    put_a_folder_in_a_files_place,
    put_a_pipe_in_a_files_place,
    remove_a_plugin,
    remove_the_store,
    alter_byte_code,
    add_byte_code,
]


@pytest.mark.parametrize("change", CHANGES)
def test_change_in_the_store_is_named_and_put_right_without_the_store_in_reach(installed, change):
    before = installed.installed()
    named = change(installed)
    shutil.move(installed.publisher.folder, installed.prefix / "away")

    outcome = run(installed.laptop())

    assert installed.installed() == before
    assert any(named in line for line in outcome.data["drift"]), outcome.data["drift"]
    assert outcome.changed
    shutil.move(installed.prefix / "away", installed.publisher.folder)
    assert not run(installed.laptop()).changed


def test_edited_file_is_kept_and_named(installed):
    edit(installed)

    outcome = run(installed.laptop())

    (kept,) = outcome.data["quarantine"]
    assert Path(kept).read_text() == "edited here"
    assert stat.S_IMODE(Path(kept).stat().st_mode) == 0o600
    assert "Edited files were kept in" in outcome.message
    assert any("SKILL.md: changed" in line for line in installed.status()["drift"])


def test_link_is_not_followed_when_it_is_removed(installed):
    outside = installed.prefix / "outside"
    outside.mkdir()
    (outside / "mine.txt").write_text("mine")
    (skill(installed) / "added").symlink_to(outside)

    run(installed.laptop())

    assert (outside / "mine.txt").read_text() == "mine"
    assert not os.path.lexists(skill(installed) / "added")


@pytest.mark.parametrize("pointer", ["catalogue_file", "guard_pointer", "launcher", "interpreter_file", "policy_file"])
@pytest.mark.parametrize("how", ["edit", "delete", "chmod", "link", "folder"])
def test_changed_pointer_is_named_and_put_right(installed, pointer, how):
    before = installed.installed()
    path = getattr(installed.layout, pointer)
    if how == "edit":
        path.write_text("changed")
    elif how == "chmod":
        path.chmod(0o600)
    else:
        path.unlink()
    if how == "link":
        path.symlink_to("/etc/hostname")
    elif how == "folder":
        path.mkdir()

    outcome = run(installed.laptop())

    assert installed.installed() == before
    assert any(str(path) in line for line in outcome.data["drift"])


def test_edited_policy_is_kept(installed):
    installed.layout.policy_file.write_text('{"mine": true}')

    outcome = run(installed.laptop())

    (kept,) = outcome.data["quarantine"]
    assert Path(kept).read_text() == '{"mine": true}'


def test_other_policy_files_are_left_alone(installed):
    other = installed.layout.policy_dir / "10-other.json"
    other.write_text("{}")
    edit(installed)

    run(installed.laptop())

    assert other.read_text() == "{}"


def test_damaged_archive_is_fetched_again_to_repair(installed):
    before = installed.installed()
    for path in (installed.layout.state / "archives" / "tools").glob("*.tgz"):
        path.write_bytes(b"damaged")
    edit(installed)

    outcome = run(installed.laptop())

    assert installed.installed() == before
    assert outcome.exit_code == 0


def test_damage_that_only_the_store_can_mend_is_drift_while_it_is_away(installed):
    shutil.rmtree(installed.layout.state / "archives" / "tools")
    edit(installed)
    shutil.move(installed.publisher.folder, installed.prefix / "away")

    with pytest.raises(DriftError, match="store/tools/") as caught:
        run(installed.laptop())
    assert caught.value.exit_code == 20

    shutil.move(installed.prefix / "away", installed.publisher.folder)
    assert run(installed.laptop()).exit_code == 0
    assert "one" in (skill(installed) / "SKILL.md").read_text()


def test_former_release_is_repaired_too(installed, second_release):
    second_release(installed.publisher)
    run(installed.laptop())
    path = installed.folder("base", 1) / "hooks" / "guard.py"
    path.write_text("edited")

    run(installed.laptop())

    assert "gh pr create" in path.read_text()


def test_former_release_that_cannot_be_repaired_is_given_up(installed, second_release):
    second_release(installed.publisher)
    run(installed.laptop())
    digest = installed.digests(1)["base"]
    for path in (installed.layout.state / "archives" / "base").glob(f"{digest}.*"):
        path.unlink()
    (installed.folder("base", 1) / "hooks" / "guard.py").write_text("edited")
    installed.publisher.targets = {
        name: info for name, info in installed.publisher.targets.items() if digest not in name
    }
    installed.publisher.sign()

    outcome = run(installed.laptop())

    assert outcome.exit_code == 0
    assert "former release is given up" in outcome.warnings[0]
    assert installed.catalogue() == installed.digests(2)
    assert not installed.folder("base", 1).exists()


def test_drift_is_an_exit_code_when_asked_for(installed):
    edit(installed)
    assert run(installed.laptop(), RunOptions(strict_exit=True)).exit_code == 20
    assert run(installed.laptop(), RunOptions(strict_exit=True)).exit_code == 0


def test_full_check_finds_what_stat_data_hides(installed, monkeypatch):
    """As after a disk that flips a bit: same inode, same times, other bytes."""
    path = skill(installed) / "SKILL.md"
    laptop = installed.laptop()
    run(laptop)
    monkeypatch.setattr("skillway_sync.repair.changed_folders", lambda *_: [])
    path.write_bytes(path.read_bytes()[::-1])
    assert not run(installed.laptop()).changed

    installed.now += 25 * 3600
    outcome = run(installed.laptop())

    assert any("SKILL.md: changed" in line for line in outcome.data["drift"])


def test_damaged_index_costs_a_look_and_nothing_else(installed):
    (installed.layout.state / "index").write_bytes(b"damaged")

    outcome = run(installed.laptop())

    assert not outcome.changed
    assert outcome.exit_code == 0


@pytest.mark.parametrize(
    "name", ["applied.json", "pointers.json", "status.json", "interpreter.json", "ring.json", "noop"]
)
@pytest.mark.parametrize("content", [b"", b"[]", b'{"schema": 1}', b"\xff\x00"])
def test_damaged_memory_never_stops_a_run(installed, name, content):
    before = installed.installed()
    (installed.layout.state / name).write_bytes(content)

    outcome = run(installed.laptop())

    assert outcome.exit_code == 0
    assert installed.installed() == before
    assert run(installed.laptop()).exit_code == 0


def test_new_interpreter_gets_its_own_byte_code(installed):
    def compile_hooks(interpreter, sources, folder):
        return {f"hooks/__pycache__/{path[6:-3]}.cpython-313.pyc": b"new" for path in sources}

    installed.configure(interpreter="/bin/sh")

    run(installed.laptop(compile_hooks=compile_hooks))

    cache = installed.folder("base") / "hooks" / "__pycache__"
    assert [path.name for path in cache.iterdir()] == ["guard.cpython-313.pyc"]
    assert installed.layout.interpreter_file.read_text() == "/bin/sh\n"
    assert not run(installed.laptop(compile_hooks=compile_hooks)).changed


def test_quarantine_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(quarantine_module, "MAX_BYTES", 1000)
    for number in range(5):
        path = tmp_path / f"file-{number}"
        path.write_bytes(bytes([number]) * 400)
        Quarantine(tmp_path / "state", tmp_path, Disk(), now=1e9 + number * 60).keep(path)

    kept = sorted((tmp_path / "state" / "quarantine").glob("*/*"))
    assert [path.read_bytes()[:1] for path in kept] == [b"\x03", b"\x04"]
    assert len(list((tmp_path / "state" / "quarantine").iterdir())) == 2


def test_quarantine_leaves_out_what_is_too_big(tmp_path, monkeypatch):
    monkeypatch.setattr(quarantine_module, "MAX_BYTES", 100)
    path = tmp_path / "big"
    path.write_bytes(bytes(101))
    quarantine = Quarantine(tmp_path / "state", tmp_path, Disk(), now=1e9)

    quarantine.keep(path)

    assert quarantine.kept == []
