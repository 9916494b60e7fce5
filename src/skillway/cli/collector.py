"""`skillway collector`: receive telemetry on this machine and keep it in one file."""

from __future__ import annotations

import ipaddress
import json
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillway.cli.output import Output, json_option
from skillway.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from skillway.collector.server import Receiver
    from skillway.collector.store import Store
    from skillway.collector.writer import Writer

_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORT = 4318
_LEAST_TOKEN = 16
_TOLD_TOKENS = 200
_TICK_SECONDS = 0.5


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=_DEFAULT_PORT, show_default=True, help="0 takes a free one."
)
@click.option(
    "--host",
    default=_DEFAULT_HOST,
    show_default=True,
    help="Address to listen on; beyond loopback only with --token-file.",
)
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    envvar="SKILLWAY_USAGE_STORE",
    help="The file; $SKILLWAY_USAGE_STORE. [default: usage.db in the user's state folder]",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help="File with the token that senders must show as 'Authorization: Bearer'.",
)
@click.option(
    "--keep-days",
    type=click.IntRange(1),
    metavar="N",
    help="Remove events that are older than N days. [default: keep all]",
)
@json_option
@click.pass_obj
def command(
    out: Output, port: int, host: str, store: Path | None, token_file: Path | None, keep_days: int | None
) -> None:
    """Receive telemetry over OTLP/HTTP and keep it, until Ctrl-C.

    Takes logs, metrics and traces of skillway and of Claude Code itself, as protobuf or JSON. Who the person was and
    what was said (user.email, prompts, commands) is never kept. An answer of 200 means that the events are on disk.

    \b
    Example:
      skillway collector
      skillway collector --store /srv/usage.db --host 0.0.0.0 --token-file /etc/skillway-token --keep-days 400
      skillway usage report
    """  # noqa: D301 - click's mark for "do not re-wrap"
    from skillway.collector.retention import Retention
    from skillway.collector.store import default_store, lock_store, open_store
    from skillway.collector.writer import Writer

    token = _read_token(token_file) if token_file else None
    if token is None and not _is_loopback(host):
        raise click.UsageError(f"--host {host} is open to other machines, so it needs --token-file too.")
    place = store or default_store()
    with lock_store(place):
        opened = open_store(place)
        _warn_of_open_file(out, place)
        retention = Retention(opened, keep_days) if keep_days else None
        writer = Writer(opened, *([retention.tend] if retention else []))
        receiver = _listen(host, port, writer, token)
        with _serving(receiver, writer, opened) as ended:
            _announce(out, receiver, place, token_file)
            _show_counts(receiver, writer, ended)
    counts = writer.counts
    out.say(f"Stopped. {counts.stored} events stored, {counts.duplicates} were there already.")


def _listen(host: str, port: int, writer: Writer, token: str | None) -> Receiver:
    from skillway.collector.server import Receiver

    try:
        return Receiver((host, port), writer, token=token)
    except OSError as error:
        raise ConflictError(
            f"The collector cannot listen on {host}:{port}: {error.strerror or error}.",
            fix="Another receiver may be running there; end it, or take another port.",
            next_actions=(f"skillway collector --port {port + 1 if 0 < port < 65535 else 0}",),  # noqa: PLR2004 - the last port
        ) from error


@contextmanager
def _serving(receiver: Receiver, writer: Writer, store: Store) -> Iterator[threading.Event]:
    """Receive while inside; the event is set by SIGINT and SIGTERM. What still waits at the end is written."""
    ended = threading.Event()
    former = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    writer.start()
    threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    try:
        yield ended
    finally:
        receiver.shutdown()
        writer.stop()
        receiver.server_close()
        store.close()
        for number, handler in former.items():
            signal.signal(number, handler)


def _show_counts(receiver: Receiver, writer: Writer, ended: threading.Event) -> None:
    """Keep one line of counts up to date on stderr, when that is a terminal; else tell of new errors only."""
    is_terminal = sys.stderr.isatty()
    told = None
    started = time.monotonic()
    while not ended.wait(_TICK_SECONDS):
        counts = writer.counts
        problem = counts.error.message if counts.error else ""
        if is_terminal:
            rate = counts.stored / max(1e-9, time.monotonic() - started)
            line = f"{counts.stored} events stored ({rate:.0f}/s), {counts.duplicates} duplicates, {receiver.rejected} rejected, {receiver.requests} requests"
            shown = f"{problem} {line}".strip()[: shutil.get_terminal_size().columns - 1]
            click.echo(f"\r\033[K{shown}", nl=False, err=True)
        elif problem and problem != told:
            click.echo(f"warning: {problem} {counts.error.fix if counts.error else ''}", err=True)
        told = problem
    if is_terminal:
        click.echo("", err=True)


def _announce(out: Output, receiver: Receiver, place: Path, token_file: Path | None) -> None:
    header = {"Authorization": "Bearer TOKEN"} if token_file else {}
    # a receiver on all addresses is reached by the machine's name
    address = receiver.url.replace("0.0.0.0", socket.gethostname()).replace("[::]", socket.gethostname())  # noqa: S104
    telemetry: dict[str, object] = {"endpoint": address}
    native: dict[str, str] = {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
    }
    if header:
        telemetry["headers"] = header
        native["OTEL_EXPORTER_OTLP_HEADERS"] = "Authorization=Bearer TOKEN"
    data = {"endpoint": receiver.url, "store": str(place), "config": {"telemetry": telemetry}, "environment": native}
    lines = [
        f"Receiving OTLP/HTTP on {receiver.url}, storing in {place}. Ctrl-C ends it.",
        "",
        "A laptop sends here with this in its config.json (then: skillway-sync run):",
        f"  {json.dumps({'telemetry': telemetry})}",
        "",
        "Claude Code's own telemetry, which brings the cost, comes with this in the environment or in settings 'env':",
        *[f"  {name}={value}" for name, value in native.items()],
    ]
    out.finish(data, "\n".join(lines), next_actions=["skillway usage report"])
    sys.stdout.flush()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_token(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(
            f"The token file {path} cannot be read: {error}.",
            fix="Make one that only you can read.",
            next_actions=(f"(umask 077; openssl rand -hex 32 > {path})",),
        ) from error
    if (
        len(token) < _LEAST_TOKEN
        or len(token) > _TOLD_TOKENS
        or not token.isascii()
        or not token.isprintable()
        or " " in token
    ):
        raise click.UsageError(
            f"{path} holds no token: it has {len(token)} characters; expected {_LEAST_TOKEN} to {_TOLD_TOKENS}, without blanks."
        )
    return token


def _warn_of_open_file(out: Output, place: Path) -> None:
    if sys.platform != "win32" and place.stat().st_mode & 0o077:
        out.warn(f"other users of this machine can get at {place}; close it with: chmod go= {place}")
