"""What keeps a journal small and provable: snapshots, the archive, checkpoints."""

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from fillbridge.journal.archive import Archive
from fillbridge.journal.checkpoints import Checkpoint, add_checkpoint
from fillbridge.journal.contents import Contents
from fillbridge.journal.store import Head, Row, Snapshot, Store

_logger = logging.getLogger(__name__)

_KEPT_SNAPSHOTS = 2
"""The last, and one to fall back on: the records between them prove the last."""
_ROWS_MOVED = 128
_COMMITS_BETWEEN_MOVES = 64
_OVERDUE = 4
"""So many times later than it is due it is done with a commit that an order waits for, too."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How much is recorded between two snapshots and two checkpoints, and where those go."""

    snapshot_records: int = 10_000
    checkpoint_records: int = 1_000
    checkpoint_directory: Path


class Upkeep:
    """Writes rows, and along with some of them what else is due.

    Work is done in small pieces, each with the commit that it falls on, so that none takes long;
    and with one that no order waits for, where that comes in time.
    """

    def __init__(
        self,
        store: Store,
        archive: Archive,
        settings: Settings,
        snapshots: Sequence[int],
        last_seq: int,
    ) -> None:
        """Go on from where the last run stopped.

        :param snapshots: the places of the snapshots there are, the oldest first
        :param last_seq: the number of the last record
        """
        self._store = store
        self._archive: Archive | None = archive
        self._settings = settings
        self._snapshot_at = snapshots[-1] if snapshots else 0
        self._archive_to = snapshots[0] if snapshots else 0
        self._checkpoint_at = last_seq
        self._commits = 0

    def write(
        self, row: Row, after: Head, contents: Contents, *, is_last: bool, is_urgent: bool
    ) -> bool:
        """Write a row in one transaction; whether a snapshot was taken with it.

        :param after: the place after the row
        :param contents: what all records fold into, this row's included
        :param is_last: whether the run ends here: a snapshot is due
        :param is_urgent: whether an order waits for it
        :raises apsw.Error: if nothing was written
        """
        recorded = after.seq - self._snapshot_at
        is_snapshot_due = is_last or _is_due(recorded, self._settings.snapshot_records, is_urgent)
        self._commits += 1
        is_move_due = _is_due(self._commits, _COMMITS_BETWEEN_MOVES, is_urgent)
        store = self._store
        if not is_snapshot_due and not is_move_due:
            store.add(row)
            return False
        moved = self._move_to_archive(max(_ROWS_MOVED, 2 * self._commits))
        self._commits = 0
        with store.transaction():
            store.add(row)
            if is_snapshot_due:
                snapshot = Snapshot(after, contents.encode())
                self._archive_to = store.add_snapshot(snapshot, _KEPT_SNAPSHOTS)
                self._snapshot_at = after.seq
            if moved is not None:
                store.drop_until(moved)
        return is_snapshot_due

    def _move_to_archive(self, most: int) -> Head | None:
        """Copy the oldest rows that only history needs; where they end."""
        if self._archive is None:
            return None
        base = self._store.base()
        if base.seq >= self._archive_to:
            return None
        rows = [row for row in self._store.rows(limit=most) if row.last <= self._archive_to]
        try:
            self._archive.add(base, rows)
        except OSError as error:
            # The journal holds them still: trading goes on.
            _logger.warning("the archive of the journal cannot be written: %s", error)
            self._archive = None
            return None
        return Head(rows[-1].last, rows[-1].chain)

    def is_checkpoint_due(self, head: Head, *, is_urgent: bool) -> bool:
        """Whether enough was recorded since the last checkpoint."""
        recorded = head.seq - self._checkpoint_at
        return _is_due(recorded, self._settings.checkpoint_records, is_urgent)

    def checkpoint(self, head: Head, epoch: int, now_ns: int, key: bytes) -> None:
        """Sign a place; the journal stands without it, so a failure is only logged."""
        self._checkpoint_at = head.seq
        checkpoint = Checkpoint(
            account=self._store.account,
            born=self._store.born,
            epoch=epoch,
            seq=head.seq,
            chain=head.chain.hex(),
            time_ns=now_ns,
        )
        try:
            add_checkpoint(self._settings.checkpoint_directory, checkpoint.sealed(key))
        except OSError as error:
            _logger.warning("no checkpoint of the journal can be written: %s", error)


def _is_due(done: int, between: int, is_urgent: bool) -> bool:
    return done >= (_OVERDUE * between if is_urgent else between)
