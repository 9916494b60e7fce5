"""Which findings an author has allowed, with a reason, and which allowances are no good.

In Markdown `<!-- skillway: allow RULE because REASON -->`, in YAML, Python, shell and TOML
`# skillway: allow RULE because REASON`: it holds for findings of that rule on its own line or the next, and where it
stands in the first lines or the frontmatter's comments, for findings about the whole file. For JSON and everything
else the plugin's folder has a `.skillway-allow.yaml`, which does not ship: a list of `rule`, `file` and `because`.
What breaks a laptop cannot be allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillway.catalog import Catalog, Plugin, Problem
from skillway.catalog.reading import read_text
from skillway.checks.rules import ERROR, RULES, WARNING, define

SUBJECT = "Suppressions"
ALLOW_FILE = ".skillway-allow.yaml"
_MARK = "skillway: allow"
_COMMENT = re.compile(
    r"(?:<!--|(?:^|(?<=\s))#)[ \t]*skillway: allow[ \t]+(?P<rule>[\w-]+)(?:[ \t]+because[ \t]+(?P<reason>[^\n]*?))?"
    r"[ \t]*(?:-->|$)",
    re.MULTILINE,
)
_INLINE_ENDS = (".md", ".yaml", ".yml", ".py", ".sh", ".bash", ".toml")
_HEAD_LINES = 5
_LEAST_REASON_CHARS = 8

NEVER = frozenset(
    [
        *("base-plugin-missing", "plugin-json-missing", "plugin-json-broken", "plugin-name", "plugin-version"),
        *("plugin-key-type", "plugin-name-twice", "team-unknown", "team-skills-key", "catalog-empty"),
        *("hooks-json-broken", "hook-event", "hook-event-new", "hook-command-missing", "hook-command-form"),
        *(
            "hook-script-missing",
            "hook-timeout",
            "hook-unwired",
            "settings-broken",
            "settings-place",
            "settings-variable",
        ),
        *("skill-file-missing", "skill-file-case", "frontmatter-broken", "file-bom", "file-unreadable", "file-special"),
        *(
            "file-too-large",
            "symlink-escapes",
            "symlink-loop",
            "path-portable",
            "path-collision",
            "secret",
            "unicode-hidden",
        ),
        *(
            "command-fetches-code",
            "suppression-unused",
            "suppression-reason",
            "suppression-refused",
            "suppression-broken",
        ),
    ]
)
"""Rules that no author can allow: the laptop would lose a plugin, its hooks or its user's trust."""

UNUSED = define(
    "suppression-unused",
    WARNING,
    "Every suppression suppresses something",
    subject=SUBJECT,
    why="One that is left over hides the next fault at its place, and nobody knows what it was for.",
    bad="<!-- skillway: allow home-path because the forge's runner has this path -->   (above a line without one)",
    good="the line removed",
)
REASON = define(
    "suppression-reason",
    ERROR,
    "A suppression says why, and names a rule that there is",
    subject=SUBJECT,
    why="Without a reason nobody can judge later whether it still holds; it suppresses nothing.",
    bad="<!-- skillway: allow home-path -->",
    good="<!-- skillway: allow home-path because the forge's runner has this path -->",
)
REFUSED = define(
    "suppression-refused",
    ERROR,
    "No suppression is about what breaks a laptop",
    subject=SUBJECT,
    why="A plugin that does not load, a hook that blocks everybody and a secret are no matter of taste.",
    bad="# skillway: allow secret because it is an old one",
    good="the secret revoked and removed",
)
BROKEN = define(
    "suppression-broken",
    ERROR,
    f"{ALLOW_FILE} is a list of rule, file and because",
    subject=SUBJECT,
    why="A file that cannot be read suppresses nothing, and its author believes that it does.",
    bad="home-path: references/runner.json",
    good="- rule: home-path\n  file: references/runner.json\n  because: the forge's runner has this path",
)


@dataclass(slots=True)
class Allowance:
    """One suppression. `line` is where it stands; `covers` is the file that it is about, None for a broken one."""

    rule: str
    reason: str
    file: Path
    line: int
    covers: Path
    is_whole_file: bool
    is_used: bool = False

    def holds_for(self, problem: Problem) -> bool:
        """Tell whether a problem is what this allows."""
        if problem.rule != self.rule or problem.file != self.covers:
            return False
        return self.is_whole_file or problem.line in (self.line, self.line + 1)


