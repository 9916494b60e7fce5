"""The rules in words: one for the terminal, and all of them as docs/guides/check.md."""

from __future__ import annotations

from itertools import groupby

from skillway.checks.rules import PORTABLE, RULES, Rule

_HEAD = """# `skillway check`: the rules

Every fault that would reach a laptop, found at the author's desk. This page is made from the rules themselves
(`skillway check rules --markdown > docs/guides/check.md`), and a test compares the two.

```sh
skillway check                          # this repository: all three layers and hooks/
skillway check skills/support           # one plugin, by the rules of its layer
skillway check skills/support/triage    # one skill
skillway check --profile portable       # and what other agents and uploads to claude.ai refuse
skillway check --format sarif           # or text, json, junit, github
skillway check --changed main..HEAD     # plugins that a range of commits changed; without a range, the work tree
skillway check --fix --dry-run          # show what would be mended by itself; without --dry-run, mend it
skillway check explain hook-command-form
```

Exit code 0: no error (warnings inform; with `--strict` they count). 5: findings. 1: organisation.yaml cannot be used.
7: there is no such folder. *Errors* block a release, *warnings* inform. Plugins that stand in no layer of a skillway
repository are checked too, less this repository's own conventions; the third column says what a rule is there.

`--fix` mends modes, byte order marks, line ends, blanks in a name, and a misspelt key that one known key alone is near to. A
finding is allowed with a reason: in Markdown `<!-- skillway: allow RULE because REASON -->`, in YAML, Python, shell and TOML
`# skillway: allow RULE because REASON`, for that line and the next, or from the first five lines or the frontmatter for the
whole file. For JSON and all else, `.skillway-allow.yaml` in the plugin's folder, which does not ship, has a list of `rule`,
`file` and `because`. A suppression that suppresses nothing is a finding. What breaks a laptop cannot be allowed.

As a hook of pre-commit: `repos: [{repo: …, rev: …, hooks: [{id: skillway-check}]}]`.

"""


def render_guide() -> str:
    """Give docs/guides/check.md."""
    parts = [_HEAD, _table()]
    for subject, rules in _by_subject():
        parts.append(f"## {subject}\n\n")
        parts.extend(_section(rule) for rule in rules)
    return "".join(parts).rstrip("\n") + "\n"


def explain(rule: Rule) -> str:
    """Say what a rule asks for, why, and how good and bad look."""
    severity = rule.severity + (f" (profile {rule.profile})" if rule.profile else "")
    return "\n".join(
        [
            f"{rule.id}: {severity}",
            f"{rule.title}.",
            "",
            rule.why,
            "",
            "bad:",
            *(f"    {line}" for line in rule.bad.split("\n")),
            "good:",
            *(f"    {line}" for line in rule.good.split("\n")),
        ]
    )


def list_rules() -> str:
    """Give all rules, one line each, by subject."""
    width = max(len(identifier) for identifier in RULES)
    lines = []
    for subject, rules in _by_subject():
        lines.append(subject)
        for rule in rules:
            profile = f" ({rule.profile})" if rule.profile else ""
            lines.append(f"  {rule.id:<{width}}  {rule.severity:<7}  {rule.title}{profile}")
    return "\n".join(lines)


def _by_subject() -> list[tuple[str, list[Rule]]]:
    ordered = sorted(RULES.values(), key=lambda rule: (rule.subject, rule.profile == PORTABLE, rule.id))
    return [(subject, list(rules)) for subject, rules in groupby(ordered, key=lambda rule: rule.subject)]


def _table() -> str:
    rows = ["| rule | severity | outside | what holds |", "|---|---|---|---|"]
    for _, rules in _by_subject():
        for rule in rules:
            severity = f"{rule.severity}, {rule.profile}" if rule.profile else rule.severity
            rows.append(f"| [{rule.id}](#{rule.id}) | {severity} | {rule.outside or 'no rule'} | {_cell(rule.title)} |")
    return "\n".join(rows) + "\n\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _section(rule: Rule) -> str:
    severity = f"{rule.severity}, profile {rule.profile}" if rule.profile else rule.severity
    return (
        f"### {rule.id}\n\n*{severity}.* {_cell(rule.title)}. {_cell(rule.why)}\n\n"
        f"````text\nbad:\n{rule.bad}\n\ngood:\n{rule.good}\n````\n\n"
    )
