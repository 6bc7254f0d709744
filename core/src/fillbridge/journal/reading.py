"""Reading a journal without touching it, while a handler may be writing it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import msgspec

from fillbridge.journal.archive import ArchiveReader
from fillbridge.journal.checkpoints import CheckpointTest, checkpoint_file
from fillbridge.journal.errors import BrokenRecord, JournalUnusable
from fillbridge.journal.keys import read_key
from fillbridge.journal.places import Places, accounts, places
from fillbridge.journal.private_files import check_private
from fillbridge.journal.records import Note, Record
from fillbridge.journal.recovery import Recovered, check_row, records_of
from fillbridge.journal.store import Head, Row, Store
from fillbridge.journal.wal import LogTail, log_of, read_tail
from fillbridge.journal.writer import CLOSED, OPENED
from fillbridge_hooks import TERMINAL_STATUSES, OrderStatus

_ATTEMPTS = 20


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a look at every record of a journal."""

    account: str
    first: int
    """Number of the first record that is here; older ones were archived elsewhere."""
    last: int
    """Number of the last record that is as it was written."""
    chain: str
    """The chain's value there, as hexadecimal digits."""
    checkpoints: int
    """How many checkpoints agree."""
    is_sound: bool
    bad_seq: int | None = None
    """The first record that is not as it was written."""
    reason: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a journal stands at its end."""

    records: int
    epoch: int
    is_clean: bool
    """Whether the last run stopped in order."""
    open_trades: tuple[str, ...]
    """Trades that hold a position, or whose entry may still fill."""
    unknown_orders: tuple[str, ...]
    """Orders that left, and of which the broker has said nothing."""
    halted: str
    """Why no entry may leave; empty if they may."""
    stops: int
    """How often it was stopped or let go on, which the kill latch says too."""
    broken: str
    """What is not as it was written; empty if all is."""


class JournalReader:
    """A journal as it stood at one moment."""

    def __init__(self, where: Places, key: bytes, store: Store, tail: LogTail) -> None:
        self.account = where.account
        self._where = where
        self._key = key
        self._store = store
        self._tail = tail
        self._archive = ArchiveReader(where.archive, key, store.account, store.born)

    def start(self) -> Head:
        """The place before the first record that is here.

        :raises BrokenRecord: if it is not as it was written
        """
        return self._archive.start() or self._store.base()

    def rows(self) -> Iterator[tuple[Head, Row]]:
        """Each row that is as it was written, with the place after it, archived ones first.

        :raises BrokenRecord: at the first that is not
        """
        head = self.start()
        for row in self._archive.rows():
            head = check_row(self._key, head, row)
            yield head, row
        try:
            for row in self._store.rows(after=head.seq):
                head = check_row(self._key, head, row)
                yield head, row
        except apsw.Error as error:
            raise BrokenRecord(head.seq + 1, f"the file is damaged: {error}") from None
        if self._tail.is_damage:
            raise BrokenRecord(head.seq + 1, "commits that were acknowledged are damaged")

    def records(self) -> Iterator[tuple[int, int, Record]]:
        """Each record with its number and the time at which it was recorded, ns UTC.

        :raises BrokenRecord: at the first that is not as it was written
        """
        for _, row in self.rows():
            for seq, record in enumerate(records_of(row), row.seq):
                yield seq, row.wall_ns, record

    def last_note(self, kind: str) -> Note | None:
        """The last note of a kind; ``None`` where there is none.

        :raises BrokenRecord: if the journal is not as it was written
        """
        recovered = Recovered(self._key)
        recovered.read(self._store)
        if recovered.broken is not None:
            raise recovered.broken
        found = recovered.contents.notes.get(kind)
        return None if found is None else found.note

    def verify(self, checkpoints: Path | None = None) -> Verification:
        """Look at every record, the snapshots, and the checkpoints.

        :param checkpoints: the folder they stand in; the one beside the journal without it
        :raises JournalUnusable: if the folder has none of this account
        """
        test = CheckpointTest(self._checkpoints(checkpoints), self._key, self._store.born)
        first, head = 1, Head(0, b"")
        try:
            head = self.start()
            first = head.seq + 1
            test.begin(head)
            for after, _ in self.rows():
                head = after
                test.pass_by(head)
            test.end(head)
            recovered = Recovered(self._key)
            recovered.read(self._store)
            if recovered.broken is not None:
                raise recovered.broken
        except BrokenRecord as broken:
            return self._result(first, head, test, broken)
        return self._result(first, head, test, None)

    def standing(self) -> Standing:
        """How the journal stands at its end.

        Only what recovery needs is read: archived records are not.
        """
        recovered = Recovered(self._key)
        recovered.read(self._store)
        contents, broken = recovered.contents, recovered.broken
        if broken is None and self._tail.is_damage:
            broken = BrokenRecord(recovered.head.seq + 1, "acknowledged commits are damaged")
        opened, closed = contents.notes.get(OPENED), contents.notes.get(CLOSED)
        state = contents.state
        return Standing(
            records=recovered.head.seq,
            epoch=0 if opened is None else int(opened.note.payload["epoch"]),
            is_clean=recovered.head.seq == 0
            or (closed is not None and closed.seq == recovered.head.seq),
            open_trades=tuple(
                sorted(
                    trade.plan.trade_id
                    for trade in state.trades.values()
                    if trade.held or trade.entry.status not in TERMINAL_STATUSES
                )
            ),
            unknown_orders=tuple(
                sorted(
                    name
                    for name, (_, order) in state.orders.items()
                    if order.status is OrderStatus.UNKNOWN
                )
            ),
            halted="" if state.halted is None else state.halted.reason,
            stops=state.halts,
            broken="" if broken is None else str(broken),
        )

    def _result(
        self, first: int, head: Head, test: CheckpointTest, broken: BrokenRecord | None
    ) -> Verification:
        return Verification(
            account=self.account,
            first=first,
            last=head.seq,
            chain=head.chain.hex(),
            checkpoints=test.passed,
            is_sound=broken is None,
            bad_seq=None if broken is None else broken.seq,
            reason="" if broken is None else broken.reason,
        )

    def _checkpoints(self, folder: Path | None) -> Path | None:
        path = checkpoint_file(folder or self._where.checkpoints, self.account)
        if path.is_file():
            return path
        if folder is not None:
            raise JournalUnusable(f"{path}: expected checkpoints of account {self.account!r}")
        return None


def one_account(directory: Path, account: str | None) -> Places:
    """The journal of an account, or the only one there is.

    :raises JournalUnusable: if there is none, or several and none is named
    """
    found = accounts(directory)
    if account is None:
        if len(found) > 1:
            names = ", ".join(found)
            raise JournalUnusable(f"{directory}: expected one account, was {names}; name it")
        if not found:
            here = directory.resolve()
            if (here / "journal.db").is_file():
                said = f"expected the folder of all journals, {here.parent}, was an account's"
                raise JournalUnusable(f"{directory}: {said}")
            raise JournalUnusable(f"{directory}: expected a directory with a journal")
        account = found[0]
    where = places(directory, account)
    if not where.database.is_file():
        raise JournalUnusable(f"{where.database}: there is no journal of account {account!r}")
    return where


@contextmanager
def reading(where: Places, key_file: Path | None = None) -> Iterator[JournalReader]:
    """Read a copy of a journal, so that nothing about the journal itself changes.

    :raises JournalUnusable: if a file cannot be read, or others may read it
    :raises BrokenRecord: if the file is no database any more
    """
    check_private(where.database, "the journal")
    key = read_key(key_file or where.key)
    with tempfile.TemporaryDirectory(prefix="fillbridge-journal-") as folder:
        copy = Path(folder) / where.database.name
        _copy(where.database, copy)
        try:
            store = Store(copy, "process")
        except apsw.Error as error:
            raise BrokenRecord(1, f"the file is damaged: {error}") from None
        try:
            store.unlock(key)
            yield JournalReader(where, key, store, read_tail(copy, store.log_frames))
        finally:
            store.close(keep_log=True)


def _copy(database: Path, copy: Path) -> None:
    """Copy a database and its log as they were at one moment.

    While neither the database nor the beginning of the log changes, the log only grows.
    """
    for _ in range(_ATTEMPTS):
        before = _mark(database)
        shutil.copyfile(database, copy)
        log = log_of(database)
        if log.exists():
            shutil.copyfile(log, log_of(copy))
        else:
            log_of(copy).unlink(missing_ok=True)
        if _mark(database) == before:
            return
    raise JournalUnusable(f"{database}: it is written too fast to be copied; try again")


def _mark(database: Path) -> tuple[int, int, bytes]:
    status = database.stat()
    try:
        with log_of(database).open("rb") as file:
            beginning = file.read(32)
    except FileNotFoundError:
        beginning = b""
    return status.st_mtime_ns, status.st_size, beginning
