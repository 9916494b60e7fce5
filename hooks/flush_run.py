"""What does one run of the flusher do, and when does it do nothing?

One process at a time and 20 seconds at most: take files from the writers, drop what is over the limits, send batch
after batch, note each answer. Without an endpoint records stay where they are. Whatever goes wrong, the run ends with
0 and what was not sent stays: nobody sees this process but in `flush.json`.
"""

import json
import os
import sys
import time

import spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from flush_answer import Answer
    from flush_batches import Batch
    from flush_config import Config
    from flush_http import Sender
    from flush_spool import Spool
    from flush_state import State

BUDGET_S = 20.0
WITHOUT_ENDPOINT_S = 3600.0
"""How long hooks start no flusher when there is nowhere to send to, in seconds."""
MAX_POISON_AT_FIRST = 10
"""A receiver that refuses so many events and has taken none refuses all: its fault, and the records stay."""


def main() -> None:
    """Run once; always ends with 0."""
    try:
        _run()
    except Exception as error:
        _note(error)
    sys.stdout.flush()
    os._exit(0)


def _run() -> None:
    from flush_config import load_config

    config = load_config()
    if spool.opted_out() and not config.always:
        return
    folder = spool.state_folder()
    if not folder or not os.path.isdir(folder) or not spool.own_folder(folder):
        return
    if os.environ.get("SKILLWAY_TELEMETRY_DEBUG") == "1":
        from flush_debug import print_requests

        print_requests(folder, config)
        return
    lock = _lock(folder + "/flush.lock")
    if lock is not None:
        _flush(folder, config)


def _note(error: Exception) -> None:
    """Leave the name of an error that nothing foresaw where `usage status` finds it."""
    try:
        from flush_state import State

        state = State(spool.state_folder())
        state.failed("config", type(error).__name__)
        state.save()
        state.mark()
    except Exception:
        pass


def _lock(path: str) -> "object | None":
    """Become the only flusher; None when there is another. The kernel lets go when the holder ends, however it ends."""
    descriptor = spool.open_own(path)
    if descriptor < 0:
        return None
    try:
        try:
            from fcntl import LOCK_EX, LOCK_NB, flock

            flock(descriptor, LOCK_EX | LOCK_NB)
        except ImportError:
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # Windows alone
    except OSError:
        os.close(descriptor)
        return None
    return (descriptor,)


def _flush(folder: str, config: "Config") -> None:
    from flush_bounds import enforce
    from flush_spool import Spool
    from flush_state import State

    state = State(folder)
    state.mark()
    waiting = Spool(folder + "/spool")
    state.values["foreign"] = waiting.foreign()[:20]
    if config.url and not state.is_waiting(host(config.url), config.key_id):
        import flush_daily

        flush_daily.keep_own_records(waiting, state, config)
        waiting.claim()
        Run(waiting, state, config).send_all()
    else:
        waiting.claim_old()
    # After the sending: what is too old and could be sent is worth more than its age.
    enforce(waiting, state)
    state.save()
    state.mark(0 if config.url else WITHOUT_ENDPOINT_S)


def host(url: str) -> str:
    """Give what may be shown of an endpoint: no login, no path."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")


def load_lists() -> "dict[str, Any]":
    """Read the whole list of events.

    Raises:
        Exception: It is missing or broken; then nothing may be sent.
    """
    with open(os.path.dirname(os.path.abspath(__file__)) + "/" + spool.ALLOW_LIST, encoding="utf-8") as file:
        lists: "dict[str, Any]" = json.load(file)
    return lists


class Run:
    """The sending part of one run.

    Args:
        waiting: The claimed files.
        state: Where each answer is noted.
        config: Where to send.
    """

    def __init__(self, waiting: "Spool", state: "State", config: "Config") -> None:
        from flush_config import resource_attributes
        from flush_records import Reader

        self._waiting = waiting
        self._state = state
        self._lists = load_lists()
        self._reader = Reader(self._lists)
        self._resource = resource_attributes(config)
        self._sender = self._make_sender(config)
        self._poisoned = self._accepted = 0
        state.values.update(endpoint=host(config.url), key_id=config.key_id)

    def _make_sender(self, config: "Config") -> "Sender":
        from flush_http import Sender

        return Sender(config, time.monotonic() + BUDGET_S)

    def send_all(self) -> None:
        """Send until nothing waits, the receiver has had enough, or the time is up."""
        from flush_batches import batches

        try:
            for batch in batches(self._waiting, self._reader):
                if self._sender.seconds_left() <= 0 or not self._send(batch):
                    break
        finally:
            self._sender.close()

    def _send(self, batch: "Batch") -> bool:
        """Send one batch, in parts when it is refused as a whole; tell whether to go on."""
        from flush_answer import ACCEPTED, SPLIT, judge

        if not batch.records:
            batch.commit(self._waiting, self._state)
            return True
        answer = self._post(batch)
        verdict = judge(answer, len(batch.records), time.time())
        self._learn_clock(answer)
        if verdict.kind == ACCEPTED:
            self._accept(batch, verdict.rejected, verdict.failure)
            return True
        if verdict.kind == SPLIT:
            return self._split(batch, answer)
        self._state.failed(verdict.failure, answer.detail, verdict.wait)
        self._state.save()
        return False

    def _post(self, batch: "Batch") -> "Answer":
        from flush_records import request_body, resource_part

        values = {**self._resource, "skillway.clock.skew_s": self._state.values["skew_s"] or None}
        resource = resource_part(self._reader, self._lists["resource"], values)
        return self._sender.post(request_body(batch.records, resource, time.time_ns()))

    def _learn_clock(self, answer: "Answer") -> None:
        from flush_answer import skew

        ahead = skew(answer.headers, time.time())
        if ahead is not None:
            self._state.values["skew_s"] = ahead

    def _accept(self, batch: "Batch", rejected: int, failure: str) -> None:
        import flush_summary

        batch.commit(self._waiting, self._state)
        self._accepted += len(batch.records)
        self._state.count("sent", len(batch.records) - rejected)
        self._state.drop("rejected", rejected)
        flush_summary.add(batch, self._state)
        self._state.succeeded()
        self._state.values["failure"] = failure
        self._state.save()

    def _split(self, batch: "Batch", answer: "Answer") -> bool:
        """Find the events that the receiver cannot bear, and let the others through."""
        if len(batch.records) > 1:
            if self._sender.seconds_left() <= 0:
                return False
            first, second = batch.parts()
            return self._send(first) and self._send(second)
        if not self._accepted and self._poisoned >= MAX_POISON_AT_FIRST:
            from flush_answer import LONGEST_WAIT_S

            self._state.failed("config", answer.detail, LONGEST_WAIT_S)
            self._state.save()
            return False
        self._poisoned += 1
        (record,) = batch.records
        batch.commit(self._waiting, self._state)
        self._state.keep_poison(record.name, record.size, answer.status)
        self._state.save()
        return True
