"""What goes into the engine and what comes out of it.

``decide`` takes an input and answers with events and effects. Events are facts: a journal keeps
them and ``fold`` applies them. Effects are what the shell must do next; they follow from the
events and are never kept. All are made for every order of a simulation, so by position.
"""

from enum import StrEnum

import msgspec

from fillbridge.engine.proposal_events import HoldEnded, NonceUsed, TradeHeld
from fillbridge_hooks import (
    Accepted,
    Cancelled,
    CancelRejected,
    Direction,
    ExitReason,
    Expired,
    Fill,
    FillVoided,
    Instrument,
    KillLevel,
    NotSent,
    Order,
    OutcomeUnknown,
    Rejected,
    Replaced,
    Replacement,
    ReplaceRejected,
    RiskProposal,
)


class TimerKind(StrEnum):
    """What a deadline of a trade is for."""

    ENTRY = "entry"
    REMAINDER = "remainder"  # counts once the entry has met the market
    POSITION = "position"


class TradePlan(msgspec.Struct, frozen=True, gc=False):
    """A validated proposal: everything the engine must know to run the trade.

    Either the level or the distance of stop and target is set; distances count from the entry
    fill. Times are ns UTC.
    """

    trade_id: str
    proposal: RiskProposal
    instrument: Instrument
    direction: Direction
    entry: Order
    stop_ticks: int | None
    stop_distance: int | None
    target_ticks: int | None
    target_distance: int | None
    decided_at_ns: int
    entry_deadline_ns: int | None
    """After this the rest of the entry is cancelled."""
    entry_deadline_reason: str
    position_life_ns: int | None
    """Longest time from the first fill until the position is closed."""
    remainder_deadline_ns: int | None = None
    """After this, and once the entry has met the market, the rest of it is cancelled."""
    remainder_reason: str = ""
    has_broker_legs: bool = False
    """Stop and target go to the broker with the entry, which lets them follow its fills and
    cancels one when the other closes the position."""
    trails_here: bool = False
    """A trailing stop rests as a plain one, and is moved by requests."""
    approved_holds: tuple[str, ...] = ()
    """Checks that held it, and that a person has let it pass."""


