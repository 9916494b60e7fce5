"""`skillway eval label`: people rate texts, so that a judge can be held against them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillway.cli.output import Output, json_option
from skillway.errors import UndecidedError

if TYPE_CHECKING:
    from skillway_evals.labels import LabelBook, Question

_SKIP, _QUIT = "s", "q"


@click.command("label")
@click.argument("judge")
@click.option("--rater", metavar="NAME", help="Who rates; kept as a pseudonym alone.")
@click.option("--page", is_flag=True, help="Rate in your browser instead of the terminal.")
@click.option(
    "--sample",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Add N recorded answers to the texts, and rate nothing.",
)
@click.option("--model", metavar="MODEL", help="With --sample: whose answers.  [default: claude-sonnet-5]")
@json_option
@click.pass_obj
def command(out: Output, judge: str, rater: str | None, sample: int | None, model: str | None, *, page: bool) -> None:
    """Rate the texts of JUDGE (evals/judges/JUDGE), one question at a time.

    Two people rate, each in an order of their own, without names and without seeing each other's or the judge's scores.
    Each answer is on the disk before the next question; Ctrl-C loses none, and the same command goes on. This command
    asks by its nature: in the terminal it needs one, with --page a browser on this machine.

    The texts stand in calibration/texts.jsonl; --sample draws them from what eval runs recorded.

    \b
    Example:
      skillway eval label pr-description --sample 120
      skillway eval label pr-description --rater "Ada"
      skillway eval label pr-description --rater "Ada" --page
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.organisation import find_repository
    from skillway_evals.labels import judge_folder, open_labels, rater_id

    if sample is not None:
        if rater is not None or page:
            raise click.UsageError("--sample rates nothing; leave --rater and --page out.")
        _sample(out, judge, sample, model)
        return
    if model is not None:
        raise click.UsageError("--model belongs to --sample.")
    try:
        who = rater_id(rater or "")
    except ValueError as error:
        raise click.UsageError("--rater needs a name.") from error
    if not page and (out.wants_json or not sys.stdin.isatty()):
        action = f"skillway eval label {judge} --rater NAME --page"
        raise UndecidedError(
            "Rating asks questions, and there is no terminal to ask in.",
            fix="Run it in a terminal without --json, or rate in a browser with --page.",
            next_actions=(action,),
        )
    book = open_labels(judge_folder(find_repository(Path.cwd()), judge))
    if book.unreadable:
        out.warn(f"{book.unreadable} lines of {book.folder.name}'s labels cannot be read and do not count.")
    if page:
        _rate_in_browser(out, book, who)
    else:
        _rate_in_terminal(out, book, who)
    _finish(out, book, who, judge)


def _sample(out: Output, judge: str, count: int, model: str | None) -> None:
    from skillway.catalog import load_catalog
    from skillway.organisation import find_repository, load_organisation
    from skillway_evals.label_texts import add_texts, sample_texts
    from skillway_evals.labels import judge_folder, known_texts
    from skillway_evals.promotion.evidence import Evidence
    from skillway_evals.running.discover import find_suites
    from skillway_evals.running.frame import DEFAULT_MODEL

    root = find_repository(Path.cwd())
    folder = judge_folder(root, judge)
    known = known_texts(folder)
    evidence = Evidence(root, load_catalog(root, load_organisation(root)))
    chosen = model or DEFAULT_MODEL
    texts = sample_texts(evidence, find_suites(root, ()), chosen, judge, known, count)
    if not texts:
        raise UndecidedError(
            f"No answer of {chosen} that a judge is needed for is recorded and not yet among the texts.",
            fix="Run suites that have criteria; their answers are what people rate.",
            next_actions=("skillway eval run",),
        )
    add_texts(folder, texts)
    text = f"Added {len(texts)} recorded answers; {len(known) + len(texts)} texts are there to rate."
    data = {"judge": judge, "added": len(texts), "texts": len(known) + len(texts)}
    out.finish(data, text, next_actions=[f"skillway eval label {judge} --rater NAME"])


def _rate_in_terminal(out: Output, book: LabelBook, who: str) -> None:
    skipped: set[tuple[str, str]] = set()
    total = len(book.questions(who))
    while True:
        left = [one for one in book.open_questions(who) if (one.text.id, one.criterion.id) not in skipped]
        if not left:
            return
        answer = _ask(out, left[0], total - len(left) + 1 - len(skipped), total)
        if answer == _QUIT:
            return
        if answer == _SKIP:
            skipped.add((left[0].text.id, left[0].criterion.id))
        else:
            book.add(who, left[0].text.id, left[0].criterion.id, int(answer))


def _ask(out: Output, question: Question, number: int, total: int) -> str:
    text, criterion = question.text, question.criterion
    out.say(f"\n--- {number} of {total} ---")
    if text.task:
        out.say(f"asked: {printable(text.task)}\n")
    out.say(f"{printable(text.text)}\n\n{printable(criterion.question)}")
    for score, anchor in sorted(criterion.anchors.items()):
        out.say(f"  {score}  {printable(anchor)}")
    choices = [str(score) for score in sorted(criterion.anchors)]
    answer: str = click.prompt(
        f"{'/'.join(choices)}, s to skip, q to stop",
        type=click.Choice([*choices, _SKIP, _QUIT]),
        show_choices=False,
        err=True,
    )
    return answer


def printable(text: str) -> str:
    """Leave out what could steer a terminal: a rated text is anybody's."""
    return "".join(one if one.isprintable() or one in "\n\t" else "�" for one in text)


def _rate_in_browser(out: Output, book: LabelBook, who: str) -> None:
    from skillway_evals.label_page import LabelServer

    total = len(book.questions(who))
    with LabelServer(book, who, lambda: out.say(f"{total - len(book.open_questions(who))} of {total}")) as server:
        out.say(f"Rate here, Ctrl-C ends it: {server.url}")
        try:
            server.run_until_done()
        except KeyboardInterrupt:
            out.say("Stopped; every label that was given is kept.")


def _finish(out: Output, book: LabelBook, who: str, judge: str) -> None:
    from skillway_evals.calibration import LEAST_DOUBLE, LEAST_LABELS

    raters: dict[str, set[str]] = {}
    for label in book.labels:
        raters.setdefault(label.item, set()).add(label.rater)
    double = sum(len(who) > 1 for who in raters.values())
    left = len(book.open_questions(who))
    data = {
        "judge": judge,
        "rater": who,
        "open": left,
        "texts": len(raters),
        "rated_twice": double,
        "unreadable": book.unreadable,
    }
    text = f"{len(raters)} of {LEAST_LABELS} texts are rated, {double} of {LEAST_DOUBLE} by two people; {left} questions are left for you."
    enough = len(raters) >= LEAST_LABELS and double >= LEAST_DOUBLE
    out.finish(data, text, next_actions=[f"skillway eval calibrate {judge}"] if enough else [])
