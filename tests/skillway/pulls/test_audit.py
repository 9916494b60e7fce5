"""Pull requests of agents are held against the program's events; what cannot be known is in no rate."""

import hashlib
import hmac
import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest

from skillway.collector.decode import decode
from skillway.collector.otlp_json import JSON
from skillway.collector.store import open_store
from skillway.errors import UndecidedError
from skillway.pulls.audit import Events, audit, pull_hash
from skillway.pulls.values import PullRequest

START = datetime(2026, 3, 2, tzinfo=timezone.utc)
KEY = "a key of the test"
PROJECT = "github.com/Acme/Shop"


def merged(number, day, *, author="a", agent=True, name=None):
    when = START + timedelta(days=day)
    return PullRequest(name or f"#{number}", "t", "b", author, agent, False, when, None, "fetch")


def told(*numbers, without_hash=0, latest=200):
    hashes = frozenset(pull_hash(KEY, PROJECT, number) for number in numbers)
    return Events(hashes, without_hash, START, START + timedelta(days=latest))


def test_the_hash_is_the_one_that_the_program_tells():
    text = b"github.com/acme/shop#12"
    assert pull_hash(KEY, PROJECT, 12) == hmac.new(KEY.encode(), text, hashlib.sha256).hexdigest()[:32]


def test_missing_ones_are_counted_by_repository_and_week():
    pulls = [merged(number, 20 + number, author=f"a{number}") for number in range(1, 11)]
    pulls.append(merged(99, 30, agent=False))
    found = audit([(PROJECT, pulls), ("github.com/acme/web", [merged(5, 40)])], told(*range(1, 9)), KEY)
    assert (found.rate.pull_requests, found.rate.missing) == (11, 3)
    assert found.missing == ("github.com/Acme/Shop#9", "github.com/Acme/Shop#10", "github.com/acme/web#5")
    assert found.by_repository["github.com/acme/web"].share == 1.0
    assert sum(rate.pull_requests for rate in found.by_week.values()) == 11
    assert found.rate.low < 3 / 11 < found.rate.high


def test_what_cannot_be_known_is_unknown_and_in_no_rate():
    pulls = [merged(1, -5), merged(2, 3), merged(3, 30, name="abcdef012345"), merged(4, 300), merged(5, 30)]
    found = audit([(PROJECT, pulls)], told(5), KEY)
    assert (found.rate.pull_requests, found.rate.missing) == (1, 0)
    assert sorted(found.unknown.values()) == [1, 1, 1, 1]


def test_an_event_counts_however_early_it_came():
    assert audit([(PROJECT, [merged(1, -5), merged(2, 1)])], told(1, 2), KEY).rate.pull_requests == 2


def test_one_author_with_many_is_less_sure_than_many_authors():
    def width(authors):
        pulls = [merged(number, 30, author=str(number % authors)) for number in range(100)]
        told_of = [number for number in range(100) if number % authors >= authors // 4]
        rate = audit([(PROJECT, pulls)], told(*told_of), KEY).rate
        assert rate.share == 0.25 or authors == 100
        return rate.high - rate.low

    assert width(4) > 2 * width(100)


def test_nothing_missing_is_no_proof_of_zero():
    rate = audit([(PROJECT, [merged(n, 30, author=str(n)) for n in range(30)])], told(*range(30)), KEY).rate
    assert (rate.missing, rate.low) == (0, 0.0)
    assert 0.09 < rate.high < 0.13


def test_events_without_a_hash_make_the_rate_an_upper_bound():
    found = audit([(PROJECT, [merged(1, 30)])], told(2, without_hash=3), KEY)
    assert any("upper bound" in remark for remark in found.remarks)


@pytest.mark.parametrize(("pulls", "events"), [([merged(1, 30)], Events(frozenset(), 0, None, None)), ([], told(1))])
def test_without_events_or_pull_requests_nothing_is_decided(pulls, events):
    with pytest.raises(UndecidedError):
        audit([(PROJECT, pulls)], events, KEY)


def event(number, day):
    attributes = {"pr.hash": pull_hash(KEY, PROJECT, number), "pr.forge": "github", "log.record.uid": f"{number:032x}"}
    return {
        "timeUnixNano": str(int((START + timedelta(days=day)).timestamp() * 1e9)),
        "eventName": "skillway.pr.created",
        "body": {"stringValue": "skillway.pr.created"},
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }


@pytest.fixture
def files(tmp_path):
    """A collector's store, a collection and a key, as the parts themselves write them."""
    store = open_store(tmp_path / "usage.db")
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [event(n, 0 if n == 1 else 60) for n in range(1, 8)]}]}]}
    decoded = decode("logs", json.dumps(body).encode(), JSON)
    store.write([decoded.rows])
    store.close()
    header = {"kind": "skillway.pulls", "schema": 1, "source": f"github {PROJECT.lower()}", "salt": "00" * 16}
    pulls = [merged(number, 20 + number, author=f"a{number}") for number in range(1, 11)]
    lines = [json.dumps(header), *(json.dumps(pull.to_json()) for pull in pulls)]
    (tmp_path / "pulls.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "audit.key").write_text(f"{KEY}\n")
    return tmp_path


def run(folder, *more):
    command = [sys.executable, "-m", "skillway", "pr", "audit", "--input", "pulls.jsonl", "--store", "usage.db", *more]
    result = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, cwd=folder)
    assert "Traceback" not in result.stderr + result.stdout
    assert KEY not in result.stderr + result.stdout
    return result.returncode, json.loads(result.stdout)


def test_the_command_reads_the_collectors_store(files):
    code, answer = run(files, "--key-file", "audit.key")
    assert (code, answer["data"]["rate"]["missing"]) == (0, 3)
    assert answer["data"]["missing"][0] == "github.com/acme/shop#8"
    assert answer["warnings"] == []


def test_another_key_is_suspected(files):
    (files / "other.key").write_text("other")
    code, answer = run(files, "--key-file", "other.key")
    assert code == 0
    assert "key" in answer["warnings"][0]


def test_bad_files_are_told(files):
    (files / "empty.key").write_text("\n")
    assert run(files, "--key-file", "empty.key")[0] == 1
    assert run(files, "--key-file", "none.key")[0] == 7
    assert run(files, "--key-file", "audit.key", "--store", "none.db")[0] == 7
    assert run(files, "--key-file", "audit.key", "--store", "pulls.jsonl")[0] == 1
    text = (files / "pulls.jsonl").read_text().replace("github github.com/acme/shop", "git main")
    (files / "pulls.jsonl").write_text(text)
    assert run(files, "--key-file", "audit.key")[0] == 1
    assert run(files, "--key-file", "audit.key", "--project", "github.com/acme/shop")[0] == 0
