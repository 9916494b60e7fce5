import json
import shutil

import pytest

from skillway_sync.engine import run
from skillway_sync.errors import DriftError, RefusedError
from skillway_sync.rollback import roll_back
from skillway_sync.verify import verify
from skillway_sync.work import RunOptions

DAY = 86_400


@pytest.fixture
def updated(site, second_release):
    """A laptop on release 2 that had release 1, and whose store is gone."""
    run(site.laptop())
    second_release(site.publisher)
    run(site.laptop())
    shutil.move(site.publisher.folder, site.prefix / "away")
    return site


def bring_back_the_store(site):
    shutil.move(site.prefix / "away", site.publisher.folder)


def test_rollback_applies_the_former_release_without_the_store(updated):
    outcome = roll_back(updated.laptop())

    assert updated.catalogue() == updated.digests(1)
    assert updated.layout.guard_pointer.read_text() == f"base/{updated.digests(1)['base']}\n"
    assert outcome.data == outcome.data | {"release": 1, "from": 2, "held": 2}
    assert updated.status()["state"] == "held"
    assert verify(updated.laptop()).exit_code == 0


def test_next_run_does_not_take_the_rolled_back_release_again(updated):
    roll_back(updated.laptop())
    bring_back_the_store(updated)

    outcome = run(updated.laptop())

    assert outcome.state == "held"
    assert outcome.exit_code == 0
    assert "Release 2 was rolled back" in outcome.warnings[0]
    assert updated.catalogue() == updated.digests(1)
    assert not run(updated.laptop()).changed


def test_newer_release_ends_the_hold(updated, second_release):
    roll_back(updated.laptop())
    bring_back_the_store(updated)
    second_release(updated.publisher, seq=3, text="three")

    assert run(updated.laptop()).data["release"] == 3
    assert run(updated.laptop()).state == "ok"


def test_hold_can_be_released_by_hand(updated):
    roll_back(updated.laptop())
    bring_back_the_store(updated)

    assert run(updated.laptop(), RunOptions(release_hold=True)).data["release"] == 2
    assert run(updated.laptop()).state == "ok"


def test_held_laptop_still_follows_its_configuration(updated):
    roll_back(updated.laptop())
    bring_back_the_store(updated)
    updated.configure(teams=[])

    outcome = run(updated.laptop())

    assert outcome.state == "held"
    assert sorted(updated.catalogue()) == ["base", "tools"]


def test_rollback_twice_goes_further_back(updated, second_release):
    bring_back_the_store(updated)
    second_release(updated.publisher, seq=3, text="three")
    run(updated.laptop())

    roll_back(updated.laptop())
    assert updated.catalogue() == updated.digests(2)
    roll_back(updated.laptop())
    assert updated.catalogue() == updated.digests(1)


def test_rollback_to_a_named_release(updated, second_release):
    bring_back_the_store(updated)
    second_release(updated.publisher, seq=3, text="three")
    run(updated.laptop())

    outcome = roll_back(updated.laptop(), 1)

    assert outcome.data["held"] == 3
    assert updated.catalogue() == updated.digests(1)


def test_rollback_forward_again_ends_the_hold(updated):
    roll_back(updated.laptop())

    outcome = roll_back(updated.laptop(), 2)

    assert outcome.data["held"] is None
    assert updated.catalogue() == updated.digests(2)


def test_rollback_repairs_what_it_goes_back_to(updated):
    (updated.folder("base", 1) / "hooks" / "guard.py").write_text("edited")
    shutil.rmtree(updated.folder("support", 1))

    roll_back(updated.laptop())

    assert verify(updated.laptop()).exit_code == 0


def test_rollback_to_damaged_files_changes_nothing(updated):
    before = updated.installed()
    (updated.folder("base", 1) / "hooks" / "guard.py").write_text("edited")
    shutil.rmtree(updated.layout.state / "archives" / "base")

    with pytest.raises(DriftError, match="Release 1 is damaged"):
        roll_back(updated.laptop())

    assert updated.catalogue() == updated.digests(2)
    assert set(updated.installed()) == set(before)


