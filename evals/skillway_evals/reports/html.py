"""How does a person read a result without a server?

One HTML file with everything in it: no script, no outside address, nothing that a candidate's text could act
through. Each case opens to its runs, each run to what every grader saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.5rem;border-bottom:1px solid #d0d7de}
.standing{padding:.5rem .8rem;background:#fff8c5;border-left:4px solid #d4a72c}.evidence{background:#dafbe1;border-color:#2da44e}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #eaeef2}
details{margin:.4rem 0}summary{cursor:pointer}pre,td{white-space:pre-wrap;overflow-wrap:anywhere}pre{background:#f6f8fa;padding:.6rem}
.pass{color:#116329}.fail{color:#a40e26}.open{color:#7d4e00}.small{color:#57606a;font-size:.9rem}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}pre{background:#161b22}td,th,h2{border-color:#30363d}
.standing{background:#3a2d00}.evidence{background:#0f2d18}.pass{color:#56d364}.fail{color:#ff7b72}.open{color:#e3b341}.small{color:#8b949e}}
"""
_WORDS = {True: ("pass", "pass"), False: ("fail", "fail"), None: ("open", "not decided")}


def render_html(data: dict[str, Any]) -> str:
    """Give the page.

    Args:
        data: As `data.report_data` gives it.
    """
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>Eval report</title><style>{_STYLE}</style></head><body><h1>Eval report</h1>",
        f'<p class="small">Prices of {escape(data["prices"])}.</p>',
        *(f'<p class="standing">{escape(problem)}</p>' for problem in data["store_problems"]),
    ]
    for suite in data["suites"]:
        parts.extend(_suite(suite))
    return "\n".join([*parts, "</body></html>\n"])


def _suite(suite: dict[str, Any]) -> Iterator[str]:
    judge = f", judge {escape(suite['judge'])}" if suite["judge"] else ", decided by code"
    yield f"<h2>{escape(suite['skill'])}</h2>"
    kind = " evidence" if suite["standing"].startswith("evidence") else ""
    yield f'<p class="standing{kind}">{escape(suite["standing"])}</p>'
    yield f'<p class="small">model {escape(suite["model"])}{judge}, skill {escape(suite["skill_digest"])}</p>'
    yield from (
        f'<p class="fail">The judge passed the canary {escape(name)}; none of its verdicts count.</p>'
        for name in suite["broken_canaries"]
    )
    yield from (
        f'<p class="open">not run: {count} ({escape(reason)})</p>' for reason, count in suite["missing"].items()
    )
    yield from _figures(suite)
    yield from _cases("Cases", suite["cases"])
    yield from _triggers(suite["triggers"])
    if suite["recorded"]:
        yield "<h3>Recorded transcripts</h3>"
        yield '<p class="small">Code graders on recordings that a person put into the suite; no evidence for a gate.</p>'
        for run in suite["recorded"]:
            yield from _run(run, title=run["case"])


def _figures(suite: dict[str, Any]) -> Iterator[str]:
    figures = suite["figures"]
    if figures is None:
        yield "<p>No figures are shown: a scripted model answered.</p>"
        return
    yield "<table><tr><th>arm</th><th>valid runs</th><th>cases passed in every run</th></tr>"
    for arm, values in figures["arms"].items():
        yield f"<tr><td>{escape(arm)}</td><td>{values['runs']}</td><td>{values['cases_passed']} of {values['cases']}</td></tr>"
    yield "</table>"
    yield (
        f'<p class="small">{figures["invalid_runs"]} invalid runs. Cost {_usd(figures["cost_usd"])}, per case '
        f"{_usd(figures['cost_per_case_usd'])}, per passed case {_usd(figures['cost_per_passed_case_usd'])}.</p>"
    )


def _cases(title: str, cases: list[dict[str, Any]]) -> Iterator[str]:
    yield f"<h3>{title}</h3>"
    for case in cases:
        passed = [run["passed"] for run in case["runs"] if run["arm"] != "none"]
        verdict = None if not passed or None in passed else all(passed)
        cost = f' <span class="small">{_usd(case["cost_usd"])}</span>' if case["cost_usd"] is not None else ""
        yield f"<details><summary>{escape(case['id'])} {_word(verdict)}{cost}</summary>"
        yield f"<pre>{escape(case['prompt'])}</pre>"
        if case["expected"]:
            yield f"<p>Expected: {escape(case['expected'])}</p>"
        for run in case["runs"]:
            yield from _run(run, title=f"{run['arm']}, repeat {run['repeat'] + 1}")
        yield "</details>"


def _run(run: dict[str, Any], *, title: str) -> Iterator[str]:
    state = _word(run["passed"]) if run["valid"] else '<span class="open">invalid</span>'
    source = f'<span class="small">{escape(run["provenance"])}, {escape(run["key"][:12])}</span>'
    yield f"<details><summary>{escape(title)} {state} {source}</summary>"
    if run["reason"]:
        yield f"<p>{escape(run['reason'])}</p>"
    yield "<table><tr><th>grader</th><th>verdict</th><th>evidence</th></tr>"
    for one in run["results"]:
        must = " (must)" if one["must"] else ""
        score = "" if one["score"] is None else f" {one['score']}"
        row = f"<td>{escape(one['grader'])}{must}</td><td>{_word(one['passed'])}{score}</td>"
        yield f"<tr>{row}<td>{escape(one['evidence'])}</td></tr>"
    yield "</table></details>"


def _triggers(triggers: list[dict[str, Any]]) -> Iterator[str]:
    if not triggers:
        return
    yield "<h3>Triggers</h3><table><tr><th>prompt</th><th>should load</th><th>loaded</th><th>what was seen</th></tr>"
    for trigger in triggers:
        fired = ", ".join({True: "yes", False: "no", None: "no vote"}[one] for one in trigger["fired"])
        seen = "\n".join(trigger["reasons"])
        should = "yes" if trigger["should"] else "no"
        yield f"<tr><td>{escape(trigger['prompt'])}</td><td>{should}</td><td>{fired}</td><td>{escape(seen)}</td></tr>"
    yield "</table>"


def _word(passed: bool | None) -> str:
    kind, word = _WORDS[passed]
    return f'<span class="{kind}">{word}</span>'


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"${amount:.4f}"
