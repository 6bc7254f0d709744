"""The open journal of one account."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fillbridge.engine import EngineState
from fillbridge.engine.messages import Event
from fillbridge.journal import chain
from fillbridge.journal.archive import Archive, ArchiveReader
from fillbridge.journal.contents import copy_state, same_state
from fillbridge.journal.errors import JournalFailed, StateDiverged
from fillbridge.journal.latch import seal_of
from fillbridge.journal.records import Note, decode, encode, pack, unpack
from fillbridge.journal.recovery import Recovered, Recovery
from fillbridge.journal.store import Head, Row, Store
from fillbridge.journal.upkeep import Settings, Upkeep
from fillbridge_hooks import Clock, InvalidValue

OPENED = "journal.opened"
CLOSED = "journal.closed"
LOST = "journal.lost"
_OWN = "journal."


class Journal:
    """The open journal of an account; made by :func:`open_journal`.

    Nobody else can open it until :meth:`close`. Recording waits for the disk. Nothing here grows
    with the number of records.
    """

    def __init__(
        self,
        store: Store | None,
        archive_folder: Path,
        key: bytes,
        account: str,
        epoch: int,
        clock: Clock,
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
        self._archive_folder = archive_folder
        self._key = key
        self._links = chain.Links(key)
        self._clock = clock
        self._release = release
        self._contents = recovered.contents
        self._head = recovered.head
        self._pending: list[bytes] = []
        self._pending_ns = 0
        self._slowest_ns = 0
        self._is_unchecked = False
        self._failure = ""
        self._upkeep: Upkeep | None = None
        if recovery.status == "quarantined":
            self._failure = f"it is quarantined: {recovery.reason}"
        elif store is not None:
            archive = Archive(archive_folder, key, account, store.born, settings.snapshot_records)
            places, last = recovered.snapshots, recovered.head.seq
            self._upkeep = Upkeep(store, archive, settings, places, last)

    @property
    def last_seq(self) -> int:
        """The number of the last record that was committed; 0 where there is none."""
        return self._head.seq

    @property
    def failure(self) -> str:
        """Why nothing can be recorded; empty as long as it can."""
        return self._failure

    def take_slowest_commit_ns(self) -> int:
        """How long the slowest commit took since this was asked last, ns."""
        slowest_ns, self._slowest_ns = self._slowest_ns, 0
        return slowest_ns

    def seal(self, purpose: str, content: bytes) -> bytes:
        """A signature of another file of the account, good for this purpose alone."""
        return seal_of(self._key, self.account)(purpose, content)

    # Recording

    def append(self, events: Sequence[Event], now_ns: int) -> None:
        """Take events of the engine, in order, for the next commit.

        Changes of positions are derived and stand right after their fills.

        :raises InvalidValue: if one holds what cannot be written; none was taken
        :raises StateDiverged: if one does not follow from what was recorded; nothing can be
            recorded any more
        :raises JournalFailed: if nothing can be recorded any more
        """
        self._usable()
        encoded = [encode(event) for event in events]
        contents = self._contents
        pending = self._pending
        for one in encoded:
            event: Any = decode(one)  # as it will be read back
            try:
                change = contents.record(event, now_ns)
            except Exception as error:
                # Whatever it was: half of the step may have been folded, so no more can follow.
                kind, cause = type(event).__name__, f"{type(error).__name__}: {error}"
                raise self._diverged(f"{kind} does not follow from it ({cause})") from error
            pending.append(one)
            if change is not None:
                pending.append(encode(change))
                contents.apply(change, self._head.seq + len(pending))
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
        self.note_own(kind, payload, now_ns)

    def note_own(self, kind: str, payload: Mapping[str, Any], now_ns: int) -> None:
        """Take a note of any kind: for what the journal says of itself."""
        self._usable()
        encoded = encode(Note(kind, dict(payload), now_ns))
        self._pending.append(encoded)
        self._contents.apply(decode(encoded), self._head.seq + len(self._pending))
        self._pending_ns = now_ns

    def commit(self, *, is_urgent: bool = False) -> None:
        """Make everything that was appended durable, in one transaction.

        :param is_urgent: whether an order waits for it: what else is due waits for another commit
        :raises JournalFailed: if that failed: nothing of it counts, and nothing can be recorded
            any more
        """
        upkeep = self._usable()
        if self._pending:
            self._commit(upkeep, is_urgent=is_urgent)

    def _commit(self, upkeep: Upkeep, *, is_last: bool = False, is_urgent: bool = False) -> None:
        head, now_ns = self._head, self._pending_ns
        payload = pack(self._pending)
        value = self._links.link(head.chain, head.seq + 1, now_ns, payload)
        row = Row(head.seq + 1, now_ns, payload, value)
        after = Head(head.seq + len(self._pending), value)
        began_ns = time.perf_counter_ns()
        try:
            if upkeep.write(row, after, self._contents, is_last=is_last, is_urgent=is_urgent):
                self._is_unchecked = True
        except Exception as error:
            # A defect is no better than a full disk: how much was written is not known.
            self._failure = str(error) or type(error).__name__
            raise JournalFailed(
                f"account {self.account!r}: nothing is recorded any more: {self._failure}"
            ) from error
        self._slowest_ns = max(self._slowest_ns, time.perf_counter_ns() - began_ns)
        self._head = after
        self._pending.clear()
        if is_last or upkeep.is_checkpoint_due(after, is_urgent=is_urgent):
            upkeep.checkpoint(after, self.epoch, now_ns, self._key)

    def sign(self) -> None:
        """Write a checkpoint of the last commit now, for those written before do not count."""
        self._usable().checkpoint(self._head, self.epoch, self._clock.now_ns, self._key)

    # Reading

    def notes(self, kind: str) -> Iterator[Note]:
        """The notes of a kind, the newest first: the first at once, others by reading back."""
        last = self._contents.notes.get(kind)
        if last is None:
            return
        yield last.note
        for note in self._notes_before(last.seq):
            if note.kind == kind:
                yield note

    def _notes_before(self, before: int) -> Iterator[Note]:
        committed = self._head.seq
        for encoded in reversed(self._pending[: max(0, before - committed - 1)]):
            record = decode(encoded)
            if type(record) is Note:
                yield record
        for row in self._rows_back(min(before, committed + 1)):
            for record in reversed(unpack(row.payload)[: before - row.seq]):
                if type(record) is Note:
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

        :raises StateDiverged: if they differ; nothing can be recorded any more
        """
        if self._is_unchecked or always:
            self._is_unchecked = False
            if not same_state(live, self._contents.state):
                raise self._diverged("the engine holds another state")

    # The end

    def close(self, clean: bool) -> None:
        """Give the account back; without effect the second time.

        :param clean: whether the run ends in order: that is recorded, with a snapshot. Without it
            what was appended and not committed is dropped.
        :raises JournalFailed: if a clean end cannot be recorded; the account is given back
        """
        store, upkeep = self._store, self._upkeep
        try:
            if clean and upkeep is not None and not self._failure:
                self.note_own(CLOSED, {"epoch": self.epoch}, self._clock.now_ns)
                self._commit(upkeep, is_last=True)
        finally:
            if store is not None:
                # What SQLite would tidy up may be evidence, or stand on a disk that fails.
                store.close(keep_log=bool(self._failure))
            self._store = self._upkeep = None
            self._failure = self._failure or "it is closed"
            self._release()

    def _usable(self) -> Upkeep:
        if self._failure or self._upkeep is None:
            raise JournalFailed(f"account {self.account!r}: nothing is recorded: {self._failure}")
        return self._upkeep

    def _diverged(self, what: str) -> StateDiverged:
        place = self._head.seq + len(self._pending)
        self._failure = f"expected the fold of the journal up to record {place}: {what}"
        return StateDiverged(f"account {self.account!r}: {self._failure}")
