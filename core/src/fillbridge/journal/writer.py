"""The open journal of one account."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec

from fillbridge.engine import EngineState
from fillbridge.engine.messages import Event
from fillbridge.journal import chain
from fillbridge.journal.archive import Archive, ArchiveReader
from fillbridge.journal.checkpoints import Checkpoint, add_checkpoint
from fillbridge.journal.contents import copy_state, state_bytes
from fillbridge.journal.errors import JournalFailed, StateDiverged
from fillbridge.journal.records import Note, decode, encode, pack, unpack
from fillbridge.journal.recovery import Recovered, Recovery
from fillbridge.journal.store import Head, Row, Snapshot, Store
from fillbridge_hooks import InvalidValue

_logger = logging.getLogger(__name__)

OPENED = "journal.opened"
CLOSED = "journal.closed"
LOST = "journal.lost"
_OWN = "journal."

_KEPT_SNAPSHOTS = 2
_ROWS_MOVED = 128
_COMMITS_BETWEEN_MOVES = 64


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How often a journal does what keeps it small and provable."""

    snapshot_records: int = 10_000
    checkpoint_records: int = 1_000
    checkpoint_directory: Path


class Journal:
    """The open journal of an account; made by :func:`open_journal`.

    Nobody else can open it until :meth:`close`. Everything here waits for the disk, and nothing
    of it grows with the number of records.
    """

    def __init__(
        self,
        store: Store | None,
        archive_folder: Path,
        key: bytes,
        account: str,
        epoch: int,
        recovered: Recovered,
        recovery: Recovery,
        settings: Settings,
        release: Callable[[], None],
    ) -> None:
        self.account = account
        self.epoch = epoch
        """The number of this start; it rises with each, whatever happened to the journal."""
        self.recovery = recovery
        """How the journal was found."""
        self.state = copy_state(recovered.contents.state)
        """What the records of earlier runs fold into; the caller's own from here on."""
        self._store = store
        self._key = key
        self._settings = settings
        self._release = release
        self._contents = recovered.contents
        self._head = recovered.head
        self._pending: list[bytes] = []
        self._pending_ns = 0
        self._failure = ""
        if recovery.status == "quarantined":
            self._failure = f"it is quarantined: {recovery.reason}"
        self._snapshot_at = recovered.snapshots[-1] if recovered.snapshots else 0
        self._checkpoint_at = recovered.head.seq
        self._archived_to = recovered.snapshots[0] if recovered.snapshots else 0
        """Records up to here belong into the archive."""
        self._commits = 0
        self._is_unchecked = False
        born = 0 if store is None else store.born
        self._archive: Archive | None = Archive(
            archive_folder, key, account, born, settings.snapshot_records
        )
        self._archive_folder = archive_folder

    @property
    def last_seq(self) -> int:
        """The number of the last record that was committed; 0 where there is none."""
        return self._head.seq

    @property
    def failure(self) -> str:
        """Why nothing can be recorded; empty as long as it can."""
        return self._failure

    # Recording

    def append(self, events: Sequence[Event], now_ns: int) -> None:
        """Take events of the engine, in order, for the next commit.

        Changes of positions are derived and stand right after their fills.

        :raises InvalidValue: if one holds what cannot be written; none was taken
        :raises StateDiverged: if one does not follow from what was recorded; none counts
        :raises JournalFailed: if nothing can be recorded any more
        """
        self._check_usable()
        encoded = [encode(event) for event in events]
        contents = self._contents
        pending = self._pending
        for one in encoded:
            event: Any = decode(one)  # as it will be read back
            try:
                change = contents.record(event, now_ns)
            except LookupError as error:
                self._fail(f"a {type(event).__name__} does not follow: {error!r}")
                raise StateDiverged(
                    f"account {self.account!r}: {type(event).__name__} does not follow from the "
                    f"records before it ({type(error).__name__}: {error})"
                ) from error
            pending.append(one)
            if change is not None:
                pending.append(encode(change))
                contents.apply(change, 0)
        self._pending_ns = now_ns

    def note(self, kind: str, payload: Mapping[str, Any], now_ns: int) -> None:
        """Take something that is no event of the engine for the next commit.

        :param kind: what it is, as :meth:`notes` is asked for it; not ``journal.`` anything
        :param payload: plain values: text, numbers, bytes, lists, mappings by text
        :raises InvalidValue: if ``kind`` is the journal's own, or a value is not plain
        :raises JournalFailed: if nothing can be recorded any more
        """
        if not kind or kind.startswith(_OWN):
            raise InvalidValue("kind", f"a word that does not begin with {_OWN}", kind)
        self.record_own(kind, payload, now_ns)

    def record_own(self, kind: str, payload: Mapping[str, Any], now_ns: int) -> None:
        """Take a note of any kind: for the journal's own, about itself."""
        self._check_usable()
        encoded = encode(Note(kind, dict(payload), now_ns))
        self._pending.append(encoded)
        self._contents.apply(decode(encoded), self._head.seq + len(self._pending))
        self._pending_ns = now_ns

    def commit(self) -> None:
        """Make everything that was appended durable, in one transaction.

        :raises JournalFailed: if that failed: nothing of it counts, and nothing can be recorded
            any more
        """
        self._check_usable()
        if self._pending:
            self._commit(is_last=False)

    def _commit(self, *, is_last: bool) -> None:
        payload = pack(self._pending)
        head = self._head
        value = chain.link(self._key, head.chain, head.seq + 1, self._pending_ns, payload)
        row = Row(head.seq + 1, self._pending_ns, payload, value)
        after = Head(row.last, value)
        is_snapshot_due = (
            is_last or after.seq - self._snapshot_at >= self._settings.snapshot_records
        )
        self._commits += 1
        is_move_due = self._commits % _COMMITS_BETWEEN_MOVES == 0
        try:
            if is_snapshot_due or is_move_due:
                self._write_with_care(row, after, is_snapshot_due)
            else:
                self._writable.add(row)
        except (apsw.Error, OSError) as error:
            raise self._fail(str(error)) from error
        self._head = after
        self._pending.clear()
        if is_last or after.seq - self._checkpoint_at >= self._settings.checkpoint_records:
            self._checkpoint()

    def _write_with_care(self, row: Row, after: Head, is_snapshot_due: bool) -> None:
        store = self._writable
        moved = self._move_to_archive()
        with store.transaction():
            store.add(row)
            if is_snapshot_due:
                snapshot = Snapshot(after, self._contents.encode())
                self._archived_to = store.add_snapshot(snapshot, _KEPT_SNAPSHOTS)
                self._snapshot_at = after.seq
                self._is_unchecked = True
            if moved is not None:
                store.drop_until(moved)

    def _move_to_archive(self) -> Head | None:
        """Copy the oldest rows that only history needs; where they end."""
        if self._archive is None:
            return None
        store = self._writable
        base = store.base()
        if base.seq >= self._archived_to:
            return None
        rows = [row for row in store.rows(limit=_ROWS_MOVED) if row.last <= self._archived_to]
        if not rows:
            return None
        try:
            self._archive.add(base, rows)
        except OSError as error:
            _logger.warning("account %s: the archive cannot be written: %s", self.account, error)
            self._archive = None
            return None
        return Head(rows[-1].last, rows[-1].chain)

    def _checkpoint(self) -> None:
        """Sign the head; the journal stands without it, so a failure is only said."""
        self._checkpoint_at = self._head.seq
        checkpoint = Checkpoint(
            account=self.account,
            born=self._writable.born,
            epoch=self.epoch,
            seq=self._head.seq,
            chain=self._head.chain.hex(),
            time_ns=self._pending_ns,
        )
        try:
            add_checkpoint(self._settings.checkpoint_directory, checkpoint.sealed(self._key))
        except OSError as error:
            _logger.warning("account %s: no checkpoint can be written: %s", self.account, error)

    # Reading

    def notes(self, kind: str) -> Iterator[Note]:
        """The notes of a kind, the newest first: the first at once, others by reading back."""
        last = self._contents.notes.get(kind)
        if last is None:
            return
        yield last.note
        before = last.seq
        for place, encoded in reversed(list(enumerate(self._pending, self._head.seq + 1))):
            if place < before:
                record = decode(encoded)
                if type(record) is Note and record.kind == kind:
                    yield record
        before = min(before, self._head.seq + 1)
        for row in self._rows_back(before):
            found = unpack(row.payload)[: before - row.seq]
            for record in reversed(found):
                if type(record) is Note and record.kind == kind:
                    yield record

    def _rows_back(self, before: int) -> Iterator[Row]:
        if self._store is None:
            return
        for row in self._store.rows_back(before):
            yield row
            before = row.seq
        archive = ArchiveReader(self._archive_folder, self._key, self.account, self._store.born)
        yield from archive.rows_back(before)

    def check(self, live: EngineState, *, always: bool = False) -> None:
        """Compare what the caller's engine holds with the fold of the journal.

        Call it when everything appended has been folded; it does its work once for each
        snapshot, unless ``always``.

        :raises StateDiverged: if they differ
        """
        if not self._is_unchecked and not always:
            return
        self._is_unchecked = False
        if state_bytes(copy_state(live)) != state_bytes(self._contents.state):
            self._fail("the engine's state is not the fold of the journal")
            raise StateDiverged(
                f"account {self.account!r}: expected the fold of the journal up to record "
                f"{self._head.seq + len(self._pending)}, was another state"
            )

    # The end

    def close(self, clean: bool) -> None:
        """Give the account back.

        :param clean: whether the run ends in order: that is recorded, with a snapshot. Without it
            what was appended and not committed is dropped.
        :raises JournalFailed: if a clean end cannot be recorded; the account is given back
        """
        if self._store is None:
            self._release()
            return
        is_usable = not self._failure
        try:
            if clean and is_usable:
                self.record_own(CLOSED, {"epoch": self.epoch}, self._pending_ns)
                self._commit(is_last=True)
        finally:
            self._store.close(keep_log=bool(self._failure))
            self._store = None
            self._failure = self._failure or "it is closed"
            self._release()

    @property
    def _writable(self) -> Store:
        if self._store is None:
            raise JournalFailed(f"account {self.account!r}: nothing is recorded: it is closed")
        return self._store

    def _check_usable(self) -> None:
        if self._failure:
            raise JournalFailed(f"account {self.account!r}: nothing is recorded: {self._failure}")

    def _fail(self, reason: str) -> JournalFailed:
        self._failure = reason
        return JournalFailed(f"account {self.account!r}: nothing is recorded any more: {reason}")
