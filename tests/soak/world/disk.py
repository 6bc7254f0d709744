"""The disk: what stands on it after a crash, and what a process writes to it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from world.points import Killed

from fillbridge.engine import EngineState
from fillbridge.engine.messages import (
    CancelSent,
    EntriesHalted,
    EntriesResumed,
    Event,
    FillBooked,
    OrdersPlaced,
    ReplaceSent,
    TradeApproved,
)
from fillbridge.journal import JournalFailed
from fillbridge.journal.contents import Contents, copy_state, state_bytes
from fillbridge.journal.records import Note, decode, encode
from fillbridge_hooks import (
    Accepted,
    Cancelled,
    Expired,
    NotSent,
    OutcomeUnknown,
    Rejected,
    Replaced,
    Replacement,
)

_RESOLVING = (Accepted, Cancelled, Expired, NotSent, Rejected, Replaced)
Passing = Callable[[str], str]


class Proved:
    """What the committed records allow to leave, and what they forbid."""

    def __init__(self) -> None:
        self.orders: set[str] = set()
        self.cancels: set[str] = set()
        self.changes: set[Replacement] = set()
        self.proposals: dict[str, str] = {}
        """Trade id to proposal id."""
        self.symbols: dict[str, str] = {}
        """Trade id to symbol."""
        self.is_halted = False
        self.unknown: dict[str, None] = {}
        """Orders whose outcome is in doubt."""

    def learn(self, record: Any) -> None:
        """Take in a record that is committed."""
        kind = type(record)
        if kind is TradeApproved:
            self.orders.add(record.plan.entry.client_order_id)
            self.symbols[record.plan.trade_id] = record.plan.instrument.symbol
            self.proposals[record.plan.trade_id] = record.plan.proposal.proposal_id
        elif kind is OrdersPlaced:
            self.orders.update(order.client_order_id for order in record.orders)
        elif kind is CancelSent:
            self.cancels.add(record.client_order_id)
        elif kind is ReplaceSent:
            self.changes.add(record.change)
        elif kind is OutcomeUnknown:
            self.unknown[record.client_order_id] = None
        elif kind in _RESOLVING:
            self.unknown.pop(record.client_order_id, None)
        elif kind is FillBooked:
            self.unknown.pop(record.fill.client_order_id, None)
        elif kind is EntriesHalted:
            self.is_halted = True
        elif kind is EntriesResumed:
            self.is_halted = False
        elif kind is Note and record.kind == "stray":
            self.cancels.add(record.payload["client_order_id"])


class Disk:
    """Holds what was committed; each start reads it and goes on with the next epoch."""

    def __init__(self, passing: Passing) -> None:
        self.records: list[Any] = []
        self.starts: list[int] = []
        """How many records stood at each start."""
        self.proved = Proved()
        self.is_full = False
        self.passing = passing

    def open(self) -> Any:
        """Begin the next epoch with the fold of what stands here."""
        contents = folded(self.records)
        self.starts.append(len(self.records))
        return DiskRecording(self, len(self.starts), contents.state)

    def make_room(self) -> None:
        """It takes records again, from the next start on; what was not kept is gone."""
        self.is_full = False
        proved, self.proved = self.proved, Proved()
        for record in self.records:
            self.proved.learn(record)
        # What left unrecorded may be withdrawn and changed as it was before.
        self.proved.symbols.update(proved.symbols)

    def remove(self) -> None:
        """Give back what it takes."""

    def keep(self, records: Iterable[Any]) -> None:
        """Records are committed."""
        for record in records:
            self.records.append(record)
            self.proved.learn(record)


class DiskRecording:
    """What one process writes; dead once it was killed."""

    def __init__(self, disk: Disk, epoch: int, state: EngineState) -> None:
        self.epoch = epoch
        self.state = state
        self.is_dead = False
        self.failure = ""
        self._disk = disk
        self._pending: list[Any] = []

    @property
    def is_pending(self) -> bool:
        """Whether something was taken and is not committed."""
        return bool(self._pending) and not self.failure

    def append(self, events: Sequence[Event], now_ns: int) -> None:
        """Take events."""
        self._pass("append")
        self._pending += events

    def note(self, kind: str, payload: Mapping[str, Any], now_ns: int) -> None:
        """Take a note."""
        self._pass("append")
        self._pending.append(Note(kind, dict(payload), now_ns))

    def commit(self, *, is_urgent: bool = False) -> None:
        """Keep what was taken, unless something strikes."""
        if self.is_dead:
            raise Killed
        if self.failure:
            raise JournalFailed(self.failure)
        if not self._pending:
            return
        fault = self._disk.passing("commit")
        if fault in ("kill", "torn"):
            # Torn or not begun: what was never acknowledged is dropped when the disk is read.
            raise self._killed()
        if fault == "full" or self._disk.is_full:
            self._disk.is_full = True
            self._disk.proved.is_halted = True
            self.failure = "database or disk is full"
            raise JournalFailed(self.failure)
        self._disk.keep(self._pending)
        self._pending.clear()
        if fault == "kill_after":
            raise self._killed()

    def end(self, *, is_clean: bool = False) -> None:
        """The process is gone: what it had not committed is lost."""
        self.is_dead = True

    def check(self, live: EngineState, *, always: bool = False) -> None:
        """Nothing now; the run compares."""

    def _pass(self, place: str) -> None:
        if self.is_dead:
            raise Killed
        if self.failure:
            raise JournalFailed(self.failure)
        if self._disk.passing(place) == "kill":
            raise self._killed()

    def _killed(self) -> Killed:
        self.is_dead = True
        return Killed()


def folded(records: Iterable[Any]) -> Contents:
    """What follows from records, each written and read back."""
    contents = Contents()
    for record in records:
        read: Any = decode(encode(record))
        if type(read) is Note:
            continue
        change = contents.record(read, 0)
        if change is not None:
            contents.apply(change, 0)
    return contents


def same_state(one: EngineState, other: EngineState) -> bool:
    """Whether two states are the same, field by field."""
    return state_bytes(copy_state(one)) == state_bytes(copy_state(other))
