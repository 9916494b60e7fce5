import json
import os
import shutil
import stat
import subprocess
import sys
import time

import pytest

from skillway_sync import disk as disk_module
from skillway_sync.effect import GuardProof
from skillway_sync.engine import run
from skillway_sync.errors import ConfigError, DiskError, RefusedError, SelfTestError
from skillway_sync.lock import exclusive_lock
from skillway_sync.plan import plan_run
from skillway_sync.work import RunOptions


def sync(site, *options):
    """The program as IT starts it, with this test's laptop."""
    places = ["--root", site.prefix, "--home", site.prefix / "home"]
    command = [sys.executable, "-m", "skillway_sync", options[0], *places, *options[1:]]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_first_run_installs_what_the_release_names(site):
    outcome = run(site.laptop())

    assert site.catalogue() == site.digests(1)
    for plugin in ("base", "tools", "support"):
        assert (site.folder(plugin) / "skills" / f"{plugin}-skill" / "SKILL.md").is_file()
    digest = site.digests(1)["base"]
    assert site.layout.guard_pointer.read_text() == f"base/{digest}\n"
    assert site.layout.launcher.read_bytes() == (site.folder("base") / "hooks" / "run").read_bytes()
    assert outcome.exit_code == 0
    assert outcome.changed


def test_installed_guard_refuses_with_nothing_replaced(real_site):
    run(real_site.laptop())

    payload = {"tool_input": {"command": "gh pr create"}}
    launcher = real_site.layout.launcher
    done = subprocess.run(
        ["/bin/sh", str(launcher), "guard"], input=json.dumps(payload), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "use create-pr" in done.stdout
    assert list((real_site.folder("base") / "hooks" / "__pycache__").glob("guard.*.pyc"))


def test_policy_registers_the_catalogue_and_enables_its_plugins(site):
    run(site.laptop())

    policy = json.loads(site.layout.policy_file.read_text())
    assert policy["extraKnownMarketplaces"]["acme"]["source"]["path"] == str(site.layout.root)
    assert sorted(policy["enabledPlugins"]) == ["base@acme", "support@acme", "tools@acme"]
    assert str(site.layout.root) in json.dumps(policy["hooks"])


def test_second_run_writes_nothing(site):
    run(site.laptop())
    run(site.laptop())
    before = {path: path.lstat().st_mtime_ns for path in site.prefix.rglob("*") if path.is_file()}

    outcome = run(site.laptop())

    assert {path: path.lstat().st_mtime_ns for path in site.prefix.rglob("*") if path.is_file()} == before
    assert not outcome.changed
    assert "Nothing to do" in outcome.message


def test_update_keeps_the_folders_that_running_sessions_use(site, second_release):
    run(site.laptop())
    second_release(site.publisher)

    outcome = run(site.laptop())

    assert site.catalogue() == site.digests(2)
    assert (site.folder("base", 1) / "hooks" / "guard.py").is_file()
    assert "two" in (site.folder("base", 2) / "skills" / "base-skill" / "SKILL.md").read_text()
    assert outcome.data["release"] == 2


@pytest.mark.parametrize("umask", [0o000, 0o027, 0o077])
def test_modes_do_not_depend_on_the_umask(site, umask):
    former = os.umask(umask)
    try:
        run(site.laptop())
    finally:
        os.umask(former)

    folders = [path for path in site.layout.store.rglob("*") if path.is_dir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in [*folders, site.layout.root, site.layout.policy_dir]} == {
        0o755
    }
    assert stat.S_IMODE(site.layout.policy_file.stat().st_mode) == 0o644
    assert stat.S_IMODE((site.folder("base") / "hooks" / "run").stat().st_mode) == 0o755
    assert stat.S_IMODE((site.folder("base") / "hooks" / "guard.py").stat().st_mode) == 0o644


def test_team_that_leaves_takes_its_plugin_out_of_the_catalogue(site):
    run(site.laptop())
    site.configure(teams=[])

    run(site.laptop())

    assert sorted(site.catalogue()) == ["base", "tools"]
    assert "support@acme" not in json.loads(site.layout.policy_file.read_text())["enabledPlugins"]


def test_dry_run_writes_nothing_and_says_what_it_would_do(site, make):
    before = make.tree(site.prefix)

    outcome = plan_run(site.laptop())

    assert make.tree(site.prefix) == before
    assert outcome.data["would_apply"] == 1
    assert len(outcome.data["would_fetch"]) == 3


def test_dry_run_names_drift_and_leaves_it(site):
    run(site.laptop())
    edited = site.folder("tools") / "skills" / "tools-skill" / "SKILL.md"
    edited.write_text("edited")

    outcome = plan_run(site.laptop())

    assert any("SKILL.md: changed" in line for line in outcome.data["would_repair"])
    assert edited.read_text() == "edited"


def test_busy_laptop_is_no_failure(site):
    run(site.laptop())

    with exclusive_lock(site.layout.state):
        outcome = run(site.laptop())

    assert outcome.state == "busy"
    assert outcome.exit_code == 0


def test_twenty_runs_at_once_leave_one_good_installation(real_site):
    command = [sys.executable, "-m", "skillway_sync", "run", "--root", str(real_site.prefix), "--json"]
    command += ["--home", str(real_site.prefix / "home")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(20)]
    answers = [json.loads(process.communicate()[0]) for process in started]

    assert [process.returncode for process in started] == [0] * 20
    assert {answer["data"]["state"] for answer in answers} <= {"ok", "busy"}
    assert real_site.catalogue() == real_site.digests(1)
    assert not real_site.layout.staging.exists()


def test_guard_that_does_not_refuse_is_not_applied(site, second_release):
    run(site.laptop())
    before = site.installed()
    second_release(site.publisher)
    mute = GuardProof(denies=False, silent=True, detail="it let `gh pr create` pass")

    with pytest.raises(SelfTestError, match="it let `gh pr create` pass") as caught:
        run(site.laptop(prove_guard=lambda *_: mute))

    assert caught.value.exit_code == 60
    assert site.installed() == before
    assert site.status()["state"] == "self_test"
    assert site.status()["release"] == 1


def test_candidate_is_proved_where_it_is_staged(site):
    seen = {}

    def prove(layout, root):
        seen["launcher"] = (root / "bin" / "run").stat().st_mode & 0o777
        seen["guard"] = (
            root / "store" / (root / "guard" / "current").read_text().strip() / "hooks" / "guard.py"
        ).is_file()
        seen["catalogue"] = layout.catalogue_file.exists()
        return GuardProof(denies=True, silent=True, detail="")

    run(site.laptop(prove_guard=prove))

    assert seen == {"launcher": 0o755, "guard": True, "catalogue": False}


def test_hook_that_names_a_missing_script_is_not_applied(site, make):
    run(site.laptop())
    command = 'f="${CLAUDE_PLUGIN_ROOT}/hooks/run"; [ -r "$f" ] || exit 0; exec /bin/sh "$f" absent'
    hooks = json.dumps({"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": command}]}]}})
    tools = make.plugin("tools", "two", hooks__run="#!/bin/sh\n") | {"hooks/hooks.json": hooks.encode()}
    site.publisher.release(2, {"base": make.base(), "tools": tools})

    with pytest.raises(SelfTestError, match=r"needs hooks/absent\.py"):
        run(site.laptop())

    assert site.catalogue() == site.digests(1)


