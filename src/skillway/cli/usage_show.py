"""`skillway usage show`: the exact records that wait to be sent."""

from __future__ import annotations

import json

import click

from skillway.cli.output import Output, json_option


@click.command(name="show")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="How many at most, newest last.")
@json_option
@click.pass_obj
def command(out: Output, limit: int) -> None:
    """Print the exact records that wait on this machine to be sent, one JSON object a line.

    Nothing is sent by this. What each attribute means is in docs/guides/telemetry.md; DO_NOT_TRACK=1 or
    SKILLWAY_TELEMETRY=0 stops recording, unless your organisation's policy says otherwise.

    \b
    Example:
      skillway usage show
      skillway usage show --limit 5 --json
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.telemetry.spool import look_at_spool, own_state_folder

    state = own_state_folder()
    look = look_at_spool(state)
    shown = look.records[-limit:]
    for name in look.foreign:
        out.warn(f"{state / 'spool' / name} is not the spool's own file and is left alone")
    if look.torn:
        out.warn(f"{look.torn} torn {'line is' if look.torn == 1 else 'lines are'} not sent")
    data = {"spool": str(state / "spool"), "records": shown, "queued": len(look.records), "torn": look.torn}
    lines = [json.dumps(record, ensure_ascii=False) for record in shown]
    out.finish(data, "\n".join(lines) or f"Nothing is queued in {state / 'spool'}.", next_actions=[])
