import json
import subprocess
import sys

import pytest
import yaml


def init(folder, *arguments):
    command = [sys.executable, "-m", "skillway", "init", *arguments, "--into", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done, json.loads(done.stdout)


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_new_repository_passes_its_own_check_and_builds(tmp_path):
    done, answer = init(tmp_path / "new", "--name", "globex", "--team", "data")
    assert done.returncode == 0, answer
    for command in (["check", "--strict"], ["build"]):
        after = subprocess.run(
            [sys.executable, "-m", "skillway", *command],
            cwd=tmp_path / "new",
            capture_output=True,
            text=True,
            check=False,
        )
        assert after.returncode == 0, after.stdout + after.stderr


def test_new_repository_names_the_organisation_and_nobody_else(tmp_path):
    init(tmp_path / "new", "--name", "globex", "--team", "data", "--owner", "@globex/it")
    organisation = yaml.safe_load((tmp_path / "new" / "organisation.yaml").read_text())
    assert organisation["name"] == "globex"
    assert organisation["teams"] == [{"name": "data", "owners": ["@globex/data"]}]
    owners = (tmp_path / "new" / ".github" / "CODEOWNERS").read_text()
    assert "@globex/it" in owners
    assert "acme" not in owners


def test_nothing_that_exists_is_overwritten(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    done, answer = init(tmp_path, "--name", "globex")
    assert (done.returncode, answer["error"]["code"]) == (8, "conflict")
    assert files(tmp_path) == {"README.md"}
    assert (tmp_path / "README.md").read_text() == "mine"


def test_dry_run_writes_nothing_and_lists_everything(tmp_path):
    done, answer = init(tmp_path / "new", "--name", "globex", "--dry-run")
    assert done.returncode == 0
    assert "organisation.yaml" in answer["data"]["files"]
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["Globex", "a b", "../x", ""])
def test_bad_name_is_refused_with_a_good_example(name, tmp_path):
    done, answer = init(tmp_path / "new", "--name", name)
    assert done.returncode == 1
    assert "kebab-case" in answer["error"]["fix"]


def test_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    done, answer = init(tmp_path / "file" / "below", "--name", "globex")
    assert done.returncode == 1
    assert "cannot be written" in answer["error"]["message"]
