"""What would be sent now? Prints the requests instead of sending them, and takes nothing out of the spool."""

import os
import sys
import time

from flush_batches import Batch
from flush_config import resource_attributes
from flush_records import Reader, request_body, resource_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flush_config import Config


def print_requests(folder: str, config: "Config") -> None:
    """Print one request per line to standard error.

    Args:
        folder: The user's state folder.
        config: Where it would go.
    """
    from flush_run import host, load_lists
    from flush_spool import Spool

    lists = load_lists()
    reader = Reader(lists)
    resource = resource_part(reader, lists["resource"], resource_attributes(config))
    waiting = Spool(folder + "/spool")
    batch = Batch()
    for name in waiting.waiting_files():
        for line, end in waiting.lines(name, waiting.offset(name)):
            record = reader.read(line)
            if isinstance(record, str):
                continue
            if not batch.takes(record):
                _print(batch, resource)
                batch = Batch()
            batch.add(record, name, end)
    if batch.records:
        _print(batch, resource)
    sys.stderr.write(
        f"skillway: debug: nothing was sent to {host(config.url) if config.url else 'anybody'}.{os.linesep}"
    )


def _print(batch: Batch, resource: str) -> None:
    sys.stderr.write(request_body(batch.records, resource, time.time_ns()).decode() + os.linesep)
