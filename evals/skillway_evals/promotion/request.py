"""How is a promotion prepared for review?

A branch with the skill and its suite moved by `git mv`, so that history stays, the alias that joins the names, both
plugins' versions raised, and a text for the pull request. It is built in a worktree of its own: nothing in the
caller's is touched, nothing is pushed, and a failure leaves neither branch nor worktree.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from skillway.aliases import FILE as ALIASES
from skillway.aliases import Alias
from skillway.catalog import BASE, DEVELOPER_TOOLS, Plugin
from skillway.catalog.load import MANIFEST
from skillway.checks import ERROR, check_repository
from skillway.errors import ConflictError, SkillwayError
from skillway_evals.agent.arms import Subject, skill_digest
from skillway_evals.promotion.engine import Assessment
from skillway_evals.promotion.inputs import suite_folder
from skillway_evals.promotion.policy import Stage
from skillway_evals.promotion.pull_request import Facts, request_text
from skillway_evals.promotion.records import Decided, append_line
from skillway_evals.promotion.skills import Repository
from skillway_evals.running.keys import loaded_digests
from skillway_evals.suite_files import SUITES, load_suite
from skillway_evals.yaml_lines import YamlPath, read_yaml

TEXTS = Path(".skillway") / "promotion"
_VERSION = re.compile(r'("version"\s*:\s*")(\d+)\.(\d+)\.(\d+)(")')
_SHOWN = 5


class GitError(SkillwayError):
    """The author must act: git refused, in its own words."""

    code = "git"


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """What would be prepared.

    Attributes:
        subject: The skill as it is.
        name: `plugin:skill` after the move.
        branch: The branch.
        moves: From and to, folders below the repository.
        alias: The line that joins the names.
        plugins: Folders of both plugins, below the repository; their versions are raised.
        title: Of the commit and the pull request.
        text: Of the pull request.
        text_file: Where the text goes.
    """

    subject: Subject
    name: str
    branch: str
    moves: tuple[tuple[str, str], ...]
    alias: Alias
    plugins: tuple[str, str]
    title: str
    text: str
    text_file: Path


def plan_request(
    repository: Repository, subject: Subject, stage: Stage, found: Assessment, decided: Decided | None
) -> RequestPlan:
    """Plan branch and text, and refuse what could not be prepared.

    Raises:
        ConflictError: The work tree has changes, the branch exists, or the place is taken.
        GitError: This is no git repository.
    """
    root, target = repository.root, _target(repository, stage)
    name = f"{target.name}:{subject.skill.name}"
    branch = f"promote/{subject.skill.name}-to-{stage.name}"
    _need_free(root, subject, target, name, branch)
    suite = load_suite(suite_folder(root, subject.name))
    evidence = repository.evidence.evidence
    alias = Alias(
        subject.name,
        name,
        datetime.now(timezone.utc).date().isoformat(),
        skill_digest(subject),
        loaded_digests(evidence.settings([suite]), suite),
    )
    moves = (
        (_below(root, subject.skill.folder), f"{_below(root, target.folder)}/skills/{subject.skill.name}"),
        (_below(root, suite.folder), f"{SUITES}/{target.name}/{subject.skill.name}"),
    )
    title = f"Promote {subject.name} to {stage.name}"
    facts = Facts(
        subject.name, name, stage.name, moves, _mentions(root, subject.name, moves), _neighbours(root, target)
    )
    text = request_text(found, decided, facts)
    text_file = root / TEXTS / f"{subject.skill.name}-to-{stage.name}.md"
    plugins = (_below(root, subject.plugin.folder), _below(root, target.folder))
    return RequestPlan(subject, name, branch, moves, alias, plugins, title, text, text_file)


def prepare_request(root: Path, plan: RequestPlan) -> None:
    """Make the branch and write the text.

    Raises:
        GitError: git refused; there is no branch then.
        ConflictError: The moved skill would not pass `skillway check`; there is no branch then.
    """
    with tempfile.TemporaryDirectory(prefix="skillway-promote-") as folder:
        tree = Path(folder) / "tree"
        git(root, "worktree", "add", "--quiet", "-b", plan.branch, str(tree), "HEAD")
        try:
            # organisation.yaml may stand below the top of the git repository
            place = tree / git(root, "rev-parse", "--show-prefix").strip()
            _move(place, plan)
            _need_sound(place, plan)
            git(tree, "commit", "--quiet", "-m", plan.title, "-m", _commit_body(plan))
        except BaseException:
            git(root, "worktree", "remove", "--force", str(tree))
            git(root, "branch", "-D", plan.branch)
            raise
        git(root, "worktree", "remove", "--force", str(tree))
    plan.text_file.parent.mkdir(parents=True, exist_ok=True)
    plan.text_file.write_text(f"# {plan.title}\n\n{plan.text}", encoding="utf-8")


def git(folder: Path, *words: str) -> str:
    """Run git and give what it says on stdout.

    Raises:
        GitError: It ended with an error, or is not installed.
    """
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise GitError("git is not installed.", fix="Install git.") from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-300:]
        raise GitError(f"git {words[0]} failed in {folder}: {said}", fix="Mend what git says, then run it again.")
    return done.stdout


def _target(repository: Repository, stage: Stage) -> Plugin:
    plugin = next((one for one in repository.catalog.plugins if one.layer == stage.name), None)
    if plugin is None or stage.name not in (BASE, DEVELOPER_TOOLS):
        raise ConflictError(
            f"The repository has no plugin of the layer {stage.name}.",
            fix="Make it first.",
            next_actions=(f"skillway new plugin {'base-plugin' if stage.name == BASE else stage.name}",),
        )
    return plugin


def _need_free(root: Path, subject: Subject, target: Plugin, name: str, branch: str) -> None:
    # The text of the request and the summary of verdicts are skillway's own; everything else would be left out.
    lines = git(root, "status", "--porcelain", "--untracked-files=all", "--", ".", ":(exclude).skillway").splitlines()
    changed = [line[3:] for line in lines]
    if changed:
        more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        raise ConflictError(
            f"The work tree has changes that are not committed: {', '.join(changed[:_SHOWN])}{more}.",
            fix="Commit or stash them; the branch is made from what is committed, and so is the evidence.",
            next_actions=("git status",),
        )
    if git(root, "branch", "--list", branch).strip():
        raise ConflictError(
            f"The branch {branch} exists already.",
            fix="Push it, or delete it and run this again.",
            next_actions=(f"git log -1 {branch}", f"git branch -D {branch}"),
        )
    for place in (target.folder / "skills" / subject.skill.name, suite_folder(root, name)):
        if place.exists():
            raise ConflictError(
                f"{_below(root, place)} exists already.",
                fix="Rename one of the two skills; names are unique in a plugin.",
            )


def _move(tree: Path, plan: RequestPlan) -> None:
    for old, new in plan.moves:
        (tree / new).parent.mkdir(parents=True, exist_ok=True)
        git(tree, "mv", old, new)
    _rename_in_suites(tree, plan.subject.name, plan.name)
    for folder in plan.plugins:
        _raise_version(tree / folder / MANIFEST)
    append_line(tree / ALIASES, plan.alias.to_line())
    git(tree, "add", "--all")


def _rename_in_suites(tree: Path, former: str, name: str) -> None:
    """Let suites call the skill by its new name: its own, and those that load it or expect it instead."""
    whole = re.compile(rf"(?<![\w:-]){re.escape(former)}(?![\w:-])")
    for path in sorted((tree / SUITES).glob("*/*/*.yaml")):
        file = read_yaml(path)
        places = {file.line(found) for found in _paths_of(file.values, former)}
        if places:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            changed = [whole.sub(name, line) if number in places else line for number, line in enumerate(lines, 1)]
            path.write_text("".join(changed), encoding="utf-8", newline="")


def _paths_of(values: object, wanted: str, path: YamlPath = ()) -> Iterator[YamlPath]:
    """Give the path of every value that is exactly the wanted text; prose that mentions it is left as it was written."""
    if values == wanted:
        yield path
    elif isinstance(values, dict):
        for key, inner in values.items():
            yield from _paths_of(inner, wanted, (*path, key))
    elif isinstance(values, list):
        for index, inner in enumerate(values):
            yield from _paths_of(inner, wanted, (*path, index))


def _raise_version(manifest: Path) -> None:
    """Raise the minor version in place; a plugin without one stays without."""
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(
        _VERSION.sub(lambda found: f"{found[1]}{found[2]}.{int(found[3]) + 1}.0{found[5]}", text, count=1),
        encoding="utf-8",
    )


def _need_sound(tree: Path, plan: RequestPlan) -> None:
    """Refuse a move that would break the skill, such as one that leaves a file behind which it reads."""
    place = f"{plan.moves[0][1]}/"
    errors = [one for one in check_repository(tree) if one.severity == ERROR and one.file.startswith(place)]
    if errors:
        raise ConflictError(
            f"After the move skillway check has {len(errors)} errors about the skill, such as: {errors[0].message} ({errors[0].file}).",
            fix="Let the skill hold all that it needs in its own folder, then request again; there is no branch.",
        )


def _commit_body(plan: RequestPlan) -> str:
    return (
        "\n".join(f"{old} -> {new}" for old, new in plan.moves)
        + f"\n\nFormer name {plan.alias.former} is kept in {ALIASES}."
    )


def _mentions(root: Path, name: str, moves: tuple[tuple[str, str], ...]) -> list[str]:
    """List tracked files elsewhere that name the skill, for the reviewer to mend."""
    try:
        found = git(root, "grep", "-l", "--fixed-strings", name).splitlines()
    except GitError:  # git grep ends with 1 when nothing is found
        return []
    left_out = (*(f"{old}/" for old, _ in moves), f"{SUITES}/", "evals/promotion/", "evals/store/", ".skillway/")
    return [path for path in found if not path.startswith(left_out)]


def _neighbours(root: Path, target: Plugin) -> list[str]:
    """Name the suites whose runs load the whole target plugin, which has one skill more from now on."""
    own = sorted((root / SUITES / target.name).glob("*/suite.yaml"))
    return [f"{target.name}:{path.parent.name}" for path in own]


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
