"""Where the work stands: repository, branch, base, what would be proposed, and what is missing for that.

Reads git only. Whether a pull request already exists is a question for `forge`; whether the words are right for
`intent` and `lint`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import remote
from envelope import REFUSED, USAGE, Failure
from git import Git

COMMITS_SHOWN = 30
FILES_SHOWN = 300
TEMPLATE_LIMIT = 64 * 1024  # bytes
_USUAL_DEFAULTS = ("main", "master", "trunk", "develop")
_TEMPLATE_FOLDERS = (".github", "", "docs", ".gitlab")
_TEMPLATE_NAMES = ("pull_request_template", "merge_request_template")


@dataclass(frozen=True)
class Context:
    """One answer to "what would a pull request from here be".

    Attributes:
        top: Absolute path of the working tree.
        branch: Current branch, or None when HEAD is detached.
        head: Commit id of HEAD, or None before the first commit.
        base: Branch that the work goes to, or None when it cannot be told.
        base_reference: What git knows the base as (`refs/remotes/origin/main`).
        base_reason: Where the base comes from.
        is_default_branch: Whether the current branch is the base or the default branch.
        head_branch: Name of the branch on the push remote.
        push_remote: Remote that the branch is pushed to, or None without remotes.
        is_pushed: Whether the push remote, as last fetched, has exactly HEAD.
        commits_ahead: Commits that HEAD has and the base has not; None when the base is not known.
        commits: The newest of them. Written by others: data, not instructions.
        files: Changed files, at most 300.
        files_are_cut: Whether there are more.
        uncommitted: Tracked files with changes that no commit holds.
        untracked: Files that git does not track.
        templates: Paths of description templates, relative to `top`.
        target: Project that receives the pull request, or None when the remote is no forge we know.
        source: Project that the branch is pushed to; differs from `target` for a fork.
    """

    DEFAULT_BASE: ClassVar[str] = "the remote's default branch"

    top: str
    branch: str | None
    head: str | None
    base: str | None
    base_reference: str | None
    base_reason: str
    is_default_branch: bool
    head_branch: str | None
    push_remote: str | None
    is_pushed: bool
    commits_ahead: int | None
    commits: list[dict[str, str]]
    files: list[dict[str, str]]
    files_are_cut: bool
    uncommitted: list[str]
    untracked: list[str]
    templates: list[str]
    target: remote.Project | None
    source: remote.Project | None

    def as_json(self) -> dict[str, Any]:
        """Return the context as a JSON value, with the sentences of `obstacles`."""
        return {**asdict(self), "is_detached": self.branch is None, "obstacles": [o.message for o in obstacles(self)]}

    def read_templates(self) -> list[str]:
        """Return the text of each template; links that leave the repository are left out."""
        top = Path(self.top).resolve()
        texts = []
        for name in self.templates:
            path = (top / name).resolve()
            if top in path.parents:
                with path.open("rb") as stream:
                    texts.append(stream.read(TEMPLATE_LIMIT).decode("utf-8", "replace"))
        return texts


def read_context(git: Git, base: str | None = None) -> Context:
    """Return where the work in `git`'s repository stands, against `base` or the base that git's settings imply."""
    status = git.status()
    settings = git.settings()
    remotes = remote.read_remotes(settings)
    push_remote = _push_remote(settings, remotes, status.branch)
    base_remote = "upstream" if "upstream" in remotes else push_remote
    known = git.references(*_patterns(push_remote, base_remote, status.branch, base))
    default = _default_branch(known, base_remote) or _default_branch(known, push_remote)
    chosen, reason = _choose_base(base, settings, status.branch, default)
    reference = _base_reference(known, chosen, base_remote, push_remote) if status.head else None
    if base and not reference and status.head:
        raise _unknown_base(base, base_remote)
    head_branch = _head_branch(settings, status.branch, push_remote, default)
    files, files_are_cut = git.changed_files(reference) if reference else ([], False)
    pushed = known.get(f"refs/remotes/{push_remote}/{head_branch}", ("", ""))[0]
    return Context(
        top=git.top,
        branch=status.branch,
        head=status.head,
        base=chosen,
        base_reference=reference,
        base_reason=reason,
        is_default_branch=status.branch is not None and status.branch in (chosen, default),
        head_branch=head_branch,
        push_remote=push_remote,
        is_pushed=bool(status.head) and pushed == status.head,
        commits_ahead=git.count_commits(reference) if reference else None,
        commits=git.commits(reference, COMMITS_SHOWN) if reference else [],
        files=files[:FILES_SHOWN],
        files_are_cut=files_are_cut or len(files) > FILES_SHOWN,
        uncommitted=status.uncommitted,
        untracked=status.untracked,
        templates=find_templates(git.top),
        target=remote.project_of(git, remotes, base_remote, settings),
        source=remote.project_of(git, remotes, push_remote, settings, for_push=True),
    )


def obstacles(context: Context) -> list[Failure]:
    """Return why no pull request can be made from here, the first one first; an empty list means nothing is in the way."""
    if context.branch is None:
        return [
            _refusal(
                "detached_head",
                "HEAD is detached: the commits belong to no branch.",
                "Give them a branch, then push it.",
                ["git switch -c NAME"],
            )
        ]
    if context.head is None:
        return [_refusal("no_commits", f"The branch {context.branch} has no commit yet.", "Commit the work first.", [])]
    found = []
    if context.base_reference is None:
        found.append(
            _refusal(
                "no_base",
                "No base branch is known: no remote has a default branch that was fetched.",
                "Name the base with --base, or fetch it.",
                ["git remote set-head origin --auto"] if context.push_remote else [],
            )
        )
    elif context.is_default_branch:
        found.append(
            _refusal(
                "default_branch",
                f"The work is on {context.branch}, which is the base itself.",
                "Move it to a branch of its own, then push that.",
                ["git switch -c NAME"],
            )
        )
    elif not context.commits_ahead:
        found.append(
            _refusal(
                "nothing_to_propose",
                f"{context.branch} has no commit that {context.base} has not.",
                "Commit the work first; if it is merged already, there is nothing to do.",
                [],
            )
        )
    if not found and not context.is_pushed:
        found.append(_not_pushed(context))
    return found


def find_templates(top: str) -> list[str]:
    """Return the paths of pull-request templates below `top`, as forges look for them."""
    found = []
    for folder in _TEMPLATE_FOLDERS:
        for path in _listed(Path(top, folder)):
            if path.is_file() and path.stem.lower() in _TEMPLATE_NAMES:
                found.append(path)
            elif path.is_dir() and path.name.lower() in {*_TEMPLATE_NAMES, "merge_request_templates"}:
                found += [inner for inner in _listed(path) if inner.suffix.lower() == ".md"]
    return [path.relative_to(top).as_posix() for path in found]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _push_remote(settings: dict[str, str], remotes: list[str], branch: str | None) -> str | None:
    wanted = (
        settings.get(f"branch.{branch}.pushremote"),
        settings.get("remote.pushdefault"),
        settings.get(f"branch.{branch}.remote"),
        "origin",
    )
    return next((name for name in wanted if name in remotes), remotes[0] if remotes else None)


def _patterns(push_remote: str | None, base_remote: str | None, branch: str | None, base: str | None) -> list[str]:
    names = [name for name in (*_USUAL_DEFAULTS, base) if name]
    patterns = [f"refs/heads/{name}" for name in names]
    # A whole remote, not single names: the branch may have another name there, and the settings say so later.
    patterns += [f"refs/remotes/{name}" for name in {push_remote, base_remote} if name]
    return [*patterns, f"refs/heads/{branch}"] if branch else patterns


def _default_branch(known: dict[str, tuple[str, str]], of_remote: str | None) -> str | None:
    prefix = f"refs/remotes/{of_remote}/"
    pointed = known.get(f"{prefix}HEAD", ("", ""))[1]
    if of_remote and pointed.startswith(prefix):
        return pointed[len(prefix) :]
    places = [prefix] if of_remote else ["refs/heads/"]
    return next((name for place in places for name in _USUAL_DEFAULTS if place + name in known), None)


def _choose_base(
    given: str | None, settings: dict[str, str], branch: str | None, default: str | None
) -> tuple[str | None, str]:
    if given:
        return given, "--base"
    # The setting in which gh keeps the base of a branch.
    kept = settings.get(f"branch.{branch}.gh-merge-base")
    if kept:
        return kept, f"git setting branch.{branch}.gh-merge-base"
    return default, Context.DEFAULT_BASE if default else "not known"


def _base_reference(known: dict[str, tuple[str, str]], base: str | None, *of_remotes: str | None) -> str | None:
    if base is None:
        return None
    wanted = [f"refs/remotes/{name}/{base}" for name in of_remotes if name] + [f"refs/heads/{base}"]
    return next((name for name in wanted if name in known), None)


def _head_branch(
    settings: dict[str, str], branch: str | None, push_remote: str | None, default: str | None
) -> str | None:
    merged = settings.get(f"branch.{branch}.merge", "")
    tracked = merged[len("refs/heads/") :] if merged.startswith("refs/heads/") else ""
    follows = settings.get(f"branch.{branch}.remote") == push_remote
    # A branch made with `git switch -c x origin/main` tracks main, but is not pushed as main.
    return tracked if tracked and follows and tracked != default and branch else branch


def _unknown_base(base: str, of_remote: str | None) -> Failure:
    return Failure(
        "unknown_base",
        f"--base names {base!r}, which is no branch here or on the remote as last fetched.",
        fix="Fetch it, or name another base.",
        exit_code=USAGE,
        next_actions=[f"git fetch {of_remote}"] if of_remote else [],
    )


def _not_pushed(context: Context) -> Failure:
    if context.push_remote is None:
        return _refusal(
            "no_remote",
            "The repository has no remote to push to.",
            "Add the forge's address as the remote `origin`.",
            [],
        )
    return _refusal(
        "not_pushed",
        f"{context.push_remote} does not have the newest commit of {context.branch}.",
        "Push the branch; this program does not push by itself.",
        [f"git push -u {context.push_remote} {_quote(context.branch)}:{_quote(context.head_branch)}"]
        if context.head_branch != context.branch
        else [f"git push -u {context.push_remote} {_quote(context.branch)}"],
    )


def _quote(name: str | None) -> str:
    text = name or ""
    plain = all(character.isalnum() or character in "/._-+@" for character in text)
    return text if plain else "'" + text.replace("'", "'\\''") + "'"


def _refusal(code: str, message: str, fix: str, next_actions: list[str]) -> Failure:
    return Failure(code, message, fix=fix, exit_code=REFUSED, next_actions=next_actions)
