"""The database of one journal: rows of records, snapshots, and where the archive ends.

One connection, a write-ahead log, exclusive locking, and no index but the row's number. What a
transaction holds stands when it returns (``power``), or is with the kernel (``process``).
"""

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import apsw
import msgspec

from fillbridge.journal import chain
from fillbridge.journal.errors import BrokenRecord, JournalUnusable
from fillbridge.journal.private_files import PRIVATE, sync_folder
from fillbridge.journal.records import count

Durability = Literal["power", "process"]

_FORMAT = 1
_APPLICATION = 0x46424A31  # FBJ1
_SYNCHRONOUS: Final = {"power": "FULL", "process": "NORMAL"}
_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION};
CREATE TABLE journal (format INTEGER NOT NULL, account TEXT NOT NULL, born INTEGER NOT NULL);
CREATE TABLE record (
    seq INTEGER PRIMARY KEY, wall INTEGER NOT NULL, payload BLOB NOT NULL, chain BLOB NOT NULL
);
CREATE TABLE snapshot (
    seq INTEGER PRIMARY KEY, chain BLOB NOT NULL, content BLOB NOT NULL, seal BLOB NOT NULL
);
CREATE TABLE base (
    one INTEGER PRIMARY KEY, seq INTEGER NOT NULL, chain BLOB NOT NULL, seal BLOB NOT NULL
);
"""
_PLACE = struct.Struct(">q")
_LEVEL = 1  # a snapshot repeats itself: the fastest compression is good enough


class Row(msgspec.Struct, frozen=True, gc=False):
    """The records of one commit; ``seq`` is the number of the first."""

    seq: int
    wall_ns: int
    payload: bytes
    chain: bytes

    @property
    def last(self) -> int:
        """The number of the last record."""
        return self.seq + count(self.payload) - 1


class Head(msgspec.Struct, frozen=True):
    """A place in the chain: the number of the record before it and the chain's value there."""

    seq: int
    chain: bytes


class Snapshot(msgspec.Struct, frozen=True):
    """What followed from all records up to a place."""

    head: Head
    content: bytes


