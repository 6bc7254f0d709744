"""What must follow for a trade to be as it should, whatever it took to get where it is."""

from fillbridge.engine.exits import (
    cancel_all,
    cover,
    exit_all,
    exiting,
    others_of,
    resize_legs,
)
from fillbridge.engine.legs import leg_again, missing_legs
from fillbridge.engine.messages import (
    Cancel,
    CancelSent,
    Decision,
    EntryFailed,
    Event,
    FillBooked,
    Measure,
    OrdersPlaced,
    ProtectionDue,
    Submit,
    TradeAbandoned,
)
from fillbridge.engine.state import EngineState, OrderState, Trade
from fillbridge_hooks import TERMINAL_STATUSES, Order, OrderStatus, Side

_NOTHING: Decision = ((), ())
_LOST = (OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.CANCELLED)
_WORKING = (OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILLED)


def on_protection_due(state: EngineState, message: ProtectionDue, now: int) -> Decision:
    """Answer that a trade should be looked at: what it holds is protected, closed or bought back.

    What is on its way already is not sent again, so asking twice is asking once.
    """
    trade = state.trades.get(message.trade_id)
    if trade is None:
        return _NOTHING
    events, effects = _mend(trade, now)
    entry_id = trade.entry.order.client_order_id
    is_asked = any(
        type(event) is CancelSent and event.client_order_id == entry_id for event in events
    )
    if is_asked or not entry_should_go(trade):
        return events, effects
    reason = trade.entry.cancel_reason or "the trade is being closed"
    return (*events, CancelSent(entry_id, reason, now)), (*effects, Cancel(entry_id))


def entry_should_go(trade: Trade) -> bool:
    """Whether the entry works though it was to be withdrawn, and nobody has asked the broker to."""
    entry = trade.entry
    if entry.cancel_sent or entry.status in TERMINAL_STATUSES:
        return False
    return bool(entry.cancel_reason) or trade.close_reason is not None


def _mend(trade: Trade, now: int) -> Decision:
    held, side = trade.held, trade.plan.entry.side
    if held == 0:
        return _end(trade, now)
    if held < 0:
        return _close_on(trade, side, -held, now)
    if trade.close_reason is not None:
        return _close_on(trade, side.opposite, held, now)
    return _protect(trade, held, now)


def _close_on(trade: Trade, side: Side, quantity: int, now: int) -> Decision:
    placed, effects = cover(trade, side, quantity, None, 0, now)
    sent, cancels = cancel_all(trade, None, "the position is being closed", now, kept=side)
    return (*placed, *sent), (*effects, *cancels)


def _protect(trade: Trade, held: int, now: int) -> Decision:
    stop, side = trade.stop, trade.plan.entry.side.opposite
    rest = held - exiting(trade, side)
    if rest <= 0:
        return _NOTHING
    if stop is None:
        opened = _last_entry_fill(trade)
        if opened is None:
            # The entry's fills were taken back: what an exit opened has no stop to rest behind.
            return exit_all(trade, trade.entry, 0, None, held, now)
        legs = missing_legs(trade, rest, opened.fill)
        placed = OrdersPlaced(trade.plan.trade_id, legs, now)
        return (placed,), tuple(Submit(leg) for leg in legs)
    others = others_of(trade, stop)
    if stop.cancel_sent or stop.status in TERMINAL_STATUSES:
        rest -= sum(other.order.quantity - other.filled for other in others)
        if rest <= 0:
            return _NOTHING
        again = leg_again(trade, stop, rest)
        if again is None:
            return exit_all(trade, stop, 0, stop, held, now)
        return (OrdersPlaced(trade.plan.trade_id, (again,), now),), (Submit(again),)
    events, effects = resize_legs(trade, trade.entry, 0, held, now)
    for leg, why in ((stop, "another stop protects"), (trade.target, "another target rests")):
        if leg is not None and leg.status in _WORKING:
            # One that was given up and replaced came to work after all.
            ids = [other.order.client_order_id for other in others_of(trade, leg)]
            events = *events, *(CancelSent(name, why, now) for name in ids)
            effects = *effects, *(Cancel(name) for name in ids)
    target = lost_target(trade)
    if target is not None:
        events = *events, OrdersPlaced(trade.plan.trade_id, (target,), now)
        effects = *effects, Submit(target)
    return events, effects


def lost_target(trade: Trade) -> Order | None:
    """The target once more, where it ended without being asked to, a few times.

    It is the first one where that did not come to leave with its stop, in a run that has ended.
    """
    if trade.held <= 0 or trade.close_reason is not None:
        return None
    rest = trade.held - exiting(trade, trade.plan.entry.side.opposite)
    target = trade.target
    if target is None:
        opened = None if trade.stop is None or rest <= 0 else _last_entry_fill(trade)
        return None if opened is None else missing_legs(trade, rest, opened.fill)[-1]
    if target.cancel_reason or target.status not in _LOST:
        return None
    rest -= sum(other.order.quantity - other.filled for other in others_of(trade, target))
    return leg_again(trade, target, rest) if rest > 0 else None


def _end(trade: Trade, now: int) -> Decision:
    entry = trade.entry
    if not trade.fills and entry.status not in TERMINAL_STATUSES:
        # Whatever it had filled was taken back: what should have closed that goes, the entry stays.
        return cancel_all(trade, entry, "its position was taken back", now)
    if trade.working:
        return cancel_all(trade, None, "the position is closed", now)
    if trade.entry_quantity:
        return (), (Measure(trade.plan.trade_id),)
    return _abandon(trade, entry, now)


def _abandon(trade: Trade, entry: OrderState, now: int) -> Decision:
    reason = entry.reason or "its fills were taken back"
    events: tuple[Event, ...] = (
        TradeAbandoned(trade.plan.trade_id, OrderStatus.CANCELLED, reason, now),
    )
    return events, (EntryFailed(entry.order.client_order_id, reason),)


def _last_entry_fill(trade: Trade) -> FillBooked | None:
    entry_id = trade.entry.order.client_order_id
    fills = reversed(trade.fills.values())
    return next((one for one in fills if one.fill.client_order_id == entry_id), None)
