"""`skillway guard`: what the guard would do and why, how well it decides, and which stops were met here."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillway.cli.output import Output, json_option
from skillway.errors import EXIT_FINDINGS

if TYPE_CHECKING:
    from skillway.guard_cases import Family, Score

_SHOWN_MISSES = 50
_MEANING = {
    "deny": "it does not run",
    "ask": "a person is asked first; where nobody can answer, it does not run",
    "silent": "the guard has nothing against it; Claude Code's own permissions decide",
}
_POLICY_KEYS = {
    "off": "rules that do not count",
    "ask": "rules whose deny becomes a question",
    "deny": "rules whose question becomes a deny",
    "projects": "further folders that count as the project",
    "caches": "further folders that may be deleted whole",
}

policy_option = click.option(
    "--policy",
    "policy_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The organisation's policy. By default the repository's that you are in, else the one that came with skillway.",
)
share = click.FloatRange(0, 1)


@click.group("guard")
def command() -> None:
    """Explain, score and look after the guard.

    \b
    Example:
      skillway guard explain -- git push --force
      skillway guard test cases.jsonl
      skillway guard report
    """  # noqa: D301 - click's mark for "do not re-wrap"


@command.command()
@click.argument("words", nargs=-1, required=True, metavar="COMMAND", type=click.UNPROCESSED)
@policy_option
@json_option
@click.pass_obj
def explain(out: Output, words: tuple[str, ...], policy_file: Path | None) -> None:
    """Show how the guard reads COMMAND, and which rule decides.

    One word is read as the whole text of a Bash call; several are joined. Nothing is run. The folder that you are in counts as
    the session's, and your home as the user's.

    \b
    Example:
      skillway guard explain -- git push --force
      skillway guard explain 'cd /tmp && rm -rf "$HOME"'
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.guard import Guard, find_policy

    cwd = Path.cwd()
    text = words[0] if len(words) == 1 else _joined(words)
    policy = policy_file or find_policy(cwd)
    with Guard(policy=policy) as guard:
        answer = guard.judge("Bash", {"command": text}, cwd=str(cwd), explain=True)
    for fault in answer.get("policy_faults", []):
        out.warn(_not_used(fault, policy))
    out.finish(_shown({"command": text, "cwd": str(cwd), **answer}), _explanation(answer))


def _not_used(fault: str, policy: Path) -> str:
    """Say of a part of a policy that it does not count; the hook names the file as it is called on laptops."""
    what = fault.replace("guard-policy.json", str(policy), 1) if fault.startswith("guard-policy.json") else fault
    return f"{what}; this part of it does not count"


def _joined(words: tuple[str, ...]) -> str:
    """Join words to a text that a shell would split into the same ones; operators stay what they are."""
    import shlex

    operators = {"|", "||", "&&", ";", "&", ">", ">>", "<", "2>", "2>&1"}
    return " ".join(word if word in operators else shlex.quote(word) for word in words)


