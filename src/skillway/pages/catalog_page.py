"""The page of every skill: search it, filter it, link to one skill.

The skills are in the page as data, and a small script draws the ones that are asked for, so that thousands stay quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from skillway.discovery import OUTCOMES, SkillEntry
from skillway.pages.frame import Section, page
from skillway.pages.markup import fill, json_block
from skillway.pages.parts import number

LAYER_TITLES = {"base": "base plugin", "developer-tools": "developer tools", "team": "team plugin"}


def catalog_page(entries: Sequence[SkillEntry], *, title: str, made: datetime, usage: str) -> str:
    """Make the page.

    Args:
        entries: Every skill.
        title: What the organisation is called.
        made: When, UTC.
        usage: One sentence on where the numbers of use come from, or why there are none.
    """
    plugins = sorted({entry.plugin for entry in entries})
    has_use = any(entry.use is not None for entry in entries)
    search = fill(
        "catalog.html",
        layers=[
            (layer, text) for layer, text in LAYER_TITLES.items() if any(entry.layer == layer for entry in entries)
        ],
        plugins=plugins,
        outcomes=[name for name in OUTCOMES if any(entry.evidence.outcome == name for entry in entries)],
        has_use=has_use,
        usage=usage,
    )
    data = json_block("skills", [entry.to_json() for entry in entries])
    return page(
        f"Skills of {title}",
        [Section("skills-section", "Find a skill", (search, data))],
        subtitle=f'{number(len(entries))} skills in {number(len(plugins))} plugins. In Claude Code, ask "is there a skill for …".',
        footer=f"Made by skillway on {made:%Y-%m-%d %H:%M} UTC from the repository's catalogue. {usage}",
        script="catalog.js",
    )