class TradeApproved(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Every check passed: the entry may be sent, once."""

    plan: TradePlan
    time_ns: int


class TradeRefused(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A proposal was refused before anything was sent."""

    proposal: RiskProposal
    instrument: Instrument
    reasons: tuple[str, ...]
    time_ns: int


class FillBooked(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A fill with its commission in cents; ``None`` where the cost model failed."""

    fill: Fill
    commission_cents: int | None


class OrdersPlaced(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Orders that only reduce the position are on their way: legs, or an exit."""

    trade_id: str
    orders: tuple[Order, ...]
    time_ns: int


class CancelSent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A cancel of a working order is on its way."""

    client_order_id: str
    reason: str
    time_ns: int


class ReplaceSent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A change of a working order is on its way."""

    change: Replacement
    time_ns: int


class CloseRequested(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The trade must end for this reason, whatever it holds."""

    trade_id: str
    reason: ExitReason
    time_ns: int


class CloseNoted(msgspec.Struct, frozen=True, gc=False):
    """A trade must end, but how it stands at the broker is not known: its exit has to wait."""

    request: CloseRequested


class CancelRequested(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One order should be withdrawn."""

    client_order_id: str
    reason: str
    time_ns: int


class ReplaceRequested(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One working order should change its price levels."""

    client_order_id: str
    limit_ticks: int | None
    trigger_ticks: int | None
    time_ns: int


class ProtectionDue(msgspec.Struct, frozen=True, gc=False, tag=True):
    """What works for a trade must add up to what it holds: mend what does not."""

    trade_id: str
    time_ns: int


class OrdersFound(msgspec.Struct, frozen=True, gc=False):
    """The broker has orders of a trade, sent by us, of which no record was kept."""

    trade_id: str
    orders: tuple[Order, ...]
    """As they were sent; of each role the one that counts last."""
    is_closing: bool
    """Whether one of them is on its way to close the position."""
    time_ns: int


class FillFound(msgspec.Struct, frozen=True, gc=False):
    """A fill that the broker tells of together with such orders: nothing follows from it yet.

    ``ProtectionDue`` comes once all of them are booked.
    """

    booked: FillBooked


class EntriesHalted(msgspec.Struct, frozen=True, gc=False, tag=True):
    """No entry may leave until somebody resumes, after a restart neither."""

    reason: str
    by: str
    time_ns: int
    level: KillLevel = KillLevel.PAUSE
    """What else is to be done about what is open, until somebody resumes."""


class EntriesResumed(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Entries may leave again."""

    by: str
    time_ns: int
    approved_by: tuple[str, ...] = ()
    """The operators who put their keys to it."""
    pnl_cents: int | None = None
    """Of the trade date, realised and open, as far as it was known: where a stop was lifted."""


class StrategySuspended(msgspec.Struct, frozen=True, gc=False, tag=True):
    """No entry of a strategy may leave until somebody resumes, after a restart neither."""

    strategy: str
    reason: str
    by: str
    time_ns: int


class StrategyResumed(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Entries of a strategy may leave again."""

    strategy: str
    by: str
    time_ns: int
    approved_by: tuple[str, ...] = ()
    """The operators who put their keys to it."""


class TimerFired(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A deadline of a trade passed."""

    trade_id: str
    kind: TimerKind
    time_ns: int


class TradeMeasured(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A flat trade with what the shell measured of it: excursions in points, score 0..1."""

    trade_id: str
    max_favorable_excursion: float
    max_adverse_excursion: float
    execution_quality_score: float
    time_ns: int


class TradeAbandoned(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The entry ended without a fill."""

    trade_id: str
    status: str
    reason: str
    time_ns: int


class ReportIgnored(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A report changed nothing, and why."""

    client_order_id: str
    report: str
    reason: str
    time_ns: int


class Submit(msgspec.Struct, frozen=True, gc=False):
    """Effect: hand this order to the driver, with the legs that the broker shall keep for it."""

    order: Order
    legs: tuple[Order, ...] = ()


class Cancel(msgspec.Struct, frozen=True, gc=False):
    """Effect: ask the driver to withdraw an order."""

    client_order_id: str


class Replace(msgspec.Struct, frozen=True, gc=False):
    """Effect: ask the driver to change an order."""

    change: Replacement


class SetTimer(msgspec.Struct, frozen=True, gc=False):
    """Effect: feed ``TimerFired`` once the time is past."""

    trade_id: str
    kind: TimerKind
    time_ns: int


class Track(msgspec.Struct, frozen=True, gc=False):
    """Effect: the trade holds a position; watch its excursions from here."""

    trade_id: str


class StopTracking(msgspec.Struct, frozen=True, gc=False):
    """Effect: the trade is flat, but its orders have yet to end; its excursions are over."""

    trade_id: str


class Measure(msgspec.Struct, frozen=True, gc=False):
    """Effect: the trade is flat; measure it and feed ``TradeMeasured``."""

    trade_id: str


class Protect(msgspec.Struct, frozen=True, gc=False):
    """Effect: feed ``ProtectionDue``: what the trade holds changed behind its orders' back."""

    trade_id: str


class EntryFailed(msgspec.Struct, frozen=True, gc=False):
    """Effect: the trade ended without a fill; tell whoever proposed it."""

    entry_id: str
    reason: str


class Raise(msgspec.Struct, frozen=True, gc=False):
    """Effect: alarm a person."""

    trade_id: str
    message: str


BrokerReport = (
    Accepted
    | Rejected
    | Cancelled
    | Expired
    | OutcomeUnknown
    | Replaced
    | CancelRejected
    | ReplaceRejected
    | NotSent
)
Input = (
    TradeApproved
    | TradeRefused
    | NonceUsed
    | TradeHeld
    | HoldEnded
    | FillBooked
    | FillVoided
    | BrokerReport
    | CloseRequested
    | CloseNoted
    | CancelRequested
    | ReplaceRequested
    | ProtectionDue
    | OrdersFound
    | FillFound
    | TimerFired
    | TradeMeasured
    | EntriesHalted
    | EntriesResumed
    | StrategySuspended
    | StrategyResumed
)
Event = (
    TradeApproved
    | TradeRefused
    | NonceUsed
    | TradeHeld
    | HoldEnded
    | FillBooked
    | FillVoided
    | BrokerReport
    | OrdersPlaced
    | CancelSent
    | ReplaceSent
    | CloseRequested
    | TradeMeasured
    | TradeAbandoned
    | ReportIgnored
    | EntriesHalted
    | EntriesResumed
    | StrategySuspended
    | StrategyResumed
)
Effect = (
    Submit
    | Cancel
    | Replace
    | SetTimer
    | Track
    | StopTracking
    | Measure
    | Protect
    | EntryFailed
    | Raise
)
Decision = tuple[tuple[Event, ...], tuple[Effect, ...]]
"""Events to record, and the effects that follow once they are."""