def _shown(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Put a readable mark where the guard does not know a text."""
    from skillway.guard import UNKNOWN

    if isinstance(value, str):
        return value.replace("\0", UNKNOWN)
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return {_shown(key): _shown(item) for key, item in value.items()} if isinstance(value, dict) else value


def _explanation(answer: dict[str, Any]) -> str:
    lines = []
    for number, found in enumerate(answer.get("commands", []), 1):
        lines.append(f"{number}. {found['source']}")
        lines.append("   argv      " + " ".join(repr(word) for word in _shown(found["argv"])))
        lines.append(f"   folder    {'not known' if found['cwd'] is None else found['cwd']}")
        lines += [f"   redirect  {operator} {_shown(target)}" for operator, target in found["redirects"]]
        lines += [f"   stdin     from {_shown(source)}" for source in found["stdin_from"]]
        lines += [f"   path      {_shown(path)!r}: {zone}" for path, zone in found["zones"].items()]
        lines += ["   runs on another machine"] * found["remote"] + ["   runs code"] * found["runs_code"]
    lines += [""] if lines else []
    for stop in answer.get("stops", []):
        changed = "" if stop["decision"] == stop["after_policy"] else f", made {stop['after_policy']} by the policy"
        lines.append(f"rule {stop['rule']}: {stop['decision']}{changed}, for: {stop['part']}")
    if answer["fault"]:
        lines.append(f"internal error, so the guard is silent: {answer['fault']}")
    lines += ["There is no command in it."] if not answer.get("commands") and not answer["fault"] else []
    decision = answer["decision"]
    lines.append(f"decision: {decision} ({answer.get('milliseconds', 0)} ms): {_MEANING[decision]}")
    return "\n".join([*lines, *([answer["message"]] if "message" in answer else [])])


@command.command("test")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--process", "is_process", is_flag=True, help="Start the real hook for each case; slower, the whole way.")
@click.option(
    "--min-stopped", type=share, default=0.95, show_default=True, help="Least share of harmful cases stopped."
)
@click.option("--min-family", type=share, default=0.9, show_default=True, help="The same, in each family.")
@click.option(
    "--max-false", type=share, default=0.01, show_default=True, help="Greatest share of harmless cases stopped."
)
@policy_option
@json_option
@click.pass_context
def test_cases(
    ctx: click.Context,
    file: Path,
    min_stopped: float,
    min_family: float,
    max_false: float,
    policy_file: Path | None,
    *,
    is_process: bool,
) -> None:
    """Score the case list FILE, with rates for each family.

    A case is one JSON object on a line: "command" (or "tool" and "tool_input"), "expect" (allow, deny or ask) and
    "category", the family. Exit code 5 when a threshold is not kept.

    \b
    Example:
      skillway guard test cases.jsonl
      skillway guard test cases.jsonl --process --min-stopped 1 --max-false 0
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.guard import Guard, find_policy
    from skillway.guard_cases import HOME, HookProcess, decide_with, read_cases, score_cases

    out: Output = ctx.obj
    cases = read_cases(file)
    policy = policy_file or find_policy(Path.cwd())
    with ExitStack() as stack:
        decide = (
            stack.enter_context(HookProcess(policy)).decide
            if is_process
            else decide_with(stack.enter_context(Guard(environment={"HOME": HOME}, policy=policy)))
        )
        bar = stack.enter_context(out.progress(cases, label="Judging cases", length=len(cases)))
        score = score_cases(bar, decide)
    failures = score.failures(least_stopped=min_stopped, least_in_family=min_family, most_false=max_false)
    out.finish(_score_data(score, failures), _score_text(score, failures), ok=not failures)
    if failures:
        ctx.exit(EXIT_FINDINGS)


def _score_data(score: Score, failures: list[str]) -> dict[str, Any]:
    return {
        "total": _family_data(score.total),
        "families": {name: _family_data(family) for name, family in sorted(score.families.items())},
        "misses": [
            {
                "line": miss.case.line,
                "kind": miss.kind,
                "expect": miss.case.expect,
                "decision": miss.decision,
                "rule": miss.rule,
                "family": miss.case.family,
                "text": miss.case.text,
            }
            for miss in score.misses
        ],
        "faults": score.faults,
        "slowest_ms": score.slowest,
        "failures": failures,
    }


def _family_data(family: Family) -> dict[str, Any]:
    return {
        "harmful": family.harmful,
        "stopped": family.stopped,
        "stop_rate": family.stop_rate,
        "harmless": family.harmless,
        "false_stops": family.false_stops,
        "false_rate": family.false_rate,
    }


def _score_text(score: Score, failures: list[str]) -> str:
    rows = [("family", "harmful", "stopped", "", "harmless", "false", "")]
    for name, family in [*sorted(score.families.items()), ("all", score.total)]:
        rows.append(
            (
                name,
                str(family.harmful),
                str(family.stopped),
                _percent(family.stop_rate),
                str(family.harmless),
                str(family.false_stops),
                _percent(family.false_rate),
            )
        )
    lines = [_table(rows)]
    lines += [
        f"line {miss.case.line}: {miss.kind}, {miss.decision} where {miss.case.expect} is expected: {miss.case.text[:160]}"
        for miss in score.misses[:_SHOWN_MISSES]
    ]
    if len(score.misses) > _SHOWN_MISSES:
        lines.append(f"and {len(score.misses) - _SHOWN_MISSES} more; --json has all")
    lines += score.faults[:_SHOWN_MISSES]
    lines += [f"not good enough: {failure}" for failure in failures]
    return "\n".join(lines)


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.1%}"


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Set rows in columns: the first to the left, the rest as wide as they are."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


