"""What does the pull request of a promotion say? The gate's figures, what moves, and what a reviewer has to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skillway_evals.promotion.engine import Assessment
from skillway_evals.promotion.records import Decided


@dataclass(frozen=True, slots=True)
class Facts:
    """What moves where.

    Attributes:
        former: `plugin:skill` before.
        name: `plugin:skill` after.
        stage: The stage.
        moves: From and to, folders below the repository.
        mentions: Files elsewhere that name the skill by its former name.
        neighbours: Skills whose eval runs load the plugin that it moves to.
    """

    former: str
    name: str
    stage: str
    moves: Sequence[tuple[str, str]]
    mentions: Sequence[str]
    neighbours: Sequence[str]


def request_text(found: Assessment, decided: Decided | None, facts: Facts) -> str:
    """Write the text, Markdown."""
    lines = [
        f"`{facts.former}` becomes `{facts.name}` and reaches the stage {facts.stage}.",
        "",
        "## What the gate said",
        "",
        "| gate | outcome | figures |",
        "|---|---|---|",
        *(f"| {one.gate}: {one.name} | {one.outcome.value} | {_cell(one.text)} |" for one in found.conditions),
        "",
        "## Decision",
        "",
        _decision(decided, facts),
        "",
        "## What moves",
        "",
        *(f"- `{old}` to `{new}`" for old, new in facts.moves),
        "- The former name is kept in `evals/promotion/aliases.jsonl`: usage reports and recorded verdicts go on counting.",
        "- Both plugins' versions are raised.",
    ]
    if facts.mentions:
        lines += ["", "## Still named by the former name", "", *(f"- `{path}`" for path in facts.mentions)]
    if facts.neighbours:
        lines += [
            "",
            "## Evidence that has to be renewed",
            "",
            "These are measured with the whole plugin, which has one skill more now: "
            + ", ".join(f"`{name}`" for name in facts.neighbours)
            + ". Run `skillway eval plan` for what that costs.",
        ]
    return "\n".join(lines) + "\n"


def _decision(decided: Decided | None, facts: Facts) -> str:
    if decided is None:
        action = f"skillway promote {facts.former} --decide accept --by NAME --reason TEXT"
        return f"Nobody has decided yet; the gate only says that it is eligible. Record it with `{action}`."
    return f"{decided.by}, {decided.at[:10]}: {decided.decision}. {_cell(decided.reason)}"


def _cell(text: str) -> str:
    """Keep a text in one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")