def test_hook_that_does_not_compile_is_not_applied(real_site, make):
    real_site.publisher.release(2, {"base": make.base(guard="def broken(:\n")})

    with pytest.raises(SelfTestError, match="compile"):
        run(real_site.laptop())

    assert not real_site.layout.catalogue_file.exists()


def test_base_plugin_without_launcher_is_not_applied(site, make):
    base = {path: data for path, data in make.base().items() if path != "hooks/run"}
    site.publisher.release(2, {"base": base})

    with pytest.raises(SelfTestError, match="no launcher hooks/run"):
        run(site.laptop())

    assert not site.layout.policy_file.exists()


def test_full_disk_is_found_before_the_download(site, second_release, monkeypatch):
    run(site.laptop())
    before = site.installed()
    second_release(site.publisher)
    monkeypatch.setattr(disk_module.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6, 4096))

    with pytest.raises(DiskError, match="has 4 kB free") as caught:
        run(site.laptop())

    assert caught.value.exit_code == 40
    assert site.installed() == before


@pytest.mark.root
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small volume")
def test_volume_that_fills_up_keeps_the_present_release(tmp_path, publisher, make, fast_parts, monkeypatch):
    """A real full disk, which the check before the download is told nothing of."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=False)
    if mounted.returncode:
        pytest.skip("not run: no volume can be mounted here")
    try:
        monkeypatch.setattr("skillway_sync.apply.require_space", lambda *_: None)
        site = make.site(place / "laptop", publisher, fast_parts, time.time())
        site.configure()
        run(site.laptop())
        before = site.installed()
        big = make.plugin("tools", "x" * 1_200_000)
        publisher.release(2, {"base": make.base("two"), "tools": big})

        with pytest.raises(DiskError, match="The disk is full"):
            run(site.laptop())

        assert site.installed() == before
        assert site.catalogue() == site.digests(1)
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.root
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts read-only")
def test_read_only_disk_is_said_in_one_sentence(site):
    run(site.laptop())
    bound = subprocess.run(["mount", "--bind", "-o", "ro", site.prefix, site.prefix], check=False)
    if bound.returncode:
        pytest.skip("not run: nothing can be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", site.prefix], check=True)
        with pytest.raises(DiskError, match="read-only"):
            run(site.laptop(), RunOptions(full_check=True))
    finally:
        subprocess.run(["umount", site.prefix], check=True)


def test_broken_configuration_leaves_the_installation_alone(site):
    run(site.laptop())
    before = site.installed()
    site.layout.config_file.write_text("{")

    with pytest.raises(ConfigError, match=r"config\.json"):
        run(site.laptop())

    assert site.installed() == before
    assert site.status()["error"]["code"] == "config"


def test_newer_program_is_asked_for_and_the_release_not_applied(site, second_release):
    run(site.laptop())
    second_release(site.publisher, minimum_sync_version="99.0.0")

    with pytest.raises(RefusedError, match=r"needs skillway-sync 99\.0\.0"):
        run(site.laptop())

    assert site.catalogue() == site.digests(1)


def test_minimum_version_is_compared_as_numbers(site, second_release):
    run(site.laptop())
    second_release(site.publisher, minimum_sync_version="0.0.20")

    assert run(site.laptop()).data["release"] == 2


def test_image_is_written_with_the_paths_that_it_will_have(site):
    from skillway_sync.layout import system_layout

    laptop = site.laptop()
    laptop.layout = system_layout(prefix=site.prefix, image=True)

    run(laptop)

    policy = json.loads(site.layout.policy_file.read_text())
    assert policy["extraKnownMarketplaces"]["acme"]["source"]["path"] == "/opt/skillway"
    assert str(site.prefix) not in site.layout.policy_file.read_text()


def test_interrupted_update_is_finished_without_the_store(site, second_release, monkeypatch):
    run(site.laptop())
    second_release(site.publisher)

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:  # after applied.json, before the pointers
        patched.setattr("skillway_sync.apply.commit_pointers", stop)
        with pytest.raises(KeyboardInterrupt):
            run(site.laptop())
    assert site.catalogue() == site.digests(1)
    shutil.rmtree(site.publisher.folder)

    outcome = run(site.laptop())

    assert outcome.state == "offline"
    assert site.catalogue() == site.digests(2)


def test_program_installs_and_a_second_call_says_that_there_is_nothing_to_do(real_site):
    first = sync(real_site, "run")
    second = sync(real_site, "run")

    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("Release 1 is installed from ring broad: base, support, tools.")
    assert second.stdout == "Nothing to do: release 1 is installed (ring broad).\n"
