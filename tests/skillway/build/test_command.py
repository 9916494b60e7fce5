"""`skillway build`, as a process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SKILLWAY = [sys.executable, "-m", "skillway"]


@pytest.fixture
def run(sources):
    def run(*arguments, cwd=None):
        return subprocess.run(
            [*SKILLWAY, *arguments], cwd=cwd or sources.path, capture_output=True, text=True, check=False, timeout=60
        )

    return run


def _data(done):
    envelope = json.loads(done.stdout)
    assert envelope["ok"] is True
    return envelope["data"]


def test_table_says_what_was_built_and_what_was_reused(run, sources):
    first = run("build")
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    assert "3 built, 0 reused." in first.stdout
    assert "next: skillway release publish" in first.stdout
    digest = sources.read_json(".skillway/build/build.json")["plugins"]["support"]["digest"]
    row = next(line for line in first.stdout.splitlines() if line.startswith("support"))
    assert row.split()[1:3] == [f"0.1.0+{digest[:12]}", digest[:12]]
    assert row.split()[-1] == "built"
    assert "0 built, 3 reused." in run("build").stdout


def test_json_names_every_plugin_and_its_archive(run):
    data = _data(run("build", "--json"))
    assert [plugin["name"] for plugin in data["plugins"]] == ["base-plugin", "developer-tools", "support"]
    support = data["plugins"][2]
    assert support["change"] == "added"
    assert support["reused"] is False
    assert support["files"] == 4
    assert Path(support["archive"]).stat().st_size == support["archive_bytes"]


def test_build_works_from_any_folder_of_the_repository(run, sources):
    assert run("build", cwd=sources.path / "skills" / "support").returncode == 0
    assert (sources.out / "build.json").is_file()


def test_out_is_where_the_build_goes(run, sources, tmp_path):
    done = run("build", "--out", str(tmp_path / "elsewhere"))
    assert done.returncode == 0
    assert (tmp_path / "elsewhere" / "build.json").is_file()
    assert not sources.out.exists()
    assert "next:" not in done.stdout, "publish would take the build of the default folder"


def test_dry_run_says_what_would_change_and_writes_nothing(run, sources):
    done = run("build", "--dry-run")
    assert done.returncode == 0
    assert "3 added, 0 changed, 0 removed, 0 unchanged." in done.stdout
    assert "next: skillway build --out 'a b'" in run("build", "--dry-run", "--out", "a b").stdout
    assert not (sources.path / ".skillway").exists()
    run("build")
    sources.write("skills/support/triage/references/levels.md", "# New\n")
    data = _data(run("build", "--dry-run", "--json"))
    assert {plugin["name"]: plugin["change"] for plugin in data["plugins"]} == {
        "base-plugin": "unchanged",
        "developer-tools": "unchanged",
        "support": "changed",
    }
    assert data["dry_run"] is True


def test_fault_is_exit_5_with_place_and_mend(run, sources):
    (sources.path / "skills/support/triage/references/out.md").symlink_to("/etc/hostname")
    done = run("build")
    assert done.returncode == 5
    assert "skills/support/triage/references/out.md" in done.stderr
    assert "Traceback" not in done.stderr
    envelope = json.loads(run("build", "--json").stdout)
    assert envelope["ok"] is False
    assert envelope["error"]["code"] == "findings"


def test_no_repository_is_one_sentence(run, tmp_path):
    done = run("build", cwd=tmp_path)
    assert done.returncode == 1
    assert "No organisation.yaml in" in done.stderr


def test_unknown_option_is_exit_2(run):
    done = run("build", "--no-check")
    assert done.returncode == 2
    assert "--no-check" in done.stderr
