"""`skillway eval plan`, `run` and `report`, as processes in a repository with suites on disk."""

import importlib.util
import json
import subprocess
import sys

import pytest

from skillway_evals.models.fake_api import FakeApi

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("skillway_evals.suite_files") is None, reason="not run: suites on disk cannot be read yet"
)

SUITE = "schema: 1\nskill: developer-tools:alpha\nrunner: messages\narms: [none, skill]\nrepeats: 2\n"
CASES = """cases:
  - id: plain
    prompt: Please say something fine.
    graders:
      - {id: fine, kind: contains, text: fine, must: true}
"""


@pytest.fixture
def suites(bench):
    folder = bench.repository / "evals/suites/developer-tools/alpha"
    folder.mkdir(parents=True)
    (folder / "suite.yaml").write_text(SUITE)
    (folder / "cases.yaml").write_text(CASES)
    return folder


@pytest.fixture
def skillway(bench, tmp_path):
    """Run the program; give its exit code, stdout and stderr."""

    def run(*arguments, **environment):
        (tmp_path / "user").mkdir(exist_ok=True)
        base = {"HOME": str(tmp_path / "user"), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        done = subprocess.run(
            [sys.executable, "-m", "skillway", "eval", *arguments],
            cwd=bench.repository, env=base | environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done

    return run


def data(done):
    return json.loads(done.stdout)


def test_plan_asks_nothing_and_says_what_it_would_cost(suites, skillway):
    done = skillway("plan", "--json")
    assert done.returncode == 0
    (suite,) = data(done)["data"]["suites"]
    assert (suite["runs"], suite["new"], suite["judge_calls"]) == (4, 4, 0)
    assert data(done)["data"]["estimate_usd"] > 0


def test_without_a_key_nothing_is_run_and_the_exit_code_says_so(suites, skillway):
    done = skillway("run", "--json")
    assert done.returncode == 3
    envelope = data(done)
    assert (envelope["ok"], envelope["error"]["code"]) == (False, "not_run")
    assert any("ANTHROPIC_API_KEY" in warning for warning in envelope["warnings"])


def test_scripted_answers_are_never_green(suites, skillway):
    with FakeApi(lambda _body: "Something fine.") as api:
        done = skillway("run", "--json", ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=api.url)
        assert len(api.log.bodies) == 4
        again = skillway("run", "--json", ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=api.url)
        assert len(api.log.bodies) == 4
    assert done.returncode == 3
    assert data(done)["error"]["code"] == "fake"
    assert data(again)["data"]["suites"][0]["figures"] is None
    assert data(skillway("run", "--replay", "--json"))["data"]["suites"][0]["complete"]


def test_batch_asks_everything_in_one_and_pays_half(suites, skillway):
    with FakeApi(lambda _body: "Something fine.") as api:
        done = skillway("run", "--batch", "--json", ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=api.url)
        assert (api.log.batches, len(api.log.bodies)) == (1, 4)
        assert data(done)["data"]["suites"][0]["complete"], done.stderr
        costs = [run["cost_usd"] for case in data(done)["data"]["suites"][0]["cases"] for run in case["runs"]]
        (suites.parents[3] / "evals/store").rename(suites.parents[3] / "evals/other")
        dear = skillway("run", "--json", ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=api.url)
    whole = [run["cost_usd"] for case in data(dear)["data"]["suites"][0]["cases"] for run in case["runs"]]
    assert sum(costs) == pytest.approx(sum(whole) / 2)


def test_edited_verdicts_are_told(suites, skillway, bench):
    with FakeApi(lambda _body: "Something fine.") as api:
        skillway("run", ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=api.url)
    (file,) = bench.folder.glob("*.jsonl")
    file.write_text(file.read_text().replace("Something", "Anything", 1))
    done = skillway("run", "--replay")
    assert "was edited" in done.stderr
    assert "advisory" in done.stderr


def test_unknown_model_is_refused_under_a_cap_before_anything_is_asked(suites, skillway):
    with FakeApi() as api:
        done = skillway("run", "--model", "no-such-model", ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=api.url)
        assert api.log.bodies == []
        assert done.returncode == 3
        assert "no-such-model" in done.stderr
        skillway("run", "--model", "no-such-model", "--no-cap", ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=api.url)
        assert len(api.log.bodies) == 4


def test_cap_of_nothing_runs_nothing(suites, skillway):
    with FakeApi() as api:
        done = skillway("run", "--max-usd", "0", "--json", ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=api.url)
        assert api.log.bodies == []
    assert done.returncode == 3
    assert "cap" in data(done)["error"]["message"]


def test_dry_run_writes_and_asks_nothing(suites, skillway, bench):
    with FakeApi() as api:
        done = skillway("run", "--dry-run", ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=api.url)
        assert api.log.bodies == []
    assert done.returncode == 0
    assert not bench.folder.exists()
    assert not (bench.repository / ".skillway").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("run", "no-such-skill"), 7, "no-such-skill"),
        (("plan", "--client", "/no/such/client"), 0, ""),
        (("plan", "--prices", "/no/such/file"), 1, "/no/such/file"),
        (("report",), 7, "no results"),
        (("run", "--concurrency", "0"), 2, "concurrency"),
    ],
)
def test_bad_input_is_a_sentence(suites, skillway, arguments, code, said):
    done = skillway(*arguments)
    assert done.returncode == code
    assert said in done.stderr


def test_wrong_signing_key_is_a_sentence(suites, skillway):
    done = skillway("plan", SKILLWAY_EVAL_SIGNING_KEY="nonsense")
    assert done.returncode == 4
    assert "SKILLWAY_EVAL_SIGNING_KEY" in done.stderr


def test_broken_suite_names_its_file_before_anything_is_asked(suites, skillway):
    (suites / "cases.yaml").write_text(CASES.replace("contains", "telepathy"))
    with FakeApi() as api:
        done = skillway("run", ANTHROPIC_API_KEY="k", ANTHROPIC_BASE_URL=api.url)
        assert api.log.bodies == []
    assert done.returncode == 5
    assert "cases.yaml" in done.stderr


def test_recorded_transcript_is_graded_by_code_without_a_key(suites, skillway):
    (suites / "transcripts").mkdir()
    events = ['{"type": "system", "subtype": "init", "skills": ["developer-tools:alpha"]}']
    events.append('{"type": "result", "subtype": "success", "result": "All fine."}')
    (suites / "transcripts" / "plain.jsonl").write_text("\n".join(events))
    done = skillway("run", "--replay", "--json")
    assert done.returncode == 3, "a recording is no evidence"
    (run,) = data(done)["data"]["suites"][0]["recorded"]
    assert (run["passed"], run["provenance"]) == (True, "recorded")


@pytest.mark.parametrize(("form", "sign"), [("html", "<!doctype html>"), ("junit", "<testsuites>"), ("sarif", "2.1.0")])
def test_report_shows_the_last_run(suites, skillway, bench, form, sign):
    skillway("run", "--replay")
    done = skillway("report", "--format", form, "--out", "shown")
    assert done.returncode == 0
    assert sign in (bench.repository / "shown").read_text()
    assert not (bench.repository / "other").exists()
    assert skillway("report", "--format", form, "--out", "other", "--dry-run").returncode == 0
    assert not (bench.repository / "other").exists()
