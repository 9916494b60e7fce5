"""How is a verdict written so that no crash loses it?

One file for each run, opened for appending alone. An attempt is noted before it starts; a verdict counts once the
future that `append` gives is done, and by then it is on the disk (fsync). Verdicts that end at the same time share one fsync:
each waits for it, none is used before it. Reading is `store`'s part.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from skillway.errors import SkillwayError
from skillway_evals.store.line import BATCH, BEGIN, FORMAT, SHARD, VERDICT, Verdict, canonical, line_hash
from skillway_evals.store.signing import Signer


class StoreError(SkillwayError):
    """Whoever runs the evals must act: the store cannot be written."""

    code = "store"


class Journal:
    """The open shard of one run; an async context manager. The file is made with the first line.

    Args:
        folder: The store; made if needed.
        signer: Signs every verdict, or None for an advisory run.
        head: What the file says of its run, such as the client's version.
        clock: Seconds since the epoch.

    Attributes:
        file: The shard.
        signer_id: Id of the signing key, or None.
    """

    def __init__(
        self,
        folder: Path,
        *,
        signer: Signer | None = None,
        head: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock()))
        self.file = folder / f"{stamp}-{secrets.token_hex(4)}.jsonl"
        self.signer_id = signer.key_id if signer is not None else None
        self._signer = signer
        self._head = dict(head or {})
        self._clock = clock
        self._descriptor: int | None = None
        self._fault: OSError | None = None
        self._previous = ""
        self._waiting: list[asyncio.Future[None]] = []
        self._flush: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._flush is not None:
            await asyncio.wait([self._flush])
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def begin(self, key: str) -> None:
        """Note that an attempt starts. It is in the file when this returns, so that kill -9 cannot hide it.

        Raises:
            StoreError: The disk does not take it; nothing may be asked then.
        """
        self._write({"type": BEGIN, "key": key})

    def note_batch(self, batch: str, keys: Sequence[str]) -> None:
        """Note a batch that was sent, so that a later run collects it; in the file when this returns."""
        self._write({"type": BATCH, "batch": batch, "keys": list(keys)})

    def append(self, verdict: Verdict) -> asyncio.Future[None]:
        """Write what an attempt gave; it survives kill -9 when this returns, and power loss once the future is done.

        The next call may start before the future is done; the verdict may be used only after it.

        Raises:
            StoreError: The disk does not take it; also the future may say so.
        """
        record = {"type": VERDICT, "key": verdict.key, "kind": verdict.kind, "provenance": verdict.provenance}
        self._write({**record, "body": verdict.body})
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._sync_waiting())
        return done

    async def _sync_waiting(self) -> None:
        while self._waiting:
            served, self._waiting = self._waiting, []
            assert self._descriptor is not None
            try:
                await asyncio.to_thread(os.fsync, self._descriptor)
            except OSError as error:
                failure = _unwritable(self.file, error)
                _settle(served, failure)
                continue
            _settle(served, None)

    def _write(self, fields: Mapping[str, Any]) -> None:
        if self._fault is not None:  # the file may end in half a line, and nothing may follow that
            raise _unwritable(self.file, self._fault)
        try:
            if self._descriptor is None:
                self._open()
            self._write_line(fields)
        except OSError as error:
            self._fault = error
            raise _unwritable(self.file, error) from error

    def _open(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._write_line({"type": SHARD, "head": self._head})
        if hasattr(os, "O_DIRECTORY"):  # the name of the new file is durable with its folder only
            folder = os.open(self.file.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _write_line(self, fields: Mapping[str, Any]) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._clock()))
        record: dict[str, Any] = {"v": FORMAT, "at": at, "prev": self._previous, **fields}
        if self._signer is not None and record["type"] == VERDICT:
            record = self._signer.sign(record)
        line = canonical(record)
        assert self._descriptor is not None
        rest = memoryview(line + b"\n")
        while rest:  # a full disk may take a part; what is torn then is no line
            rest = rest[os.write(self._descriptor, rest) :]
        self._previous = line_hash(line)


def _settle(served: list[asyncio.Future[None]], failure: StoreError | None) -> None:
    for done in served:
        if done.done():  # its slot was cancelled while it waited; the line is in the file all the same
            continue
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)


def _unwritable(file: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The verdict file {file} cannot be written ({error.strerror or error}).",
        fix="Free space or mend the permissions, then run the same command again; what is written is not asked again.",
    )
