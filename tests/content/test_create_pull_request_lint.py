"""What the lint and the consent rules find, each with a text that must fire and one that must not."""

import json

import pytest

SCRIPT = "developer-tools/skills/create-pr/scripts/create_pull_request.py"
WHY = "Carts vanish on deploy because sessions live in memory. "
BOXES = "## Test plan\n- [ ] Run tests\n- [ ] Check the page\n"
RETOLD = "Because. `load_session` now `read_session` in session.py; session.py `load_session` `read_session` " * 2


@pytest.fixture
def rules(run_script, checkout, tmp_path):
    """Lint a title and a body; return the names of the rules that fire as errors, and as warnings."""

    def run(body, title="Keep carts over a deploy", why=None, evidence=None):
        (tmp_path / "body.md").write_text(body)
        extra = []
        if why:
            evidence = evidence or [{"kind": "user_message", "quote": "x y z"}]
            (tmp_path / "intent.json").write_text(json.dumps({"why": why, "evidence": evidence}))
            extra = ["--intent", tmp_path / "intent.json"]
        arguments = ("--title", title, "--body-file", tmp_path / "body.md", *extra, "--json")
        ran = run_script(SCRIPT, "lint", *arguments, cwd=checkout)
        assert ran.code in (0, 5), ran.stdout
        findings = ran.answer["data"].get("findings", []) if ran.code else []
        return {finding["rule"] for finding in findings if finding["severity"] == "error"}, ran.answer["warnings"]

    return run


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("", "empty-body"),
        ("<!-- describe -->\n", "empty-body"),
        (f"{WHY}\n- `session.py`: changed\n- `session.py`: again\n- session.py, too\n", "file-list"),
        (RETOLD, "retells-the-code"),
        (f"{WHY}\n{BOXES}", "test-plan"),
        (f"{WHY}\n## Testing\nAll tests pass.\n", "test-plan"),
        (f"{WHY}\n## Risk\n\n## Notes\nn/a\n", "empty-section"),
        (f"{WHY}See `invented_function()`.", "unknown-name"),
        (f"{WHY}See tests/test_invented.py there.", "unknown-name"),
        ("The store now holds sessions.", "missing-why"),
        (WHY * 40, "too-long"),
        (f"{WHY}Token ghp_{'a' * 36}", "secret"),
    ],
)
def test_fault_is_found(rules, body, rule):
    errors, _ = rules(body)

    assert rule in errors


@pytest.mark.parametrize(
    "body",
    [
        WHY,
        f"## Why\n{WHY}\n### Detail\nn/a\n",
        f"{WHY}\n## Testing\nRestarted the service with 40 carts; all were there.\n",
        f"{WHY}`load_session()` takes the store; see `session.py`.",
        f"{WHY}Set `--base main` and `true`; the route is `/api/v1/cart`.",
        f"{WHY}\n```python\nnot_in_the_diff = 1 # 12\n```\n",
        f"{WHY}\n- carts stay\n- logins stay\n- nothing else changes\n",
    ],
)
def test_good_text_passes(rules, body):
    errors, _ = rules(body)

    assert errors == set()


@pytest.mark.parametrize(
    ("title", "rule"),
    [
        (" ", "empty-title"),
        ("x" * 73, "long-title"),
        ("fix: bug", "vague-title"),
        ("Address review comments", "vague-title"),
    ],
)
def test_fault_in_the_title_is_found(rules, title, rule):
    errors, _ = rules(WHY, title=title)

    assert errors == {rule}


def test_reason_of_the_intent_has_to_be_in_the_text(rules):
    errors, _ = rules(WHY, why="The audit of October demands encrypted backups.")

    assert errors == {"missing-why"}


def test_bare_number_is_a_link_only_when_somebody_named_the_issue(rules):
    named = [{"kind": "issue", "ref": "acme/shop#12"}]

    assert rules(f"{WHY} Step #12.", why=WHY)[0] == {"bare-issue"}
    assert rules(f"{WHY} Fixes #12.", why=WHY, evidence=named)[0] == set()


def test_known_file_outside_the_change_is_only_a_warning(rules, checkout, git):
    git(checkout, "switch", "-q", "main")
    (checkout / "other.py").write_text("x = 1\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "Other")
    git(checkout, "switch", "-qc", "later")
    git(checkout, "update-ref", "refs/remotes/origin/main", "main")
    (checkout / "third.py").write_text("y = 2\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "Third")

    errors, warnings = rules(f"{WHY}Called from `other.py`.")

    assert errors == set()
    assert "other.py is not part of this change" in warnings[0]


REJECTIONS = [
    "No PR yet",
    "don't open a pull request",
    "Please do not create the PR yet.",
    "don\u2019t push anything",
    "never push",
    "hold off",
    "hold off on the PR until Monday",
    "not ready for review",
    "commit it without opening a PR",
    "wait with the pull request",
    "let's keep the MR for later: MR later",
    "don't submit it yet",
]
GO_AHEADS = [
    "open a PR",
    "Create a draft pull request, please",
    "/create-pr",
    "/developer-tools:create-pr with care",
    "ship it",
    "go ahead and open the PR",
    "don't touch the tests, then open the merge request",
    "no PR yet. OK, now make the PR",
]
NEITHER = [
    "don't push to main",
    "never push --force",
    "there is no PR template here",
    "hold off on the refactoring",
    "don't create new files",
    "review the pull request of Ann",
    "the PR failed, why?",
]


def test_yes_and_no_are_told_apart(run_script, checkout, session):
    session(*REJECTIONS, *GO_AHEADS, *NEITHER, "customers lose carts because of this")
    signals = run_script(SCRIPT, "intent", "--wait", "0", "--json", cwd=checkout).answer["data"]["signals"]
    last = {signal["turn"]: signal["kind"] for signal in signals}

    expected = ["rejection"] * len(REJECTIONS) + ["go_ahead"] * len(GO_AHEADS) + [None] * len(NEITHER)
    texts = [*REJECTIONS, *GO_AHEADS, *NEITHER]
    wrong = [text for number, text in enumerate(texts, 1) if last.get(f"u{number}") != expected[number - 1]]

    assert wrong == []
