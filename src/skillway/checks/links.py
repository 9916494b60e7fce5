"""Rules about what a plugin's texts refer to: the file is there, and it will be there on a laptop too."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from skillway.catalog import Problem
from skillway.catalog.reading import is_there
from skillway.checks.markdown import Reference, find_links, find_variable_paths
from skillway.checks.nearness import nearest
from skillway.checks.rules import ERROR, TEXT_CHECKS, WARNING, Context, TextFile, define, on

SUBJECT = "References"
AUTHORS_FILES = ("SPEC.md", "EVAL.md")
AUTHORS_FOLDERS = ("evals", "tests")
FOR_PEOPLE = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
"""Files that ship but that people read in the repository, so that their links may lead anywhere in it."""

_BUILT_IN = ("hooks/run",)
"""Files that the build adds to a plugin."""

LINK_BROKEN = define(
    "link-broken",
    ERROR,
    "A relative link leads to a file",
    subject=SUBJECT,
    why="The model follows the link, finds nothing, and guesses; no validator of Claude Code looks.",
    bad="See [the categories](reference/categories.md).   (the folder is references/)",
    good="See [the categories](references/categories.md).",
    outside=WARNING,
)
LINK_LEAVES = define(
    "link-leaves-plugin",
    ERROR,
    "A link stays among the files that ship",
    subject=SUBJECT,
    why="A laptop has the plugin's folder and nothing around it; SPEC.md, EVAL.md, evals/ and tests/ do not ship.",
    bad="See [our conventions](../../docs/conventions.md).",
    good="See [our conventions](references/conventions.md).",
    outside=WARNING,
)
SCRIPT_MISSING = define(
    "script-missing",
    ERROR,
    "A file that a text names through ${CLAUDE_SKILL_DIR} or ${CLAUDE_PLUGIN_ROOT} is there",
    subject=SUBJECT,
    why="Claude Code replaces the variable and the model runs what it reads: the command fails in front of the user.",
    bad='skillway-run "${CLAUDE_SKILL_DIR}/scripts/tirage.py"',
    good='skillway-run "${CLAUDE_SKILL_DIR}/scripts/triage.py"',
    outside=WARNING,
)


SCRIPT_DOUBTFUL = define(
    "script-doubtful",
    WARNING,
    "A file of the plugin that a text names is there, or the text is an example",
    subject=SUBJECT,
    why="The plugin has no folder of that name, so this may be an example of another plugin; if it is a command, it "
    "fails in front of the user.",
    bad='sh "${CLAUDE_PLUGIN_ROOT}/lib/sort.sh"   (the plugin has no lib/)',
    good='sh "${CLAUDE_PLUGIN_ROOT}/scripts/sort.sh"',
)


@on(TEXT_CHECKS)
def find_broken_references(text: TextFile, context: Context) -> Iterator[Problem]:
    """Look at each reference of a Markdown file, at the place where it will stand on a laptop."""
    plugin = text.plugin
    if plugin is None or not text.path.endswith(".md"):
        return
    references = [*find_links(text.text), *find_variable_paths(text.text)]
    if not references:
        return
    place = _locate(text.path, context)
    for reference in references:
        yield from _problems(text, reference, place, context)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a text stands on a laptop, its skill's folder or None, and whether it is read in the repository instead."""

    installed: str
    skill_folder: str | None
    is_read_in_repository: bool


def _locate(path: str, context: Context) -> _Place:
    plugin = context.plugin
    folder = next((above for above in _folders_above(path) if above in context.skills), None)
    skill_folder = None if folder is None else plugin.installed_path(f"{folder}/x").removesuffix("/x")
    is_for_people = posixpath.basename(path) in FOR_PEOPLE or is_for_authors(path, context)
    return _Place(plugin.installed_path(path), skill_folder, is_read_in_repository=is_for_people)


def _folders_above(path: str) -> Iterator[str]:
    while path:
        path = path.rpartition("/")[0]
        yield path


