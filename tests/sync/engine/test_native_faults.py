"""The faults of the native plugin mechanism, by issue number of anthropics/claude-code, and what proves that sync has none.

`PROOFS` is the table; each behaviour that no other file has is tested below it.
"""

from __future__ import annotations

import ast
import json
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from skillway_sync.engine import run
from skillway_sync.errors import SyncError
from skillway_sync.rollback import roll_back
from skillway_sync.verify import verify

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Proof:
    """A fault, its issues, and the tests that would fail if sync had it: `test`, or `file.py::test` of this folder."""

    fault: str
    issues: str
    tests: tuple[str, ...]


PROOFS = [
    Proof(
        "content changed, version string unchanged: stale for ever",
        "14061 17361 32983 37172 37670 39751 41922 61954 72616",
        ("test_content_that_changed_under_the_same_version_arrives",),
    ),
    Proof(
        "update never fires, or is silent",
        "49410 60772 73673 95175 36938 51350",
        ("test_every_run_leaves_what_it_saw", "test_command_line.py::test_status_ages"),
    ),
    Proof(
        "failed update deletes what worked",
        "40153 48985 40714 51234",
        (
            "test_transport.py::test_tampered_file_is_refused_with_30_and_nothing_of_it_is_used",
            "test_faults.py::test_fault_at_every_operation_leaves_a_valid_laptop_that_the_next_run_completes",
            "test_offline_repair.py::test_removed_store_folder_is_made_again_from_the_local_archives",
        ),
    ),
    Proof(
        "one bad entry in a file of ours disables everything and is never mended",
        "94451 94452",
        ("test_command_line.py::test_garbage_in_every_state_file_is_never_a_traceback_and_the_next_run_mends_it",),
    ),
    Proof(
        "processes at once race",
        "24527 80770 29140",
        ("test_together.py::test_many_runs_at_once_all_exit_0_and_the_result_is_right",),
    ),
    Proof(
        "temporary and old versions pile up",
        "80367 81217 36245 46566 90781 61855 47966",
        (
            "test_retention.py::test_many_releases_do_not_pile_up",
            "test_retention.py::test_staging_is_emptied_at_the_start",
            "test_unfinished_work_is_never_where_skills_are_looked_for",
        ),
    ),
    Proof(
        "leases of dead processes are never reaped",
        "65438 82145 95420 65147",
        (
            "test_together.py::test_lock_of_a_killed_process_is_free_at_once",
            "test_together.py::test_run_that_is_killed_while_it_works_leaves_the_next_one_free",
        ),
    ),
    Proof(
        "update deletes the folder that a running session uses",
        "46915 39328 64718 79487",
        (
            "test_together.py::test_sessions_never_miss_a_file_and_never_see_two_releases_during_many_updates",
            "test_retention.py::test_release_stays_for_fourteen_days_after_it_was_replaced",
            "test_folder_of_a_running_session_is_not_even_touched_by_an_update",
        ),
    ),
    Proof(
        "rename over a folder in use",
        "54053 58241 51840 81774",
        ("test_folder_of_a_running_session_is_not_even_touched_by_an_update",),
    ),
    Proof(
        "paths that collide where case is ignored",
        "26834 90281",
        ("test_release_with_paths_that_collide_is_refused",),
    ),
    Proof(
        "executable bit lost",
        "39999 39378 39544 39286 39628 40050 40292 20432 38901",
        (
            "test_every_mode_is_that_of_the_manifest",
            "test_offline_repair.py::test_executable_bit_that_was_lost_comes_back",
            "test_command_line.py::test_umask_of_the_caller_changes_no_mode",
        ),
    ),
    Proof(
        "git, proxies and time limits, with errors that contradict each other",
        "13553 13798 17201 9719 23535 28373 9756 49051 76129 87651",
        (
            "test_transport.py::test_bad_network_leaves_the_laptop_in_order_and_on_its_release",
            "test_transport.py::test_slow_server_is_left_within_the_limits",
        ),
    ),
    Proof(
        "enabled state lost when settings are rewritten",
        "76064 63663 49849 38628 80770 63624 17832 20661",
        (
            "test_offline_repair.py::test_changed_pointer_is_repaired_offline",
            "test_offline_repair.py::test_policy_of_somebody_else_is_not_touched",
            "test_command_line.py::test_user_scope_round_trip",
        ),
    ),
    Proof(
        "pins ignored, no rollback",
        "33653 10571 62541 57646 88557",
        (
            "test_offline_repair.py::test_rollback_needs_neither_store_nor_network",
            "test_offline_repair.py::test_next_run_does_not_apply_again_what_was_rolled_back",
            "test_record_names_the_digest_of_every_plugin",
        ),
    ),
    Proof(
        "hooks silently inert; a missing script",
        "75972 57317 82323 92489 58629",
        ("test_release_whose_guard_does_not_refuse_is_not_applied", "test_release_without_a_hook_file_is_not_applied"),
    ),
    Proof("two users on one machine", "59041 20139 17665 20396", ("test_every_user_can_read_what_is_installed",)),
    Proof(
        "skills behind links",
        "38051 68118",
        (
            "test_no_path_that_a_session_reads_is_a_link",
            "test_offline_repair.py::test_changed_store_is_repaired_offline",
        ),
    ),
]
"""Not here, because it takes a real client or other files of the laptop: what the client loads (#51118, tests/client),
`known_marketplaces.json` of the users (#94451, tests/sync/test_personal.py), and the desktop app (#93553)."""


