"""A cached answer is the answer of exactly these files and rules, and a broken cache is none."""

import os
from pathlib import Path

import pytest

from skillway.checks import cache, check_path

REFERENCE = "skills/support/triage/references/categories.md"


def found(root, **options):
    return [(finding.rule, finding.file) for finding in check_path(root, cached=True, **options).findings]


def entries(root):
    return sorted((root / cache.FOLDER).glob("*.json"))


def test_second_run_answers_from_the_cache_without_looking_at_rules(good, monkeypatch):
    (good / REFERENCE).write_text("[a](nowhere.md)\n")
    first = check_path(good, cached=True)
    monkeypatch.setattr("skillway.checks.run.load_selection", None)
    second = check_path(good, cached=True)
    assert (second.findings, second.counts) == (first.findings, first.counts)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / REFERENCE).write_text("[a](nowhere.md)\n"),
        lambda root: (root / REFERENCE).unlink(),
        lambda root: (root / "docs/conventions.md").unlink(),
        lambda root: (root / "organisation.yaml").write_text("name: acme\nteams: [finance]\n"),
    ],
)
def test_any_change_is_seen(good, change):
    assert found(good) == []
    change(good)
    assert found(good) != []


def test_changed_mode_is_seen(good):
    (good / "developer-tools/bin").mkdir()
    program = good / "developer-tools/bin/triage"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert found(good) == []
    program.chmod(0o644)
    assert [rule for rule, _ in found(good)] == ["script-not-executable"]


def test_changed_rules_and_another_profile_have_another_key(good, monkeypatch):
    key = cache.make_key(good, "claude-code")
    assert cache.make_key(good, "portable") != key
    monkeypatch.setattr(cache, "_rules_digest", lambda: "other rules")
    assert cache.make_key(good, "claude-code") != key


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"schema": 1}', b'{"schema": 1, "findings": [{}], "counts": {}}', b"\xff" * 9]
)
def test_corrupted_cache_is_ignored_and_replaced(good, data):
    (good / REFERENCE).write_text("[a](nowhere.md)\n")
    assert found(good) == [("link-broken", REFERENCE)]
    (entry,) = entries(good)
    entry.write_bytes(data)
    assert found(good) == [("link-broken", REFERENCE)]
    assert entry.read_bytes() != data


def test_what_cannot_be_read_is_never_remembered(good):
    os.mkfifo(good / "skills/support/triage/input")
    assert [rule for rule, _ in found(good)] == ["file-special"]
    assert entries(good) == []


def test_folder_that_cannot_be_written_costs_nothing(good):
    (good / ".skillway").write_text("a file stands here")
    assert found(good) == []


def test_cache_keeps_few_entries(good):
    for number in range(20):
        (good / REFERENCE).write_text(f"# Categories {number}\n")
        found(good)
    assert len(entries(good)) == 16
    assert (good / cache.FOLDER / ".gitignore").read_text() == "*\n"


def test_other_peoples_folders_are_not_written_to(good):
    (good / "organisation.yaml").unlink()
    found(good)
    assert not Path(good / ".skillway").exists()
