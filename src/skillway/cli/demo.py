"""`skillway demo`: the whole way once, shown; `make try` calls it."""

from __future__ import annotations

from pathlib import Path

import click

from skillway.cli.output import Output, json_option


@click.command("demo")
@click.option(
    "--root",
    "laptop",
    type=click.Path(path_type=Path, file_okay=False),
    help="The laptop root. Default: .skillway/laptop.",
)
@click.option(
    "--no-client", is_flag=True, help="Do not install and start the real client; show the hooks with recorded payloads."
)
@json_option
@click.pass_obj
def command(out: Output, laptop: Path | None, *, no_client: bool) -> None:
    """Take this repository to a laptop root in one go, and show it alive.

    Checks, builds, signs, publishes, syncs and verifies; then starts the pinned Claude Code client once against a
    scripted API. Everything stays below .skillway; safe to run again.

    \b
    Example:
      skillway demo
      skillway demo --root /tmp/laptop --no-client
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.demo import run_demo, summary
    from skillway.demo_client import show_alive, show_without_client
    from skillway.organisation import find_repository

    repository = find_repository(Path.cwd())
    tell = out.say if out.wants_json else click.echo
    places, story = run_demo(repository, laptop or repository / ".skillway" / "laptop", tell)
    if no_client:
        story.skip("the real client: --no-client was given")
        show_without_client(places, story)
    else:
        show_alive(places, story)
    data = {"laptop": str(places.laptop), "steps": story.steps, "not_run": story.not_run}
    out.finish(data, summary(places, story))
