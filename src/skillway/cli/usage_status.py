"""`skillway usage status`: how the spool and its sending are doing."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from skillway.cli.output import Output, json_option

if TYPE_CHECKING:
    from skillway.telemetry.sending_state import SendingState
    from skillway.telemetry.spool import SpoolLook


@click.command(name="status")
@json_option
@click.pass_obj
def command(out: Output) -> None:
    """Show what waits to be sent, what was dropped and why, and how sending goes.

    \b
    Example:
      skillway usage status --json
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.telemetry.endpoint import resolve_endpoint
    from skillway.telemetry.sending_state import load_sending_state
    from skillway.telemetry.spool import look_at_spool, own_state_folder

    state, now = own_state_folder(), time.time()
    look, sending, endpoint = look_at_spool(state), load_sending_state(state), resolve_endpoint()
    for name in sorted({*look.foreign, *sending.foreign}):
        out.warn(f"{state / 'spool' / name} is not the spool's own file and is left alone")
    if sending.fault:
        out.warn(f"{sending.fault}; its figures start again with the next flush")
    where = None if endpoint is None else {"url": endpoint.url, "source": endpoint.source, "key_id": endpoint.key_id}
    dropped = _added(look.dropped, sending.dropped)
    data = {
        "spool": str(state / "spool"),
        "queued": len(look.records),
        "bytes": look.size,
        "oldest_seconds": None if look.oldest is None else round(max(now - look.oldest, 0.0)),
        "torn": look.torn + sending.torn,
        "dropped": dropped,
        "quarantine": sending.poison,
        "endpoint": where,
        "sending": asdict(sending),
    }
    out.finish(data, "\n".join(_lines(data, look, sending, now)), next_actions=_actions(data))


def _added(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {reason: one.get(reason, 0) + other.get(reason, 0) for reason in sorted({*one, *other})}


def _lines(data: dict[str, Any], look: SpoolLook, sending: SendingState, now: float) -> list[str]:
    from skillway_sync.status import age_text

    where, oldest = data["endpoint"], data["oldest_seconds"]
    rows = [
        ("queued", f"{data['queued']} records, {look.size} bytes" + (f", oldest {age_text(oldest)}" if oldest else "")),
        ("sent", f"{sending.sent} records"),
        ("dropped", ", ".join(f"{count} {reason}" for reason, count in data["dropped"].items()) or "none"),
        ("torn", f"{data['torn']} lines"),
        ("unknown", f"{sending.unknown} records"),
        (
            "quarantine",
            ", ".join(f"{each.get('name')} ({each.get('bytes')} bytes)" for each in sending.poison) or "none",
        ),
        ("endpoint", "none: records stay on this machine" if where is None else f"{where['url']} ({where['source']})"),
        ("key", (where and where["key_id"]) or sending.key_id or "no name"),
        ("last flush", f"{age_text(now - sending.last_success)} ago" if sending.last_success else "never"),
    ]
    if sending.failure:
        wait = max(sending.next_try - now, 0.0)
        rows.append(
            ("failing", f"{sending.failure} ({sending.detail}), {sending.failing} times; next try in {age_text(wait)}")
        )
    if sending.skew_s:
        rows.append(
            ("clock", f"{abs(sending.skew_s)} s {'ahead of' if sending.skew_s > 0 else 'behind'} the receiver's")
        )
    return [f"{name:<12} {text}" for name, text in rows]


def _actions(data: dict[str, Any]) -> list[str]:
    if not data["queued"]:
        return []
    return ["skillway usage show", *(["skillway usage flush"] if data["endpoint"] else [])]
