"""The build: from a repository's folders to one content-addressed archive per plugin.

The same sources give the same digests on every machine. Signing and publishing a build is `skillway.release`'s
question; whether the content is good is `skillway.checks`'.
"""

from __future__ import annotations

from skillway.build.development import lay_out
from skillway.build.faults import Fault, OutputError
from skillway.build.pipeline import Progress, build_repository, plan_build, silent
from skillway.build.product import DEFAULT_OUT, Build, BuiltPlugin, load_build

__all__ = [
    "DEFAULT_OUT",
    "Build",
    "BuiltPlugin",
    "Fault",
    "OutputError",
    "Progress",
    "build_repository",
    "lay_out",
    "load_build",
    "plan_build",
    "silent",
]
