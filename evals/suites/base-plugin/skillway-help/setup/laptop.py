#!/usr/bin/env python3
"""Puts a `skillway-sync` on PATH that reports one state of a laptop, and a spool into the home.

laptop.py healthy|stale|broken
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

STATUS = {
    "healthy": (
        0,
        "state        current\nrelease      118 (ring broad)\nlast check   12 minutes ago\nlast apply   2 hours ago",
    ),
    "stale": (
        1,
        (
            "state        stale\nrelease      97 (ring broad)\nlast check   19 days ago\nlast apply   19 days ago\n"
            "error        The store could not be reached (proxy.example.com refused the connection)."
        ),
    ),
    "broken": (1, "state        drift\nrelease      118 (ring broad)\nlast check   5 minutes ago"),
}
DOCTOR = {
    "healthy": (0, "ok       Everything is as release 118 says."),
    "stale": (
        1,
        (
            "problem  The store was last reached 19 days ago: proxy.example.com refused the connection.\n"
            "         fix: Ask IT to open the store's address in the proxy; the laptop then catches up by itself."
        ),
    ),
    "broken": (
        1,
        (
            "problem  The policy file /etc/claude-code/managed-settings.d/50-skillway.json was changed by hand.\n"
            "         fix: Run `skillway-sync repair --system` as root."
        ),
    ),
}
RECORD = {"event": "skill_used", "skill": "support:escalation-summary", "by": "claude", "ok": True, "duration_ms": 5310}


def main() -> None:
    situation = sys.argv[1]
    programs = Path(".claude/bin").absolute()
    programs.mkdir(parents=True)
    program = programs / "skillway-sync"
    program.write_text(
        f"#!/bin/sh\ncase $1 in\nstatus) cat <<'END'\n{STATUS[situation][1]}\nEND\nexit {STATUS[situation][0]} ;;\n"
        f"doctor) cat <<'END'\n{DOCTOR[situation][1]}\nEND\nexit {DOCTOR[situation][0]} ;;\n"
        "*) echo 'skillway-sync: this asks for rights that you do not have' >&2; exit 77 ;;\nesac\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    settings = {"env": {"PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}"}}
    Path(".claude/settings.json").write_text(json.dumps(settings), encoding="utf-8")
    spool = Path.home() / ".local/state/skillway/spool"
    spool.mkdir(parents=True, exist_ok=True)
    (spool / "events.jsonl").write_text(json.dumps(RECORD) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
