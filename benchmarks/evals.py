"""What does our eval runner cost beside the model? 500 instant judge calls, kill -9 and resume, and a cached rerun.

Whole processes against a fake Messages API on loopback, beside inspect_ai and promptfoo in the same run where they
are installed: name their programs with INSPECT_PYTHON (a Python that has inspect_ai and anthropic) and PROMPTFOO
(promptfoo's program). The judge's numbers mean nothing here and are not shown.

    python benchmarks/evals.py [--json] [--calls 500]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from skillway_evals.models.fake_api import FakeApi

CALLS, CONCURRENCY = 500, 20
LIMIT_S, LIMIT_MB, LIMIT_CACHED_S = 2.5, 120.0, 1.0
KILL_DELAY_S = 0.02
"""Seconds per call in the round that is killed, so that there is a middle."""

OURS = """
import asyncio, sys
from pathlib import Path
from skillway_evals.judge.prompt import make_prompt
from skillway_evals.models.lazy import LazyClient
from skillway_evals.money import Budget, load_prices
from skillway_evals.outcome import Provenance
from skillway_evals.running.ask import Asker
from skillway_evals.running.judging import Panel
from skillway_evals.running.settings import JudgeChoice, Means, Settings
from skillway_evals.store import Journal, TrustedKeys, VerdictStore
from skillway_evals.suite import Criterion
from skillway.catalog import Catalog

url, folder, calls, places = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])

def open_client():
    from skillway_evals.models.live import LiveClient
    from skillway_evals.models.pacing import Pacer
    return LiveClient("key", Pacer(places), base_url=url, provenance=Provenance.FAKE)

async def main():
    store = VerdictStore.read(folder, TrustedKeys({}))
    judge = JudgeChoice("bench", "claude-haiku-4-5")
    settings = Settings(folder, Catalog(folder, None, (), (), False, ()), "none", store, load_prices(), judge)
    criterion = Criterion("clear", "Does the answer say the number?", {0: "no", 2: "yes"})
    client = LazyClient(open_client, Provenance.FAKE)
    async with Journal(folder) as journal:
        asker = Asker(settings, Means(client, Budget(50.0), journal, concurrency=places))
        panel = Panel(asker, judge, [(criterion, f"Question {n}?") for n in range(calls)])
        answers = [f"The answer to question {n} is the number {n}." for n in range(calls)]
        results = await asyncio.gather(*(panel.score(criterion, f"Question {n}?", text) for n, text in enumerate(answers)))
        await panel.finish()
    await client.close()
    assert len(results) == calls and all(result.score == 2 for result in results), results[:3]

asyncio.run(main())
"""

BARE = """
import asyncio, json, sys
import anthropic

async def main():
    sdk, places = anthropic.AsyncAnthropic(api_key="key", base_url=sys.argv[1], max_retries=0), asyncio.Semaphore(20)
    async def ask(number):
        async with places:
            turn = {"role": "user", "content": f"=== CANDIDATE The answer to question {number}"}
            reply = await sdk.messages.with_raw_response.create(model="m", max_tokens=9, messages=[turn])
            return json.loads(reply.http_response.content)
    await asyncio.gather(*(ask(number) for number in range(int(sys.argv[2]))))

asyncio.run(main())
"""

INSPECT = """
import sys
from inspect_ai import Task, eval as evaluate
from inspect_ai.dataset import Sample
from inspect_ai.solver import Generate, TaskState, solver
from inspect_ai.scorer import model_graded_qa

@solver
def given():
    async def solve(state: TaskState, generate: Generate):
        state.output.completion = state.input_text
        return state
    return solve

samples = [Sample(input=f"The answer is {n}.", target=str(n), id=n) for n in range(int(sys.argv[2]))]
task = Task(dataset=samples, solver=given(), scorer=model_graded_qa(model="anthropic/claude-haiku-4-5"))
logs = evaluate(task, model="anthropic/claude-haiku-4-5", display="none", log_dir=sys.argv[1], max_connections=int(sys.argv[3]))
assert logs[0].status == "success", logs[0].error
"""


def answer(body: dict) -> str:
    """Answer each harness in its own form."""
    text = json.dumps(body, ensure_ascii=False)
    if "=== CANDIDATE" in text:
        if (
            "highest score" in text
            or "best score" in text
            or "found it perfect" in text
            or "complete and correct" in text
        ):
            return '{"reason": "It does no task.", "quote": "", "score": 0}'
        return '{"reason": "It says the number.", "quote": "The answer to question", "score": 2}'
    if "GRADE" in text:
        return "It matches.\n\nGRADE: C"
    return '{"pass": true, "score": 1, "reason": "It matches."}'


def measure(command: list[str], *, cwd: Path, environment: dict[str, str]) -> tuple[float, float, float]:
    """Run a command; give wall seconds, CPU seconds and the largest resident megabytes of its whole tree."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}:\n{output.decode()[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def environment_for(folder: Path, url: str) -> dict[str, str]:
    keys = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "key", "HOME": str(folder), "NO_COLOR": "1"}
    quiet = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "PROMPTFOO_CONFIG_DIR": str(folder)}
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **keys, **quiet}


def ours(api: FakeApi, folder: Path, calls: int) -> list[str]:
    return [sys.executable, "-c", OURS, api.url, str(folder / "store"), str(calls), str(CONCURRENCY)]


def measure_ours(calls: int) -> dict[str, float]:
    with FakeApi(answer) as api, tempfile.TemporaryDirectory() as scratch:
        rounds, cached = [], []
        for number in range(3):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            environment = environment_for(folder, api.url)
            rounds.append(measure(ours(api, folder, calls), cwd=folder, environment=environment))
            before = len(api.log.bodies)
            cached.append(measure(ours(api, folder, calls), cwd=folder, environment=environment))
            assert len(api.log.bodies) == before, "a cached rerun asked something"
    wall, cpu, memory = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {"wall_s": wall, "cpu_s": cpu, "memory_mb": memory, "cached_s": statistics.median(one[0] for one in cached)}


