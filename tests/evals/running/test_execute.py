"""Runs of whole suites against a fake API with planted faults: nothing lost, invented or overspent."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from skillway.errors import NotFoundError
from skillway_evals.models.fake_api import FakeApi, Plant
from skillway_evals.money import Budget, CapReachedError, UnknownPriceError, load_prices
from skillway_evals.outcome import Provenance, Usage
from skillway_evals.reports.data import report_data
from skillway_evals.reports.html import render_html
from skillway_evals.reports.servers import render_junit, render_sarif
from skillway_evals.running.plan import plan_suite
from skillway_evals.store import Signer, TrustedKeys
from skillway_evals.store.journal import StoreError
from skillway_evals.store.signing import KEY_VARIABLE
from skillway_evals.suite import Arm, Case, Grader

HERE = Path(__file__).resolve().parent


def fair_answer(body):
    """As in conftest, with what a test needs to see of it."""
    text = body["messages"][0]["content"]
    if "=== CANDIDATE" in text:
        is_canary = re.search("highest score|true score|complete and correct|only the score is|my job", text)
        score, quote = (0, "") if is_canary else (2, "fine answer")
        return json.dumps({"reason": "Read it.", "quote": quote, "score": score})
    if "=== FIRST" in text:
        return json.dumps({"reason": "Same.", "quote": "", "better": "equal"})
    return "A fine answer, indeed."


def make_key_pair():
    """Make a private and a public key, both as PEM."""
    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def data_of(reports):
    return report_data(reports, prices_date="2026-01-01", store_problems=[])


def test_suite_is_run_graded_and_judged(bench, suite, fair_api):
    (report,), budget = bench.run(suite(cases=3), api=fair_api)
    assert report.complete
    assert len(report.result.runs) == 6
    assert all(run.passed is True for run in report.result.runs)
    assert {result.score for run in report.result.runs for result in run.results} == {None, 2}
    assert budget.spent_usd > 0
    assert report.usage.cost_usd == pytest.approx(budget.spent_usd, rel=0.3)


def test_skill_stands_in_the_prompt_of_its_arm_alone(bench, suite, fair_api):
    bench.run(suite(cases=1, criteria=()), api=fair_api)
    systems = sorted(body.get("system", "") for body in fair_api.log.bodies)
    assert systems[0] == ""
    assert "Do alpha" in systems[1]
    assert "Do beta" not in systems[1]


def test_second_run_asks_nothing_and_says_replay(bench, suite, fair_api):
    first, _ = bench.run(suite(), api=fair_api)
    asked = len(fair_api.log.bodies)
    second, budget = bench.run(suite(), api=fair_api)
    assert len(fair_api.log.bodies) == asked
    assert budget.spent_usd == 0
    assert {run.provenance for run in second[0].result.runs} == {Provenance.REPLAY}
    assert [run.results for run in second[0].result.runs] == [run.results for run in first[0].result.runs]


def test_replay_without_a_key_gives_what_is_recorded_and_no_more(bench, suite, fair_api):
    bench.run(suite(cases=2), api=fair_api)
    (report,), _ = bench.run(suite(cases=3))
    assert len(report.result.runs) == 4
    assert report.result.expected_runs == 6
    assert not report.complete
    assert list(report.missing.values()) == [2]


def test_nothing_known_is_called_not_run(bench, suite):
    reports, _ = bench.run(suite(cases=2))
    assert data_of(reports)["suites"][0]["standing"].startswith("not run")


def test_changed_grader_is_derived_again_without_asking(bench, suite, fair_api):
    bench.run(suite(criteria=()), api=fair_api)
    stricter = (Grader("word", "contains", {"text": "excellent"}),)
    (report,), _ = bench.run(suite(criteria=(), graders=stricter))
    assert [run.passed for run in report.result.runs] == [False] * 4


def test_changed_skill_prompt_or_model_is_asked_again(bench, suite, fair_api):
    bench.run(suite(cases=1, criteria=()), api=fair_api)
    (bench.repository / "developer-tools/skills/alpha/SPEC.md").write_text("For authors.\n")
    bench.run(suite(cases=1, criteria=()), api=fair_api)
    assert len(fair_api.log.bodies) == 2, "what does not ship is no reason to ask again"
    (bench.repository / "developer-tools/skills/alpha/notes.md").write_text("New.\n")
    bench.run(suite(cases=1, criteria=()), api=fair_api)
    assert len(fair_api.log.bodies) == 3, "the arm without the skill did not change"
    bench.model = "claude-sonnet-5"
    bench.run(suite(cases=1, criteria=()), api=fair_api)
    assert len(fair_api.log.bodies) == 5


@pytest.mark.parametrize("plant", [Plant.RATE_LIMIT, Plant.OVERLOADED, Plant.TRUNCATED, Plant.DISCONNECT])
def test_every_third_request_fails_and_the_result_is_the_same(bench, suite, plant):
    faults = lambda number, _body: plant if number % 3 == 0 else Plant.NONE  # noqa: E731
    with FakeApi(fair_answer, faults=faults) as api:
        (report,), _ = bench.run(suite(cases=5), api=api, tries=6)
    assert report.complete
    assert all(run.passed is True for run in report.result.runs)


@pytest.mark.parametrize("plant", [Plant.OVERLOADED, Plant.TRUNCATED, Plant.REFUSAL, Plant.DISCONNECT])
def test_lasting_fault_is_invalid_and_never_a_failure(bench, suite, plant):
    with FakeApi(fair_answer, faults=lambda _n, _b: plant) as api:
        (report,), _ = bench.run(suite(cases=2, criteria=()), api=api)
    assert [run.valid for run in report.result.runs] == [False] * 4
    assert [run.passed for run in report.result.runs] == [None] * 4
    assert not report.complete
    assert all(run.reason for run in report.result.runs)
    assert set(report.result.attempts.values()) == {0}, "nobody has seen an answer"
    key = report.result.runs[0].key
    assert (bench.settings().store.attempts(key), bench.settings().store.looks(key)) == (2, 0)


def test_invalid_slot_is_asked_again_by_the_next_run(bench, suite, fair_api):
    with FakeApi(fair_answer, faults=lambda _n, _b: Plant.OVERLOADED) as api:
        bench.run(suite(cases=1, criteria=()), api=api)
    (report,), _ = bench.run(suite(cases=1, criteria=()), api=fair_api)
    assert report.complete
    assert set(report.result.attempts.values()) == {1}
    key = report.result.runs[0].key
    assert bench.settings().store.attempts(key) == 3, "the attempts that gave nothing are in the ledger"


def test_unparseable_verdict_is_unscored(bench, suite):
    def faults(_number, body):
        return Plant.UNPARSEABLE if "=== CANDIDATE" in str(body) else Plant.NONE

    with FakeApi(fair_answer, faults=faults) as api:
        (report,), _ = bench.run(suite(cases=1), api=api)
    judged = [result for run in report.result.runs for result in run.results if result.grader == "clear"]
    assert [result.passed for result in judged] == [None, None]
    assert all(run.passed is None for run in report.result.runs)


def test_wrong_key_stops_after_the_first_slots(bench, suite):
    with FakeApi(fair_answer) as api:
        original = api._reply

        async def refuse(number, plant, body, writer):
            from skillway_evals.models import fake_api

            return await fake_api._send(
                writer, 401, b'{"type":"error","error":{"type":"authentication_error","message":"no"}}'
            )

        api._reply = refuse
        (report,), _ = bench.run(suite(cases=30, criteria=()), api=api, concurrency=4)
        assert original is not None
    assert len(api.log.bodies) <= 4
    assert not report.complete


@pytest.mark.parametrize(("cap", "fewest", "most"), [(0.0, 0, 0), (0.1, 0, 0), (0.22, 1, 79), (9.0, 80, 80)])
def test_cap_is_never_exceeded(bench, suite, fair_api, cap, fewest, most):
    """One call may take $0.21 and takes $0.001: what calls in flight leave over is used, and not a cent more."""
    bench.model = "claude-fable-5"
    (report,), budget = bench.run(suite(cases=40, criteria=()), api=fair_api, cap=cap)
    assert budget.spent_usd <= cap
    assert budget.reserved_usd == pytest.approx(0)
    assert fewest <= len(report.result.runs) <= most
    assert report.complete is (cap == 9.0)
    assert report.complete or any("cap" in reason for reason in report.missing)


def test_cap_holds_although_every_reply_is_torn_and_paid(bench, suite):
    with FakeApi(fair_answer, faults=lambda _n, _b: Plant.TRUNCATED) as api:
        _, budget = bench.run(suite(cases=20, criteria=()), api=api, cap=0.15, concurrency=3, tries=6)
    in_flight = 3 * budget_worst()
    assert budget.spent_usd <= 0.15 + in_flight
    assert len(api.log.bodies) * budget_worst() <= 0.15 + 2 * in_flight


def budget_worst():
    """The worst case of one request of these suites, in USD: 4,096 tokens out and some hundred in."""
    return load_prices().need("claude-haiku-4-5").cost(Usage(cache_write_tokens=700, output_tokens=4096))


def test_more_money_goes_on_where_the_cap_ended(bench, suite, fair_api):
    bench.model = "claude-fable-5"
    first, _ = bench.run(suite(cases=40, criteria=()), api=fair_api, cap=0.22)
    done = len(first[0].result.runs)
    assert 0 < done < 80
    assert len(fair_api.log.bodies) == done
    second, _ = bench.run(suite(cases=40, criteria=()), api=fair_api, cap=5.0)
    assert second[0].complete
    assert len(fair_api.log.bodies) == 80


def test_unknown_model_is_refused_under_a_cap():
    with pytest.raises(UnknownPriceError, match="no-such-model"):
        load_prices().need("no-such-model")
    assert load_prices().need("claude-haiku-4-5-20251001") == load_prices().need("claude-haiku-4-5")


def test_reservation_that_exceeds_the_cap_is_refused():
    budget = Budget(1.0)
    held = budget.reserve(0.7)
    with pytest.raises(CapReachedError):
        budget.reserve(0.4)
    budget.settle(held, 0.1)
    budget.settle(held, 0.1)
    assert (budget.spent_usd, budget.reserved_usd) == (0.1, 0.0)
    budget.reserve(0.9)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "date: x\nmodels: {a: {input: -1, output: 1}}", "date: x\nmodels: {a: {input: 1}}", "models: [",
     "date: x\nmodels: {a: {input: yes, output: 1}}"],
)  # fmt: skip
def test_broken_price_file_is_a_sentence(tmp_path, text):
    from skillway.errors import SkillwayError

    (tmp_path / "prices.yaml").write_text(text)
    with pytest.raises(SkillwayError, match=r"prices\.yaml"):
        load_prices(tmp_path / "prices.yaml")


def test_missing_fixture_fails_before_anything_is_asked(bench, suite, fair_api, tmp_path):
    graders = (Grader("fine", "contains", {"text": "fine"}),)
    broken = suite(cases=0)
    broken = type(broken)(**{**vars_of(broken), "cases": (Case("c", "Do it.", graders, {"a.txt": tmp_path / "gone"}),)})
    with pytest.raises(NotFoundError, match=r"a\.txt"):
        plan_suite(bench.settings(), broken)
    assert fair_api.log.bodies == []


def vars_of(value):
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def test_plan_says_what_is_known_and_what_the_rest_costs(bench, suite, fair_api):
    before = plan_suite(bench.settings(), suite(cases=4))
    assert (before.new, before.recorded, before.judge_calls) == (8, 0, 9)
    assert before.estimate_usd > 0
    bench.run(suite(cases=4), api=fair_api)
    after = plan_suite(bench.settings(), suite(cases=4))
    assert (after.new, after.recorded, after.estimate_usd) == (0, 8, 0)


def test_drafts_are_never_run(bench, suite, fair_api):
    graders = (Grader("fine", "contains", {"text": "fine"}),)
    drafted = suite(cases=1, criteria=())
    cases = (*drafted.cases, Case("draft", "Draft.", graders, draft=True))
    (report,), _ = bench.run(type(drafted)(**{**vars_of(drafted), "cases": cases}), api=fair_api)
    assert {run.case for run in report.result.runs} == {"case-0"}
    assert data_of([report])["suites"][0]["drafts"] == 1


def test_judge_that_passes_a_canary_makes_its_run_invalid(bench, suite):
    def obedient(body):
        return (
            fair_answer(body)
            .replace('"score": 0, ', "")
            .replace('"score": 0', '"score": 2')
            .replace('"quote": ""', '"quote": "score"')
        )

    def answer(body):
        text = body["messages"][0]["content"]
        if "=== CANDIDATE" in text:
            quote = "I did not do the task" if "I did not do the task" in text else "fine answer"
            return json.dumps({"reason": "Told.", "quote": quote, "score": 2})
        return obedient(body)

    with FakeApi(answer) as api:
        (report,), _ = bench.run(suite(cases=2), api=api)
    assert report.broken_canaries == ("plain-order",)
    assert not report.complete
    assert all(not run.valid and "canary" in run.reason for run in report.result.runs)


def test_canaries_go_into_every_batch_of_verdicts(bench, suite, fair_api):
    bench.run(suite(cases=30), api=fair_api)
    canaries = [
        body
        for body in fair_api.log.bodies
        if re.search("highest|true score|complete and correct", str(body["messages"]))
    ]
    assert len(canaries) == 3


def test_full_disk_ends_the_run_and_the_next_one_goes_on(bench, suite, fair_api, capfd):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, hard))
        with pytest.raises(StoreError, match="cannot be written"):
            bench.run(suite(cases=20), api=fair_api)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "Traceback" not in capfd.readouterr().err
    asked = len(fair_api.log.bodies)
    assert asked < 40
    (report,), _ = bench.run(suite(cases=20), api=fair_api)
    assert report.complete
    assert bench.settings().store.problems == []
    assert len(fair_api.log.bodies) <= 40 + 20 + 2 + 4, "at most the calls in flight are asked twice"


def test_canaries_are_found_again_whatever_ended_first(bench, suite):
    """The order in which runs end differs between a run and its replay; the canaries must not."""
    faults = lambda number, _body: Plant.RATE_LIMIT if number in (1, 2, 5) else Plant.NONE  # noqa: E731
    with FakeApi(fair_answer, faults=faults) as api:
        bench.run(suite(cases=30), api=api, tries=6)
    (report,), _ = bench.run(suite(cases=30))
    assert report.complete
    assert report.missing == {}


def test_verdicts_without_their_canaries_are_not_complete(bench, suite, fair_api):
    bench.run(suite(cases=1), api=fair_api)
    (file,) = bench.folder.glob("*.jsonl")
    lines = [line for line in file.read_text().splitlines() if '"kind":"canary"' not in line]
    file.write_text("\n".join(lines) + "\n")
    (report,), _ = bench.run(suite(cases=1))
    assert not report.complete
    assert any("canaries" in reason for reason in report.missing)


def test_pairwise_needs_agreement_of_both_orders(bench, suite):
    """A judge that always takes the first text prefers nothing."""
    graders = (Grader("better", "pairwise", {"question": "Which is more useful?"}),)

    def first_wins(body):
        text = body["messages"][0]["content"]
        if "=== FIRST" in text:
            return json.dumps({"reason": "First.", "quote": "A fine answer", "better": "first"})
        return fair_answer(body)

    with FakeApi(first_wins) as api:
        (report,), _ = bench.run(suite(cases=1, criteria=(), graders=graders), api=api)
    result = next(run for run in report.result.runs if run.arm is Arm.SKILL).results[0]
    assert (result.passed, result.score) == (True, 1)
    assert "tie" in result.evidence


@pytest.mark.parametrize(("better", "score"), [("good", 2), ("bad", 0)])
def test_pairwise_finds_the_better_answer_in_either_order(bench, suite, better, score):
    graders = (Grader("better", "pairwise", {"question": "Which is more useful?"}),)

    def answer(body):
        text = body["messages"][0]["content"]
        if "=== FIRST" not in text:
            return "This is good work." if "Do alpha" in body.get("system", "") else "This is bad work."
        first_half = text.partition("=== SECOND")[0]
        place = "first" if f"is {better} work" in first_half else "second"
        return json.dumps({"reason": "r", "quote": f"This is {better} work", "better": place})

    with FakeApi(lambda body: answer(body) if "=== CANDIDATE" not in str(body) else fair_answer(body)) as api:
        (report,), _ = bench.run(suite(cases=1, criteria=(), graders=graders), api=api)
    result = next(run for run in report.result.runs if run.arm is Arm.SKILL).results[0]
    assert result.score == score
    assert result.passed is (score > 0)
    mirrored = next(run for run in report.result.runs if run.arm is Arm.NONE).results[0]
    assert (mirrored.score, mirrored.passed) == (2 - score, score < 2), "both arms have as many checks"


def test_signed_run_is_evidence_and_unsigned_is_advisory(bench, suite, fair_api, tmp_path):
    private, public = make_key_pair()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "ci.pem").write_text(public)
    (report,), _ = bench.run(suite(criteria=()), api=fair_api)
    assert not report.result.signed
    assert data_of([report])["suites"][0]["standing"].startswith("advisory")
    bench.trusted = TrustedKeys.load(tmp_path / "keys")
    bench.signer, bench.signed_only = Signer.from_environment({KEY_VARIABLE: private}), True
    asked = len(fair_api.log.bodies)
    (report,), _ = bench.run(suite(criteria=()), api=fair_api)
    assert len(fair_api.log.bodies) == 2 * asked, "the protected workflow does not believe unsigned verdicts"
    assert report.result.signed
    bench.signer, bench.signed_only = None, False
    (report,), _ = bench.run(suite(criteria=()))
    assert report.result.signed
    assert data_of([report])["suites"][0]["standing"].startswith("evidence")


def test_edited_store_is_advisory_and_says_so(bench, suite, fair_api, tmp_path):
    private, public = make_key_pair()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "ci.pem").write_text(public)
    bench.trusted, bench.signer = TrustedKeys.load(tmp_path / "keys"), Signer.from_environment({KEY_VARIABLE: private})
    bench.run(suite(criteria=()), api=fair_api)
    (file,) = bench.folder.glob("*.jsonl")
    file.write_text(file.read_text().replace("A fine answer", "A finer answer", 1))
    (report,), _ = bench.run(suite(criteria=()))
    assert not report.result.signed
    assert bench.settings().store.problems


def test_fake_answers_show_no_figures(bench, suite, fair_api):
    reports, _ = bench.run(suite(), api=fair_api, provenance=Provenance.FAKE)
    again, _ = bench.run(suite())
    for data in (data_of(reports), data_of(again)):
        shown = data["suites"][0]
        assert shown["figures"] is None
        assert shown["standing"].startswith("fake")
        assert {one["score"] for case in shown["cases"] for run in case["runs"] for one in run["results"]} == {None}
        assert "No figures are shown" in render_html(data)
        assert 'skipped="1"' in render_junit(data)


def test_reports_hold_the_evidence_and_no_markup_of_the_answer(bench, suite):
    attack = "<script>alert(1)</script> & fine\x00 answer"
    with FakeApi(lambda body: attack if "=== CANDIDATE" not in str(body) else fair_answer(body)) as api:
        reports, _ = bench.run(suite(cases=1, criteria=()), api=api)
    data = data_of(reports)
    page = render_html(data)
    assert "<script" not in page
    assert "contains &#x27;fine&#x27;" in page
    assert "src=" not in page
    from xml.etree import ElementTree as ET

    junit = ET.fromstring(render_junit(data))
    assert junit[0].get("failures") == "0"
    assert len(junit[0].findall("testcase")) == 2
    assert json.loads(render_sarif(data))["runs"][0]["results"] == []


def test_failed_check_is_in_every_report_with_its_line(bench, suite, fair_api):
    graders = (Grader("word", "contains", {"text": "excellent"}, must=True),)
    reports, _ = bench.run(suite(cases=1, criteria=(), graders=graders), api=fair_api)
    data = data_of(reports)
    assert 'failures="1"' in render_junit(data), "the arm without the skill may fail"
    (result,) = json.loads(render_sarif(data))["runs"][0]["results"]
    assert result["ruleId"] == "eval-check-failed"
    assert "excellent" in result["message"]["text"]


RUN = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
import importlib.util
spec = importlib.util.spec_from_file_location("bench_conftest", {here!r} + "/conftest.py")
bench = importlib.util.module_from_spec(spec); sys.modules["bench_conftest"] = bench; spec.loader.exec_module(bench)
class Api:
    url = sys.argv[1]
suite = bench.make_suite(Path(sys.argv[2]), cases=40)
(report,), _ = bench.Bench(Path(sys.argv[3])).run(suite, api=Api, concurrency=4)
print(report.complete, len(report.result.runs), all(run.passed for run in report.result.runs))
"""


def test_kill_repeats_at_most_the_calls_in_flight(bench, suite, tmp_path):
    with FakeApi(fair_answer, delay_s=0.01) as api:
        command = [
            sys.executable,
            "-c",
            RUN.format(here=str(HERE)),
            api.url,
            str(tmp_path / "suite"),
            str(bench.repository),
        ]
        suite()
        process = subprocess.Popen(command, env={**os.environ})
        while len(api.log.bodies) < 60:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
        assert done.stdout.split() == ["True", "80", "True"], done.stderr
        assert done.stderr == ""
        different = 80 + 40 + 4  # runs, judged once for the same answer and task, canaries
        repeated = len(api.log.bodies) - different
    assert 0 <= repeated <= 4
