"""The report says what counting the events one by one says."""

import importlib.util
import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from skillway.collector.store import open_store
from skillway.errors import NotFoundError
from skillway.usage.report import NO_SKILL, NO_TEAM, OTHERS, build_report, last_days
from skillway.usage.selection import make_period, too_small
from skillway.usage.targets import TargetsError

_spec = importlib.util.spec_from_file_location("fleet_events", Path(__file__).parent / "fleet_events.py")
fleet_events = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fleet_events)
Counted, make_events, UNTIL = fleet_events.Counted, fleet_events.make_events, fleet_events.UNTIL

PERIODS = [
    make_period(UNTIL - timedelta(days=29), UNTIL),
    make_period(UNTIL - timedelta(days=40), UNTIL - timedelta(days=12)),
    make_period(UNTIL, UNTIL),
]


@pytest.fixture(params=[1, 2, 3], scope="module")
def events(request):
    return make_events(request.param, until=UNTIL)


@pytest.fixture(scope="module")
def path(events, filled_once):
    return filled_once(events)


@pytest.fixture(scope="module")
def reports(events, path):
    """The report and the right answers, for each period."""
    return [(build_report(path, period), Counted(events, period.since, period.until)) for period in PERIODS]


def test_skills_are_counted_as_one_by_one(reports):
    for report, right in reports:
        names = {event["attributes"]["skill.name"] for event in right.named("skillway.skill.used")}
        assert {use.name for use in report.skills} == names
        assert [use.uses for use in report.skills] == sorted((use.uses for use in report.skills), reverse=True)
        for use in report.skills:
            events = right.skill(use.name)
            assert use.uses == len(events)
            assert use.users == right.shown(right.users(events))
            assert use.teams == len({event["team"] for event in events} - {None})
            assert use.triggers == Counter(event["attributes"]["invocation_trigger"] for event in events)
            judged = [event["attributes"]["success"] for event in events if "success" in event["attributes"]]
            assert use.failures == judged.count(False)
            assert use.success_rate == (pytest.approx(sum(judged) / len(judged)) if judged else None)
            assert use.weekly == right.weekly(events)
            assert use.last_used == max(right.day(event) for event in events)


def test_plugins_and_totals_are_counted_as_one_by_one(reports):
    for report, right in reports:
        used = right.named("skillway.skill.used")
        for plugin in report.plugins:
            events = [event for event in used if event["attributes"]["plugin.name"] == plugin.name]
            assert (plugin.uses, plugin.users) == (len(events), right.shown(right.users(events)))
        totals = report.totals
        assert totals.uses == len(used)
        assert totals.users == right.shown(right.users(right.events))
        assert totals.users_of_skills == right.shown(right.users(used))
        assert totals.teams == len({event["team"] for event in right.events} - {None})
        assert totals.sessions == len({event["attributes"]["session.id"] for event in right.events})
        assert totals.weekly == right.weekly(used)
        assert report.provenance.events == len(right.events)
        assert report.provenance.native_events == len(right.named("claude_code.api_request"))


def test_teams_are_counted_and_small_ones_are_one_row(reports):
    for report, right in reports:
        active = {
            team: right.users([event for event in right.events if event["team"] == team]) for team in ("big", "mid")
        }
        shown = {team.team: team for team in report.adoption}
        assert not shown.keys() & {"tiny", "wee"}, "teams of 4 and 3 people"
        for name, users in active.items():
            if name not in shown:
                assert 0 <= len(users) < 9, "only hidden because it is small, or to cover another small one"
                continue
            events = [event for event in right.named("skillway.skill.used") if event["team"] == name]
            assert shown[name].active == right.shown(users)
            assert shown[name].users == right.shown(right.users(events))


def test_cost_is_given_to_the_skill_used_last_in_the_prompt(reports):
    for report, right in reports:
        expected = right.cost_by(right.skill_of)
        shown = {group.name: group.usd for group in report.cost.by_skill}
        assert report.cost.total_usd == pytest.approx(sum(expected.values()))
        assert shown[NO_SKILL] == pytest.approx(expected.pop(None))
        others = shown.pop(OTHERS, 0.0)
        hidden = sum(usd for name, usd in expected.items() if name not in shown)
        assert others == pytest.approx(hidden)
        for name in expected.keys() & shown.keys():
            assert shown[name] == pytest.approx(expected[name])
        requests = right.named("claude_code.api_request")
        weekly = right.weekly(requests, lambda event: event["attributes"]["cost_usd"])
        assert report.cost.weekly == pytest.approx(weekly)


def test_cost_of_a_team_comes_from_the_session(reports):
    for report, right in reports:
        expected = right.cost_by(right.team_of)
        shown = {group.name: group for group in report.cost.by_team}
        assert sum(group.usd for group in shown.values()) == pytest.approx(sum(expected.values()))
        without = shown[NO_TEAM].usd if NO_TEAM in shown else 0.0
        assert without == pytest.approx(expected.get(None, 0.0))
        for name in expected.keys() & shown.keys():
            requests = [e for e in right.named("claude_code.api_request") if right.team_of(e) == name]
            prompts = {e["attributes"]["prompt.id"] for e in requests if "prompt.id" in e["attributes"]}
            assert shown[name].usd == pytest.approx(expected[name])
            assert (shown[name].requests, shown[name].prompts) == (len(requests), len(prompts))


