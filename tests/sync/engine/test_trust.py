import datetime as dt
import json
import shutil

import pytest

from skillway_sync.engine import run
from skillway_sync.errors import ConfigError, ExpiredError, OfflineError, RefusedError
from skillway_sync.release_document import archive_target, manifest_target, ring_target
from skillway_sync.work import RunOptions

DAY = 86_400


def expect_refusal(site, match):
    """The run is refused, exit 30, and what is installed stays as it was."""
    before = site.installed()
    with pytest.raises(RefusedError, match=match) as caught:
        run(site.laptop())
    assert caught.value.exit_code == 30
    assert site.installed() == before
    assert not site.layout.staging.exists() or not list((site.layout.staging).glob("candidate/store/*/*/skills"))


def test_store_of_another_publisher_is_refused(site, make, tmp_path):
    run(site.laptop())
    other = make.publisher(tmp_path / "other", prefix="other ")
    other.release(2, {"base": make.base("evil")})
    shutil.rmtree(site.publisher.folder)
    shutil.copytree(other.folder, site.publisher.folder)

    expect_refusal(site, "not signed by enough of the keys")
    assert site.status()["state"] == "refused"


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "release", "ring-broad"])
def test_metadata_that_was_altered_is_refused(site, second_release, role):
    run(site.laptop())
    second_release(site.publisher)
    name = "timestamp.json" if role == "timestamp" else f"{site.publisher.version}.{role}.json"
    path = site.publisher.folder / "metadata" / name
    content = json.loads(path.read_text())
    content["signed"]["expires"] = "2099-01-01T00:00:00Z"
    path.write_text(json.dumps(content))

    expect_refusal(site, "metadata")


def test_metadata_that_is_no_json_is_refused(site):
    run(site.laptop())
    (site.publisher.folder / "metadata" / "timestamp.json").write_bytes(b"\x00\x01garbage")

    expect_refusal(site, "not metadata that can be read")


def test_older_metadata_is_refused(site, second_release, tmp_path):
    shutil.copytree(site.publisher.folder, tmp_path / "old")
    second_release(site.publisher)
    run(site.laptop())
    shutil.rmtree(site.publisher.folder)
    shutil.copytree(tmp_path / "old", site.publisher.folder)

    expect_refusal(site, "older than what this laptop has seen")


def test_archive_that_was_altered_is_refused(site, second_release):
    run(site.laptop())
    second_release(site.publisher)
    place = site.publisher.place(archive_target("base", site.digests(2)["base"]))
    place.write_bytes(place.read_bytes()[:-8] + b"12345678")

    expect_refusal(site, "does not have the bytes that are signed")


def test_archive_that_is_longer_than_signed_is_refused(site, second_release):
    run(site.laptop())
    second_release(site.publisher)
    place = site.publisher.place(archive_target("base", site.digests(2)["base"]))
    place.write_bytes(place.read_bytes() + b"more")

    expect_refusal(site, "sent more bytes than it may")


def test_signed_archive_with_other_content_than_its_manifest_is_refused(site, make):
    """A publisher's mistake or a stolen release key: what is signed must still be what the digest names."""
    run(site.laptop())
    publisher = site.publisher
    other = publisher.add_plugin("tools", make.plugin("tools", "other"))
    wanted = publisher.add_plugin("tools", make.plugin("tools", "wanted"))
    publisher.add_target(archive_target("tools", wanted), publisher.bodies[archive_target("tools", other)])
    publisher.release(2, {"base": make.base()})
    release = publisher.releases[2]
    tools = publisher.releases[1].plugins["tools"]
    release.plugins["tools"] = type(tools)(wanted, "1.0.0", "developer-tools", None, "")
    publisher.add_target("releases/2.json", release.to_bytes())
    publisher.sign()

    expect_refusal(site, "than its manifest says|where its manifest puts it")


