"""`lint`: whether title and description fit the change, without the user's turns and without a forge."""

from __future__ import annotations

import argparse
from pathlib import Path

import checks
import intent
import lint
from change import read_change
from context import read_context
from envelope import Answer
from findings import ERROR
from git import Git


def run(options: argparse.Namespace) -> Answer:
    """Return the measures of title and description.

    Raises:
        Failure: there are errors in them (exit 5).
    """
    git = Git(str(Path.cwd()))
    context = read_context(git, options.base)
    stated = intent.read_intent(options.intent) if options.intent else None
    body = checks.read_body(options.body_file)
    draft = checks.draft(git, context, read_change(git, context), options.title, body, stated)
    found = lint.lint(draft)
    data = lint.as_json(found, draft)
    if any(finding.severity == ERROR for finding in found):
        raise checks.lint_failure(found, data)
    warnings = [f"{finding.message} {finding.fix}" for finding in found]
    measured = data["consistency"]
    agreement = f"; text and change agree by {measured['score']:.2f} of 1" if measured else ""
    text = f"Nothing in the way; {data['words']} of {data['words_allowed']} words{agreement}."
    return Answer(data, text, [], warnings)
