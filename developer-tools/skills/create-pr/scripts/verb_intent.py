"""`intent`: what the user typed that may say why, and whether they said no."""

from __future__ import annotations

import argparse
from dataclasses import asdict

import intent
from consent import signals, standing_rejection
from envelope import Answer
from transcript import read_transcript, session_id


def run(options: argparse.Namespace) -> Answer:
    """Return the candidates for the reason.

    Raises:
        Failure: there are none, or no transcript (exit 3).
    """
    transcript = read_transcript(session_id(options.session), wait=options.wait)
    found = intent.candidates(transcript.turns)
    rejection = standing_rejection(transcript.turns)
    data = {
        "candidates": found,
        "signals": [asdict(signal) for signal in signals(transcript.turns)],
        "standing_rejection": asdict(rejection) if rejection else None,
        "turns": len(transcript.turns),
        "transcripts": transcript.paths,
    }
    warnings = [f"{transcript.unreadable_records} records could not be read."] if transcript.unreadable_records else []
    if not found:
        raise intent.need_intent(["The user has only asked for a pull request so far; nothing says why."])
    lines = [f"{row['id']}: {row['text']}" for row in found]
    if rejection:
        lines.append(f"the user said no: {rejection.words!r} ({rejection.turn})")
    return Answer(data, "\n".join(lines), [], warnings)