def is_for_authors(path: str, context: Context) -> bool:
    """Tell whether a file stays in the repository: SPEC.md, EVAL.md, evals/ and tests/ of the plugin or of a skill."""
    for folder in _folders_above(path):
        if folder in context.skills or not folder:
            first, _, rest = path[len(folder) :].lstrip("/").partition("/")
            if first in (AUTHORS_FOLDERS if rest else AUTHORS_FILES):
                return True
    return False


def _problems(text: TextFile, reference: Reference, place: _Place, context: Context) -> Iterator[Problem]:
    target = _target(reference, place)
    if target is None:
        return
    if place.is_read_in_repository:
        if reference.base == "link" and not is_there(text.file.parent / reference.path):
            yield _broken(text, reference, target, place)
        return
    source = context.installed.get(target)
    leaves = target == ".." or target.startswith("../")
    if leaves or (source and context.plugin.is_layered and is_for_authors(source, context)):
        where = "leaves the plugin" if leaves else "leads to a file that does not ship"
        message = f"The link {reference.path} {where}, and on a laptop nothing is there"
        fix = "Copy what is needed into the skill's references/."
        yield LINK_LEAVES.at(text.file, message, fix, line=reference.line, column=reference.column, seen=reference.path)
    elif source is None and target not in _BUILT_IN:
        is_instruction = any(
            text.file == one.file for one in (*context.plugin.skills, *context.plugin.commands, *context.plugin.agents)
        )
        if reference.base == "link" or _is_meant(reference, target, context, is_instruction=is_instruction):
            yield _broken(text, reference, target, place)
        elif is_instruction and "." in target and not _stands_among_examples(text.text, reference.line):
            message = f"{target} is not in the plugin, and no folder of that name is"
            seen = f"${{{reference.base}}}/{reference.path}"
            fix = "Mend the path or add the file; leave it if it is an example."
            yield SCRIPT_DOUBTFUL.at(text.file, message, fix, line=reference.line, column=reference.column, seen=seen)


def _is_meant(reference: Reference, target: str, context: Context, *, is_instruction: bool) -> bool:
    """Tell whether a path below a variable surely means a file of this plugin, and not one of an example."""
    if is_instruction and reference.base == "CLAUDE_SKILL_DIR":
        return True
    folder, _, name = target.rpartition("/")
    if not folder or folder not in context.installed:
        return False
    siblings = [path.rpartition("/")[2] for path in context.installed if path.rpartition("/")[0] == folder]
    return is_instruction or nearest(name, siblings, cutoff=0.8) is not None


def _stands_among_examples(text: str, line: int) -> bool:
    above = text.split("\n")[:line]
    heading = next((one for one in reversed(above) if one.startswith("#")), "")
    return bool(re.search(r"(?i)example|pattern|template|anatomy|\bbad\b|\bgood\b", heading))


def _target(reference: Reference, place: _Place) -> str | None:
    """Give the path below the installed plugin, or None when it cannot be told."""
    if reference.base == "CLAUDE_PLUGIN_ROOT":
        return posixpath.normpath(reference.path)
    if reference.base == "CLAUDE_SKILL_DIR":
        return (
            None if place.skill_folder is None else posixpath.normpath(f"{place.skill_folder or '.'}/{reference.path}")
        )
    return posixpath.normpath(posixpath.join(posixpath.dirname(place.installed), reference.path))


def _broken(text: TextFile, reference: Reference, target: str, place: _Place) -> Problem:
    fix = "Mend the path, or add the file."
    if reference.base == "link":
        rule, message, seen = LINK_BROKEN, f"The link {reference.path} leads to nothing", reference.path
        if is_there(text.file.parent / reference.path):
            fix = f"A team's skills move to skills/ when the plugin is built, and there {target} is missing."
    else:
        rule, message, seen = (
            SCRIPT_MISSING,
            f"{target} is not in the plugin",
            f"${{{reference.base}}}/{reference.path}",
        )
        if reference.base == "CLAUDE_PLUGIN_ROOT" and place.skill_folder is not None:
            fix = "Name the skill's own files as ${CLAUDE_SKILL_DIR}/…; for others mend the path or add the file."
    return rule.at(text.file, message, fix, line=reference.line, column=reference.column, seen=seen)
