"""`skillway usage flush`: send what waits, now."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict

import click

from skillway.cli.output import Output, json_option


@click.command(name="flush")
@json_option
@click.pass_obj
def command(out: Output) -> None:
    """Send what waits on this machine, now and without regard to the back-off.

    Hooks and sync start this by themselves. What the receiver does not take stays. With SKILLWAY_TELEMETRY_DEBUG=1 the
    requests are printed to stderr instead.

    \b
    Example:
      skillway usage flush
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.errors import UndecidedError
    from skillway.telemetry.endpoint import resolve_endpoint
    from skillway.telemetry.spool import look_at_spool, own_state_folder
    from skillway.telemetry.spool_sender import send_spool
    from skillway.telemetry.wanted import is_refused

    endpoint = resolve_endpoint()
    if endpoint is None or endpoint.logs_url is None:
        if is_refused(os.environ):
            raise UndecidedError("DO_NOT_TRACK or SKILLWAY_TELEMETRY=0 is set, so nothing is sent.", fix="Unset it.")
        raise UndecidedError(
            "No endpoint is configured, so there is nowhere to send to.",
            fix="Set telemetry.endpoint or OTEL_EXPORTER_OTLP_ENDPOINT; docs/guides/telemetry.md explains both.",
        )
    state = own_state_folder()
    queued = len(look_at_spool(state).records)
    is_shown = sys.stderr.isatty() and not out.wants_json
    with click.progressbar(length=queued, label="Sending", file=sys.stderr, hidden=not is_shown) as bar:
        result = send_spool(state, endpoint, on_progress=bar.update)
    data = {"endpoint": endpoint.logs_url, "source": endpoint.source, **asdict(result)}
    text = f"{result.sent} records sent to {endpoint.logs_url}, {result.dropped} dropped, {result.left} left."
    if result.left and not result.sent:
        out.warn("nothing moved: another flusher may be at work, or records are still being written")
    out.finish(data, text, next_actions=["skillway usage status"] if result.left or result.dropped else [])
