"""`create`: check everything and create the pull request."""

from __future__ import annotations

import argparse
from pathlib import Path

import creation
from envelope import Answer
from git import Git
from orders import read_order


def run(options: argparse.Namespace) -> Answer:
    """Return what was done, or would be.

    Raises:
        Failure: at the first check that does not pass.
    """
    return creation.run(Git(str(Path.cwd())), read_order(options, is_draft=options.draft))