def test_signed_manifest_of_another_plugin_is_refused(site, make):
    run(site.laptop())
    publisher = site.publisher
    digest = publisher.add_plugin("tools", make.plugin("tools", "new"))
    publisher.add_target(
        manifest_target("tools", digest), publisher.bodies[manifest_target("base", site.digests(1)["base"])]
    )
    release = publisher.release(2, {"base": make.base()})
    old = publisher.releases[1].plugins["tools"]
    release.plugins["tools"] = type(old)(digest, "1.0.0", "developer-tools", None, "")
    publisher.add_target("releases/2.json", release.to_bytes())
    publisher.sign()

    expect_refusal(site, "another plugin's")


def test_ring_pointer_of_another_ring_is_refused(site, second_release):
    run(site.laptop())
    second_release(site.publisher)
    pointer = type(site.publisher.pointers["broad"])("canary", 2)
    site.publisher.pointers["broad"] = pointer
    site.publisher.sign()

    expect_refusal(site, "is for ring canary")


def test_ring_that_the_store_does_not_have_is_said(site):
    site.configure(ring="nowhere")

    with pytest.raises(RefusedError, match="no release for ring nowhere"):
        run(site.laptop())


def test_release_that_is_not_in_the_signed_list_is_refused(site):
    run(site.laptop())
    site.publisher.point("broad", 7)

    expect_refusal(site, r"does not have releases/7\.json")


def test_expired_store_keeps_what_is_installed(site):
    run(site.laptop())
    before = site.installed()
    site.publisher.expires["timestamp"] = dt.timedelta(days=-1)
    site.publisher.sign()

    outcome = run(site.laptop())

    assert outcome.exit_code == 0
    assert outcome.state == "stale"
    assert site.status()["state"] == "stale"
    assert site.installed() == before


def test_expired_store_is_a_failure_after_three_days(site):
    run(site.laptop())
    site.publisher.expires["timestamp"] = dt.timedelta(days=-1)
    site.publisher.sign()
    site.now += 4 * DAY

    outcome = run(site.laptop())

    assert outcome.exit_code == 10
    assert site.catalogue() == site.digests(1)


def test_expired_store_installs_nothing_on_a_new_laptop(site):
    site.publisher.expires["timestamp"] = dt.timedelta(days=-1)
    site.publisher.sign()

    with pytest.raises(ExpiredError, match="out of date") as caught:
        run(site.laptop())

    assert caught.value.exit_code == 31
    assert not site.layout.catalogue_file.exists()


@pytest.mark.parametrize(("days", "exit_code"), [(0, 0), (2, 0), (4, 10)])
def test_offline_laptop_is_in_order_for_three_days(site, days, exit_code):
    run(site.laptop())
    before = site.installed()
    shutil.rmtree(site.publisher.folder)
    site.now += days * DAY

    outcome = run(site.laptop())

    assert outcome.exit_code == exit_code
    assert outcome.state == "offline"
    assert site.installed() == before


def test_offline_laptop_recovers_by_itself(site, second_release, tmp_path):
    run(site.laptop())
    second_release(site.publisher)
    shutil.move(site.publisher.folder, tmp_path / "away")
    site.now += 60 * DAY
    run(site.laptop())
    shutil.move(tmp_path / "away", site.publisher.folder)
    site.now -= 59 * DAY

    outcome = run(site.laptop())

    assert outcome.data["release"] == 2
    assert site.status()["error"] is None


def test_new_laptop_without_its_store_says_so(site):
    shutil.rmtree(site.publisher.folder)

    with pytest.raises(OfflineError, match="does not have a file") as caught:
        run(site.laptop())

    assert caught.value.exit_code == 10


def test_page_in_the_stores_place_is_named_and_changes_nothing(site):
    run(site.laptop())
    before = site.installed()
    (site.publisher.folder / "metadata" / "timestamp.json").write_text("\n <!doctype html><html>Sign in</html>")

    outcome = run(site.laptop())

    assert "A web page came back" in outcome.message
    assert outcome.exit_code == 0
    assert site.installed() == before


