"""The automation program on exports that are right, broken, large and hostile."""

import json
import subprocess
import sys
from html.parser import HTMLParser

import pytest

FOLDER = "skills/swarm/automation-taxonomy"
SCRIPT = f"{FOLDER}/scripts/automation.py"
RATES = {"levels": {"L1": 0.8, "L2": 0.7, "L3": 0.6, "L4": 0.5, "L5": 0.2}}
ROADMAP = {
    "enabled": ["content"],
    "roadmap": [
        {"name": "Data", "enables": ["data_api"]},
        {"name": "Actions", "enables": ["action_api", "procedures"]},
    ],
}


@pytest.fixture
def files(tmp_path):
    """Write an export, capabilities and rates; return the arguments for `predict`."""

    def write(levels, capabilities=ROADMAP, rates=RATES, topics=None):
        lines = [
            json.dumps({"id": f"c{number}", "topic": topics[number] if topics else "orders", "level": level})
            for number, level in enumerate(levels)
        ]
        (tmp_path / "export.jsonl").write_text("".join(line + "\n" for line in lines))
        (tmp_path / "capabilities.json").write_text(json.dumps(capabilities))
        arguments = ["predict", "--conversations", tmp_path / "export.jsonl", "--json"]
        arguments += ["--capabilities", tmp_path / "capabilities.json"]
        if rates is not None:
            (tmp_path / "rates.json").write_text(json.dumps(rates))
            arguments += ["--rates", tmp_path / "rates.json"]
        return arguments

    return write


def estimates(ran):
    assert ran.code == 0, ran.stdout
    return [step["automation_rate"]["estimate"] for step in ran.answer["data"]["steps"]]


def test_rate_is_share_times_success_of_what_is_within_reach(run_script, files):
    levels = ["L0"] * 10 + ["L1"] * 40 + ["L2"] * 10 + ["L3"] * 20 + ["L4"] * 15 + ["L5"] * 5

    ran = run_script(SCRIPT, *files(levels))

    now, data, actions = 0.4 * 0.8, 0.4 * 0.8 + 0.2 * 0.6, 0.4 * 0.8 + 0.2 * 0.6 + 0.15 * 0.5 + 0.05 * 0.2
    assert estimates(ran) == pytest.approx([now, data, actions])
    assert ran.answer["data"]["steps"][1]["lift"]["estimate"] == pytest.approx(0.12)


def test_capability_of_one_topic_reaches_that_topic_only(run_script, files):
    scoped = {"enabled": [{"capability": "data_api", "topics": ["orders"]}], "roadmap": []}
    topics = ["orders"] * 50 + ["billing"] * 50

    assert estimates(run_script(SCRIPT, *files(["L3"] * 100, scoped, topics=topics))) == pytest.approx([0.3])


def test_topic_may_have_a_success_rate_of_its_own(run_script, files):
    rates = {**RATES, "topics": {"billing": {"L1": 0.2}}}
    topics = ["orders"] * 50 + ["billing"] * 50

    assert estimates(run_script(SCRIPT, *files(["L1"] * 100, rates=rates, topics=topics)))[0] == pytest.approx(0.5)


def test_same_seed_same_bytes(run_script, files):
    levels = [f"L{number % 6}" for number in range(500)]

    first, again = (run_script(SCRIPT, *files(levels), "--seed", 5).stdout for _ in range(2))
    other = run_script(SCRIPT, *files(levels), "--seed", 6).stdout

    assert first == again
    assert first != other


COVERAGE = """
import random, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from assumptions import Rate, Rates, Step
from prediction import predict
source, covered = random.Random(11), 0
rates = Rates({"L1": Rate(0.8), "L3": Rate(0.6)})
steps = [Step("Now", (), {"*": frozenset(["content", "data_api"])})]
for seed in range(300):
    levels = source.choices(["L0", "L1", "L2", "L3"], [0.2, 0.4, 0.1, 0.3], k=300)
    cells = {(level, "t"): levels.count(level) for level in set(levels)}
    (only,) = predict(cells, rates, steps, replicates=400, seed=seed)
    covered += only.rate.low <= 0.4 * 0.8 + 0.3 * 0.6 <= only.rate.high
print(covered)
"""


