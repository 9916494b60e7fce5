"""Records the transcripts of the suites anew: the real client, through the harness's own sessions, against a scripted API.

    python tests/evals/suites/record.py [PLUGIN:SKILL]

What the model says is scripted in `scripts.py`; setup programs, tools, results and events are real. Each recording is
`transcripts/<case>.jsonl` in the suite, and `<case>.files/` what the graders need of the project folder.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

from scripts import SCRIPTS, Recording

from skillway.catalog import Catalog, load_catalog
from skillway.organisation import load_organisation
from skillway_evals.agent.arms import lay_out_arm
from skillway_evals.agent.session import AgentSetup, Assignment, Session, client_version, run_session
from skillway_evals.suite import Suite
from skillway_evals.suite_files import SUITES, load_suite
from skillway_sync.client import find_client
from skillway_sync.scripted_api import ScriptedApi

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGE = "@anthropic-ai/claude-code"
LEFT_OUT = (
    ".git",
    ".claude/bin",
    ".claude/settings.json",
    ".claude/forge/remotes",
    ".claude/forge/forge.json",
    ".claude/laptop",
    "export.jsonl",
    "shop",
)
MODEL = "claude-sonnet-5"


def main() -> None:
    client = find_client(REPOSITORY / "tests/client", package=PACKAGE)
    if client is None:
        raise SystemExit("not run: there is no client in tests/client")
    catalog = load_catalog(REPOSITORY, load_organisation(REPOSITORY))
    for name, recordings in SCRIPTS.items():
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        suite = load_suite(REPOSITORY / SUITES / name.replace(":", "/"))
        folder = suite.folder / "transcripts"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for recording in recordings:
            asyncio.run(record(client.resolve(), catalog, suite, recording))
            sys.stderr.write(f"{name} {recording.case}\n")


async def record(client: Path, catalog: Catalog, suite: Suite, recording: Recording) -> None:
    case = next(case for case in suite.cases if case.id == recording.case)
    with tempfile.TemporaryDirectory(prefix="skillway-arm-") as plugins:
        folders = lay_out_arm(catalog, suite, recording.arm, Path(plugins))
        skill = Path(plugins) / suite.skill.replace(":", "/skills/")
        with ScriptedApi(recording.turns(skill)) as api:
            setup = AgentSetup(client, client_version(client), MODEL, "test-key", api.url)
            assignment = Assignment(
                case.prompt,
                tuple(folders),
                case.files,
                case.setup,
                suite.tools,
                suite.limits,
                suite_folder=suite.folder,
            )
            async with run_session(setup, assignment) as session:
                if session.fault:
                    raise SystemExit(f"{suite.skill} {case.id}: {session.fault}")
                keep(session, suite.folder / "transcripts", case.id, plugins)


def keep(session: Session, folder: Path, case: str, plugins: str) -> None:
    """Write the events and the project folder, without this machine's paths and without what changes each time."""
    replaced = {
        str(session.project.parent): "/example",
        plugins: "/example/plugins",
        str(REPOSITORY): "/example/repository",
    }
    lines = [clean(json.dumps(event, ensure_ascii=False), replaced) for event in session.transcript.kept()]
    (folder / f"{case}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for path in sorted(session.project.rglob("*")):
        name = path.relative_to(session.project).as_posix()
        if path.is_file() and not any(name == left or name.startswith(f"{left}/") for left in LEFT_OUT):
            target = folder / f"{case}.files" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(clean(path.read_text(encoding="utf-8"), replaced), encoding="utf-8")


def clean(text: str, replaced: dict[str, str]) -> str:
    for path, name in replaced.items():
        text = text.replace(path, name)
    text = re.sub(r"-[\w-]*skillway-eval-[\w-]+-project", "-example-project", text)  # the client's name for the folder
    text = re.sub(r"/[\w./-]*/tmp\.\w+", "/example/tmp", text)
    text = re.sub(
        r'"(duration_ms|duration_api_ms|ttft_ms|total_cost_usd|ttft_stream_ms|time_to_request_ms)": ?[\d.]+',
        r'"\1": 0',
        text,
    )
    return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "session", text)


if __name__ == "__main__":
    main()