def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.fault)
def test_every_fault_has_a_proof_that_exists(proof):
    assert proof.tests
    assert all(number.isdecimal() for number in proof.issues.split())
    for name in proof.tests:
        file, _, test = name.rpartition("::")
        assert test in names_in(HERE / file if file else Path(__file__)), name


def test_content_that_changed_under_the_same_version_arrives(site, make):
    run(site.laptop())
    plugins = {"base": make.base(), "tools": make.plugin("tools", "other text"), "support": make.plugin("support")}
    release = site.publisher.release(2, plugins, teams={"support": "support"})
    assert release.plugins["tools"].version == site.publisher.releases[1].plugins["tools"].version

    run(site.laptop())

    read = site.layout.store / "tools" / site.catalogue()["tools"] / "skills" / "tools-skill" / "SKILL.md"
    assert "other text" in read.read_text()


def test_every_run_leaves_what_it_saw(site):
    run(site.laptop())
    first = site.status()
    site.now += 7 * 3600
    run(site.laptop())

    second = site.status()
    assert first["last_check"] < second["last_check"]
    assert first["last_apply"] == second["last_apply"]
    assert (second["state"], second["release"]) == ("ok", 1)


def test_unfinished_work_is_never_where_skills_are_looked_for(site):
    """A killed run's leftovers are in staging or `state`, which no catalogue names."""
    run(site.laptop())
    read = {
        site.layout.root / entry["source"] for entry in json.loads(site.layout.catalogue_file.read_text())["plugins"]
    }

    assert all(site.layout.store in folder.parents for folder in read)
    assert site.layout.store not in (site.layout.staging, *site.layout.staging.parents)
    assert site.layout.store not in (site.layout.state, *site.layout.state.parents)


def test_folder_of_a_running_session_is_not_even_touched_by_an_update(site, second_release):
    run(site.laptop())
    folder = site.folder("base", 1)
    before = {path: (path.lstat().st_ino, path.lstat().st_ctime_ns) for path in (folder, *folder.rglob("*"))}

    second_release(site.publisher)
    run(site.laptop())
    roll_back(site.laptop())

    assert {path: (path.lstat().st_ino, path.lstat().st_ctime_ns) for path in (folder, *folder.rglob("*"))} == before


@pytest.mark.parametrize("path", ["skills__support-skill__skill.md", "Skills__x.md", "nul.txt", "a__b.", "x:y"])
def test_release_with_paths_that_collide_is_refused(site, make, path):
    run(site.laptop())
    before = site.installed()
    plugins = {"base": make.base(), "support": make.plugin("support", **{path: "text"})}
    try:
        site.publisher.release(2, plugins, teams={"support": "support"})
    except (SyncError, ValueError):
        return  # it cannot even be built

    with pytest.raises(SyncError):
        run(site.laptop())

    assert site.installed() == before


def test_every_mode_is_that_of_the_manifest(site):
    run(site.laptop())

    for plugin in site.digests(1):
        for path in site.folder(plugin).rglob("*"):
            mode = stat.S_IMODE(path.stat().st_mode)
            runs = path.is_dir() or path.read_bytes().startswith(b"#!")
            assert mode == (0o755 if runs else 0o644), path


def test_record_names_the_digest_of_every_plugin(site):
    outcome = run(site.laptop())

    assert outcome.data["plugins"] == site.digests(1) == site.status()["plugins"]


def test_release_whose_guard_does_not_refuse_is_not_applied(real_site, make):
    run(real_site.laptop())
    before = real_site.installed()
    real_site.publisher.release(2, {"base": make.base("two", guard="import sys\nsys.exit(0)\n")})

    with pytest.raises(SyncError) as caught:
        run(real_site.laptop())

    assert caught.value.exit_code == 60
    assert real_site.installed() == before
    assert real_site.status()["state"] == "self_test"
    assert verify(real_site.laptop()).exit_code == 0


@pytest.mark.parametrize("guard", ["def broken(:\n", "raise SystemExit(2)\n", "import nothing_of_that_name\n"])
def test_release_whose_guard_is_broken_is_not_applied(real_site, make, guard):
    """One that exits 2 on everything would lock everybody out; one that fails would let everything pass."""
    run(real_site.laptop())
    before = real_site.installed()
    real_site.publisher.release(2, {"base": make.base("two", guard=guard)})

    with pytest.raises(SyncError) as caught:
        run(real_site.laptop())

    assert caught.value.exit_code == 60
    assert real_site.installed() == before


def test_release_without_a_hook_file_is_not_applied(site, make):
    run(site.laptop())
    before = site.installed()
    base = make.base("two")
    del base["hooks/guard.py"]
    site.publisher.release(2, {"base": base})

    with pytest.raises(SyncError) as caught:
        run(site.laptop())

    assert caught.value.exit_code == 60
    assert site.installed() == before


def test_every_user_can_read_what_is_installed(site):
    run(site.laptop())
    layout = site.layout
    read = [*layout.store.rglob("*"), layout.launcher, layout.interpreter_file, layout.guard_pointer]
    read += [layout.catalogue_file, layout.policy_file, layout.state / "status.json"]

    for path in read:
        needed = 0o005 if path.is_dir() else 0o004
        assert path.stat().st_mode & needed == needed, path
        assert not path.stat().st_mode & 0o022, path


def test_no_path_that_a_session_reads_is_a_link(site):
    run(site.laptop())

    assert not [path for path in site.prefix.rglob("*") if path.is_symlink()]
