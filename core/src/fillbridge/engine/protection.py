"""What must follow for a trade to be as it should, whatever it took to get where it is."""

from fillbridge.engine.exits import (
    cancel_all,
    cover,
    exit_all,
    exiting,
    other_stops,
    resize_legs,
)
from fillbridge.engine.legs import leg_again, missing_legs
from fillbridge.engine.messages import (
    Cancel,
    CancelSent,
    CloseRequested,
    Decision,
    EntryFailed,
    Event,
    FillBooked,
    Measure,
    OrdersFound,
    OrdersPlaced,
    ProtectionDue,
    Raise,
    Submit,
    Track,
    TradeAbandoned,
)
from fillbridge.engine.state import EngineState, OrderState, Trade
from fillbridge_hooks import TERMINAL_STATUSES, ExitReason, Order, OrderStatus, Side

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


def on_orders_found(state: EngineState, message: OrdersFound, now: int) -> Decision:
    """Answer that orders of a trade work, or worked, of which nothing was recorded.

    They are its own from here on: what they do, the broker's reports say. A trade that had ended
    has not, then.
    """
    trade = state.trades.get(message.trade_id) or state.ended.get(message.trade_id)
    orders = tuple(one for one in message.orders if one.client_order_id not in state.orders)
    if trade is None or not orders:
        return _NOTHING
    events: tuple[Event, ...] = (OrdersPlaced(message.trade_id, orders, now),)
    if message.is_closing and trade.close_reason is None:
        closing = CloseRequested(message.trade_id, ExitReason.MANUAL_OVERRIDE, now)
        events = *events, closing
    names = ", ".join(one.client_order_id for one in orders)
    track = (Track(message.trade_id),) if trade.closed else ()
    alarm = Raise(message.trade_id, f"traded by orders that this run did not send: {names}")
    return events, (*track, alarm)


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
        legs = missing_legs(trade, rest, _last_entry_fill(trade).fill)
        placed = OrdersPlaced(trade.plan.trade_id, legs, now)
        return (placed,), tuple(Submit(leg) for leg in legs)
    others = other_stops(trade, stop)
    if stop.cancel_sent or stop.status in TERMINAL_STATUSES:
        rest -= sum(other.order.quantity - other.filled for other in others)
        if rest <= 0:
            return _NOTHING
        again = leg_again(trade, stop, rest)
        if again is None:
            return exit_all(trade, stop, 0, stop, held, now)
        return (OrdersPlaced(trade.plan.trade_id, (again,), now),), (Submit(again),)
    events, effects = resize_legs(trade, trade.entry, 0, held, now)
    if stop.status in _WORKING:
        # One that was given up and replaced came to work after all.
        ids = [other.order.client_order_id for other in others]
        events = *events, *(CancelSent(name, "another stop protects", now) for name in ids)
        effects = *effects, *(Cancel(name) for name in ids)
    target = lost_target(trade)
    if target is not None:
        events = *events, OrdersPlaced(trade.plan.trade_id, (target,), now)
        effects = *effects, Submit(target)
    return events, effects


def lost_target(trade: Trade) -> Order | None:
    """The target once more, where it ended without being asked to; a few times."""
    target = trade.target
    if target is None or target.cancel_reason or target.status not in _LOST:
        return None
    rest = trade.held - exiting(trade, trade.plan.entry.side.opposite)
    return leg_again(trade, target, rest) if rest > 0 and trade.close_reason is None else None


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


def _last_entry_fill(trade: Trade) -> FillBooked:
    entry_id = trade.entry.order.client_order_id
    return next(
        booked
        for booked in reversed(trade.fills.values())
        if booked.fill.client_order_id == entry_id
    )
