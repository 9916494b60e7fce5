"""What stands in the project folder? Graders `file_exists`, `file_absent`, `file_contains` and `file_matches`."""

from __future__ import annotations

from skillway_evals.graders.candidate import Candidate, Options, Verdict
from skillway_evals.graders.text import find_pattern, find_text


def file_exists(candidate: Candidate, options: Options) -> Verdict:
    """Look for a file or folder."""
    path = str(options["path"])
    place = candidate.file(path)
    if place.is_file():
        return True, f"{path} exists, {place.stat().st_size} bytes"
    return place.is_dir(), f"{path} {'is a folder' if place.is_dir() else 'does not exist'}"


def file_absent(candidate: Candidate, options: Options) -> Verdict:
    """Make sure that a file or folder is not there."""
    found, evidence = file_exists(candidate, options)
    return not found, evidence


def file_contains(candidate: Candidate, options: Options) -> Verdict:
    """Look for a text in a file."""
    path = str(options["path"])
    text = candidate.read(path)
    return (False, f"{path} does not exist") if text is None else find_text(text, options, path)


def file_matches(candidate: Candidate, options: Options) -> Verdict:
    """Look for a pattern in a file."""
    path = str(options["path"])
    text = candidate.read(path)
    return (False, f"{path} does not exist") if text is None else find_pattern(text, options, path)
