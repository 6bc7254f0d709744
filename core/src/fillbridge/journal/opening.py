"""Opening a journal: the lock, the key, the epoch, and what the last run left."""

from collections.abc import Callable
from pathlib import Path

import apsw

from fillbridge.engine import fold
from fillbridge.engine.messages import EntriesHalted
from fillbridge.journal.checkpoints import checkpoint_file, newest_checkpoint
from fillbridge.journal.epochs import KeptEpoch, keep_epoch, last_epoch
from fillbridge.journal.errors import BrokenRecord, JournalUnusable
from fillbridge.journal.keys import given_key, make_key, read_key
from fillbridge.journal.lock import AccountLock
from fillbridge.journal.places import Places, places
from fillbridge.journal.private_files import check_private, make_folder
from fillbridge.journal.recovery import Recovered, Recovery, Status
from fillbridge.journal.store import Durability, Store, create
from fillbridge.journal.upkeep import Settings
from fillbridge.journal.wal import read_tail
from fillbridge.journal.writer import CLOSED, LOST, OPENED, Journal
from fillbridge_hooks import Clock, Secret

_SECOND = 1_000_000_000
_RECOVERY = "recovery"


def open_journal(
    directory: Path,
    account: str,
    *,
    clock: Clock,
    durability: Durability = "power",
    vfs: str | None = None,
    key: bytes | Secret | None = None,
    checkpoint_directory: Path | None = None,
    snapshot_records: int = 10_000,
    checkpoint_records: int = 1_000,
) -> Journal:
    """Open the journal of an account, and make it at first use.

    What stands when this returns: the start, with an epoch above that of every start before. Where
    the journal was lost, a halt stands with it: nobody knows what it held, so a person decides.

    :param directory: where the folders of all accounts stand
    :param clock: tells the time of the start
    :param durability: ``power``: a commit survives a power failure; ``process``: it survives the
        end of the process in any form, and a power failure may take the last commits
    :param vfs: name of an apsw VFS to go through; the system's own without it
    :param key: of the chain, at least 16 bytes; a file beside the journal without it
    :param checkpoint_directory: where checkpoints are written, best on another machine; a folder
        beside the journal without it
    :param snapshot_records: how many records at least lie between two snapshots
    :param checkpoint_records: the same for checkpoints
    :raises AccountLocked: if another handler has the account
    :raises JournalUnusable: if a file cannot be read, others may read it, or the key is missing
    :raises JournalFailed: if the start cannot be recorded
    """
    where = places(directory, account)
    try:
        make_folder(where.folder)
    except OSError as error:
        raise JournalUnusable(
            f"{where.folder}: the folder cannot be made: {error.strerror}"
        ) from None
    lock = AccountLock(where.lock, account)
    settings = Settings(
        snapshot_records=snapshot_records,
        checkpoint_records=checkpoint_records,
        checkpoint_directory=checkpoint_directory or where.checkpoints,
    )
    try:
        return _Opening(where, clock, durability, vfs, key, settings, lock.release).open()
    except BaseException:
        lock.release()
        raise


