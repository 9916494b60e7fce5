"""The copy that hooks run with is looked after: drift is mended, a new package taken into use, uninstall leaves nothing."""

import hashlib
import json
import os
import shutil

import pytest

from skillway_sync.packaged import read_package

PACKAGE = "/etc/skillway/python"
DENIED = {"hook_event_name": "PreToolUse", "cwd": "/", "tool_name": "Bash", "tool_input": {"command": "rm -rf /"}}


@pytest.fixture
def laptop(bare, tmp_path):
    """A copy of the bare laptop; its files are links to the same content, so they are replaced and never edited."""
    root = tmp_path / "root"
    shutil.copytree(bare.root, root, symlinks=True, copy_function=os.link)
    return type(bare)(root)


def replace(path, data):
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(data)
    path.chmod(mode)


def recorded(laptop):
    return laptop.path("/opt/skillway/bin/interpreter").read_text().strip()


def copy(laptop):
    return laptop.path(recorded(laptop)).parents[1]


def ran(laptop, command="run --json", code=0):
    done = laptop.sync(command, check=False)
    assert done.returncode == code, done.stdout.decode() + done.stderr.decode()
    return json.loads(done.stdout)


def problems(laptop):
    answer = json.loads(laptop.sync("doctor --json", check=False).stdout)
    return [finding for finding in answer["data"]["findings"] if finding["level"] != "ok"]


def new_package(laptop):
    """Let IT put another package there: one module more."""
    folder = laptop.path(PACKAGE)
    manifest = json.loads((folder / "manifest.json").read_text())
    extra = b"NEW = True\n"
    (folder / "lib" / "extra.py").write_bytes(extra)
    entry = {"path": "lib/extra.py", "sha256": hashlib.sha256(extra).hexdigest(), "size": len(extra), "mode": "0644"}
    manifest["files"].append(entry)
    replace(folder / "manifest.json", json.dumps(manifest).encode())


@pytest.mark.parametrize("name", ["lib/private/libz.so.1", "bin/python3", "manifest.json"])
def test_changed_file_is_named_by_doctor_and_mended_by_the_next_run(laptop, name):
    path = copy(laptop) / name
    if not path.exists():
        pytest.skip(f"not run: this Python has no {name}")
    right = path.read_bytes()
    replace(path, b"changed")

    assert problems(laptop)
    answer = ran(laptop)

    assert path.read_bytes() == right
    assert any(name in line for line in answer["data"]["drift"])
    assert laptop.hook("guard", DENIED).returncode == 2
    assert problems(laptop) == []


def test_added_and_missing_files_are_put_right(laptop):
    folder = copy(laptop)
    (folder / "lib" / "added.py").write_text("import os\n")
    missing = next(folder.glob("lib/python3.*/argparse.pyc"))
    missing.unlink()

    ran(laptop)

    assert missing.exists()
    assert not (folder / "lib" / "added.py").exists()


def test_whole_copy_that_is_gone_is_made_again(laptop):
    shutil.rmtree(copy(laptop).parent)
    assert laptop.hook("guard", DENIED).returncode == 0  # no interpreter: the call passes, nobody is locked out

    ran(laptop)

    assert laptop.hook("guard", DENIED).returncode == 2


def test_new_package_is_taken_into_use_and_the_former_copy_leaves_a_run_later(laptop):
    before = recorded(laptop)
    new_package(laptop)

    assert [finding["what"] for finding in problems(laptop)] != []
    ran(laptop)

    after = recorded(laptop)
    assert after.split("/")[5] == read_package(laptop.path(PACKAGE)).digest
    assert laptop.hook("guard", DENIED).returncode == 2
    assert laptop.path(before).exists()  # a hook that started a moment ago may still be loading from it
    ran(laptop, "run --json --full-check")
    assert not laptop.path(before).exists()
    assert problems(laptop) == []


@pytest.mark.parametrize("damage", ["text", "no file", "manifest", "empty manifest"])
def test_damaged_package_of_it_leaves_the_copy_in_use(laptop, damage):
    folder = laptop.path(PACKAGE)
    new_package(laptop)
    if damage == "text":
        replace(folder / "lib" / "extra.py", b"other text")
    elif damage == "no file":
        (folder / "lib" / "extra.py").unlink()
    else:
        replace(
            folder / "manifest.json", b"{" if damage == "manifest" else b'{"schema": 1, "python": "3", "files": []}'
        )
    before = recorded(laptop)

    ran(laptop)

    assert recorded(laptop) == before
    assert laptop.hook("guard", DENIED).returncode == 2
    assert problems(laptop) != []


def test_uninstall_removes_the_copy_and_leaves_what_is_its(laptop):
    done = laptop.sync("uninstall --json", check=False)

    assert done.returncode == 0, done.stdout.decode()
    assert not laptop.path("/opt/skillway").exists()
    assert laptop.path(f"{PACKAGE}/bin/python3").exists()
    assert f"{PACKAGE} was put there by IT" in done.stdout.decode()
    assert laptop.hook("guard", DENIED).returncode == 0


def test_the_word_packaged_prefers_it_to_a_path_that_works(laptop):
    config = laptop.path("/etc/skillway/config.json")
    content = json.loads(config.read_text())
    replace(config, json.dumps({**content, "interpreter": f"{PACKAGE}/bin/python3"}).encode())
    ran(laptop)
    assert recorded(laptop) == f"{PACKAGE}/bin/python3"

    replace(config, json.dumps({**content, "interpreter": "packaged"}).encode())
    ran(laptop)
    assert recorded(laptop).startswith("/opt/skillway/bin/python/")
    assert problems(laptop) == []


def test_wish_for_a_package_that_is_not_there_is_told_and_hooks_run_with_another(laptop):
    config = laptop.path("/etc/skillway/config.json")
    content = {**json.loads(config.read_text()), "interpreter": f"{PACKAGE}/bin/python3"}
    replace(config, json.dumps(content).encode())
    ran(laptop)
    shutil.rmtree(laptop.path("/opt/skillway/bin/python"))
    laptop.path(f"{PACKAGE}/manifest.json").unlink()
    replace(config, json.dumps({**content, "interpreter": "packaged"}).encode())

    ran(laptop)

    assert laptop.hook("guard", DENIED).returncode == 2
    assert any("wants the packaged interpreter" in finding["what"] for finding in problems(laptop))