def test_rules_syncs_releases_and_health_are_counted_as_one_by_one(reports):
    for report, right in reports:
        for rule in report.rules:
            events = [e for e in right.named("skillway.hook.decision") if e["attributes"]["hook.rule.id"] == rule.rule]
            decisions = Counter(event["attributes"]["hook.decision"] for event in events)
            assert (rule.deny, rule.ask, rule.errors) == (decisions["deny"], decisions["ask"], decisions["error"])
            assert rule.users == right.shown(right.users(events))
            assert rule.weekly == right.weekly(events)
        syncs = right.named("skillway.sync.completed")
        assert {sync.outcome: sync.runs for sync in report.syncs} == Counter(
            event["attributes"]["sync.outcome"] for event in syncs
        )
        latest = {}
        for event in sorted(syncs, key=lambda event: event["ts"]):
            if event["attributes"]["sync.outcome"] != "failed" and "user.hash" in event["attributes"]:
                latest[event["attributes"]["user.hash"]] = event["attributes"]["sync.to"]
        right_releases = Counter(latest.values())
        assert {entry.release: entry.users for entry in report.releases} == {
            release: None if count < 5 else count for release, count in right_releases.items()
        }
        health = right.named("skillway.telemetry.health")
        assert report.health.reports == len(health)
        assert report.health.dropped.get("full", 0) == sum(event["attributes"]["dropped.full"] for event in health)
        biggest = max((event["attributes"]["spool.bytes"] for event in health), default=None)
        assert report.health.spool_bytes == biggest
        assert report.health.keys == ({"2026-11": len(health)} if health else {})


def test_events_that_arrive_again_in_another_order_change_nothing(events, path, filled):
    period = PERIODS[0]
    first = build_report(path, period).to_json()
    second = build_report(filled(list(reversed(events)), seed=2), period).to_json()
    for report in (first, second):
        del report["provenance"]
    assert first == second


def test_a_catalogue_tells_what_is_unused_with_the_owner_and_the_last_use(filled, repository):
    day = 86_400 * 10**9
    until = date(2026, 11, 18)
    now = 20_775 * day
    attributes = {"skill.name": "developer-tools:create-pr", "session.id": "s", "user.hash": "0" * 32}
    old = {"uid": "1" * 32, "name": "skillway.skill.used", "ts": now - 50 * day, "attributes": attributes, "team": "x"}
    used = {"skill.name": "developer-tools:write-skill", "session.id": "s", "user.hash": "0" * 32}
    new = {"uid": "2" * 32, "name": "skillway.skill.used", "ts": now, "attributes": used, "team": "x"}

    report = build_report(filled([old, new]), last_days(30, until=until), repository=repository)

    unused = {skill.name: skill for skill in report.unused}
    assert "developer-tools:write-skill" not in unused
    assert unused["developer-tools:create-pr"].last_used == date(2026, 9, 29)
    assert unused["support:escalation-summary"].last_used is None
    assert unused["support:escalation-summary"].owner


def test_targets_are_compared_with_people_and_an_idle_team_is_shown_with_nobody(path, tmp_path):
    targets = tmp_path / "targets.yaml"
    targets.write_text("teams:\n  big: {people: 48, share: 0.9}\n  idle: 12\n  wee: 3\n")

    report = build_report(path, PERIODS[0], targets=targets)

    teams = {team.team: team for team in report.adoption}
    assert teams["big"].share == pytest.approx(teams["big"].users / 48)
    assert teams["big"].is_reached is False
    assert (teams["idle"].users, teams["idle"].share, teams["idle"].is_reached) == (0, 0.0, False)
    assert "wee" not in teams


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "teams: []",
        "teams: {a: many}",
        "teams: {a: 0}",
        "teams: {a: {people: 3, share: 2}}",
        "teams: {a: {x: 1}}",
        "teams: {a: true}",
        "a: &a [*a]",
        "\x00",
    ],
)
def test_a_targets_file_that_is_none_is_refused_with_its_name(filled, tmp_path, text):
    targets = tmp_path / "targets.yaml"
    targets.write_text(text)
    with pytest.raises(TargetsError, match=r"targets\.yaml"):
        build_report(filled([]), PERIODS[0], targets=targets)


def test_a_team_that_the_organisation_does_not_have_is_told(filled, repository, tmp_path):
    targets = tmp_path / "targets.yaml"
    targets.write_text("teams: {suport: 12}")
    report = build_report(filled([]), PERIODS[0], targets=targets, repository=repository)
    assert any("'suport'" in note for note in report.provenance.notes)


