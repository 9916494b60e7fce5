"""The skill find-skill: what it finds on a laptop, what it says of other teams, and what it does with broken files."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = "base-plugin/skills/find-skill"
SCRIPT = f"{FOLDER}/scripts/find_skill.py"
LISTS = Path(__file__).parent / "find_skill"
DIGEST = "0" * 64


def load(repository, name):
    """Import one of the skill's modules as the script does, without leaving byte code."""
    spec = importlib.util.spec_from_file_location(f"find_skill_{name}", repository / FOLDER / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    wrote, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = wrote
    return module


@pytest.fixture(scope="module")
def ranking():
    return load(Path(__file__).resolve().parents[2], "ranking")


@pytest.fixture(scope="module")
def frontmatter():
    return load(Path(__file__).resolve().parents[2], "frontmatter")


@pytest.fixture
def laptop(tmp_path):
    """Lay out a laptop root as sync does: catalogue, store, and the release with a plugin of another team."""
    root = tmp_path / "laptop root"
    put(root, "support", "escalate-ticket", "description: \"Use when a ticket goes to engineering: 'escalate this'.\"")
    put(
        root,
        "support",
        "refund-customer",
        "description: 'Use when a customer wants money back. Not for escalating a ticket.'",
    )
    put(
        root,
        "base-plugin",
        "typed",
        "description: Use when somebody wants to reset their laptop.\ndisable-model-invocation: true",
    )
    write_catalogue(root, "support", "base-plugin")
    plugins = {name: {"digest": DIGEST, "team": team, "description": text} for name, team, text in (
        ("support", "support", "Skills of the support team."),
        ("base-plugin", None, "For everybody."),
        ("finance", "finance", "Skills of the finance team: invoices, budgets and travel expenses."),
        ("developer-tools", None, "Skills for engineers: pull requests."),
    )}  # fmt: skip
    (root / "state" / "releases").mkdir(parents=True)
    (root / "state" / "releases" / "7.json").write_text(json.dumps({"plugins": plugins}))
    return root


def put(root, plugin, skill, head):
    folder = root / "store" / plugin / DIGEST / "skills" / skill
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(f"---\n{head}\n---\n\n# Body\n")
    return folder / "SKILL.md"


def write_catalogue(root, *plugins):
    entries = [{"name": name, "source": f"./store/{name}/{DIGEST}"} for name in plugins]
    (root / ".claude-plugin").mkdir(exist_ok=True)
    (root / ".claude-plugin" / "marketplace.json").write_text(
        json.dumps({"owner": {"name": "Acme"}, "plugins": entries})
    )


@pytest.fixture
def find(run_script, laptop):
    """Ask, and give the data of the answer."""
    return lambda *words: run_script(SCRIPT, *words, "--root", laptop, "--json").answer["data"]


def test_right_skill_comes_first_with_its_invocation(find):
    skills = find("hand a ticket over to engineering")["skills"]

    assert skills[0]["invocation"] == "/support:escalate-ticket"


def test_words_of_what_a_skill_is_not_for_do_not_lead_to_it(find):
    assert [skill["skill"] for skill in find("escalating a ticket")["skills"]] == ["support:escalate-ticket"]


def test_skill_that_only_a_person_starts_is_marked(find):
    assert find("reset my laptop")["skills"][0]["typed_only"] is True


def test_plugin_of_another_team_is_told_with_whom_to_ask(find):
    data = find("travel expenses")

    assert data["skills"] == []
    assert [plugin["plugin"] for plugin in data["elsewhere"]] == ["finance"]
    assert "The team finance of Acme looks after it." in data["elsewhere"][0]["ask"]


def test_nothing_that_fits_is_an_answer_and_no_skill_is_invented(run_script, laptop):
    ran = run_script(SCRIPT, "book a flight to Dublin", "--root", laptop)

    assert ran.code == 0
    assert ran.stdout.startswith("No skill on this laptop fits 'book a flight to Dublin'; 3 were looked at.")


def test_list_names_all_of_them(find):
    data = find("--list")

    assert [skill["skill"] for skill in data["skills"]] == [
        "base-plugin:typed",
        "support:escalate-ticket",
        "support:refund-customer",
    ]
    assert [plugin["plugin"] for plugin in data["elsewhere"]] == ["developer-tools", "finance"]


def test_script_finds_the_laptop_from_its_own_place_through_the_launcher(repository, laptop):
    """As a skill starts it: `skillway-run`, which the plugin puts on PATH, and no --root."""
    plugin = laptop / "store" / "base-plugin" / DIGEST
    shutil.copytree(repository / "base-plugin", plugin, dirs_exist_ok=True)
    (laptop / "bin").mkdir()
    shutil.copy(repository / "hooks" / "run", laptop / "bin" / "run")
    (laptop / "bin" / "interpreter").write_text(f"{sys.executable}\n")
    script = plugin / "skills" / "find-skill" / "scripts" / "find_skill.py"

    done = subprocess.run(
        [plugin / "bin" / "skillway-run", script, "escalate", "--json"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"]["skills"][0]["skill"] == "support:escalate-ticket"
    assert not list(plugin.glob("**/__pycache__")), "byte code in the store would be drift"


def test_without_a_synced_catalogue_it_says_so(run_script, tmp_path):
    ran = run_script(SCRIPT, "anything", "--root", tmp_path, "--json")

    assert (ran.code, ran.answer["error"]["code"]) == (7, "no_catalogue")
    assert run_script(SCRIPT, "anything").code == 7, "a checkout is no synced store"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"plugins": {}}', "[" * 100_000, "\udcff"])
def test_broken_catalogue_is_one_sentence(run_script, laptop, content):
    (laptop / ".claude-plugin" / "marketplace.json").write_bytes(content.encode("utf-8", "surrogateescape"))

    assert run_script(SCRIPT, "anything", "--root", laptop).code == 7


@pytest.mark.parametrize(
    "source", ["./store/support/../../..", "../elsewhere", "/etc", "./store/other/" + DIGEST, 7, None]
)
def test_entry_that_leads_out_of_the_store_is_left_out(run_script, laptop, source):
    catalogue = {
        "plugins": [
            {"name": "support", "source": source},
            {"name": "base-plugin", "source": f"./store/base-plugin/{DIGEST}"},
            3,
        ]
    }
    (laptop / ".claude-plugin" / "marketplace.json").write_text(json.dumps(catalogue))

    ran = run_script(SCRIPT, "--list", "--root", laptop, "--json")

    assert [skill["skill"] for skill in ran.answer["data"]["skills"]] == ["base-plugin:typed"]
    assert any("outside the store" in warning for warning in ran.answer["warnings"])


@pytest.mark.parametrize("content", [b"", b"no head", b"---\nname: x\n", b"\xff\xfe" * 100, b"---\n" + b"x" * 200_000])
def test_broken_skill_is_told_and_the_others_stay(run_script, laptop, content):
    path = put(laptop, "support", "broken", "description: x")
    path.write_bytes(content)

    ran = run_script(SCRIPT, "--list", "--root", laptop, "--json")

    assert len(ran.answer["data"]["skills"]) == 3
    assert any("support:broken" in warning for warning in ran.answer["warnings"])


@pytest.mark.parametrize("content", [None, "", "[]", '{"plugins": 3}', '{"plugins": {"support": {"digest": "other"}}}'])
def test_without_a_usable_release_only_what_is_here_is_told(run_script, laptop, content):
    path = laptop / "state" / "releases" / "7.json"
    path.unlink() if content is None else path.write_text(content)

    ran = run_script(SCRIPT, "escalate ticket", "--root", laptop, "--json")

    assert ran.answer["data"]["elsewhere"] == []
    assert any("other teams" in warning for warning in ran.answer["warnings"])
    assert ran.answer["data"]["skills"][0]["skill"] == "support:escalate-ticket"


def test_description_cannot_steer_the_terminal(run_script, laptop):
    put(laptop, "support", "red", 'description: "Use for colours \\u001b[31m and bells \\u0007."')

    ran = run_script(SCRIPT, "colours and bells", "--root", laptop)

    assert "/support:red" in ran.stdout
    assert "\x1b" not in ran.stdout


@pytest.mark.parametrize(
    "question", ["", "   ", "???", "the a of", "'; rm -rf ~", "x" * 100_000, "\u0000", "日本語 質問"]
)
def test_any_question_is_answered_without_a_traceback(run_script, laptop, question):
    ran = run_script(SCRIPT, "--root", laptop, "--json", "--", question.replace("\u0000", "\ufffd"))

    assert ran.code == (2 if not question.strip() else 0)


def test_closed_pipe_is_no_traceback(repository, laptop):
    command = f"'{sys.executable}' -E -s '{repository / SCRIPT}' --list --root '{laptop}' | true"

    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)

    assert "Traceback" not in done.stderr


def test_judged_questions_find_their_skill_better_than_substrings_do(ranking):
    """The list that benchmarks/find_skill.py reports on; one question more or less is not a failure."""
    skills = [json.loads(line) for line in (LISTS / "catalogue.jsonl").read_text().splitlines()]
    judged = [json.loads(line) for line in (LISTS / "judged.jsonl").read_text().splitlines()]
    texts = {
        f"{skill['plugin']}:{skill['name']}": f"{skill['name']} {skill['description']}".lower() for skill in skills
    }
    index = ranking.Index(
        ranking.Text(f"{skill['plugin']}:{skill['name']}", skill["name"], skill["description"], skill["plugin"])
        for skill in skills
    )

    def by_substrings(question):
        counts = {key: sum(word in text for word in question.lower().split()) for key, text in texts.items()}
        return max(counts, key=counts.get)

    real = [(question["question"], set(question["right"])) for question in judged if question["right"]]
    none = [question["question"] for question in judged if not question["right"]]
    first = sum(bool(right & {match.key for match in index.search(question, limit=1)}) for question, right in real)
    third = sum(bool(right & {match.key for match in index.search(question, limit=3)}) for question, right in real)

    assert (len(skills) >= 300, len(real) >= 40) == (True, True)
    assert first / len(real) >= 0.9
    assert third / len(real) >= 0.93
    assert first > sum(by_substrings(question) in right for question, right in real)
    assert sum(not index.search(question) for question in none) >= 0.7 * len(none)


@pytest.mark.parametrize(
    ("question", "finds"),
    [("deploys", True), ("deploying", True), ("deploy", True), ("delpoy", True), ("deplozz", False), ("de", False)],
)
def test_forms_and_slips_of_a_word_are_the_same_word(ranking, question, finds):
    texts = [
        ranking.Text("a", "roll-back", "Use when a deploy goes wrong."),
        ranking.Text("b", "other", "Something else."),
    ]

    assert [match.key for match in ranking.best(texts, question)] == (["a"] if finds else [])


def test_equal_skills_are_answered_in_the_same_order_every_time(ranking):
    texts = [ranking.Text(key, "same", "Use when asked.") for key in "cab"]

    assert [match.key for match in ranking.best(texts, "same")] == ["a", "b", "c"]


def test_empty_catalogue_answers_nothing(ranking):
    assert ranking.best([], "anything") == []


@pytest.mark.parametrize(
    ("head", "value"),
    [
        ("d: plain text", "plain text"),
        ("d: plain # comment", "plain"),
        ("d: over\n  two lines", "over two lines"),
        ('d: "quoted: \\"yes\\" \\u00e9"', 'quoted: "yes" \u00e9'),
        ("d: 'it''s'", "it's"),
        ("d: >-\n  folded\n  text\ne: x", "folded text"),
        ("d: |\n  kept\n  lines", "kept\nlines"),
        ('d: "over\n  two lines"', "over two lines"),
        ("d:", ""),
        ('d: "never closed', ""),
    ],
)
def test_forms_of_yaml_that_heads_are_written_in(frontmatter, head, value):
    assert frontmatter.read_head(f"---\n{head}\n---\n")["d"] == value


def test_heads_of_this_repository_are_read_as_yaml_reads_them(frontmatter, repository):
    import yaml

    for path in [*repository.glob("*/skills/*/SKILL.md"), *repository.glob("skills/*/*/SKILL.md")]:
        text = path.read_text(encoding="utf-8")
        expected = yaml.safe_load(text.split("---\n")[1])
        assert {key: value for key, value in frontmatter.read_head(text).items() if key in ("name", "description")} == {
            key: expected[key] for key in ("name", "description")
        }