def test_new_root_keys_are_followed(site, second_release, make):
    run(site.laptop())
    site.publisher.root_version = 2
    site.publisher.prefix = "renewed "
    site.publisher.write_root(also_signed_by="root")
    second_release(site.publisher)

    assert run(site.laptop()).data["release"] == 2


def test_root_that_the_former_keys_did_not_sign_is_refused(site, second_release):
    run(site.laptop())
    site.publisher.root_version = 2
    site.publisher.prefix = "stolen "
    second_release(site.publisher)

    expect_refusal(site, "not signed by enough")


@pytest.mark.parametrize("content", [b"", b"{}", b"no json"])
def test_initial_root_that_is_none_is_a_configuration_error(site, content):
    (site.layout.config_file.parent / "root.json").write_bytes(content)

    with pytest.raises(ConfigError, match="is not a signed TUF root"):
        run(site.laptop())


def test_missing_initial_root_is_a_configuration_error(site):
    (site.layout.config_file.parent / "root.json").unlink()

    with pytest.raises(ConfigError, match=r"root\.json cannot be read"):
        run(site.laptop())


def test_damaged_copy_of_trusted_metadata_is_fetched_again(site, second_release):
    run(site.laptop())
    for path in (site.layout.state / "trust").rglob("*.json"):
        path.write_bytes(b"damaged")
    second_release(site.publisher)

    assert run(site.laptop()).data["release"] == 2


def test_ring_that_goes_back_is_refused(site, second_release):
    second_release(site.publisher)
    run(site.laptop())
    site.publisher.point("broad", 1)

    expect_refusal(site, "points back at release 1, and this laptop has had 2")


def test_laptop_that_changes_to_a_slower_ring_waits_for_it(site, second_release, make):
    site.publisher.release(2, {"base": make.base("canary")}, rings=("canary",))
    site.configure(ring="canary")
    run(site.laptop())
    site.configure(ring="broad")

    outcome = run(site.laptop())

    assert outcome.state == "held"
    assert outcome.exit_code == 0
    assert outcome.data["release"] == 2
    assert "keeps it until ring broad has passed 2" in outcome.warnings[0]
    assert run(site.laptop()).state == "held"

    second_release(site.publisher, seq=3, text="three")
    assert run(site.laptop()).data["release"] == 3


def test_halted_ring_applies_nothing_new_but_repairs(site, second_release):
    run(site.laptop())
    second_release(site.publisher)
    site.publisher.point("broad", 2, halt=True)
    edited = site.folder("tools") / "skills" / "tools-skill" / "SKILL.md"
    edited.write_text("edited")

    outcome = run(site.laptop())

    assert outcome.state == "halted"
    assert outcome.exit_code == 0
    assert site.catalogue() == site.digests(1)
    assert edited.read_text() != "edited"


def test_new_laptop_of_a_halted_ring_installs_nothing(site):
    site.publisher.point("broad", 1, halt=True)

    outcome = run(site.laptop())

    assert outcome.state == "halted"
    assert not site.layout.catalogue_file.exists()


def test_store_that_began_anew_is_followed_when_it_gives_out_a_new_root(site, second_release, make, tmp_path):
    second_release(site.publisher)
    run(site.laptop())
    anew = make.publisher(tmp_path / "anew", prefix="anew ")
    anew.release(1, {"base": make.base("anew")})
    site.publisher = anew
    site.configure()

    outcome = run(site.laptop())

    assert outcome.data["release"] == 1
    assert "anew" in (site.folder("base") / "skills" / "base-skill" / "SKILL.md").read_text()


def test_ring_pointer_is_not_fetched_again_while_it_is_the_same(site):
    run(site.laptop())
    (site.publisher.place(ring_target("broad"))).unlink()

    assert run(site.laptop(), RunOptions(full_check=True)).exit_code == 0
