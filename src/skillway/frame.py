"""What a new organisation's repository starts with: `skillway init` writes it, and nothing that is already there.

The base plugin, developer-tools and hooks come from this installation; teams get a folder each. What skillway
itself needs for its own development (tests, benchmarks) is not part of an organisation's repository.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from skillway.content import content_path
from skillway.errors import ConflictError, SkillwayError
from skillway.organisation import FILE, Organisation, Team
from skillway.scaffold import plan_plugin
from skillway_sync.release_document import is_name

LAYERS = ("base-plugin", "developer-tools")
COPIED = (*LAYERS, "hooks")
GITIGNORE = ".skillway/\n__pycache__/\n*.pyc\n.venv/\n"
README = """# {title}: Claude Code skills

What is in here reaches laptops, layer by layer: `base-plugin` everybody, `developer-tools` engineers,
`skills/<team>` that team. `organisation.yaml` names the organisation, its teams and its rings.

    pip install 'skillway[operators]'
    skillway check          # what would reach a laptop broken
    skillway try            # your Claude Code with what you are writing
    skillway build          # an archive per plugin
    skillway release keys   # once
    skillway release publish
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """The files of a new repository: `files` from relative path to bytes; `executables` those with mode 0755."""

    files: dict[str, bytes]
    executables: frozenset[str]


def plan_frame(organisation: Organisation) -> Frame:
    """Work out every file of a new repository; touches no disk but this installation's own content.

    Raises:
        NotFoundError: This installation lacks its content.
    """
    files: dict[str, bytes] = {}
    executables: set[str] = set()
    for name in COPIED:
        for path in sorted(content_path(name).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                relative = f"{name}/{path.relative_to(content_path(name)).as_posix()}"
                files[relative] = path.read_bytes()
                if path.stat().st_mode & 0o100:
                    executables.add(relative)
    for team in organisation.teams:
        files.update({path: text.encode() for path, text in plan_plugin(team.name, organisation.title).items()})
    files[FILE] = render_organisation(organisation).encode()
    files["promotion.yaml"] = content_path("promotion.yaml").read_bytes()
    for name in ("judge.yaml", "rubric.yaml"):  # the judge that promotion.yaml names; whoever adopts it calibrates it
        files[f"evals/judges/answers/{name}"] = content_path(f"judges/answers/{name}").read_bytes()
    files["README.md"] = README.format(title=organisation.title).encode()
    files[".gitignore"] = GITIGNORE.encode()
    files[".github/CODEOWNERS"] = render_codeowners(organisation).encode()
    for name in ("check.yml", "evals.yml", "release.yml"):
        workflow = content_path(f"workflows/{name}").read_text(encoding="utf-8")
        files[f".github/workflows/{name}"] = workflow.replace("'.[", "'skillway[").encode()
    return Frame(files, frozenset(executables))


def write_frame(frame: Frame, folder: Path) -> list[str]:
    """Write a frame into a folder, all or nothing where something is already there.

    Returns:
        The paths written, relative to the folder.

    Raises:
        ConflictError: A file of the frame exists already; nothing was written.
        SkillwayError: The folder cannot be written to.
    """
    taken = [path for path in sorted(frame.files) if (folder / path).exists() or (folder / path).is_symlink()]
    if taken:
        raise ConflictError(
            f"{folder} already has {taken[0]}"
            + (f" and {len(taken) - 1} more files of the frame." if taken[1:] else "."),
            fix=f"Edit {FILE} where it exists, or start in an empty folder.",
        )
    try:
        for path, data in sorted(frame.files.items()):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            target.chmod(0o755 if path in frame.executables else 0o644)
    except OSError as error:
        raise SkillwayError(
            f"{folder} cannot be written to ({error}).", fix="Choose a folder that you may write to."
        ) from error
    return sorted(frame.files)


def describe_organisation(
    name: str, title: str | None, teams: tuple[str, ...], owners: tuple[str, ...]
) -> Organisation:
    """Make an organisation from what a person typed.

    Raises:
        SkillwayError: A name is not kebab-case.
    """
    for text in (name, *teams):
        if not is_name(text):
            raise SkillwayError(
                f"{text!r} cannot be the name of an organisation or a team.",
                fix="Use kebab-case, as in acme or customer-support.",
            )
    default_owner = owners or (f"@{name}/platform",)
    return Organisation(
        name=name,
        title=title or name.replace("-", " ").title(),
        teams=tuple(Team(team, (f"@{name}/{team}",)) for team in dict.fromkeys(teams)),
        rings=("canary", "broad"),
        owners=default_owner,
        forge="github",
        otlp_endpoint=None,
    )


def render_organisation(organisation: Organisation) -> str:
    """Write `organisation.yaml`, with a comment where a newcomer would ask."""
    teams = [{"name": team.name, "owners": list(team.owners)} for team in organisation.teams]

    def block(**values: object) -> str:
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)

    return "".join(
        [
            "# All that differs between organisations. The name is the catalogue's too: skills appear as plugin@name.\n",
            block(name=organisation.name, title=organisation.title),
            "# Who reviews base-plugin, developer-tools and the tooling.\n",
            block(owners=list(organisation.owners)),
            "# Each team has the folder skills/<name>.\n",
            block(teams=teams),
            block(forge=organisation.forge),
            "# First to last; which ring a laptop is in comes from its own configuration.\n",
            block(rings=list(organisation.rings)),
        ]
    )


def render_codeowners(organisation: Organisation) -> str:
    """Write CODEOWNERS from the organisation's owners and teams."""
    rows = [("*", organisation.owners), *((f"/{layer}/", organisation.owners) for layer in COPIED)]
    rows += [(f"/skills/{team.name}/", team.owners or organisation.owners) for team in organisation.teams]
    lines = [f"{pattern:<26}{' '.join(owners)}" for pattern, owners in rows]
    return (
        "# Who reviews what. The base plugin reaches every laptop, so its review is the strictest.\n"
        + "\n".join(lines)
        + "\n"
    )
