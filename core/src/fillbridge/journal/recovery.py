"""Reading a journal back: its chain, and the state that its records fold into."""

from typing import Literal

import apsw
import msgspec

from fillbridge.journal import chain
from fillbridge.journal.contents import Contents
from fillbridge.journal.errors import BrokenRecord
from fillbridge.journal.records import Record, count, unpack
from fillbridge.journal.store import Head, Row, Snapshot, Store

Status = Literal["new", "clean", "recovered", "lost", "quarantined"]

_DOES_NOT_FOLLOW = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError)


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """How a journal was found when it was opened."""

    status: Status
    """``new``: the first start. ``clean``: the last run stopped in order. ``recovered``: it did
    not. ``lost``: there was a journal and it is gone, or this is an older copy of it.
    ``quarantined``: it is damaged or was changed, so nothing can be recorded."""
    reason: str
    """What is to be said of it; empty where nothing is."""
    records: int
    """How many records were folded."""
    torn_bytes: int
    """Size of an incomplete last commit, which was dropped: it was never acknowledged."""
    seconds: float
    """How long it took, by the clock that was given."""


def check_row(key: bytes, head: Head, row: Row) -> Head:
    """The place after ``row``, which must follow ``head``.

    :raises BrokenRecord: if it does not, or is not as it was written
    """
    expected = head.seq + 1
    if row.seq != expected:
        raise BrokenRecord(expected, f"expected it after {head.seq}, found {row.seq} there")
    records = count(row.payload)
    value = chain.link(key, head.chain, row.seq, row.wall_ns, row.payload)
    if not records or not chain.same(value, row.chain):
        raise BrokenRecord(expected, "it or its place in the chain was changed")
    return Head(head.seq + records, value)


class Recovered:
    """What could be read of a journal, up to where it is as it was written."""

    def __init__(self, key: bytes) -> None:
        self.contents = Contents()
        self.head = Head(0, b"")
        """The place after the last record that was verified."""
        self.replayed = 0
        self.snapshots: list[int] = []
        """The places of the snapshots, the oldest first."""
        self.broken: BrokenRecord | None = None
        self._key = key
        self._ahead: list[Snapshot] = []
        self._is_folding = False

    def read(self, store: Store) -> None:
        """Verify every row that is there, and fold those after the oldest snapshot.

        A newer snapshot is compared with the fold of the records between them. Damage ends it,
        and then stands in ``broken``.
        """
        try:
            self._read(store)
        except BrokenRecord as broken:
            self.broken = broken
        except apsw.Error as error:
            self.broken = BrokenRecord(self.head.seq + 1, f"the file is damaged: {error}")

    def _read(self, store: Store) -> None:
        self.head = store.base()
        self._ahead = store.snapshots()
        self.snapshots = [snapshot.head.seq for snapshot in self._ahead]
        if self.head.seq and (not self.snapshots or self.snapshots[0] < self.head.seq):
            raise BrokenRecord(self.head.seq, "expected a snapshot after it, was none")
        self._is_folding = not self._ahead
        self._meet()
        for row in store.rows():
            head = check_row(self._key, self.head, row)
            if self._is_folding:
                self._fold(row)
            self.head = head
            self._meet()
        if self._ahead:
            last = self._ahead[-1].head.seq
            raise BrokenRecord(self.head.seq + 1, f"expected records up to {last}, as a snapshot")

    def _fold(self, row: Row) -> None:
        seq = row.seq
        for record in records_of(row):
            try:
                self.contents.apply(record, seq)
            except _DOES_NOT_FOLLOW as error:
                kind = type(record).__name__
                cause = f"{type(error).__name__}: {error}"
                raise BrokenRecord(
                    seq, f"a {kind} that does not follow from the records before it ({cause})"
                ) from error
            seq += 1
            self.replayed += 1

    def _meet(self) -> None:
        """Take the first snapshot for what it holds; compare each later one."""
        if not self._ahead or self._ahead[0].head.seq > self.head.seq:
            return
        snapshot = self._ahead.pop(0)
        seq = snapshot.head.seq
        if snapshot.head != self.head:
            raise BrokenRecord(seq, "the snapshot after it belongs to another chain")
        if self._is_folding:
            if self.contents.encode() != snapshot.content:
                raise BrokenRecord(seq, "the snapshot after it is not the fold of the records")
            return
        self._is_folding = True
        try:
            self.contents = Contents.decode(snapshot.content)
        except msgspec.MsgspecError as error:
            raise BrokenRecord(seq, f"the snapshot after it cannot be read: {error}") from None


def records_of(row: Row) -> list[Record]:
    """The records of a row.

    :raises BrokenRecord: if this version cannot read them
    """
    try:
        return unpack(row.payload)
    except msgspec.MsgspecError as error:
        raise BrokenRecord(row.seq, f"this version cannot read it: {error}") from None