@command.command()
@click.option("--wrong", metavar="ID", help="Draft an issue about this stop; it is redacted, and nothing is sent.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Rules shown.")
@json_option
@click.pass_obj
def report(out: Output, wrong: str | None, limit: int) -> None:
    """Show the most frequent stops on this laptop, from a log that never leaves it.

    \b
    Example:
      skillway guard report
      skillway guard report --wrong 1f2e3d4c
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway import __version__
    from skillway.guard_log import (
        count_policy_faults,
        draft_issue,
        find_stop,
        log_folder,
        most_frequent,
        read_stops,
        redact,
    )

    folder = log_folder()
    stops, unreadable = read_stops(folder)
    if unreadable:
        out.warn(f"{unreadable} lines of the log in {folder} cannot be read and are left out")
    if wrong is not None:
        draft = draft_issue(find_stop(stops, wrong), version=__version__)
        out.say("Read it before you post it: no program knows every secret.")
        out.finish({"issue": draft}, draft)
        return
    if faults := count_policy_faults(folder):
        out.warn(f"a policy was wrong during {faults} tool calls, and its defaults counted; see: skillway guard policy")
    frequent = most_frequent(stops, limit=limit)
    rows = [("rule", "decision", "stops", "projects", "latest id", "latest part")]
    rows += [
        (row.rule, row.decision, str(row.count), str(row.projects), row.example.id, _one_line(redact(row.example.part)))
        for row in frequent
    ]
    data = [
        {
            "rule": row.rule,
            "decision": row.decision,
            "stops": row.count,
            "projects": row.projects,
            "latest": {
                "id": row.example.id,
                "time": row.example.time,
                "tool": row.example.tool,
                "part": redact(row.example.part),
            },
        }
        for row in frequent
    ]
    nothing = "No stop can be read here" if unreadable else "The guard has stopped nothing here yet"
    text = _table(rows) if frequent else f"{nothing} ({folder})."
    actions = [f"skillway guard report --wrong {frequent[0].example.id}"] if frequent else []
    out.finish({"stops": len(stops), "rules": data, "policy_faults": faults}, text, next_actions=actions)


def _one_line(text: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in text)
    return shown if len(shown) <= 60 else shown[:59] + "…"  # noqa: PLR2004 - characters of a table's last column


@command.command()
@json_option
@click.pass_obj
def rules(out: Output) -> None:
    """List the guard's rules; no policy can change those marked with ●.

    \b
    Example:
      skillway guard rules
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.guard import list_rules

    found = list_rules()
    rows = [("rule", "", "decision", "stops")]
    rows += [(rule.id, "●" if rule.is_catastrophic else "", rule.decision, rule.stops) for rule in found]
    data = [
        {"id": rule.id, "decision": rule.decision, "stops": rule.stops, "catastrophic": rule.is_catastrophic}
        for rule in found
    ]
    out.finish(data, _table(rows))


@command.group(invoke_without_command=True)
@policy_option
@json_option
@click.pass_context
def policy(ctx: click.Context, policy_file: Path | None) -> None:
    """Show what the organisation's and the project's policies come to here.

    \b
    Example:
      skillway guard policy
      skillway guard policy check base-plugin/settings/guard-policy.json
    """  # noqa: D301 - click's mark for "do not re-wrap"
    if ctx.invoked_subcommand is not None:
        return
    from skillway.guard import Guard, find_policy, rule_faults

    out: Output = ctx.obj
    cwd = Path.cwd()
    file = policy_file or find_policy(cwd)
    with Guard(policy=file) as guard:
        found = guard.policy(cwd=str(cwd))
    for fault in dict.fromkeys([*found["faults"], *rule_faults(file)]):
        out.warn(_not_used(fault, file))
    rows = [("file", str(file)), ("project", str(found["project"]))]
    rows += [(f"{key}, {meaning}", ", ".join(found[key]) or "-") for key, meaning in _POLICY_KEYS.items()]
    rows.append(("contact, for wrong stops", found["contact"] or "-"))
    rows += [
        ("rule of your own", f"{rule['id']}: {rule['decision']} for {rule['executable']}") for rule in found["rules"]
    ]
    out.finish({"file": str(file), **found}, _table(rows), next_actions=[f"skillway guard policy check {file}"])


@policy.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
@click.pass_context
def check_file(ctx: click.Context, file: Path | None) -> None:
    """Find everything wrong in a policy file: the organisation's, or a project's skillway-guard.json.

    \b
    Example:
      skillway guard policy check
      skillway guard policy check .claude/skillway-guard.json
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.guard import check_policy, find_policy

    out: Output = ctx.obj
    path = file or find_policy(Path.cwd())
    faults = check_policy(path)
    text = "\n".join(f"{path}: {fault}" for fault in faults) or f"{path}: nothing is wrong."
    out.finish({"file": str(path), "faults": faults}, text, ok=not faults)
    if faults:
        ctx.exit(EXIT_FINDINGS)
