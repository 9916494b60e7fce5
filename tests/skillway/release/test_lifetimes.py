"""Signatures that grow old: what is signed again, by which command, and what an expired one stops."""

from datetime import timedelta, timezone
from types import SimpleNamespace

import pytest
from tuf.api.exceptions import ExpiredMetadataError
from tuf.ngclient._internal import trusted_metadata_set

from skillway.release.roles import now_utc


def _aged(desk, days):
    """Publish as it would have been some days ago."""
    past = now_utc() - timedelta(days=days)
    clock = SimpleNamespace(datetime=SimpleNamespace(now=lambda _zone: past), timezone=timezone)
    desk.make_keys(now=past)
    desk.build()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trusted_metadata_set, "datetime", clock)  # the clock of the client that reads back
        desk.publish(now=past)


def test_fresh_store_has_the_documented_lifetimes(published):
    data = published.cli("status")[1]["data"]
    assert {role["role"]: round(role["days_left"]) for role in data["roles"]} == {
        "root": 365,
        "targets": 365,
        "release": 90,
        "ring-canary": 30,
        "ring-broad": 30,
        "snapshot": 7,
        "timestamp": 3,
    }


def test_publish_of_the_same_signs_again_what_is_past_half_of_its_life(desk, tmp_path):
    _aged(desk, 2)
    code, envelope = desk.cli("publish")
    assert (code, envelope["data"]["release"], envelope["data"]["signed"]) == (0, None, ["timestamp"])
    assert "Nothing to publish" in desk.told("publish")[1]
    assert desk.seen(tmp_path / "cache").seq == 1


def test_expired_store_recovers_by_resign_and_laptops_follow(desk, tmp_path):
    _aged(desk, 16)
    with pytest.raises(ExpiredMetadataError):
        desk.seen(tmp_path / "cache")
    assert desk.cli("status")[0] == 5
    code, envelope = desk.cli("resign")
    assert code == 0
    assert envelope["data"]["signed"] == ["ring-broad", "ring-canary", "snapshot", "timestamp"]
    assert desk.cli("status")[0] == 0
    assert desk.seen(tmp_path / "cache").seq == 1


def test_resign_signs_the_timestamp_alone_when_the_rest_is_fresh(published):
    assert published.cli("resign")[1]["data"]["signed"] == ["timestamp"]


def test_resign_on_a_machine_with_online_keys_alone_names_what_it_cannot_sign(desk):
    _aged(desk, 16)
    for name in ("ring-broad", "ring-canary", "release", "targets", "root-1", "root-2", "root-3"):
        (desk.keys / f"{name}.pem").unlink()
    code, envelope = desk.cli("resign")
    assert (code, envelope["data"]["signed"]) == (0, ["snapshot", "timestamp"])
    assert envelope["data"]["elsewhere"] == ["ring-broad", "ring-canary"]
    assert len(envelope["warnings"]) == 2


def test_resign_dry_run_changes_no_byte(published):
    before = published.files()
    assert published.cli("resign", "--dry-run")[0] == 0
    assert published.files() == before


def test_resign_before_the_first_release_says_so(desk):
    desk.make_keys()
    code, envelope = desk.cli("resign")
    assert (code, envelope["next_actions"]) == (7, ["skillway release publish"])
    assert "Nothing is published" in envelope["error"]["message"]
    assert not desk.store.exists()


def test_expired_root_stops_a_publish_and_its_renewal_reaches_old_laptops(desk, tmp_path):
    _aged(desk, 366)
    old_root = (desk.keys / "root.json").read_bytes()
    before = desk.files()
    code, envelope = desk.cli("publish")
    assert code == 4
    assert envelope["next_actions"] == ["skillway release keys --renew-root"]
    assert desk.files() == before
    (desk.keys / "root-2.pem").unlink()
    assert desk.cli("keys", "--renew-root")[1]["data"]["root_version"] == 2
    assert desk.cli("publish")[0] == 0
    assert desk.files()["metadata/1.root.json"] == old_root
    assert desk.seen(tmp_path / "cache", root=old_root).seq == 1
    assert desk.seen(tmp_path / "new-laptop").seq == 1


def test_two_renewals_between_publishes_leave_no_gap(published, tmp_path):
    old_root = (published.keys / "root.json").read_bytes()
    for version in (2, 3):
        assert published.cli("keys", "--renew-root")[1]["data"]["root_version"] == version
    published.publish()
    assert {f"metadata/{version}.root.json" for version in (1, 2, 3)} <= published.files().keys()
    assert published.seen(tmp_path / "cache", root=old_root).seq == 1


def test_status_warns_before_expiry(desk):
    _aged(desk, 2.5)
    code, envelope = desk.cli("status")
    assert code == 0
    assert envelope["warnings"] == ["timestamp expires in 0.5 days; sign it again with: skillway release resign"]
    assert envelope["next_actions"] == ["skillway release resign"]


@pytest.mark.parametrize(
    ("role", "arguments"),
    [("targets", ["resign"]), ("targets", ["publish"]), ("release", ["publish", "--release", "1", "--ring", "late"])],
)
def test_expired_role_whose_key_is_elsewhere_is_named_before_anything_is_written(desk, role, arguments):
    _aged(desk, 366 if role == "targets" else 91)
    if role == "release":
        desk.configure(rings=("canary", "broad", "late"))
        desk.cli("keys")
    else:
        assert desk.cli("keys", "--renew-root")[0] == 0
    (desk.keys / f"{role}.pem").unlink()
    before = desk.files()
    code, envelope = desk.cli(*arguments)
    assert code == 4
    assert f"{role}.pem is not on this machine" in envelope["error"]["message"]
    assert desk.files() == before
