"""Which input makes the guard's lexer, walk or rules fail? A search guided by coverage.

Needs `atheris` (pip), which measures which branches an input reaches and keeps those that reach a new one. It ends
itself after the number of seconds given; the first exception, or a command that takes longer than the limit, ends it
with a message and the input. Nothing that it judges is run. The soak in `guard.py` needs nothing but Python.
"""

import argparse
import importlib
import json
import sys
import tempfile
import time
from pathlib import Path

CWD, HOME = "/home/dev/work/shop", "/home/dev"
HOOKS = Path(__file__).parent.parent / "hooks"
CORPUS = HOOKS.parent / "tests" / "hooks" / "corpus"
SLOW_S = 1.0
"""The hook's limit is 0.2 s; measuring the branches makes everything about five times as slow."""


def judge(command: str) -> None:
    """Judge a command.

    Raises:
        AssertionError: The answer is neither silence, deny nor ask, or it took longer than SLOW_S seconds of the processor.
    """
    from guard_rules import Judge  # noqa: PLC0415 - the hooks are on the path by now

    started = time.process_time()
    judge_ = Judge(CWD, HOME, str(HOOKS))
    judge_.judge("Bash", {"command": command})
    assert judge_.stop is None or judge_.stop.decision in ("deny", "ask")
    assert time.process_time() - started < SLOW_S, "too slow"


def seeds(folder: Path) -> None:
    """Write the commands of the case lists as a corpus to start from."""
    folder.mkdir(exist_ok=True)
    commands = [
        json.loads(line).get("command") for file in sorted(CORPUS.glob("*.jsonl")) for line in file.open() if line
    ]
    for number, command in enumerate(filter(None, commands)):
        (folder / f"{number}").write_text(command)


def main() -> None:
    """Search until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, nargs="?", help="a folder that keeps the inputs which reach something new")
    parser.add_argument("--seconds", type=int, default=120, help="how long to search (default 120)")
    arguments = parser.parse_args()
    try:
        import atheris  # noqa: PLC0415 - no part of the project's own dependencies
    except ImportError:
        print("not run: atheris is not installed (pip install atheris)")
        return
    sys.path.insert(0, str(HOOKS))
    corpus = arguments.corpus or Path(tempfile.mkdtemp(prefix="skillway-fuzz-"))
    seeds(corpus)
    with atheris.instrument_imports():  # all now: rules are imported when their program is met, which is too late
        for file in sorted(HOOKS.glob("guard_*.py")):
            importlib.import_module(file.stem)

    def once(data: bytes) -> None:
        judge(data.decode("utf-8", "surrogateescape"))

    options = [
        f"-max_total_time={arguments.seconds}",
        "-max_len=2000",
        "-print_final_stats=1",
        f"-artifact_prefix={corpus}/",
    ]
    atheris.Setup([sys.argv[0], str(corpus), *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
