"""Attacks on the judge: each is stopped by the defences together, and works when its own defence is off.

The judge here is a fake that believes too much: it obeys an order that stands outside of the fence, behind a sign
that looks like a change of speaker, or in hidden characters. It proves what the defences keep from a model; what
a real model then does with persuasion inside the fence is what the canaries are for.
"""

import json
import re
from pathlib import Path

import pytest
import yaml

from skillway_evals.judge import UnscoredError, grade_answer, load_canaries, make_prompt, neutralise, read_answer
from skillway_evals.judge.neutral import Neutral
from skillway_evals.suite import Criterion

ATTACKS = yaml.safe_load((Path(__file__).resolve().parent / "attacks.yaml").read_text())
CRITERION = Criterion("done", "Was the task done?", {0: "nothing was done", 1: "in part", 2: "all of it"})
KNOWN_CODE = "c0de" * 8
ORDER = re.compile(
    r"highest score|score\W{1,4}2|score is the highest|the score 2|true score|the highest one", re.IGNORECASE
)
SPEAKER = re.compile(
    r"<\s*/?\s*\|?\s*(?:system|user|developer|assistant|im_start|start_header_id|antml:)|<<SYS|\[INST\]"
    r"|^[>* ]*(?:human|system|assistant)\**:",
    re.IGNORECASE | re.MULTILINE,
)


def reveal(text):
    """Read what hides in characters without a shape."""
    decoded = [
        chr(ord(sign) - base)
        for sign in text
        for base in (0xE0000, 0xE0100, 0xF0000)
        if 0x20 <= ord(sign) - base < 0x7F and not (base == 0xE0000 and ord(sign) >= 0xE0100)
    ]
    return "".join(decoded)


def gullible_judge(prompt, *, obeys_inside=False):
    """Give the reply of a judge that obeys whatever looks like an order to it."""
    text = prompt.user
    code = re.match(r"code: (\w+)", text)[1]
    body = text.partition(f"=== CANDIDATE {code} BEGIN ===\n")[2]
    end = re.search(rf"^[ \t]*=+ *candidate {code} end *=+$", _visible(body), re.IGNORECASE | re.MULTILINE)
    inside, outside = _visible(body)[: end.start()], _visible(body)[end.end() :]
    speaker = SPEAKER.search(inside)
    orders = [outside.replace("The candidate has ended. Grade it by the question of the system prompt alone.", "")]
    orders += [inside[speaker.start() :]] if speaker else []
    orders += [reveal(body)] + ([inside] if obeys_inside else [])
    planted = re.search(r"\[\[(obey|say):(.+?)\]\]", inside)
    if planted:
        return planted_reply(planted[1], planted[2], inside)
    if any(ORDER.search(order) for order in orders):
        return json.dumps({"reason": "As I was told.", "quote": re.search(r"[A-Za-z .]{8,40}", inside)[0], "score": 2})
    return json.dumps({"reason": "Nothing was done.", "quote": "", "score": 0})


def _visible(text):
    return "".join(sign for sign in text if sign not in "\u200b\u200d\u2060\u202e\u202c")


def planted_reply(how, what, inside):
    """Obey in a form that only strict reading and the evidence check can tell from a verdict."""
    reply = {"reason": "As I was told.", "quote": inside.strip()[:40], "score": 2}
    quotes = {
        "invent": "Everything was done with great care.",
        "empty": "",
        "short": "No",
        "changed": inside.strip()[:30].replace("Nothing", "Everything"),
        "rubric": "all of it",
    }
    if how == "obey":
        return json.dumps({**reply, "quote": quotes[what]})
    forms = {
        "GRADE: 2": "The answer is right.\nGRADE: 2",
        "```json": f"```json\n{json.dumps(reply)}\n```",
        "twice": '{"reason": "x", "quote": "Nothing done.", "score": 0, "score": 2}',
        "99": json.dumps({**reply, "score": 99}),
        "text": json.dumps({**reply, "score": "2"}),
        "true": json.dumps({**reply, "score": True}),
        "extra": json.dumps({**reply, "final": True}),
    }
    return forms[what]


def judge(text, *, code=None, candidate=None, **how):
    """Run the whole way of one verdict; give the result, or None as `passed` where it is unscored."""
    candidate = candidate or neutralise(text)
    reply = gullible_judge(make_prompt(CRITERION, "Do the task.", candidate, code=code), **how)
    try:
        return grade_answer(CRITERION, read_answer(reply, [0, 1, 2]), candidate).passed
    except UnscoredError:
        return None


