"""One self-contained page that shows a prediction to somebody who plans with it.

No scripts and nothing from elsewhere: it can be mailed and opened anywhere. The numbers come from `report`.
"""

from __future__ import annotations

import os
import tempfile
from html import escape
from pathlib import Path
from typing import Any

from envelope import CONFLICT, Failure

MARK = "<!-- automation-taxonomy chart -->"
_UNITS = 1000  # width of a bar's own drawing units for 100 %
_AXIS = "".join(f'<span style="left: {share}%">{share}&nbsp;%</span>' for share in (0, 25, 50, 75, 100))
_STYLE = """
:root { color-scheme: light dark; --ink: #1d2433; --soft: #5a6478; --line: #d9dee7; --paper: #ffffff; --panel: #f5f7fa;
  --bar: #2f6fde; --now: #7a8699; --range: #0b2a66; --note: #8a4b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf3; --soft: #a4aec0; --line: #38425a; --paper: #141925;
  --panel: #1c2333; --bar: #5b93f5; --now: #8a96ab; --range: #e8ecf3; --note: #f0b35a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 48rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
p { margin: 0 0 .75rem; max-width: 42rem; }
.soft { color: var(--soft); }
.note { border-left: 4px solid var(--note); background: var(--panel); padding: .6rem .9rem; margin: 1rem 0; }
.steps { list-style: none; margin: 0; padding: 0; }
.steps li { margin: 0 0 .9rem; }
.told { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
svg { width: 100%; height: 26px; display: block; }
.axis { position: relative; height: 1.2rem; color: var(--soft); font-size: .8rem; }
.axis span { position: absolute; transform: translateX(-50%); }
.axis span:first-child { transform: none; }
.axis span:last-child { transform: translateX(-100%); }
.scroll + p { margin-top: 1rem; }
ul { margin: 0 0 .75rem; padding-left: 1.4rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
th, td { text-align: left; padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number .soft { display: block; white-space: nowrap; }
td.wide { min-width: 11rem; }
footer { margin-top: 2rem; color: var(--soft); font-size: .85rem; }
"""


def page(data: dict[str, Any], warnings: list[str]) -> str:
    """Return the page for the JSON value of `report.as_json`; every text from the files is escaped."""
    body = "\n".join(
        [_headline(data), *_notes(warnings), _drawing(data), _explained(data), _levels(data), _topics(data)]
    )
    return f"""<!doctype html>
{MARK}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Predicted automation rate</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
{body}
{_footer(data)}
</main>
</body>
</html>
"""


