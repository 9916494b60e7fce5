"""`skillway catalog`: which skills there are, what each is for and how to get it, in the terminal and as a page."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillway.cli.output import Output, json_option
from skillway.errors import NotFoundError

if TYPE_CHECKING:
    from skillway.discovery import Evidence, SkillEntry, SkillUse
    from skillway.organisation import Organisation

PAGE_FILE = "skills.html"
SUMMARY_FILE = Path(".skillway") / "evals" / "summary.json"
USE_DAYS = 90
_WIDTH = 96


@click.group("catalog")
def command() -> None:
    """Find skills: list them, search them, show one, or make a page of all.

    \b
    Example:
      skillway catalog search "pull request"
      skillway catalog page --open
    """  # noqa: D301 - click's mark for "do not re-wrap"


@command.command("list")
@click.option("--plugin", metavar="NAME", help="Only this plugin's.")
@json_option
@click.pass_obj
def list_(out: Output, plugin: str | None) -> None:
    """List every skill of the repository that you are in.

    \b
    Example:
      skillway catalog list --plugin developer-tools
    """  # noqa: D301 - as above
    _, entries = _load(out)
    plugins = sorted({entry.plugin for entry in entries})
    if plugin is not None and plugin not in plugins:
        raise NotFoundError(
            f"There is no plugin {plugin!r} with skills here.", fix=f"Name one of: {', '.join(plugins) or 'none yet'}."
        )
    chosen = [entry for entry in entries if plugin in (None, entry.plugin)]
    out.finish([entry.to_json() for entry in chosen], _lines(chosen) or "There is no skill yet.")


@command.command()
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1), default=5, show_default=True, help="Answers at most.")
@json_option
@click.pass_obj
def search(out: Output, query: tuple[str, ...], limit: int) -> None:
    """Find the skills that fit QUERY, the best first; ranked as the skill find-skill does on a laptop.

    \b
    Example:
      skillway catalog search hand a ticket to engineering
    """  # noqa: D301 - as above
    from skillway.discovery import search_skills

    _, entries = _load(out)
    question = " ".join(query)
    found = search_skills(entries, question, limit=limit)
    text = _lines(found) or f"No skill fits {question!r}; {len(entries)} were looked at."
    actions = [f"skillway catalog show {found[0].key}"] if found else ["skillway catalog list"]
    out.finish([entry.to_json() for entry in found], text, next_actions=actions)


@command.command()
@click.argument("skill")
@json_option
@click.pass_obj
def show(out: Output, skill: str) -> None:
    """Show one SKILL, named as plugin:skill or, where that is enough, by its name.

    \b
    Example:
      skillway catalog show developer-tools:create-pr
    """  # noqa: D301 - as above
    from skillway.discovery import near_keys

    _, entries = _load(out)
    wanted = skill.lstrip("/")
    found = [entry for entry in entries if wanted in (entry.key, entry.name)]
    if len(found) != 1:
        near = [entry.key for entry in found] or near_keys(entries, skill)
        raise NotFoundError(
            f"{len(found)} skills are called {skill!r}."
            if found
            else f"There is no skill {skill!r} in this repository.",
            fix=f"Name one of: {', '.join(near)}." if near else "See what there is with: skillway catalog list",
            next_actions=tuple(f"skillway catalog show {key}" for key in near) or ("skillway catalog list",),
        )
    out.finish(found[0].to_json(), _card(found[0]))


@command.command()
@click.option(
    "--output", type=click.Path(path_type=Path), default=PAGE_FILE, show_default=True, help="The file to write."
)
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    envvar="SKILLWAY_USAGE_STORE",
    help="The collector's file; $SKILLWAY_USAGE_STORE. By default yours, when there is one.",
)
@click.option(
    "--evidence",
    type=click.Path(path_type=Path),
    help=f"A summary of eval verdicts. By default {SUMMARY_FILE.as_posix()}, when there is one.",
)
@click.option("--open", "wants_open", is_flag=True, help="Show the page in your browser.")
@click.option("--dry-run", is_flag=True, help="Make the page, and write nothing.")
@json_option
@click.pass_obj
def page(
    out: Output, output: Path, store: Path | None, evidence: Path | None, *, wants_open: bool, dry_run: bool
) -> None:
    """Make one HTML file with every skill: what for, owner, use, evals, how to get it.

    The page needs no network and no other file. An older page in its place is replaced.

    \b
    Example:
      skillway catalog page --output skills.html --open
    """  # noqa: D301 - as above
    from skillway.pages.catalog_page import catalog_page
    from skillway.pages.frame import deliver_page

    use, told = _use(store)
    organisation, entries = _load(out, use=use, evidence=evidence)
    text = catalog_page(entries, title=organisation.title, made=datetime.now(timezone.utc), usage=told)
    deliver_page(text, output, dry_run=dry_run, wants_open=wants_open)
    data = {
        "page": str(output),
        "bytes": len(text.encode()),
        "skills": len(entries),
        "usage": told,
        "written": not dry_run,
    }
    done = "Would write" if dry_run else "Wrote"
    out.finish(data, f"{done} {output}: {len(entries)} skills, {len(text.encode()) / 1000:,.0f} kB. {told}")


def _load(
    out: Output, *, use: dict[str, SkillUse] | None = None, evidence: Path | None = None
) -> tuple[Organisation, list[SkillEntry]]:
    from skillway.catalog import load_catalog
    from skillway.discovery import list_skills
    from skillway.organisation import find_repository, load_organisation

    repository = find_repository(Path.cwd())
    organisation = load_organisation(repository)
    catalog = load_catalog(repository, organisation)
    broken = sum(len(plugin.problems) for plugin in catalog.plugins) + len(catalog.problems)
    if broken:
        out.warn(f"{broken} things in this repository cannot be read and are left out; see: skillway check")
    verdicts = _verdicts(repository, evidence)
    return organisation, list_skills(catalog, organisation, use=use, evidence=verdicts)


def _use(store: Path | None) -> tuple[dict[str, SkillUse] | None, str]:
    """Read how much each skill was used, and say where that comes from; without a store there are no numbers."""
    from skillway.collector.store import default_store
    from skillway.discovery import SkillUse
    from skillway.organisation import find_repository
    from skillway.pages.parts import number
    from skillway.usage.report import build_report, last_days

    path = store or default_store()
    if store is None and not path.is_file():
        return None, f"No usage data: there is no store at {path}."
    period = last_days(USE_DAYS, until=datetime.now(timezone.utc).date())
    report = build_report(path, period, repository=find_repository(Path.cwd()))
    source = report.provenance
    if not source.skillway_events:
        return None, f"No usage data: the store {path} has no event of skillway from the last {USE_DAYS} days."
    use = {skill.name: SkillUse(skill.uses, skill.users, skill.last_used) for skill in report.skills}
    hidden = f" Groups of fewer than {source.min_group} people are hidden." if source.min_group > 1 else ""
    return (
        use,
        f"Use is that of the {USE_DAYS} days to {report.period.until}, from {number(source.events)} events.{hidden}",
    )


def _verdicts(repository: Path, evidence: Path | None) -> dict[str, Evidence]:
    from skillway.discovery import read_evidence

    if evidence is None and not (repository / SUMMARY_FILE).is_file():
        return {}
    return read_evidence(evidence or repository / SUMMARY_FILE)


def _lines(entries: list[SkillEntry]) -> str:
    return "\n".join(f"{entry.invocation}\n    {_short(entry.description)}" for entry in entries)


def _card(entry: SkillEntry) -> str:
    started = "only when typed" if entry.is_typed_only else "typed, or by Claude when it fits"
    facts = {
        "invocation": f"{entry.invocation}  ({started})",
        "layer": entry.layer,
        "plugin": f"{entry.plugin} {entry.version}".strip(),
        "owner": ", ".join(entry.owners) or "nobody is named",
        "where": entry.reach,
        "evals": " ".join(part for part in (entry.evidence.outcome, entry.evidence.day) if part),
    }
    lines = [entry.key, f"  {_plain(entry.description) or 'No description.'}"]
    return "\n".join(lines + [f"  {name:<11}{_plain(value)}" for name, value in facts.items()])


def _short(text: str) -> str:
    plain = _plain(text)
    return plain if len(plain) <= _WIDTH else plain[: _WIDTH - 1].rstrip() + "…"


def _plain(text: str) -> str:
    """Leave out what could steer a terminal."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
