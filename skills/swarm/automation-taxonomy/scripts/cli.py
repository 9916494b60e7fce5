"""The command line: reads arguments, asks the other modules in order, and prints one answer."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn, Sequence

import chart
import report
from assumptions import Rates, Step, assumed_rates, read_rates, read_steps
from conversations import Counts, count_conversations
from envelope import CANNOT_DECIDE, FAILED, FINDINGS, USAGE, Answer, Failure, print_answer, print_failure
from prediction import predict

PROGRAM = "automation.py"
FAULTS_SHOWN = 50
_DESCRIPTION = """Predict which share of customer conversations can be automated, now and along a roadmap.

Exit codes: 0 ok, 1 failure, 2 usage or a bad rates or capabilities file, 3 no conversation to predict from,
5 faulty lines in the export, 7 file not found, 8 another file is where the chart should go."""
_PREDICT = (
    "automation.py predict --conversations export.jsonl --capabilities capabilities.json --rates rates.json --json"
)
_VALIDATE = "automation.py validate --conversations export.jsonl --json"


class _Parser(argparse.ArgumentParser):
    """A parser whose mistakes become an answer like any other."""

    def error(self, message: str) -> NoReturn:
        raise Failure("usage", f"{message}.", fix=f"See `{self.prog} --help`.", exit_code=USAGE)


def main(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code."""
    wants_json = "--json" in arguments
    try:
        options = _parser().parse_args(arguments)
        return print_answer(options.run(options), wants_json=wants_json)
    except Failure as failure:
        return print_failure(failure, wants_json=wants_json)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Python flushes stdout once more at its end; the reader is gone, so that would be a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        broken = Failure("io_error", f"{error}.", fix="Mend what it names, and run the command again.")
        return print_failure(broken, wants_json=wants_json)


def _parser() -> _Parser:
    parser = _Parser(prog=PROGRAM, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for name, run, summary, example in (
        ("predict", _predict, "Predict the automation rate per roadmap step, with its interval.", _PREDICT),
        ("validate", _validate, "Check an export line by line; predicts nothing.", _VALIDATE),
    ):
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run)
        command.add_argument(
            "--conversations", required=True, metavar="FILE", help='JSON lines {"id", "topic", "level"}; - reads stdin'
        )
        command.add_argument("--json", action="store_true", help="print one JSON envelope on stdout")
        if name == "predict":
            _add_predict_options(command)
    return parser


def _add_predict_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--capabilities", required=True, metavar="FILE", help="what is enabled now, and the roadmap")
    command.add_argument("--rates", metavar="FILE", help="success rates per level; without it they are assumed")
    command.add_argument(
        "--bootstrap", type=_replicates, default=2000, metavar="N", help="samples, 100 to 20000 (2000)"
    )
    command.add_argument("--seed", type=int, default=1, help="the same seed gives the same numbers (1)")
    command.add_argument("--chart", metavar="FILE", help="write a self-contained HTML page")
    command.add_argument("--skip-bad-lines", action="store_true", help="leave faulty lines out and say how many")
    command.add_argument("--dry-run", action="store_true", help="do not write the chart")


def _replicates(text: str) -> int:
    number = int(text)
    if not 100 <= number <= 20_000:  # noqa: PLR2004 - fewer give no 95 % interval, more only cost time
        raise argparse.ArgumentTypeError(f"{text} is not between 100 and 20000")
    return number


def _predict(options: argparse.Namespace) -> Answer:
    steps = read_steps(options.capabilities)
    rates = read_rates(options.rates) if options.rates else assumed_rates()
    counts = count_conversations(options.conversations, own_topics=_own_topics(rates, steps), fault_limit=FAULTS_SHOWN)
    if counts.fault_count and not options.skip_bad_lines:
        raise _faulty(counts, options.conversations)
    if not counts.cells:
        message = f"Every line of {options.conversations} is faulty, so nothing is left to predict from."
        raise Failure("no_conversations", message, fix="Correct the export first.", exit_code=CANNOT_DECIDE)
    run = report.Run(
        source=_name(options.conversations),
        cells=counts.cells,
        rates=rates,
        predictions=predict(counts.cells, rates, steps, replicates=options.bootstrap, seed=options.seed),
        replicates=options.bootstrap,
        seed=options.seed,
        left_out=counts.fault_count,
    )
    data, warnings = report.as_json(run), report.warnings_of(run)
    if counts.fault_count:
        warnings.append(f"{counts.fault_count} faulty lines were left out.")
    if options.chart:
        data["chart"] = options.chart
        if not options.dry_run:
            chart.write_page(options.chart, chart.page(data, warnings))
    return Answer(data, report.in_words(run), warnings + _privacy_warning(counts))


def _validate(options: argparse.Namespace) -> Answer:
    counts = count_conversations(options.conversations, fault_limit=FAULTS_SHOWN)
    if counts.fault_count:
        raise _faulty(counts, options.conversations)
    levels = {level: sum(size for (one, _), size in counts.cells.items() if one == level) for level, _ in counts.cells}
    data = {
        "conversations": counts.conversations,
        "levels": dict(sorted(levels.items())),
        "topics": len({topic for _, topic in counts.cells}),
    }
    text = f"{counts.conversations} conversations, {data['topics']} topics, no fault."
    return Answer(data, text, _privacy_warning(counts))


def _faulty(counts: Counts, path: str) -> Failure:
    shown = "; ".join(f"line {fault.line}: {fault.problem}" for fault in counts.faults[:5])
    more = f"; and {counts.fault_count - 5} more" if counts.fault_count > 5 else ""  # noqa: PLR2004 - those shown
    plural = "line is" if counts.fault_count == 1 else "lines are"
    return Failure(
        "bad_lines",
        f"{counts.fault_count} {plural} faulty in {path}: {shown}{more}.",
        fix="Correct the export; `predict --skip-bad-lines` leaves them out and says so.",
        exit_code=FINDINGS,
        next_actions=[f"{_started()} validate --conversations {shlex.quote(path)} --json"] if path != "-" else [],
        data={
            "faults": [asdict(fault) for fault in counts.faults],
            "fault_count": counts.fault_count,
            "conversations": counts.conversations,
        },
    )


def _started() -> str:
    """How this program is started on a laptop, wherever its plugin lies."""
    return f"skillway-run {shlex.quote(str(Path(__file__).with_name(PROGRAM)))}"


def _own_topics(rates: Rates, steps: Sequence[Step]) -> set[str]:
    return {topic for topic, _ in rates.topics} | {topic for step in steps for topic in step.capabilities}


def _name(path: str) -> str:
    return "standard input" if path == "-" else Path(path).name


def _privacy_warning(counts: Counts) -> list[str]:
    if not counts.extra_fields:
        return []
    names = ", ".join(sorted(counts.extra_fields)[:8])
    return [f"The export holds fields that are not needed ({names}); leave personal data out of it."]
