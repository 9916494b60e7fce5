"""Which suites are meant, and what does a run of them need from this machine?

Finds suites and judges in a repository. Reading a suite is `suite_files`' part.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import yaml

from skillway.errors import NotFoundError, SkillwayError
from skillway_evals.judge.prompt import prompt_digest
from skillway_evals.running.settings import HARNESS_VERSION, JudgeChoice
from skillway_evals.store.line import content_key
from skillway_evals.suite import Suite

SUITES = "evals/suites"
JUDGES = "evals/judges"


def find_suites(repository: Path, names: Sequence[str]) -> list[Suite]:
    """Read the suites that are named (`plugin:skill`, a skill's name alone, or a folder), or all of them.

    Raises:
        NotFoundError: There is none, or none of that name.
        SkillwayError: A suite is broken; says file, line and mend.
    """
    load = importlib.import_module("skillway_evals.suite_files").load_suite
    folders = sorted(file.parent for file in (repository / SUITES).glob("*/*/suite.yaml"))
    chosen = folders if not names else [folder for name in names for folder in _named(repository, folders, name)]
    if not chosen:
        raise NotFoundError(
            f"There is no eval suite in {repository / SUITES}.",
            fix="Start one for a skill.",
            next_actions=("skillway eval new PLUGIN:SKILL",),
        )
    return [load(folder) for folder in dict.fromkeys(chosen)]


def _named(repository: Path, folders: list[Path], name: str) -> list[Path]:
    place = Path(name).absolute()
    if (place / "suite.yaml").is_file():
        return [place]
    plugin, _, skill = name.replace("/", ":").rpartition(":")
    found = [folder for folder in folders if folder.name == skill and plugin in ("", folder.parent.name)]
    if not found:
        known = ", ".join(f"{folder.parent.name}:{folder.name}" for folder in folders) or "none"
        raise NotFoundError(
            f"There is no eval suite for {name!r} in {repository / SUITES}.",
            fix=f"Name one of those that are there: {known}.",
            next_actions=("skillway eval new PLUGIN:SKILL",),
        )
    return found


def find_judge(repository: Path, name: str) -> JudgeChoice:
    """Give the judge of that name; a name without a folder below evals/judges is a model's, and never admitted.

    Raises:
        SkillwayError: Its judge.yaml cannot be used.
    """
    folder = repository / JUDGES / name
    file = folder / "judge.yaml"
    if not file.is_file():
        return JudgeChoice(name, name)
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        model, version = str(content["model"]), int(content.get("version", 1))
        tokens = int(content.get("max_tokens", 1024))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SkillwayError(
            f"The judge {file} cannot be used ({type(error).__name__}: {error}).",
            fix="It needs `model`, and may have `version` and `max_tokens`.",
        ) from error
    admitted, standing = _admission(folder, judge_identity(folder, model, tokens))
    return JudgeChoice(name, model, version, admitted, tokens, standing)


def judge_identity(folder: Path, model: str, max_tokens: int) -> str:
    """Give the content hash of a judge as it stands: prompt, rubric, model and parameters. Calibrations name it."""
    rubric = folder / "rubric.yaml"
    parts = {
        "harness": HARNESS_VERSION,
        "prompt": prompt_digest(),
        "rubric": rubric.read_text(encoding="utf-8") if rubric.is_file() else "",
        "model": model,
        "max_tokens": max_tokens,
    }
    return content_key(parts)


def _admission(folder: Path, identity: str) -> tuple[bool, str]:
    """Ask calibration whether the judge may gate today, and why not; without an answer it may not."""
    try:
        read_admission = importlib.import_module("skillway_evals.calibration").read_admission
    except (ImportError, AttributeError):
        return False, "It has no calibration: its numbers are advisory."
    admitted, sentence = read_admission(folder, identity, datetime.now(tz=timezone.utc).date())
    return bool(admitted), str(sentence)