@pytest.mark.parametrize("to", [7, 2])
def test_release_that_is_not_there_is_refused(updated, to):
    with pytest.raises(RefusedError, match=rf"Release {to} is not on this disk \(kept: 1\)"):
        roll_back(updated.laptop(), to)


def test_first_release_has_nothing_to_go_back_to(site):
    run(site.laptop())
    with pytest.raises(RefusedError, match="No earlier release"):
        roll_back(site.laptop())


def test_empty_laptop_has_nothing_to_go_back_to(site):
    with pytest.raises(RefusedError, match="No earlier release"):
        roll_back(site.laptop())
    assert not site.layout.root.exists()


def test_former_releases_stay_for_fourteen_days(site, second_release):
    run(site.laptop())
    for seq in (2, 3):
        second_release(site.publisher, seq=seq, text=str(seq))
        site.now += 2 * DAY
        run(site.laptop())
    site.now += 11 * DAY
    run(site.laptop())
    assert site.folder("base", 1).is_dir()

    site.now += 2 * DAY
    run(site.laptop())

    assert not site.folder("base", 1).exists()
    assert site.folder("base", 2).is_dir()
    archives = [path.name for path in (site.layout.state / "archives" / "base").glob("*.tgz")]
    assert sorted(archives) == sorted(f"{site.digests(seq)['base']}.tgz" for seq in (2, 3))
    assert sorted(path.name for path in (site.layout.state / "releases").iterdir()) == ["2.json", "3.json"]


def test_release_before_the_present_stays_for_ever(site, second_release):
    run(site.laptop())
    second_release(site.publisher)
    run(site.laptop())
    site.now += 400 * DAY
    run(site.laptop())

    assert roll_back(site.laptop()).data["release"] == 1


def test_size_cap_takes_the_oldest_first(site, second_release, monkeypatch):
    monkeypatch.setattr("skillway_sync.applied.KEEP_BYTES", 1)
    run(site.laptop())
    for seq in (2, 3, 4):
        second_release(site.publisher, seq=seq, text=str(seq))
        run(site.laptop())

    assert {path.name for path in (site.layout.store / "base").iterdir()} == {
        site.digests(seq)["base"] for seq in (3, 4)
    }


def test_strange_folders_in_the_store_are_removed(site, second_release):
    run(site.laptop())
    (site.layout.store / "stranger" / "x").mkdir(parents=True)
    (site.layout.store / "base" / "0123").mkdir()
    site.layout.store.joinpath("file").write_text("x")

    run(site.laptop())

    assert sorted(path.name for path in site.layout.store.iterdir()) == ["base", "support", "tools"]
    assert [path.name for path in (site.layout.store / "base").iterdir()] == [site.digests(1)["base"]]


def test_verify_names_every_difference(site):
    run(site.laptop())
    (site.folder("tools") / "skills" / "tools-skill" / "SKILL.md").write_text("edited")
    (site.folder("base") / "hooks" / "run").chmod(0o600)
    (site.folder("support") / "added").write_text("x")
    site.layout.guard_pointer.unlink()

    outcome = verify(site.laptop())

    assert outcome.exit_code == 20
    text = "\n".join(outcome.data["differences"])
    for expected in ("SKILL.md: changed", "hooks/run: mode (0600)", "added: added", "guard/current: missing"):
        assert expected in text
    assert (site.folder("support") / "added").exists()


def test_verify_counts_the_files_of_an_intact_laptop(site):
    run(site.laptop())

    outcome = verify(site.laptop())

    assert outcome.exit_code == 0
    assert outcome.data["files"] == sum(path.is_file() for path in site.layout.store.rglob("*"))


def test_verify_does_not_call_an_empty_laptop_intact(site):
    with pytest.raises(DriftError, match="No release is installed"):
        verify(site.laptop())


def test_verify_says_when_a_manifest_is_gone(site):
    run(site.laptop())
    shutil.rmtree(site.layout.state / "archives" / "tools")

    outcome = verify(site.laptop())

    assert outcome.exit_code == 20
    assert "its manifest is missing" in json.dumps(outcome.data["differences"])