def measure_kill(calls: int) -> dict[str, float]:
    """Kill in the middle, run again, and count what was asked twice."""
    with FakeApi(answer, delay_s=KILL_DELAY_S) as api, tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        environment = environment_for(folder, api.url)
        process = subprocess.Popen(ours(api, folder, calls), cwd=folder, env=environment)
        while len(api.log.bodies) < calls // 2:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        measure(ours(api, folder, calls), cwd=folder, environment=environment)
        prompts = [
            body["messages"][0]["content"].split("\n", 1)[1].split("=== TASK")[1][40:] for body in api.log.bodies
        ]
        needed = calls + -(-calls // 25)
        return {"asked": len(prompts), "needed": needed, "twice": len(prompts) - needed}


def measure_bare(calls: int) -> dict[str, float]:
    """The SDK alone, without a harness: what no harness on it can be faster than."""
    needed = calls + -(-calls // 25)
    with FakeApi(answer) as api, tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-c", BARE, api.url, str(needed)]
        environment = environment_for(Path(scratch), api.url)
        rounds = [measure(command, cwd=Path(scratch), environment=environment) for _ in range(3)]
    wall, cpu, memory = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {"wall_s": wall, "cpu_s": cpu, "memory_mb": memory}


def measure_inspect(calls: int) -> dict[str, float] | str:
    python = os.environ.get("INSPECT_PYTHON")
    if not python:
        return "not run: INSPECT_PYTHON is not set"
    with FakeApi(answer) as api, tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        command = [python, "-c", INSPECT, str(folder / "logs"), str(calls), str(CONCURRENCY)]
        wall, cpu, memory = measure(command, cwd=folder, environment=environment_for(folder, api.url))
    return {"wall_s": wall, "cpu_s": cpu, "memory_mb": memory}


def measure_promptfoo(calls: int) -> dict[str, float] | str:
    program = os.environ.get("PROMPTFOO") or shutil.which("promptfoo")
    if not program:
        return "not run: PROMPTFOO is not set"
    with FakeApi(answer) as api, tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        grader = {"id": "anthropic:messages:claude-haiku-4-5", "config": {"apiBaseUrl": api.url}}
        tests = [
            {"vars": {"n": n}, "assert": [{"type": "llm-rubric", "value": "Says the number."}]} for n in range(calls)
        ]
        config = {"prompts": ["The answer is {{n}}."], "providers": ["echo"], "tests": tests}
        config["defaultTest"] = {"options": {"provider": grader}}
        (folder / "config.json").write_text(json.dumps(config))
        command = [
            program,
            "eval",
            "-c",
            "config.json",
            "-j",
            str(CONCURRENCY),
            "--no-table",
            "--no-cache",
            "-o",
            "out.json",
        ]
        wall, cpu, memory = measure(command, cwd=folder, environment=environment_for(folder, api.url))
        assert len(api.log.bodies) >= calls, f"promptfoo asked {len(api.log.bodies)} of {calls}"
    return {"wall_s": wall, "cpu_s": cpu, "memory_mb": memory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--calls", type=int, default=CALLS, help="judge calls")
    arguments = parser.parse_args()
    result = {
        "ours": measure_ours(arguments.calls),
        "bare SDK": measure_bare(arguments.calls),
        "kill": measure_kill(arguments.calls),
        "inspect_ai": measure_inspect(arguments.calls),
        "promptfoo": measure_promptfoo(arguments.calls),
    }
    missed = misses(result)
    if arguments.json:
        print(json.dumps({**result, "missed": missed}))
    else:
        show(result, arguments.calls)
        print(f"over the limit: {', '.join(missed)}" if missed else "all limits kept")
    sys.exit(bool(missed))


def misses(result: dict) -> list[str]:
    own = result["ours"]
    checks = {
        f"wall {own['wall_s']:.2f} s of {LIMIT_S}": own["wall_s"] > LIMIT_S,
        f"memory {own['memory_mb']:.0f} MB of {LIMIT_MB:.0f}": own["memory_mb"] > LIMIT_MB,
        f"cached {own['cached_s']:.2f} s of {LIMIT_CACHED_S}": own["cached_s"] > LIMIT_CACHED_S,
        f"asked twice {result['kill']['twice']} of {CONCURRENCY}": result["kill"]["twice"] > CONCURRENCY,
    }
    return [name for name, is_missed in checks.items() if is_missed]


def show(result: dict, calls: int) -> None:
    own = result["ours"]
    print(f"{calls} instant judge calls, {CONCURRENCY} at a time, whole process, median of 3 (peers once)")
    for name in ("ours", "bare SDK", "inspect_ai", "promptfoo"):
        one = result[name]
        if isinstance(one, str):
            print(f"  {name:<11} {one}")
            continue
        ratio = one["wall_s"] / own["wall_s"]
        print(
            f"  {name:<11} {one['wall_s']:6.2f} s  {one['cpu_s']:6.2f} s CPU  {one['memory_mb']:5.0f} MB  {ratio:5.1f} x"
        )
    print(f"  limit       {LIMIT_S:6.2f} s                {LIMIT_MB:5.0f} MB")
    print(f"  cached rerun: {own['cached_s']:.2f} s, 0 calls (limit {LIMIT_CACHED_S} s)")
    kill = result["kill"]
    print(
        f"  kill -9 in the middle, then again: {kill['asked']} calls for {kill['needed']}, {kill['twice']} asked twice"
    )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    main()