def write_page(path: str, text: str) -> None:
    """Write the page whole or not at all; a file that is no chart of ours is left alone.

    Raises:
        Failure: another file is in the way (exit 8), or it cannot be written (exit 1).
    """
    target = Path(path)
    try:
        if target.exists() and MARK not in _beginning(target):
            message = f"{path} exists and is no chart of this program."
            raise Failure("file_in_the_way", message, fix="Name another file with --chart.", exit_code=CONFLICT)
        descriptor, temporary = tempfile.mkstemp(dir=str(target.parent), prefix=".chart-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink()
            raise
    except OSError as error:
        message = f"The chart {path} cannot be written ({error.strerror})."
        raise Failure("chart_not_written", message, fix="Name a place that can be written with --chart.") from error


def _beginning(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(200).decode("utf-8", "replace")


def _headline(data: dict[str, Any]) -> str:
    steps = data["steps"]
    now, last = steps[0]["automation_rate"]["estimate"], steps[-1]["automation_rate"]["estimate"]
    told = f"About {_rough(now)} of conversations could be resolved without a person today"
    if len(steps) > 1:
        told += f", and about {_rough(last)} after the whole roadmap"
    return f"""<h1>{told}.</h1>
<p class="soft">Predicted from {data["conversations"]:,} conversations in {escape(data["source"])}.
Success rates: {escape(data["assumptions"]["rates_source"])}.</p>"""


def _notes(warnings: list[str]) -> list[str]:
    return [f'<p class="note">{escape(warning)}</p>' for warning in warnings]


def _drawing(data: dict[str, Any]) -> str:
    rows = "".join(_row(number, step) for number, step in enumerate(data["steps"]))
    return f"""<h2>Automation rate, step by step</h2>
<ol class="steps">
{rows}</ol>
<div class="axis" aria-hidden="true">{_AXIS}</div>"""


def _row(number: int, step: dict[str, Any]) -> str:
    """One step: words as HTML, so that they stay readable on a phone and by a screen reader; only the bar is drawn."""
    rate, lift = step["automation_rate"], step["lift"]
    colour = "var(--now)" if number == 0 else "var(--bar)"
    gained = "" if number == 0 else f", {lift['estimate'] * 100:+.1f} points"
    end, low, high = (round(rate[name] * _UNITS, 1) for name in ("estimate", "low", "high"))
    ticks = "".join(
        f'<line x1="{x}" x2="{x}" y1="6" y2="20" stroke="var(--range)" stroke-width="2" vector-effect="non-scaling-stroke"/>'
        for x in (low, high)
    )
    return f"""<li>
<div class="told"><strong>{escape(step["name"])}</strong>
<span><strong>{_percent(rate["estimate"])}</strong> <span class="soft">({_bounds(rate)}{gained})</span></span></div>
<svg viewBox="0 0 {_UNITS} 26" preserveAspectRatio="none" aria-hidden="true">
<rect x="0" y="2" width="{_UNITS}" height="22" fill="var(--panel)"/>
<rect x="0" y="2" width="{max(end, 1)}" height="22" fill="{colour}"/>
<line x1="{low}" x2="{high}" y1="13" y2="13" stroke="var(--range)" stroke-width="2" vector-effect="non-scaling-stroke"/>
{ticks}
</svg>
</li>
"""


def _explained(data: dict[str, Any]) -> str:
    interval = data["interval"]
    added = "".join(
        f"<li><strong>{escape(step['name'])}</strong>: {escape('; '.join(step['brings']) or 'nothing')}</li>"
        for step in data["steps"]
    )
    return f"""<h2>How to read it</h2>
<p>A bar is the share of all conversations that would be resolved without a person. It counts a conversation when the
capabilities of that step reach its level, and then only as often as such attempts succeed.
The thin line is the {round(interval["confidence"] * 100)}&nbsp;% interval. {escape(interval["covers"])}</p>
<p>What each step brings:</p>
<ul>{added}</ul>"""


def _levels(data: dict[str, Any]) -> str:
    rows = "".join(_level_row(entry) for entry in data["levels"])
    exceptions = data["assumptions"]["topic_rates"]
    told = "".join(
        f"<li>{escape(entry['topic'])}, {entry['level']}: {_percent(entry['share'])}{_observed(entry)}</li>"
        for entry in exceptions
    )
    return f"""<h2>What the conversations are, and what is assumed</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Levels"><table>
<thead><tr><th scope="col">Level</th><th scope="col">What it is</th><th scope="col" class="number">Share</th>
<th scope="col" class="number">Success rate</th><th scope="col">Within reach</th></tr></thead>
<tbody>{rows}</tbody></table></div>
{f"<p>Topics with a success rate of their own:</p><ul>{told}</ul>" if told else ""}"""


def _level_row(entry: dict[str, Any]) -> str:
    rate = entry["rate"]
    success = f"{_percent(rate['share'])}{_observed(rate)}" if rate else "&ndash;"
    first, all_of = entry["reachable_for_some_from"], entry["reachable_from"]
    reach = "never" if entry["level"] == "L0" else escape(all_of or ("" if first else "not on this roadmap"))
    if first and first != all_of:
        reach = f"{escape(first)} <span class='soft'>(some topics)</span>" + (
            f"<br>{reach} <span class='soft'>(all)</span>" if reach else ""
        )
    return (
        f'<tr><th scope="row">{entry["level"]}</th><td class="wide">{escape(entry["meaning"])}</td>'
        f'<td class="number">{_percent(entry["share"])}</td><td class="number">{success}</td>'
        f'<td class="wide">{reach}</td></tr>'
    )


def _observed(rate: dict[str, Any]) -> str:
    return f" <span class='soft'>of {rate['observed']:,} attempts</span>" if rate["observed"] else ""


def _topics(data: dict[str, Any]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(entry["topic"])}</th><td class="number">{entry["conversations"]:,}</td>'
        f'<td class="number">{_percent(entry["now"])}</td><td class="number">{_percent(entry["at_the_end"])}</td></tr>'
        for entry in data["topics"]
    )
    return f"""<h2>The largest topics</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Topics"><table>
<thead><tr><th scope="col">Topic</th><th scope="col" class="number">Conversations</th>
<th scope="col" class="number">Now</th><th scope="col" class="number">After the roadmap</th></tr></thead>
<tbody>{rows}</tbody></table></div>"""


def _footer(data: dict[str, Any]) -> str:
    interval = data["interval"]
    left_out = f" {data['lines_left_out']:,} faulty lines were left out." if data["lines_left_out"] else ""
    return (
        f"<footer>{escape(interval['method'].capitalize())}, {interval['replicates']:,} samples, seed {interval['seed']}."
        f"{left_out} A prediction is not a promise: compare it with what happens, and correct the success rates.</footer>"
    )


def _percent(share: float) -> str:
    return f"{share * 100:.1f}&nbsp;%"


def _bounds(interval: dict[str, float]) -> str:
    return f"{interval['low'] * 100:.1f} to {interval['high'] * 100:.1f}&nbsp;%"


def _rough(share: float) -> str:
    return f"{share * 100:.0f}&nbsp;%"