def test_interval_covers_the_true_rate_as_often_as_it_says(repository):
    """300 samples from a known population: a 95 % interval covers about 285; 272 to 297 is three standard deviations."""
    command = [sys.executable, "-c", COVERAGE, str(repository / FOLDER / "scripts")]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)

    assert 272 <= int(finished.stdout) <= 297


def test_rate_that_was_seldom_observed_widens_the_interval(run_script, files):
    levels = ["L1"] * 5_000

    def width(rate):
        step = run_script(SCRIPT, *files(levels, rates={"levels": {"L1": rate}}, capabilities={"enabled": ["content"]}))
        rate = step.answer["data"]["steps"][0]["automation_rate"]
        return rate["high"] - rate["low"]

    assert width(0.8) == pytest.approx(0.0)
    # The 95 % interval of 40 attempts at 0.8 is about 4 standard errors of 0.063 wide.
    assert 0.2 < width({"rate": 0.8, "observed": 40}) < 0.3


def test_assumed_rates_are_called_assumed(run_script, files):
    ran = run_script(SCRIPT, *files(["L1"] * 300, rates=None))

    assert ran.answer["data"]["assumptions"]["rates_are_assumed"] is True
    assert "assumed, not measured" in ran.answer["warnings"][0]


def test_few_conversations_are_called_few(run_script, files):
    assert any(
        "Only 20 conversations" in warning for warning in run_script(SCRIPT, *files(["L1"] * 20)).answer["warnings"]
    )


def test_broken_line_is_named_and_stops_the_prediction(run_script, files, tmp_path):
    arguments = files(["L1"] * 30)
    lines = (tmp_path / "export.jsonl").read_text().splitlines()
    lines[16] = lines[16][:-5]
    (tmp_path / "export.jsonl").write_text("\n".join(lines))

    stopped = run_script(SCRIPT, *arguments)
    skipped = run_script(SCRIPT, *arguments, "--skip-bad-lines")

    assert (stopped.code, stopped.answer["data"]["faults"][0]["line"]) == (5, 17)
    assert "skillway-run" in stopped.answer["next_actions"][0]
    assert (skipped.code, skipped.answer["data"]["conversations"]) == (0, 29)
    assert "1 faulty lines were left out." in skipped.answer["warnings"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"id":"x","topic":"t","level":"L9"}', 'its level is "L9"'),
        ('{"id":"x","topic":"t","level":["L1"]}', "its level is"),
        ('{"id":"x","topic":"t"}', "its level is null"),
        ('{"id":"x","topic":" ","level":"L1"}', "it has no topic"),
        ('{"topic":"t","level":"L1"}', "it has no id"),
        ('{"id":true,"topic":"t","level":"L1"}', "it has no id"),
        ('["x"]', "it is no JSON object"),
        ("id,topic,level", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ('{"id":"c1","topic":"t","level":"L1"}', "stands in line 2 already"),
        ('{"id":"' + "x" * 1_100_000 + '"}', "longer than 1 MiB"),
        (b'{"id":"\xff"}', "it is not UTF-8"),
    ],
)
def test_fault_of_a_line_is_explained(run_script, files, tmp_path, line, problem):
    files(["L1"] * 5)
    with (tmp_path / "export.jsonl").open("ab") as stream:
        stream.write(
            (line if isinstance(line, bytes) else line.encode()) + b'\n{"id":"last","topic":"t","level":"L1"}\n'
        )

    ran = run_script(SCRIPT, "validate", "--conversations", tmp_path / "export.jsonl", "--json")

    assert ran.code == 5
    assert [fault["line"] for fault in ran.answer["data"]["faults"]] == [6]
    assert problem in ran.answer["data"]["faults"][0]["problem"]
    assert ran.answer["data"]["conversations"] == 6


