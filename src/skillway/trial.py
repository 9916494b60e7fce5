"""How an author tries a skill at once: build, lay out, and the command that starts their own client on it.

Nothing is installed: the client gets the plugins with `--plugin-dir` and the settings fragments with `--settings`,
for this one session. What the skill then does is between the author and the client.
"""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from skillway.build import Progress, build_repository, lay_out, silent
from skillway.build.development import DevelopmentRoot
from skillway.build.product import replace_file
from skillway.catalog import BASE, Catalog, Plugin, Skill, load_catalog
from skillway.errors import NotFoundError, SkillwayError, UndecidedError
from skillway.organisation import Organisation
from skillway_sync.layout import system_layout
from skillway_sync.policy import encode_settings, load_fragments, wanted_settings

DEVELOPMENT = Path(".skillway") / "dev"
"""Where a trial lives, below the repository."""
CLIENT = "claude"
SETTINGS = "settings.json"
_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """What is ready to be started.

    Attributes:
        command: The whole command line; its first part is the client's path, or its name when none was found.
        client: The client's absolute path, or None when none was found.
        root: The folder that stands in for a laptop root.
        settings: The settings file of the session.
        plugins: From name to folder of each plugin that the session gets.
        skill: `plugin:skill` as it is typed after `/`, or None when all plugins are tried.
        warnings: What the author should know first.
    """

    command: tuple[str, ...]
    client: Path | None
    root: Path
    settings: Path
    plugins: dict[str, Path]
    skill: str | None
    warnings: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The command as a line that can be pasted into a shell."""
        return shlex.join(self.command)


def prepare_trial(
    repository: Path,
    organisation: Organisation,
    *,
    skill: str | None = None,
    client: str | None = None,
    arguments: Sequence[str] = (),
    progress: Progress = silent,
) -> Trial:
    """Build what is to be tried and lay it out.

    Args:
        repository: The folder with organisation.yaml.
        organisation: What that file says.
        skill: `plugin/skill` or the skill's name alone; then only its plugin and the base plugin are built.
        client: The client's path or name; `claude` on PATH by default.
        arguments: Passed on to the client.
        progress: Shows how far the build is.

    Raises:
        NotFoundError: There is no such skill, or the client that was named does not exist.
        UndecidedError: More than one plugin has a skill of that name.
        FindingsError: A plugin that is needed has faults.
    """
    found_client = find_client(client)
    chosen = choose_skill(load_catalog(repository, organisation), skill) if skill else None
    only = None if chosen is None else chosen.plugins
    build = build_repository(repository, organisation, repository / DEVELOPMENT / "build", only=only, progress=progress)
    laid_out = lay_out(build, repository / DEVELOPMENT, organisation)
    settings = _write_settings(laid_out, organisation)
    start = [str(found_client or client or CLIENT)]
    for folder in laid_out.folders.values():
        start += ["--plugin-dir", str(folder)]
    return Trial(
        command=(*start, "--settings", str(settings), *arguments),
        client=found_client,
        root=laid_out.layout.root,
        settings=settings,
        plugins=laid_out.folders,
        skill=chosen.invocation if chosen else None,
        warnings=_warnings(),
    )


def find_client(named: str | None) -> Path | None:
    """Find the client: the one that was named, else `claude` on PATH, else None.

    Raises:
        NotFoundError: The one that was named does not exist or cannot be executed.
    """
    found = shutil.which(named or CLIENT)
    if named and found is None:
        raise NotFoundError(
            f"There is no program {named!r} that can be started.", fix="Give --client the client's path."
        )
    return Path(os.path.abspath(found)) if found else None  # noqa: PTH100 - a link is how a client is updated


@dataclass(frozen=True, slots=True)
class Choice:
    """The skill to try: how it is invoked, and the names of the plugins that it needs."""

    invocation: str
    plugins: Collection[str]


def choose_skill(catalog: Catalog, wanted: str) -> Choice:
    """Find a skill by `plugin/skill`, `plugin:skill` or its name alone.

    Raises:
        NotFoundError: There is none; the nearest names are given.
        UndecidedError: More than one plugin has one of that name.
    """
    plugin_name, _, skill_name = wanted.strip("/").replace(":", "/").rpartition("/")
    plugin_name = plugin_name.rpartition("/")[2]
    matches = [
        (plugin, skill)
        for plugin in catalog.plugins
        for skill in plugin.skills
        if skill.name == skill_name and plugin_name in ("", plugin.name, plugin.folder.name)
    ]
    if not matches:
        raise _no_such_skill(catalog, wanted, skill_name)
    if len(matches) > 1:
        names = tuple(f"{plugin.name}/{skill.name}" for plugin, skill in matches)
        raise UndecidedError(
            f"More than one plugin has a skill {wanted!r}: {', '.join(names)}.",
            fix="Say which one.",
            next_actions=tuple(f"skillway try {name}" for name in names),
        )
    plugin, skill = matches[0]
    base = [other.name for other in catalog.plugins if other.layer == BASE]
    return Choice(f"{plugin.name}:{skill.name}", sorted({*base, plugin.name}))


def _no_such_skill(catalog: Catalog, wanted: str, skill_name: str) -> NotFoundError:
    every: list[tuple[Plugin, Skill]] = [(plugin, skill) for plugin in catalog.plugins for skill in plugin.skills]
    names = [f"{plugin.name}/{skill.name}" for plugin, skill in every]
    close = difflib.get_close_matches(wanted.replace(":", "/"), names, n=_NEAREST, cutoff=0.5)
    by_skill = difflib.get_close_matches(skill_name, {skill.name for _, skill in every}, n=_NEAREST, cutoff=0.5)
    close += [name for name in names if name.partition("/")[2] in by_skill and name not in close]
    if close:
        fix = f"Did you mean {' or '.join(close[:_NEAREST])}?"
    elif names:
        fix = f"There are: {', '.join(names[:20])}{' and more' if len(names) > 20 else ''}."  # noqa: PLR2004 - what a screen holds
    else:
        fix = "The repository has no skill yet; make one with: skillway new skill"
    actions = tuple(f"skillway try {name}" for name in close[:_NEAREST])
    return NotFoundError(f"There is no skill {wanted!r} in this repository.", fix=fix, next_actions=actions)


def _write_settings(laid_out: DevelopmentRoot, organisation: Organisation) -> Path:
    """Write the settings of the session: the base plugin's fragments, with this root in every path."""
    layout = laid_out.layout
    fragments = load_fragments(laid_out.base) if laid_out.base else []
    settings = wanted_settings(layout, organisation.name, (), fragments)
    # The plugins come with --plugin-dir; registered as a marketplace too, each would be offered twice.
    del settings["extraKnownMarketplaces"][organisation.name]
    settings = {key: value for key, value in settings.items() if value != {}}
    path = layout.root / SETTINGS
    replace_file(path, encode_settings(settings))
    return path


def _warnings() -> tuple[str, ...]:
    policy = system_layout().policy_file
    try:
        is_managed = policy.exists()
    except OSError:
        is_managed = False
    if not is_managed:
        return ()
    warning = (
        f"This laptop has skillway's policy ({policy}): Claude Code refuses --plugin-dir for a plugin that the policy "
        "enables, and shows its installed version. Plugins that the policy does not name are tried as they are here."
    )
    return (warning,)


def start_client(trial: Trial) -> None:
    """Become the client: this process ends as the client ends.

    Raises:
        SkillwayError: It cannot be executed.
    """
    try:
        os.execvpe(trial.command[0], list(trial.command), dict(os.environ))  # noqa: S606 - no shell is wanted
    except OSError as error:
        raise SkillwayError(
            f"{trial.command[0]} cannot be started: {error.strerror}.", fix="Give another one with --client."
        ) from error
