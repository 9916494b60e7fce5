"""The suites of this repository's own skills: complete, clean, ready to run, and graded right where a session is recorded."""

import asyncio
import importlib.util
import json
import sys
import tarfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from skillway.build.pipeline import build_repository
from skillway.catalog import load_catalog
from skillway.organisation import load_organisation
from skillway_evals.agent.session import Assignment, prepare_project
from skillway_evals.agent.transcript import Transcript
from skillway_evals.graders import Candidate, grade_by_code
from skillway_evals.lint import lint_suite
from skillway_evals.running.recorded import recorded_runs
from skillway_evals.suite_files import find_suites, load_suite

REPOSITORY = Path(__file__).resolve().parents[3]
SUITES = {f"{folder.parent.name}:{folder.name}": folder for folder in find_suites(REPOSITORY)}


def load_scripts():
    spec = importlib.util.spec_from_file_location("suite_scripts", Path(__file__).with_name("scripts.py"))
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SCRIPTS


@pytest.fixture(scope="module")
def catalog():
    return load_catalog(REPOSITORY, load_organisation(REPOSITORY))


def test_every_skill_has_a_suite(catalog):
    assert set(SUITES) == {f"{plugin.name}:{skill.name}" for plugin in catalog.plugins for skill in plugin.skills}


@pytest.mark.parametrize("name", SUITES)
def test_suite_is_clean_and_large_enough(name, catalog):
    suite = load_suite(SUITES[name])
    assert lint_suite(SUITES[name], catalog) == []
    assert len(suite.cases) >= 12
    counts = Counter(trigger.should for trigger in suite.triggers)
    assert min(counts[True], counts[False]) >= 10
    assert sum(trigger.instead is not None for trigger in suite.triggers) >= 2


def setups():
    """Give every setup of every suite once, with a case that uses it."""
    for name, folder in SUITES.items():
        seen = {case.setup: case for case in load_suite(folder).cases if case.setup}
        yield from (pytest.param(folder, case, id=f"{name}-{'-'.join(setup[1:])}") for setup, case in seen.items())


@pytest.mark.parametrize(("folder", "case"), list(setups()))
def test_setup_program_prepares_a_project(folder, case, tmp_path):
    project = tmp_path / "run" / "project"
    for made in (project, project.parent / "home"):
        made.mkdir(parents=True)
    prepare_project(Assignment(case.prompt, files=case.files, setup=case.setup, suite_folder=folder), project)
    assert any(project.rglob("*"))


def session_without_a_call(answer):
    return Transcript(
        [{"type": "system", "subtype": "init"}, {"type": "result", "subtype": "success", "result": answer}]
    )


@pytest.mark.parametrize("name", SUITES)
def test_neither_an_idle_session_nor_an_echo_passes_a_case(name, tmp_path):
    """Whoever does nothing and says nothing, or repeats what was asked, fails each case on at least one check."""
    suite = load_suite(SUITES[name])
    passed = []
    for case in suite.cases:
        project = tmp_path / case.id / "project"
        for made in (project, project.parent / "home"):
            made.mkdir(parents=True)
        prepare_project(Assignment(case.prompt, files=case.files, setup=case.setup, suite_folder=suite.folder), project)
        for answer in ("", case.prompt):
            candidate = Candidate(case, answer, project, session_without_a_call(answer), suite.folder)
            by_cost = sorted(case.graders, key=lambda grader: grader.kind in ("script", "command"))
            if all(grade_by_code(grader, candidate).passed for grader in by_cost):
                passed.append((case.id, answer))
    assert passed == []


@pytest.mark.parametrize("name", SUITES)
def test_recorded_sessions_are_graded_as_they_were_meant(name, catalog):
    recordings = {recording.case: recording for recording in load_scripts()[name]}
    runs = asyncio.run(
        recorded_runs(SimpleNamespace(settings=SimpleNamespace(catalog=catalog)), load_suite(SUITES[name]))
    )

    assert {run.case for run in runs} == set(recordings)
    assert {recording.passes for recording in recordings.values()} == {True, False}
    for run in runs:
        recording = recordings[run.case]
        assert (run.valid, run.arm is recording.arm or run.arm.value == "skill") == (True, True)
        failed = tuple(result.grader for result in run.results if not result.passed)
        assert failed == recording.fails, [(result.grader, result.evidence) for result in run.results]


def test_recordings_hold_no_path_of_the_machine_that_made_them():
    for folder in SUITES.values():
        for path in (folder / "transcripts").rglob("*"):
            text = path.read_text() if path.is_file() else ""
            assert not any(
                word in text for word in ("skillway-eval-", "skillway-arm-", str(REPOSITORY), str(Path.home()))
            )


def test_no_plugin_ships_a_suite(tmp_path):
    build = build_repository(REPOSITORY, load_organisation(REPOSITORY), tmp_path / "out")
    names = [
        member.name
        for archive in sorted((tmp_path / "out").rglob("*.tgz"))
        for member in tarfile.open(archive).getmembers()  # noqa: SIM115 - read and forgotten
    ]
    assert build is not None
    assert any(name.endswith("SKILL.md") for name in names)
    assert not [name for name in names if "evals" in name.split("/") or name.endswith(("cases.yaml", "triggers.yaml"))]


def test_record_of_a_stacked_branch_names_the_parent(tmp_path):
    """The base that the reviewer needs exists on the remote, so `--base` can name it."""
    folder = SUITES["developer-tools:create-pr"]
    project = tmp_path / "run" / "project"
    for made in (project, project.parent / "home"):
        made.mkdir(parents=True)
    assignment = Assignment("x", setup=("setup/repository.py", "stacked"), suite_folder=folder)
    prepare_project(assignment, project)
    state = json.loads((project / ".claude/forge/forge.json").read_text())
    assert [pull["headRefName"] for pull in state["pull_requests"]] == ["store-client"]
    assert (project / ".git/refs/remotes/origin/store-client").exists()
