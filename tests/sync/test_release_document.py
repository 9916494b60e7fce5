import json

import pytest

from skillway_sync.catalogue import catalogue_digests, render_catalogue
from skillway_sync.errors import RefusedError
from skillway_sync.release_document import (
    PluginNote,
    Release,
    ReleasedPlugin,
    RingPointer,
    parse_release,
    parse_ring,
    select_plugins,
)


def plugin(layer, team=None):
    return ReleasedPlugin(digest="a" * 64, version="1.0.0+aaaaaaaaaaaa", layer=layer, team=team, description="d")


RELEASE = Release(
    seq=7,
    organisation="Acme",
    catalogue="acme",
    created="2026-01-02T03:04:05Z",
    plugins={
        "base-plugin": plugin("base"),
        "developer-tools": plugin("developer-tools"),
        "support": plugin("team", "support"),
        "swarm": plugin("team", "swarm"),
    },
    notes={"support": PluginNote("added", ("skill x added",))},
)


def test_release_reads_back_equal():
    assert parse_release(RELEASE.to_bytes(), where="r") == RELEASE


@pytest.mark.parametrize(
    ("teams", "developer_tools", "names"),
    [
        ((), False, ["base-plugin"]),
        ((), True, ["base-plugin", "developer-tools"]),
        (("support",), False, ["base-plugin", "support"]),
        (("*",), True, ["base-plugin", "developer-tools", "support", "swarm"]),
        (("unknown",), False, ["base-plugin"]),
    ],
)
def test_laptop_gets_base_always_and_the_rest_by_who_it_is_for(teams, developer_tools, names):
    assert list(select_plugins(RELEASE, teams=teams, developer_tools=developer_tools)) == names


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.update(schema=9),
        lambda body: body.update(seq=0),
        lambda body: body.update(seq="7"),
        lambda body: body.update(catalogue="../x"),
        lambda body: body["plugins"].update({"../evil": body["plugins"]["support"]}),
        lambda body: body["plugins"]["support"].update(digest="../../etc"),
        lambda body: body["plugins"]["support"].update(layer="root"),
        lambda body: body["plugins"]["support"].update(team=None),
        lambda body: body["plugins"].pop("base-plugin"),
        lambda body: body.pop("created"),
    ],
)
def test_altered_release_is_refused(change):
    body = json.loads(RELEASE.to_bytes())
    change(body)
    with pytest.raises(RefusedError):
        parse_release(json.dumps(body).encode(), where="r")


def test_ring_pointer_reads_back_equal():
    pointer = RingPointer("canary", 7, halt=True)
    assert parse_ring(pointer.to_bytes(), where="r") == pointer


@pytest.mark.parametrize("data", [b"<html>", b"{}", b'{"schema":1,"ring":"a b","release":1,"halt":false}', b"[1]"])
def test_what_is_no_ring_pointer_is_refused(data):
    with pytest.raises(RefusedError):
        parse_ring(data, where="r")


def test_catalogue_names_versioned_folders_and_reads_back():
    data = render_catalogue(RELEASE, {"support": RELEASE.plugins["support"]})
    assert json.loads(data)["plugins"][0]["source"] == f"./store/support/{'a' * 64}"
    assert catalogue_digests(data) == {"support": "a" * 64}


@pytest.mark.parametrize("source", ["/etc", "./store/other/" + "a" * 64, "../x"])
def test_catalogue_that_points_out_of_the_store_is_not_read(source):
    with pytest.raises(ValueError, match="not in the store"):
        catalogue_digests(json.dumps({"plugins": [{"name": "support", "source": source}]}).encode())