def test_unsent_records_are_counted_once_and_stay_where_they_are(events, path, tmp_path):
    state = tmp_path / "state"
    (state / "spool").mkdir(parents=True)
    sent = next(
        event for event in events if event["name"] == "skillway.skill.used" and event["ts"] > 20_770 * 86_400 * 10**9
    )
    unsent = {**sent, "uid": "f" * 32}
    lines = [
        json.dumps({"v": 1, "id": e["uid"], "ts": e["ts"], "name": e["name"], "attributes": e["attributes"]})
        for e in (sent, unsent)
    ]
    spool = state / "spool" / "events.jsonl"
    spool.write_text(
        "\n"
        + "\n\n".join([*lines, '{"v":1,"id":"torn', "\ud83d".encode("utf-8", "replace").decode(), "[1]", '{"v":9}'])
        + "\n"
    )
    before = build_report(path, PERIODS[0])

    report = build_report(path, PERIODS[0], state=state)

    assert report.totals.uses == before.totals.uses + 1
    assert [source.events for source in report.provenance.sources] == [before.provenance.events and len(events), 1]
    assert any("4 lines" in note for note in report.provenance.notes)
    assert build_report(path, PERIODS[0]).totals == before.totals
    assert spool.read_text().count("skillway.skill.used") == 2


def test_claimed_files_count_from_where_the_flusher_has_sent_them(tmp_path):
    spool = tmp_path / "state" / "spool"
    spool.mkdir(parents=True)
    attributes = {"skill.name": "p:one", "session.id": "s"}
    lines = [
        json.dumps(
            {
                "v": 1,
                "id": f"{n:032x}",
                "ts": 20_775 * 86_400 * 10**9,
                "name": "skillway.skill.used",
                "attributes": attributes,
            }
        )
        for n in range(5)
    ]
    (spool / "1-ab.claimed").write_text("\n".join(lines[:3]))
    (spool / "1-ab.offset").write_text(str(len(lines[0]) + 1))
    (spool / "2-1-cd.jsonl").write_text(lines[3])
    (spool / "dropped.full").write_text(lines[4])
    report = build_report(tmp_path / "none.db", PERIODS[0], state=tmp_path / "state")
    assert report.totals.uses == 3


def test_a_sampled_decision_stands_for_as_many_as_it_says(filled):
    values = {"hook.rule.id": "a", "session.id": "s", "hook.decision": "allow"}
    events = [
        {
            "uid": f"{n:032x}",
            "name": "skillway.hook.decision",
            "ts": 20_775 * 86_400 * 10**9 + n,
            "attributes": {**values, **more},
            "team": None,
        }
        for n, more in enumerate(
            [{"skillway.sample.weight": 10}, {"skillway.sample.weight": 5}, {}, {"hook.decision": "deny"}]
        )
    ]
    (rule,) = build_report(filled(events), PERIODS[0]).rules
    assert (rule.allow, rule.deny) == (16, 1)


def test_a_laptop_without_a_store_reports_its_spool_and_itself(tmp_path):
    state = tmp_path / "state"
    (state / "spool").mkdir(parents=True)
    (state / "user.json").write_text(json.dumps({"schema": 1, "user.hash": "a" * 32, "team.id": "data"}))
    attributes = {"skill.name": "p:one", "user.hash": "a" * 32, "session.id": "s"}
    record = {
        "v": 1,
        "id": "b" * 32,
        "ts": 20_775 * 86_400 * 10**9,
        "name": "skillway.skill.used",
        "attributes": attributes,
    }
    (state / "spool" / "events.jsonl").write_text(json.dumps(record))

    report = build_report(tmp_path / "none.db", PERIODS[0], state=state)

    assert not (tmp_path / "none.db").exists()
    assert (report.skills[0].users, report.adoption[0].team) == (1, "data"), "one's own numbers are no secret"


def test_without_store_and_records_the_next_command_is_told(tmp_path):
    with pytest.raises(NotFoundError) as raised:
        build_report(tmp_path / "none.db", PERIODS[0], state=tmp_path)
    assert raised.value.next_actions == ("skillway collector",)


def test_an_empty_store_is_a_report_of_nothing(tmp_path):
    open_store(tmp_path / "usage.db").close()
    report = build_report(tmp_path / "usage.db", PERIODS[0])
    assert (report.totals.uses, report.skills, report.cost, report.health.reports) == (0, (), None, 0)
    json.dumps(report.to_json())


@pytest.mark.parametrize(
    ("people", "hidden"),
    [
        ({"a": 9, "b": 4}, {"a", "b"}),
        ({"a": 9, "b": 4, "c": 3}, {"b", "c"}),
        ({"a": 9, "b": 6, "c": 4}, {"b", "c"}),
        ({"a": 9, "b": 5}, set()),
        ({"a": 9, "b": 0}, set()),
        ({}, set()),
    ],
)
def test_what_is_left_of_a_total_never_tells_of_a_small_group(people, hidden):
    assert too_small(people, 5) == hidden