class _Opening:
    def __init__(
        self,
        where: Places,
        clock: Clock,
        durability: Durability,
        vfs: str | None,
        key: bytes | Secret | None,
        settings: Settings,
        release: Callable[[], None],
    ) -> None:
        self._where = where
        self._clock = clock
        self._durability = durability
        self._vfs = vfs
        self._key = key
        self._settings = settings
        self._release = release

    def open(self) -> Journal:
        where = self._where
        started_ns = self._clock.now_ns
        kept = last_epoch(where.epoch)
        is_absent = not where.database.exists()
        is_lost = is_absent and self._was_there(kept)
        if is_absent:
            self._make(kept, is_lost=is_lost)
        key = self._found_key(is_new=is_absent)
        store, recovered, torn = self._read(key)
        missing = (
            f"{where.database} is gone" if is_lost else self._behind(key, kept, store, recovered)
        )
        status, reason = self._judge(recovered, torn, missing)
        recorded = _recorded_epoch(recovered)
        if kept is None:
            kept = KeptEpoch(recorded, recorded)
        epoch = max(kept.last, recorded) + 1
        keep_epoch(where.epoch, KeptEpoch(epoch, max(kept.recorded, recorded)))
        journal = Journal(
            store,
            where.archive,
            key,
            where.account,
            epoch,
            self._clock,
            recovered,
            Recovery(
                status=status,
                reason=reason,
                records=recovered.replayed,
                torn_bytes=torn,
                seconds=(self._clock.now_ns - started_ns) / _SECOND,
            ),
            self._settings,
            self._release,
        )
        if status != "quarantined":
            self._record_start(journal, store)
        return journal

    def _was_there(self, kept: KeptEpoch | None) -> bool:
        where = self._where
        return kept is None or kept.last != 0 or where.key.exists() or where.archive.exists()

    def _make(self, kept: KeptEpoch | None, *, is_lost: bool) -> None:
        where = self._where
        if kept is None:
            raise JournalUnusable(
                f"{where.epoch}: expected the number of the last start, which nothing else tells, "
                f"now that {where.database} is gone; write one above every epoch in use into it"
            )
        if is_lost and where.archive.exists():
            where.archive.rename(where.archive.with_name(f"archive-lost-{kept.last}"))
        create(where.unfinished, where.database, where.account, kept.last + 1)

    def _found_key(self, *, is_new: bool) -> bytes:
        if self._key is not None:
            return given_key(self._key)
        path = self._where.key
        if path.exists():
            return read_key(path)
        if not is_new and _has_records(self._where):
            raise JournalUnusable(
                f"{path}: the key of the journal beside it is gone, so it cannot be verified; "
                f"put the key back, or move {self._where.database.name} away"
            )
        return make_key(path)

    def _read(self, key: bytes) -> tuple[Store | None, Recovered, int]:
        where = self._where
        check_private(where.database, "the journal")
        recovered = Recovered(key)
        try:
            store = Store(where.database, self._durability, self._vfs)
        except BrokenRecord as broken:
            recovered.broken = broken
            return None, recovered, 0
        except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError) as error:
            recovered.broken = BrokenRecord(1, f"the file is damaged: {error}")
            return None, recovered, 0
        except apsw.Error as error:
            raise JournalUnusable(f"{where.database}: cannot be opened: {error}") from None
        try:
            tail = read_tail(where.database, store.log_frames)
            if store.account != where.account:
                raise JournalUnusable(
                    f"{where.database}: expected the journal of account {where.account!r}, "
                    f"was that of {store.account!r}"
                )
            store.unlock(key)
            recovered.read(store)
        except BaseException:
            store.close(keep_log=True)
            raise
        if recovered.broken is None and tail.is_damage:
            recovered.broken = BrokenRecord(
                recovered.head.seq + 1, "commits that were acknowledged are damaged"
            )
        return store, recovered, tail.size

    def _behind(
        self, key: bytes, kept: KeptEpoch | None, store: Store | None, recovered: Recovered
    ) -> str:
        """What shows that this is an older copy of the journal; empty where nothing does."""
        epoch, head = _recorded_epoch(recovered), recovered.head
        if kept is not None and epoch < kept.recorded:
            return f"it ends in epoch {epoch}, expected epoch {kept.recorded}: it is an older copy"
        folder = self._settings.checkpoint_directory
        newest = newest_checkpoint(checkpoint_file(folder, self._where.account), key)
        if newest is None or store is None:
            return ""
        if newest.born > store.born:
            return f"it was made in epoch {store.born}, and another one in epoch {newest.born}"
        if newest.born == store.born and newest.seq > head.seq:
            return (
                f"it ends with record {head.seq}, and a checkpoint says there were {newest.seq}: "
                "it is an older copy"
            )
        return ""

    def _judge(self, recovered: Recovered, torn: int, missing: str) -> tuple[Status, str]:
        if recovered.broken is not None:
            return "quarantined", str(recovered.broken)
        if missing:
            return "lost", f"the journal was lost: {missing}"
        if recovered.head.seq == 0:
            return "new", ""
        closed = recovered.contents.notes.get(CLOSED)
        if closed is not None and closed.seq == recovered.head.seq:
            return "clean", ""
        reason = "the last run did not stop in order"
        if torn:
            reason += f"; its last commit was incomplete ({torn} bytes) and was dropped"
        return "recovered", reason

    def _record_start(self, journal: Journal, store: Store | None) -> None:
        now_ns = self._clock.now_ns
        try:
            if journal.recovery.status == "lost":
                journal.note_own(LOST, {"epoch": journal.epoch}, now_ns)
                # In the same commit: no crash may come between the loss and the halt.
                halted = EntriesHalted(journal.recovery.reason, _RECOVERY, now_ns)
                journal.append([halted], now_ns)
                fold(journal.state, halted)
            journal.note_own(
                OPENED,
                {
                    "epoch": journal.epoch,
                    "durability": self._durability,
                    "status": journal.recovery.status,
                    "torn_bytes": journal.recovery.torn_bytes,
                },
                now_ns,
            )
            journal.commit()
            keep_epoch(self._where.epoch, KeptEpoch(journal.epoch, journal.epoch))
            if journal.recovery.status == "lost":
                journal.sign()
        except BaseException:
            if store is not None:
                store.close(keep_log=True)
            raise


def _recorded_epoch(recovered: Recovered) -> int:
    opened = recovered.contents.notes.get(OPENED)
    return int(opened.note.payload["epoch"]) if opened is not None else 0


def _has_records(where: Places) -> bool:
    """Whether anything was recorded in a database whose key is not there."""
    check_private(where.database, "the journal")
    try:
        store = Store(where.database, "process")
    except (apsw.Error, BrokenRecord):
        return True
    try:
        return next(store.rows(limit=1), None) is not None
    except (apsw.Error, BrokenRecord):
        return True
    finally:
        store.close(keep_log=True)