def suppress(
    catalog: Catalog, found: Iterable[tuple[Plugin | None, Problem]]
) -> Iterator[tuple[Plugin | None, Problem]]:
    """Leave out what is allowed, and add what is wrong with allowances themselves."""
    allowances: list[tuple[Plugin | None, Allowance]] = []
    for plugin in catalog.plugins:
        for problem in _read_plugin(plugin, allowances):
            yield plugin, problem
    for file in catalog.hook_files:
        allowances.extend((None, one) for one in inline_allowances(file.absolute, _text(file.absolute, file.size)))
    good: dict[Path, list[Allowance]] = {}
    for owner, one in allowances:
        fault = _fault(one)
        if fault:
            yield owner, fault
        else:
            good.setdefault(one.covers, []).append(one)
    for about, problem in found:
        allowed = [one for one in good.get(problem.file, ()) if one.holds_for(problem)]
        for one in allowed:
            one.is_used = True
        if not allowed:
            yield about, problem
    for owner, one in allowances:
        if _fault(one) is None and not one.is_used and RULES[one.rule].profile is None:
            message = f"There is no finding of {one.rule} here that this would suppress"
            yield owner, UNUSED.at(one.file, message, "Remove the suppression.", line=one.line, seen=one.rule)


def _fault(one: Allowance) -> Problem | None:
    if one.rule not in RULES:
        message, fix = f"There is no rule {one.rule!r} to allow", "See: skillway check rules"
        return REASON.at(one.file, message, fix, line=one.line, seen=one.rule)
    if one.rule in NEVER:
        message = f"{one.rule} cannot be allowed, because it would break a laptop"
        return REFUSED.at(one.file, message, "Mend what it is about.", line=one.line, seen=one.rule)
    if len(one.reason.strip()) < _LEAST_REASON_CHARS:
        message = f"The suppression of {one.rule} does not say why"
        return REASON.at(one.file, message, "Add `because` and a reason.", line=one.line, seen=one.reason)
    return None


def _read_plugin(plugin: Plugin, allowances: list[tuple[Plugin | None, Allowance]]) -> Iterator[Problem]:
    for file in plugin.files:
        if file.path == ALLOW_FILE:
            yield from _read_list(plugin, file.absolute, allowances)
        elif file.path.endswith(_INLINE_ENDS):
            text = _text(file.absolute, file.size)
            allowances.extend((plugin, one) for one in inline_allowances(file.absolute, text))


def _text(file: Path, size: int) -> str:
    text = read_text(file)[0] if size else ""
    return text or ""


def inline_allowances(file: Path, text: str) -> Iterator[Allowance]:
    """Give the allowances that stand in a text; in Markdown, what stands in code is an example and none."""
    if _MARK not in text:
        return
    if file.suffix == ".md":
        from skillway.checks.markdown import blank_code  # noqa: PLC0415 - only a text with a suppression pays for it

        kept = blank_code(text, only=frozenset({"", "md", "markdown", "text", "yaml", "sh", "python", "html"}))
        text = re.sub(r"`[^`\n]*`", lambda code: " " * len(code[0]), kept)
    for match in _COMMENT.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        is_head = line <= _HEAD_LINES or (
            text.startswith("---\n") and line <= text[: text.find("\n---", 3)].count("\n") + 3
        )
        yield Allowance(match["rule"], match["reason"] or "", file, line, file, is_whole_file=is_head)


def _read_list(plugin: Plugin, file: Path, allowances: list[tuple[Plugin | None, Allowance]]) -> Iterator[Problem]:
    import yaml  # noqa: PLC0415 - only a plugin with such a file pays for it

    text, problems = read_text(file)
    yield from problems
    try:
        node: Any = yaml.compose(text or "", Loader=yaml.SafeLoader) if text and "&" not in text else None
        entries: Any = yaml.safe_load(text or "") if node is not None else []
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        yield BROKEN.at(file, f"{ALLOW_FILE} is not YAML: {str(error).splitlines()[0]}", "Mend it.", line=1)
        return
    if not isinstance(entries, list) or (text and node is None and text.strip()):
        yield BROKEN.at(file, f"{ALLOW_FILE} is no list", "Write entries of rule, file and because.", line=1)
        return
    for index, entry in enumerate(entries):
        line = node.value[index].start_mark.line + 1
        values = entry if isinstance(entry, dict) else {}
        if not all(isinstance(values.get(key), str) for key in ("rule", "file", "because")):
            yield BROKEN.at(file, "An entry needs rule, file and because, each a text", "Add what lacks.", line=line)
            continue
        covers = plugin.folder / values["file"]
        one = Allowance(values["rule"], values["because"], file, line, covers, is_whole_file=True)
        allowances.append((plugin, one))
