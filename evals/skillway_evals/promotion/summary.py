"""What do other parts of skillway show of the evidence? Keeps `.skillway/evals/summary.json`, which the catalogue's page reads."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from skillway_evals.gate import decide
from skillway_evals.outcome import Outcome, Provenance
from skillway_evals.promotion.evidence import outcome_shown, provenance
from skillway_evals.running.execute import SuiteReport

FILE = Path(".skillway") / "evals" / "summary.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class SummaryEntry:
    """What the gate said of a skill's evidence, where that came from, and the day of the latest verdict ('' for none)."""

    outcome: Outcome
    provenance: Provenance | None
    day: str


def update_summary(repository: Path, entries: Mapping[str, SummaryEntry]) -> None:
    """Replace what the summary says of these skills, and keep the rest; a reader never sees half of it.

    Args:
        repository: The folder with organisation.yaml.
        entries: By `plugin:skill`.
    """
    path = repository / FILE
    skills = _known(path)
    for skill, entry in entries.items():
        origin = entry.provenance.value if entry.provenance else ""
        skills[skill] = {"outcome": entry.outcome.value, "provenance": origin, "day": entry.day}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps({"schema": SCHEMA, "skills": skills}, indent=1, sort_keys=True), encoding="utf-8")
    draft.replace(path)


def summarise_reports(reports: Sequence[SuiteReport]) -> dict[str, SummaryEntry]:
    """Let the gate's usual rules decide over fresh results; `promote` decides by the repository's own."""
    found = {}
    for report in reports:
        origin = provenance(report)
        outcome = outcome_shown(decide(report.plan.suite, report.result).outcome, origin)
        day = datetime.now(timezone.utc).date().isoformat() if origin is not None else ""
        found[report.result.skill] = SummaryEntry(outcome, origin, day)
    return found


def _known(path: Path) -> dict[str, object]:
    """Read what is there; what cannot be read is made anew, because all of it can be derived again."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return dict(content["skills"]) if content["schema"] == SCHEMA else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
