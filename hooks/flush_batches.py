"""Which waiting records make up the next request?

Neighbours in the spool: at most 1,000 events and 1 MB before compression, and of one hour, because backends store by
time. A batch knows which files it finishes and how far it goes in the last one. Leaves sending to `flush_run.py`.
"""

from flush_records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from flush_records import Reader
    from flush_spool import Spool
    from flush_state import State

MAX_EVENTS = 1000
MAX_BYTES = 1_000_000
_FRAME = 2048
"""Room for what stands around the records of a request, in bytes."""
_OBSERVED = 60
_HOUR_NS = 3600 * 10**9


class Batch:
    """Records that are sent together, and where each ends.

    Attributes:
        records: In the order of the spool.
        ends: For each record the file and the offset up to which it is done with it.
        lost: From reason to lines between them that are no records; counted when the batch is done, so once.
    """

    def __init__(self) -> None:
        self.records: "list[Record]" = []
        self.ends: "list[tuple[str, int]]" = []
        self.lost: "dict[str, int]" = {}
        self._bytes = _FRAME

    def takes(self, record: Record) -> bool:
        """Tell whether the record fits in as well."""
        if not self.records:
            return True
        is_same_hour = record.ts // _HOUR_NS == self.records[0].ts // _HOUR_NS
        has_room = len(self.records) < MAX_EVENTS and self._bytes + len(record.text) + _OBSERVED <= MAX_BYTES
        return is_same_hour and has_room

    def add(self, record: Record, name: str, end: int) -> None:
        """Take a record in."""
        self.records.append(record)
        self.ends.append((name, end))
        self._bytes += len(record.text) + _OBSERVED

    def stretch(self, name: str, end: int) -> bool:
        """Be done with more of the file that the last record is in; tell whether that is this file."""
        if not self.ends or self.ends[-1][0] != name:
            return False
        self.ends[-1] = (name, end)
        return True

    def lose(self, what: str, number: int = 1) -> None:
        """Count a line that is no record."""
        self.lost[what] = self.lost.get(what, 0) + number

    def parts(self) -> "tuple[Batch, Batch]":
        """Halve it."""
        middle = len(self.records) // 2
        halves = Batch(), Batch()
        halves[0].lost = self.lost
        for place, (record, (name, end)) in enumerate(zip(self.records, self.ends)):  # noqa: B905 - 3.9 has no strict
            halves[place >= middle].add(record, name, end)
        return halves

    def commit(self, waiting: "Spool", state: "State") -> None:
        """Write down that all of it is done.

        Raises:
            OSError: The disk does not take it.
        """
        for name, end in dict(self.ends).items():
            waiting.commit(name, end)
        count_lost(state, self.lost)
        state.count("unknown", sum(record.unknown for record in self.records))


def batches(waiting: "Spool", reader: "Reader") -> "Iterator[Batch]":
    """Give one batch after the other. The caller commits each before it takes the next.

    A file without any record, and what follows the last record of one, comes as a batch without records.
    """
    batch = Batch()
    for name in waiting.claims():
        between = Batch()
        for line, end in waiting.lines(name, waiting.offset(name)):
            record = reader.read(line)
            if isinstance(record, str):
                (batch if batch.stretch(name, end) else between).lose(record)
                continue
            if not batch.takes(record):
                yield batch
                batch = Batch()
            batch.add(record, name, end)
            for what, number in between.lost.items():
                batch.lose(what, number)
            between.lost = {}
        if not batch.stretch(name, waiting.size(name)):
            between.ends = [(name, waiting.size(name))]
            yield between
    if batch.records:
        yield batch


def count_lost(state: "State", lost: "dict[str, int]") -> None:
    """Count lines that are no records: torn ones apart, because what tore was never a whole record."""
    for what, number in lost.items():
        if what == "torn":
            state.count("torn", number)
        else:
            state.drop(what, number)
