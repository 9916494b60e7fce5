"""Former releases stay for two weeks, and the last one for ever; what nothing uses any more leaves no trace."""

from __future__ import annotations

import json
import time

import pytest

from skillway_sync import applied
from skillway_sync.engine import run
from skillway_sync.rollback import roll_back

DAY = 86_400.0


@pytest.fixture
def history(site, second_release):
    """A laptop that got release 1 today, 2 tomorrow and 3 the day after; `now` is then."""
    run(site.laptop())
    for seq, text in ((2, "two"), (3, "three")):
        site.now += DAY
        second_release(site.publisher, seq=seq, text=text)
        run(site.laptop())
    return site


def kept_folders(site, plugin="support") -> set[int]:
    """Which releases' folder of a plugin is there."""
    return {seq for seq in site.publisher.releases if site.folder(plugin, seq).is_dir()}


def kept_archives(site, plugin="support") -> set[int]:
    names = {path.name.split(".")[0] for path in (site.layout.state / "archives" / plugin).iterdir()}
    return {seq for seq in site.publisher.releases if site.digests(seq)[plugin] in names}


def kept_documents(site) -> set[int]:
    return {int(path.stem) for path in (site.layout.state / "releases").glob("*.json")}


def assert_kept(site, seqs) -> None:
    assert kept_folders(site) == seqs
    assert kept_archives(site) == seqs
    assert kept_documents(site) == seqs


def test_releases_of_the_last_days_are_all_kept(history):
    assert_kept(history, {1, 2, 3})


def test_release_stays_for_fourteen_days_after_it_was_replaced(history):
    history.now += 12.9 * DAY  # release 1 was replaced a day before that
    run(history.laptop())

    assert_kept(history, {1, 2, 3})


def test_release_goes_after_fourteen_days_and_leaves_no_trace(history):
    history.now += 13.1 * DAY
    run(history.laptop())

    assert_kept(history, {2, 3})
    gone = history.digests(1)["support"]
    index = (history.layout.state / "index").read_bytes()
    assert gone.encode() not in index
    assert gone not in (history.layout.state / "applied.json").read_text()
    assert not history.layout.staging.exists()


def test_the_release_before_the_present_one_stays_for_ever(history):
    history.now += 400 * DAY
    run(history.laptop())

    assert_kept(history, {2, 3})
    roll_back(history.laptop())
    assert history.catalogue() == history.digests(2)


def test_plugin_that_a_kept_release_shares_stays(history):
    history.now += 400 * DAY
    run(history.laptop())

    assert history.folder("tools", 1) == history.folder("tools", 3)
    assert history.folder("tools").is_dir()
    assert len(list((history.layout.store / "tools").iterdir())) == 1


def test_plugin_that_left_the_release_goes_with_its_last_release(history, make):
    history.publisher.release(4, {"base": make.base("four"), "tools": make.plugin("tools")})
    run(history.laptop())
    assert (history.layout.store / "support").is_dir()
    history.publisher.release(5, {"base": make.base("five"), "tools": make.plugin("tools")})
    run(history.laptop())
    history.now += 20 * DAY
    run(history.laptop())

    assert not (history.layout.store / "support").exists()
    assert not list((history.layout.state / "archives").glob("support/*"))


def test_size_cap_takes_the_oldest_first_and_never_the_last_two(history, monkeypatch):
    monkeypatch.setattr(applied, "KEEP_BYTES", 1)
    run(history.laptop())

    assert_kept(history, {2, 3})


def test_clock_that_went_back_removes_nothing(history):
    history.now -= 300 * DAY
    run(history.laptop())

    assert_kept(history, {1, 2, 3})


def test_laptop_that_is_offline_for_long_keeps_everything(history):
    history.publisher.folder.rename(history.publisher.folder.with_name("away"))
    history.now += 400 * DAY

    assert run(history.laptop()).exit_code == 10
    assert_kept(history, {1, 2, 3})


def test_rolled_back_release_is_kept_like_a_former_one(history):
    roll_back(history.laptop())
    history.now += 20 * DAY
    run(history.laptop())

    assert history.catalogue() == history.digests(2)
    assert 3 in kept_folders(history)


def test_many_releases_do_not_pile_up(site, make):
    """One every day for a month; the store holds two weeks of them."""
    for seq in range(2, 32):
        site.publisher.bodies.clear()  # they are in the store; writing all of them again is not what is tested
        site.publisher.release(seq, {"base": make.base(str(seq))})
        site.now += DAY
        run(site.laptop())

    assert len(list((site.layout.store / "base").iterdir())) <= 17
    assert len(kept_documents(site)) <= 17
    assert len(list((site.layout.state / "archives" / "base").glob("*.tgz"))) <= 17
    assert len(json.loads((site.layout.state / "applied.json").read_text())["former"]) <= 16
    assert len(list((site.layout.state / "trust" / "root_history").iterdir())) == 1


def test_folder_of_an_interrupted_run_goes(history):
    stray = history.layout.store / "support" / ("0" * 64)
    stray.mkdir()
    (stray / "half").write_text("unfinished")

    run(history.laptop())

    assert not stray.exists()


def test_staging_is_emptied_at_the_start(history):
    history.layout.staging.mkdir()
    (history.layout.staging / "left").write_text("x")
    (history.layout.staging / "link").symlink_to(history.layout.store)

    run(history.laptop())

    assert not history.layout.staging.exists()
    assert kept_folders(history) == {1, 2, 3}


def test_time_of_replacement_is_that_of_the_run(history):
    record = json.loads((history.layout.state / "applied.json").read_text())

    assert [each["seq"] for each in record["former"]] == [2, 1]
    assert record["former"][0]["replaced_at"] == history.now
    assert history.now > time.time() + DAY
