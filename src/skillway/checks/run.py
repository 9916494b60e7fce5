"""How rules meet content: every rule over everything it is about, each file read once, the findings in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from skillway.catalog import Catalog, HookEntry, Plugin, Problem, SourceFile, load_catalog
from skillway.catalog.jsonfiles import hooks_of_mapping
from skillway.catalog.reading import BOM, MAX_TEXT_BYTES, not_utf8, read_bytes, too_large
from skillway.checks import (  # noqa: F401 - importing a subject's module registers its rules
    across,
    content,
    definitions,
    executables,
    guard_policy,
    hook_files,
    hooks,
    links,
    listing,
    loading,
    mcp,
    organisation_yaml,
    paths,
    plugin_json,
    portable,
    secrets,
    settings,
    texts,
    tool_names,
)
from skillway.checks.cache import load_result, make_key, save_result
from skillway.checks.links import is_for_authors
from skillway.checks.rules import (
    CATALOG_CHECKS,
    CLAUDE_CODE,
    DEFINITION_CHECKS,
    FRAGMENT_CHECKS,
    HOOK_CHECKS,
    PLUGIN_CHECKS,
    PORTABLE,
    RULES,
    SKILL_CHECKS,
    TEXT_CHECKS,
    Context,
    Finding,
    Rule,
    TextFile,
    make_context,
)
from skillway.checks.scripts import find_unparsable_shell, interpreter
from skillway.checks.selection import keep_only, load_selection
from skillway.checks.suppression import suppress
from skillway.organisation import FILE as ORGANISATION_FILE
from skillway.organisation import load_organisation

MUST_BE_TEXT = (".md", ".json", ".py", ".sh", ".bash", ".yaml", ".yml", ".toml", ".txt")
"""Ends of names of files that are texts by their nature; other files are looked at where they happen to be texts."""


_COUNTED = {"plugins", "skills", "agents", "commands", "hooks", "files"}


@dataclass(frozen=True, slots=True)
class Report:
    """What one run looked at and found. `root` is the folder that `file` of each finding is relative to."""

    root: Path
    findings: tuple[Finding, ...]
    counts: dict[str, int]

    def count(self, severity: str) -> int:
        """Count the findings of one severity."""
        return sum(finding.severity == severity for finding in self.findings)


def check_repository(repository: Path, *, profile: str = CLAUDE_CODE) -> list[Finding]:
    """Check all plugins of a repository.

    Raises:
        RepositoryError: organisation.yaml cannot be used.
    """
    return check_catalog(load_catalog(repository, load_organisation(repository)), profile=profile)


def check_catalog(
    catalog: Catalog, *, profile: str = CLAUDE_CODE, on_plugin: Callable[[Plugin], None] = lambda _plugin: None
) -> list[Finding]:
    """Check everything that was loaded.

    Args:
        catalog: What to check.
        profile: `claude-code`, or `portable` for what other agents and uploads refuse too.
        on_plugin: Called after each plugin, to show progress.

    Returns:
        The findings by file, line and rule, each once.
    """
    findings = {
        finding
        for plugin, problem in suppress(catalog, _catalog_problems(catalog, on_plugin))
        if (finding := _finding(problem, catalog.root, plugin, profile))
    }
    return sorted(findings, key=lambda finding: (finding.file, finding.line or 0, finding.column or 0, finding.rule))


def check_path(
    path: Path,
    *,
    profile: str = CLAUDE_CODE,
    on_plugin: Callable[[Plugin], None] = lambda _plugin: None,
    cached: bool = False,
) -> Report:
    """Check a repository, a plugin, a skill, or a folder with plugins somewhere in it.

    A plugin or skill inside a skillway repository is checked by the rules of its layer.

    Args:
        path: The folder.
        profile: As for `check_catalog`.
        on_plugin: As for `check_catalog`.
        cached: Whether a whole repository may be answered from, and remembered in, its `.skillway/check-cache`.

    Raises:
        NotFoundError: There is no such folder.
        RepositoryError: organisation.yaml cannot be used.
    """
    root = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would replace the names that the author knows
    key = make_key(root, profile) if cached and (root / ORGANISATION_FILE).is_file() else None
    known = _remembered(root, key) if key else None
    if known is not None:
        return known
    report = _check_path(path, profile, on_plugin)
    if key is not None:
        save_result(root, key, [finding.to_json() for finding in report.findings], report.counts)
    return report


def _remembered(root: Path, key: str) -> Report | None:
    known = load_result(root, key)
    try:
        findings = tuple(Finding(**entry) for entry in known["findings"]) if known else None
        counts = {str(kind): int(number) for kind, number in known["counts"].items()} if known else {}
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if findings is None or set(counts) != _COUNTED or any(finding.rule not in RULES for finding in findings):
        return None
    return Report(root, findings, counts)


def _check_path(path: Path, profile: str, on_plugin: Callable[[Plugin], None]) -> Report:
    catalog, part = load_selection(path)
    findings = check_catalog(catalog, profile=profile, on_plugin=on_plugin)
    if part is not None:
        inside = os.path.relpath(part, catalog.root).replace(os.sep, "/")
        findings = [found for found in findings if found.file == inside or found.file.startswith(f"{inside}/")]
        catalog = keep_only(catalog, part)
        if not findings and not count(catalog)["files"]:
            nothing = across.EMPTY.at(
                part, "There is nothing in this folder to check", "Name a plugin's or a skill's folder."
            )
            findings = [found for found in [_finding(nothing, catalog.root, None, profile)] if found]
    return Report(catalog.root, tuple(findings), count(catalog))


def count(catalog: Catalog) -> dict[str, int]:
    """Count what was looked at, by kind."""
    plugins = catalog.plugins
    return {
        "plugins": len(plugins),
        "skills": sum(len(plugin.skills) for plugin in plugins),
        "agents": sum(len(plugin.agents) for plugin in plugins),
        "commands": sum(len(plugin.commands) for plugin in plugins),
        "hooks": sum(len(plugin.hooks) + sum(len(part.hooks) for part in plugin.fragments) for plugin in plugins),
        "files": sum(len(plugin.files) for plugin in plugins) + len(catalog.hook_files),
    }


def _catalog_problems(catalog: Catalog, on_plugin: Callable[[Plugin], None]) -> Iterator[tuple[Plugin | None, Problem]]:
    for problem in catalog.problems:
        yield None, problem
    for check in CATALOG_CHECKS:
        for problem in check(catalog):
            yield None, problem
    shells: list[tuple[Path, str]] = []
    for plugin in catalog.plugins:
        context = make_context(catalog, plugin)
        for problem in (*plugin.problems, *_plugin_problems(context, shells)):
            yield plugin, problem
        for problem in find_unparsable_shell(shells):
            yield plugin, problem
        shells.clear()
        on_plugin(plugin)
    if catalog.hook_files and catalog.plugins:
        context = make_context(catalog, catalog.plugins[0])
        for problem in (*_file_problems(catalog.hook_files, None, context, shells), *find_unparsable_shell(shells)):
            yield None, problem


def _plugin_problems(context: Context, shells: list[tuple[Path, str]]) -> Iterator[Problem]:
    plugin = context.plugin
    for check in PLUGIN_CHECKS:
        yield from check(plugin, context)
    for definition in (*plugin.skills, *plugin.agents, *plugin.commands):
        for definition_check in DEFINITION_CHECKS:
            yield from definition_check(definition, context)
    for skill in plugin.skills:
        for skill_check in SKILL_CHECKS:
            yield from skill_check(skill, context)
    own, problems = _frontmatter_hooks(plugin)
    yield from problems
    for hook in (*plugin.hooks, *own, *(hook for fragment in plugin.fragments for hook in fragment.hooks)):
        for hook_check in HOOK_CHECKS:
            yield from hook_check(hook, context)
    for fragment in plugin.fragments:
        for fragment_check in FRAGMENT_CHECKS:
            yield from fragment_check(fragment, context)
    yield from _file_problems(plugin.files, plugin, context, shells)


def _frontmatter_hooks(plugin: Plugin) -> tuple[list[HookEntry], list[Problem]]:
    """Read the hooks that skills, commands and agents bring with them."""
    problems: list[Problem] = []
    entries: list[HookEntry] = []
    for definition in (*plugin.skills, *plugin.agents, *plugin.commands):
        mapping = definition.frontmatter.get("hooks")
        if isinstance(mapping, dict):
            entries.extend(hooks_of_mapping(mapping, definition.file, definition.lines.get("hooks", 1), problems))
    return entries, problems


def _file_problems(
    files: tuple[SourceFile, ...], plugin: Plugin | None, context: Context, shells: list[tuple[Path, str]]
) -> Iterator[Problem]:
    for file in files:
        text = _text(file)
        if isinstance(text, Problem):
            yield text
        elif text is not None:
            name = None if plugin is not None and is_for_authors(file.path, context) else interpreter(file.path, text)
            if name in ("sh", "bash"):
                shells.append((file.absolute, name))
            subject = TextFile(file.path, file.absolute, text, plugin)
            for check in TEXT_CHECKS:
                yield from check(subject, context)


def _text(file: SourceFile) -> str | Problem | None:
    """Read a file's text; None for data, a problem for what should be a text and is none."""
    must_be_text = file.path.endswith(MUST_BE_TEXT)
    if file.size > MAX_TEXT_BYTES:
        must_be_short = file.path.endswith((".md", ".py", ".sh", ".bash"))
        return too_large(file.absolute, file.size, MAX_TEXT_BYTES) if must_be_short else None
    data = read_bytes(file.absolute)
    if isinstance(data, Problem):
        return data
    if b"\0" in data[:8192] and not must_be_text:
        return None
    try:
        return data.decode("utf-8").removeprefix(BOM)
    except UnicodeDecodeError as error:
        return not_utf8(file.absolute, data, error) if must_be_text else None


def _finding(problem: Problem, root: Path, plugin: Plugin | None, profile: str) -> Finding | None:
    """Make the finding, or None where the rule does not hold in this profile or outside the layers."""
    if problem.rule == "frontmatter-unquoted" and profile == PORTABLE:
        problem = replace(problem, rule="frontmatter-portable")
    rule: Rule = RULES[problem.rule]
    if rule.profile not in (None, profile):
        return None
    severity = rule.outside if plugin is not None and not plugin.is_layered else rule.severity
    if severity is None:
        return None
    return Finding(
        severity=severity,
        rule=rule.id,
        file=_encodable(_display(problem.file, root)),
        line=problem.line,
        column=problem.column,
        message=_encodable(problem.message),
        seen=None if problem.seen is None else _encodable(problem.seen),
        expected=problem.expected,
        fix=_encodable(problem.fix),
    )


def _encodable(text: str) -> str:
    """Replace what UTF-8 cannot write: file names may hold any bytes, and JSON escapes lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def _display(file: Path, root: Path) -> str:
    try:
        return file.relative_to(root).as_posix()
    except ValueError:
        return file.as_posix()
