import json

import pytest

from skillway_sync.errors import RefusedError
from skillway_sync.manifest import PLUGIN_FILE, canonical_json, make_manifest, parse_manifest, stamp_version

PLUGIN_JSON = b'{"name": "probe", "version": "1.4.2", "description": "d"}'


def contents(**files):
    return {PLUGIN_FILE: (PLUGIN_JSON, "0644"), **{path: (data, "0644") for path, data in files.items()}}


def published(change=None, **files):
    manifest, _ = make_manifest("probe", "1.4.2", contents(**files))
    body = json.loads(manifest.to_bytes())
    if change:
        change(body)
    return canonical_json(body)


def test_published_manifest_reads_back_equal():
    manifest, _ = make_manifest("probe", "1.4.2", contents(a=b"1", b=b"2"))
    assert parse_manifest(manifest.to_bytes(), where="m") == manifest


def test_digest_does_not_depend_on_the_order_of_files():
    one, _ = make_manifest("probe", "1.4.2", contents(a=b"1", b=b"2"))
    other, _ = make_manifest("probe", "1.4.2", dict(reversed(contents(a=b"1", b=b"2").items())))
    assert one.digest == other.digest


@pytest.mark.parametrize("change", [{"a": (b"2", "0644")}, {"a": (b"1", "0755")}, {"b": (b"1", "0644")}])
def test_digest_changes_with_content_mode_and_path(change):
    before, _ = make_manifest("probe", "1.4.2", contents(a=b"1"))
    files = {PLUGIN_FILE: (PLUGIN_JSON, "0644"), **change}
    after, _ = make_manifest("probe", "1.4.2", files)
    assert before.digest != after.digest


def test_stamping_puts_the_digest_into_the_version_and_keeps_the_rest():
    manifest, stamped = make_manifest("probe", "1.4.2", contents())
    content = json.loads(stamped)
    assert content == {"name": "probe", "version": f"1.4.2+{manifest.digest[:12]}", "description": "d"}
    assert list(content) == ["name", "version", "description"]


def test_stamping_replaces_a_former_build_part():
    assert stamp_version("1.0.0+old", "f" * 64) == "1.0.0+ffffffffffff"


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../up",
        "a/../b",
        "a//b",
        "./a",
        "a\\b",
        "C:/x",
        "con",
        "a/NUL.txt",
        "x ",
        "dot.",
        "a\0b",
        "a\nb",
        "e\u0301",
        "x" * 181,
    ],
)
def test_path_that_could_harm_a_laptop_is_refused_whatever_the_signature(path):
    manifest, _ = make_manifest("probe", "1.4.2", contents(**{path: b"x"}))
    with pytest.raises(RefusedError):
        parse_manifest(manifest.to_bytes(), where="m")


@pytest.mark.parametrize("pair", [("Read.md", "read.md"), ("a/x", "A/y"), ("a", "A/x")])
def test_names_that_are_one_file_without_case_are_refused(pair):
    manifest, _ = make_manifest("probe", "1.4.2", contents(**dict.fromkeys(pair, b"x")))
    with pytest.raises(RefusedError, match="where case is ignored"):
        parse_manifest(manifest.to_bytes(), where="m")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda body: body["files"][1].update(size=2), "its files make"),
        (lambda body: body.update(schema=2), "has schema 2"),
        (lambda body: body["files"].reverse(), "in order"),
        (lambda body: body["files"].append(body["files"][1]), "in order"),
        (lambda body: body["files"].pop(0), "has no"),
        (lambda body: body["files"][1].update(mode="4755"), "not a plugin manifest"),
        (lambda body: body["files"][1].update(size=-1), "bytes"),
        (lambda body: body["files"][1].update(size=10**12), "bytes"),
        (lambda body: body["files"][1].update(size=True), "not a plugin manifest"),
        (lambda body: body.update(stamped=body["files"][1]), "has no"),
        (lambda body: body.pop("files"), "not a plugin manifest"),
        (lambda body: body["files"][1].update(path="\ud800"), "not a plugin manifest"),
    ],
)
def test_altered_manifest_is_refused(change, words):
    with pytest.raises(RefusedError, match=words):
        parse_manifest(published(change, a=b"1"), where="m")


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b"null", b"\xff\xfe", b'{"schema": 1}'])
def test_what_is_no_manifest_is_refused(data):
    with pytest.raises(RefusedError):
        parse_manifest(data, where="m")