# A process of its own starts the script, because a child's peak begins with that of whoever starts it.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in other units")
def test_repeated_ids_are_found_in_memory_that_does_not_grow(repository, tmp_path):
    def run(count):
        path = tmp_path / f"{count}.jsonl"
        with path.open("w") as stream:
            stream.writelines(f'{{"id":{number},"topic":"t","level":"L1"}}\n' for number in range(count))
            stream.write('{"id":7,"topic":"t","level":"L1"}\n{"id":25000,"topic":"t","level":"L1"}\n')
        script = [sys.executable, str(repository / SCRIPT), "validate", "--conversations", str(path), "--json"]
        finished = subprocess.run([sys.executable, "-c", MEASURE, *script], capture_output=True, text=True, check=True)
        faults = json.loads(finished.stdout)["data"]["faults"]
        return sorted((fault["line"], fault["problem"]) for fault in faults), int(finished.stderr)

    _, small = run(30_000)
    faults, large = run(300_000)

    assert faults == [
        (300_001, "its id stands in line 8 already"),
        (300_002, "its id stands in line 25001 already"),
    ]
    assert large - small < 12_000  # kilobytes; a set of the ids would take about 30,000 more


@pytest.mark.parametrize(
    ("content", "code", "exit_code"),
    [(b"", "no_conversations", 3), (b"\n \n", "no_conversations", 3), ('{"id":1}'.encode("utf-16"), "not_utf8", 2)],
)
def test_export_without_conversations(run_script, tmp_path, content, code, exit_code):
    (tmp_path / "export.jsonl").write_bytes(content)

    ran = run_script(SCRIPT, "validate", "--conversations", tmp_path / "export.jsonl", "--json")

    assert (ran.code, ran.answer["error"]["code"]) == (exit_code, code)


def test_byte_order_mark_and_windows_line_ends_are_read(run_script, tmp_path):
    content = b'\xef\xbb\xbf{"id":1,"topic":"t","level":"L1"}\r\n{"id":2,"topic":"t","level":"L2"}\r\n'
    (tmp_path / "export.jsonl").write_bytes(content)

    ran = run_script(SCRIPT, "validate", "--conversations", tmp_path / "export.jsonl", "--json")

    assert (ran.code, ran.answer["data"]["conversations"]) == (0, 2)


def test_export_comes_through_stdin(run_script, files):
    arguments = files(["L1"] * 3)
    arguments[arguments.index("--conversations") + 1] = "-"

    ran = run_script(SCRIPT, *arguments, stdin='{"id":1,"topic":"t","level":"L1"}\n')

    assert ran.answer["data"]["conversations"] == 1


def test_personal_fields_are_pointed_out(run_script, tmp_path):
    (tmp_path / "export.jsonl").write_text('{"id":1,"topic":"t","level":"L1","email":"a@example.com"}\n')

    ran = run_script(SCRIPT, "validate", "--conversations", tmp_path / "export.jsonl", "--json")

    assert "email" in ran.answer["warnings"][0]
    assert "a@example.com" not in ran.stdout


@pytest.mark.parametrize(
    ("rates", "problem"),
    [
        ({"levels": {"L3": -0.2}}, "levels.L3 is -0.2"),
        ({"levels": {"L3": 1.2}}, "levels.L3 is 1.2"),
        ({"levels": {"L3": True}}, "levels.L3 is true"),
        ({"levels": {"L3": float("nan")}}, "levels.L3 is NaN"),
        ({"levels": {"L7": 0.2}}, "'L7'"),
        ({"levels": {"L0": 0.2}}, "a person is needed"),
        ({"levels": {"L1": {"rate": 0.5, "observed": -3}}}, "observed is -3"),
        ({"levels": {}}, "holds no rate"),
        ({"levels": {"L1": 0.5}, "topics": {"t": 3}}, "topics.t"),
        ([1], "no JSON object"),
        ({"levels": {"L1": 0.5}}, "no success rate for L3"),
    ],
)
def test_bad_rates_are_refused(run_script, files, rates, problem):
    ran = run_script(SCRIPT, *files(["L1", "L3"] * 100, rates=rates))

    assert ran.code == 2
    assert problem in ran.answer["error"]["message"]


