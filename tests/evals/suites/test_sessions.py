"""Sessions of the real client that follow a skill, live: its programs start, and read what they have to, in every arm."""

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest

from skillway.catalog import load_catalog
from skillway.organisation import load_organisation
from skillway_evals.agent.arms import lay_out_arm
from skillway_evals.agent.session import AgentSetup, Assignment, client_version, run_session
from skillway_evals.graders import Candidate, grade_by_code
from skillway_evals.suite import Arm
from skillway_evals.suite_files import SUITES, load_suite
from skillway_sync.client import find_client
from skillway_sync.scripted_api import ScriptedApi

REPOSITORY = Path(__file__).resolve().parents[3]


def load_scripts():
    spec = importlib.util.spec_from_file_location("suite_scripts_live", Path(__file__).with_name("scripts.py"))
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SCRIPTS


@pytest.fixture(scope="module")
def client():
    found = find_client(REPOSITORY / "tests/client", package="@anthropic-ai/claude-code")
    if found is None:
        pytest.skip("not run: there is no client in tests/client; `make tests/client/node_modules/.installed` gets it")
    return found.resolve()


async def run(client, suite, case, arm, turns, plugins):
    folders = lay_out_arm(load_catalog(REPOSITORY, load_organisation(REPOSITORY)), suite, arm, plugins)
    skill = plugins / suite.skill.replace(":", "/skills/")
    with ScriptedApi(turns(skill)) as api:
        setup = AgentSetup(client, client_version(client), "claude-sonnet-5", "test-key", api.url)
        assignment = Assignment(
            case.prompt, tuple(folders), case.files, case.setup, suite.tools, suite.limits, suite_folder=suite.folder
        )
        async with run_session(setup, assignment) as session:
            assert session.fault == ""
            assert [call.result for call in session.transcript.calls() if call.is_error] == []
            candidate = Candidate(
                case, session.transcript.answer, session.project, session.transcript, suite.folder, skill
            )
            return [grade_by_code(grader, candidate) for grader in case.graders]


@pytest.mark.parametrize("arm", [Arm.SKILL, Arm.PLUGIN])
@pytest.mark.parametrize(
    ("name", "case"),
    [("developer-tools:create-pr", "reason-given"), ("support:escalation-summary", "crash-in-the-yard")],
)
def test_session_that_follows_the_skill_passes_every_check(client, name, case, arm, tmp_path):
    """Needs the skill's program on PATH, `skillway-run`, and the transcript with what the user typed."""
    suite = load_suite(REPOSITORY / SUITES / name.replace(":", "/"))
    recording = next(one for one in load_scripts()[name] if one.case == case)
    chosen = next(one for one in suite.cases if one.id == case)
    results = asyncio.run(run(client, suite, chosen, arm, recording.turns, tmp_path / "plugins"))
    assert [(result.grader, result.evidence) for result in results if not result.passed] == []