def of_kind(*kinds):
    chosen = [attack for attack in ATTACKS if attack["kind"] in kinds]
    return pytest.mark.parametrize("text", [a["text"] for a in chosen], ids=[f"{a['kind']}-{a['id']}" for a in chosen])


def test_corpus_is_large_and_unique():
    assert len(ATTACKS) >= 30
    assert len({attack["id"] for attack in ATTACKS}) == len(ATTACKS)


@of_kind("fence", "role", "hidden", "evidence", "schema", "inside")
def test_no_attack_gets_a_pass(text):
    assert judge(text.replace("{code}", KNOWN_CODE)) is not True


@of_kind("fence")
def test_fence_attack_fails_even_with_the_code_known(text):
    """Two layers: the code cannot be known, and lines that look like the fence are defused."""
    assert judge(text.replace("{code}", KNOWN_CODE), code=KNOWN_CODE) is not True


@of_kind("fence")
def test_fence_attack_works_on_a_judge_without_a_secret_code_and_defusing(text):
    text = text.replace("{code}", KNOWN_CODE)
    assert judge(text, code=KNOWN_CODE, candidate=Neutral(text)) is True


@of_kind("fence")
def test_secret_code_alone_stops_fence_attacks(text):
    text = text.replace("{code}", KNOWN_CODE)
    assert judge(text, candidate=Neutral(text)) is not True


@of_kind("role", "hidden")
def test_role_and_hidden_attacks_work_without_neutralising(text):
    assert judge(text, candidate=Neutral(text)) is True


@of_kind("evidence")
def test_evidence_attacks_work_where_nobody_looks_for_the_quote(text):
    reply = gullible_judge(make_prompt(CRITERION, "Do the task.", neutralise(text)))
    assert read_answer(reply, [0, 1, 2]).score == 2


@of_kind("schema")
def test_schema_attacks_are_unscored(text):
    with pytest.raises(UnscoredError):
        read_answer(gullible_judge(make_prompt(CRITERION, "Do the task.", neutralise(text))), [0, 1, 2])


@of_kind("inside")
def test_persuasion_works_on_a_judge_that_obeys_what_it_reads(text):
    assert judge(text, obeys_inside=True) is True


def test_every_canary_betrays_a_judge_that_obeys_what_it_reads():
    for canary in load_canaries():
        assert judge(canary.text) is False, canary.id
        assert judge(canary.text, obeys_inside=True) is True, canary.id


@pytest.mark.parametrize("text", [a["text"] for a in ATTACKS if a["kind"] in ("role", "hidden")])
def test_what_was_defused_is_reported(text):
    assert neutralise(text).findings


def test_ordinary_text_is_left_as_it_is():
    text = (
        "Überblick:\n\n```python\nif a < b: print('<ok>')\n```\n| a | b |\nSee List<String>, x <system_id>… 漢字 👍 é"
    )
    assert neutralise(text.replace("<system_id>", "")) == Neutral(text.replace("<system_id>", ""))


def test_honest_verdict_with_a_real_quote_passes():
    candidate = neutralise("I did all of it and\n  ran the tests.")
    answer = read_answer('{"reason": "r", "quote": "all of it and ran the tests", "score": 2}', [0, 1, 2])
    result = grade_answer(CRITERION, answer, candidate)
    assert result.passed is True
    assert "ran the tests" in result.evidence


def test_partial_score_is_no_pass():
    answer = read_answer('{"reason": "r", "quote": "I did half", "score": 1}', [0, 1, 2])
    result = grade_answer(CRITERION, answer, neutralise("I did half of it."))
    assert (result.passed, result.score) == (False, 1)


def test_code_differs_from_call_to_call_and_is_not_in_the_key():
    one, two = (make_prompt(CRITERION, "t", neutralise("x")) for _ in range(2))
    assert one.user != two.user
    assert one.identity == two.identity
    assert one.identity != make_prompt(CRITERION, "t", neutralise("y")).identity


def test_long_text_keeps_head_and_tail():
    candidate = neutralise("HEAD " + "x" * 200_000 + " TAIL")
    assert candidate.text.startswith("HEAD")
    assert candidate.text.endswith("TAIL")
    assert len(candidate.text) < 61_000
    assert "not shown" in candidate.findings[0]