def create(unfinished: Path, path: Path, account: str, born: int) -> None:
    """Make an empty database, whole or not at all; it stands when this returns."""
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))
    connection = apsw.Connection(str(unfinished))
    try:
        connection.execute(_SCHEMA)
        connection.execute("INSERT INTO journal VALUES (?, ?, ?)", (_FORMAT, account, born))
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    descriptor = os.open(unfinished, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.replace(path)
    sync_folder(path.parent)


class Store:
    """An open database.

    Errors of SQLite come through as :class:`apsw.Error`; the caller knows what they mean.
    """

    def __init__(self, path: Path, durability: Durability, vfs: str | None = None) -> None:
        """Open the database.

        :raises JournalUnusable: if it is of another program or version
        :raises BrokenRecord: if nothing stands in the file, which SQLite takes for a new database
        """
        if path.stat().st_size == 0:
            raise BrokenRecord(1, "the file is damaged: it is empty")
        self._connection = apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
        self._adding = self._connection.cursor()
        """Of its own, for it stands on the way of orders: one made each time takes longer."""
        self._key = b""
        try:
            self._prepare(path, durability)
        except BaseException:
            self.close(keep_log=True)
            raise

    def _prepare(self, path: Path, durability: Durability) -> None:
        connection = self._connection
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durability]}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA trusted_schema = OFF")
        (application,) = connection.execute("PRAGMA application_id").fetchone() or (0,)
        if application != _APPLICATION:
            raise JournalUnusable(f"{path}: expected a journal, was another SQLite database")
        found = connection.execute("SELECT format, account, born FROM journal").fetchone()
        version, account, born = found or (None, None, None)
        if version != _FORMAT or type(account) is not str or type(born) is not int:
            raise JournalUnusable(f"{path}: expected a journal of format 1, was {found}")
        self.account = account
        self.born = born

    def unlock(self, key: bytes) -> None:
        """Use this key for what is sealed."""
        self._key = key

    @property
    def log_frames(self) -> int:
        """How many frames of the write-ahead log count, as SQLite found them."""
        frames, _ = self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        return frames

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is written within."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    # Records

    def add(self, row: Row) -> None:
        """Write a row; outside of a transaction it is one."""
        self._adding.execute(
            "INSERT INTO record VALUES (?, ?, ?, ?)",
            (row.seq, row.wall_ns, row.payload, row.chain),
        )

    def rows(self, after: int = 0, limit: int = -1) -> Iterator[Row]:
        """The rows from the first whose number is above ``after``, in order."""
        found = self._connection.execute(
            "SELECT seq, wall, payload, chain FROM record WHERE seq > ? ORDER BY seq LIMIT ?",
            (after, limit),
        )
        for seq, wall, payload, value in found:
            yield _row(seq, wall, payload, value)

    def rows_back(self, before: int) -> Iterator[Row]:
        """The rows whose number is below ``before``, the newest first."""
        while True:
            found = self._connection.execute(
                "SELECT seq, wall, payload, chain FROM record WHERE seq < ? "
                "ORDER BY seq DESC LIMIT 1",
                (before,),
            ).fetchone()
            if found is None:
                return
            row = _row(*found)
            yield row
            before = row.seq

    # Snapshots

    def add_snapshot(self, snapshot: Snapshot, keep: int) -> int:
        """Write a snapshot and drop all but the newest ``keep``; the place of the oldest."""
        head = snapshot.head
        packed = zlib.compress(snapshot.content, _LEVEL)
        self._connection.execute(
            "INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?)",
            (head.seq, head.chain, packed, self._seal("snapshot", head, packed)),
        )
        self._connection.execute(
            "DELETE FROM snapshot WHERE seq NOT IN "
            "(SELECT seq FROM snapshot ORDER BY seq DESC LIMIT ?)",
            (keep,),
        )
        (oldest,) = self._connection.execute("SELECT min(seq) FROM snapshot").fetchone() or (0,)
        return int(oldest)

    def snapshots(self) -> list[Snapshot]:
        """The snapshots, the oldest first.

        :raises BrokenRecord: if one is not as it was written
        """
        found: list[Snapshot] = []
        for seq, value, packed, sealed in self._connection.execute(
            "SELECT seq, chain, content, seal FROM snapshot ORDER BY seq"
        ):
            head = _head(seq, value)
            if type(packed) is not bytes or not _sound(
                sealed, self._seal("snapshot", head, packed)
            ):
                raise BrokenRecord(seq, "the snapshot after it was changed")
            found.append(Snapshot(head, zlib.decompress(packed)))
        return found

    # Where the archive ends

    def base(self) -> Head:
        """The place after the last record that was archived.

        :raises BrokenRecord: if it is not as it was written
        """
        found = self._connection.execute("SELECT seq, chain, seal FROM base").fetchone()
        if found is None:
            return Head(0, chain.genesis(self._key, self.account, self.born))
        seq, value, sealed = found
        head = _head(seq, value)
        if not _sound(sealed, self._seal("base", head)):
            raise BrokenRecord(seq, "the place where the archive ends was changed")
        return head

    def drop_until(self, head: Head) -> None:
        """Remove the rows up to a place, which are in the archive."""
        self._connection.execute("DELETE FROM record WHERE seq <= ?", (head.seq,))
        self._connection.execute(
            "INSERT OR REPLACE INTO base VALUES (1, ?, ?, ?)",
            (head.seq, head.chain, self._seal("base", head)),
        )

    def close(self, *, keep_log: bool) -> None:
        """Close the database; with ``keep_log`` nothing more is written to it."""
        if keep_log:
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._connection.close(True)

    def _seal(self, purpose: str, head: Head, content: bytes = b"") -> bytes:
        born = str(self.born).encode()
        place = _PLACE.pack(head.seq)
        parts = (self.account.encode(), born, place, bytes(head.chain), bytes(content))
        return chain.seal(self._key, purpose, *parts)


def _row(seq: int, wall: object, payload: object, value: object) -> Row:
    if type(wall) is not int or type(payload) is not bytes or type(value) is not bytes:
        raise BrokenRecord(seq, "its row holds values of other types")
    return Row(seq, wall, payload, value)


def _head(seq: object, value: object) -> Head:
    if type(seq) is not int or type(value) is not bytes:
        raise BrokenRecord(1, "the places of snapshots and archive hold values of other types")
    return Head(seq, value)


def _sound(found: object, expected: bytes) -> bool:
    return type(found) is bytes and chain.same(found, expected)
