"""What `create` and `update` were told on the command line, with the files that it names read."""

from __future__ import annotations

import argparse

import checks
import intent


def read_order(options: argparse.Namespace, *, is_draft: bool) -> checks.Order:
    """Return the order.

    Raises:
        Failure: a file that it names is missing (exit 7) or not of its shape (exit 2).
    """
    return checks.Order(
        title=options.title,
        body=checks.read_body(options.body_file),
        intent=intent.read_intent(options.intent),
        base=options.base,
        session=options.session,
        wait=options.wait,
        is_draft=is_draft,
        is_dry_run=options.dry_run,
        leaves_uncommitted=options.leave_uncommitted,
    )