@pytest.mark.parametrize(
    "capabilities",
    [
        {},
        {"enabled": ["magic"]},
        {"enabled": "content"},
        {"enabled": [], "roadmap": [{"enables": []}]},
        {"enabled": [{"capability": "data_api", "topics": "orders"}]},
        {"enabled": [], "roadmap": [{"name": "x", "enables": []}] * 30},
        "text",
    ],
)
def test_bad_capabilities_are_refused(run_script, files, capabilities):
    ran = run_script(SCRIPT, *files(["L1"], capabilities=capabilities))

    assert (ran.code, ran.answer["error"]["code"]) == (2, "bad_capabilities")


def test_missing_file_is_said_to_be_missing(run_script, files, tmp_path):
    arguments = files(["L1"])
    (tmp_path / "rates.json").unlink()

    assert run_script(SCRIPT, *arguments).code == 7


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "action")]

    def handle_data(self, data):
        self.words.append(data)


def test_chart_is_one_page_that_fetches_and_runs_nothing(run_script, files, tmp_path):
    hostile = "<script>alert(1)</script>"
    capabilities = {"enabled": ["content"], "roadmap": [{"name": hostile, "enables": ["new_content"]}]}
    arguments = files(["L1", "L2"] * 200, capabilities, topics=[hostile] * 400, rates={**RATES, "source": hostile})

    ran = run_script(SCRIPT, *arguments, "--chart", tmp_path / "chart.html")

    page = _Page((tmp_path / "chart.html").read_text())
    assert ran.code == 0
    assert "script" not in page.tags
    assert page.addresses == []
    assert page.tags.count("svg") == 2
    assert hostile in "".join(page.words)


def test_chart_replaces_its_own_and_nothing_else(run_script, files, tmp_path):
    arguments = files(["L1"] * 300)
    (tmp_path / "report.html").write_text("my own report")

    refused = run_script(SCRIPT, *arguments, "--chart", tmp_path / "report.html")
    twice = [run_script(SCRIPT, *arguments, "--chart", tmp_path / "chart.html").code for _ in range(2)]

    assert (refused.code, twice) == (8, [0, 0])
    assert (tmp_path / "report.html").read_text() == "my own report"


def test_dry_run_writes_no_chart(run_script, files, tmp_path):
    ran = run_script(SCRIPT, *files(["L1"] * 300), "--chart", tmp_path / "chart.html", "--dry-run")

    assert ran.code == 0
    assert list(tmp_path.glob("*chart*")) == []


def test_chart_that_cannot_be_written_is_one_sentence(run_script, files, tmp_path):
    ran = run_script(SCRIPT, *files(["L1"] * 300), "--chart", tmp_path / "nowhere" / "chart.html")

    assert (ran.code, ran.answer["error"]["code"]) == (1, "chart_not_written")


def test_example_of_the_skill_works(run_script, repository):
    assets = repository / FOLDER / "assets"
    arguments = ["--conversations", assets / "conversations.example.jsonl"]
    arguments += ["--capabilities", assets / "capabilities.example.json", "--rates", assets / "rates.example.json"]

    ran = run_script(SCRIPT, "predict", *arguments, "--json")

    assert len(estimates(ran)) == 4
    assert ran.answer["data"]["conversations"] == 600


def test_help_has_an_example_at_every_level(run_script):
    assert "Exit codes" in run_script(SCRIPT, "--help").stdout
    for command in ("predict", "validate"):
        assert f"automation.py {command}" in run_script(SCRIPT, command, "--help").stdout.partition("example:")[2]
