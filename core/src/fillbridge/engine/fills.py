"""What follows from a fill: the position is protected, resized, closed or flattened."""

from fillbridge.engine.assumed import in_their_place
from fillbridge.engine.exits import cancel_all, cover, exit_all, exiting, resize_legs
from fillbridge.engine.legs import leg_again, missing_legs
from fillbridge.engine.messages import (
    Cancel,
    CancelSent,
    Decision,
    Event,
    FillBooked,
    Measure,
    OrdersPlaced,
    Protect,
    Raise,
    ReportIgnored,
    SetTimer,
    StopTracking,
    Submit,
    TimerKind,
    Track,
)
from fillbridge.engine.state import EngineState, OrderState, Trade
from fillbridge_hooks import TERMINAL_STATUSES, Fill, FillVoided, OrderRole

_ENTRY = OrderRole.ENTRY
_STOP = OrderRole.STOP
_EXIT = OrderRole.EXIT


def on_fill(state: EngineState, message: FillBooked, now: int) -> Decision:
    """Answer a fill of any order."""
    fill = message.fill
    known = state.orders.get(fill.client_order_id)
    if known is None:
        ignored = ReportIgnored(fill.client_order_id, "Fill", "no such order is known", now)
        return (ignored,), (Raise("", f"fill {fill.fill_id} of an order that is not known"),)
    trade, order_state = known
    if fill.fill_id in trade.fills:
        return (ReportIgnored(fill.client_order_id, "Fill", "repeated", now),), ()
    if order_state.order.side is trade.plan.entry.side:
        held = trade.held + fill.quantity
    else:
        held = trade.held - fill.quantity
    if held < 0:
        instead = in_their_place(trade, order_state, message, -held, now)
        if instead is not None:
            return instead
        return _flatten_excess(trade, order_state, message, -held, now)
    if held and order_state.order.role is _ENTRY:
        return _entry_filled(trade, order_state, message, held, now)
    return _exit_filled(trade, order_state, message, held, now)


def _entry_filled(
    trade: Trade, entry: OrderState, message: FillBooked, held: int, now: int
) -> Decision:
    fill = message.fill
    plan = trade.plan
    exited = trade.held <= 0 and trade.exit_quantity > 0
    if exited or trade.closed or trade.close_reason is not None:
        return _flatten_unwanted(trade, entry, message, held, now)
    if trade.stop is not None and entry.first_fill_ns is not None:
        events, effects = _followed(trade) or resize_legs(trade, entry, 0, held, now)
        if entry.status not in TERMINAL_STATUSES:
            return (message, *events), effects
        alarm = Raise(plan.trade_id, "the entry filled after it had ended; the fill is protected")
        return (message, *events), (*effects, alarm)
    # Legs that were taken over from the broker may be there before the fill that they follow from.
    events, effects = _followed(trade) or resize_legs(trade, entry, 0, held, now)
    legs = missing_legs(trade, held, fill)
    if legs:
        events = (*events, OrdersPlaced(plan.trade_id, legs, now))
    if not plan.has_broker_legs:
        effects = (*effects, *map(Submit, legs))
    track = Track(plan.trade_id)
    if plan.position_life_ns is None:
        return (message, *events), (track, *effects)
    timer = SetTimer(plan.trade_id, TimerKind.POSITION, fill.time_ns + plan.position_life_ns)
    return (message, *events), (track, timer, *effects)


def _followed(trade: Trade) -> Decision | None:
    """Nothing, where the broker itself lets the legs follow the position."""
    return ((), ()) if trade.plan.has_broker_legs else None


def _exit_filled(
    trade: Trade, filled: OrderState, message: FillBooked, held: int, now: int
) -> Decision:
    if held:
        return _partly_exited(trade, filled, message, held, now)
    ended = _ended(filled, message.fill)
    others = trade.working
    if ended is not None and filled.status not in TERMINAL_STATUSES:
        others -= 1
    if not others:
        return (message,), (Measure(trade.plan.trade_id),)
    legs = (trade.stop, trade.target) if trade.plan.has_broker_legs else ()
    sent, effects = cancel_all(trade, ended, "the position is closed", now, without=legs)
    return (message, *sent), (StopTracking(trade.plan.trade_id), *effects)


def _partly_exited(
    trade: Trade, filled: OrderState, message: FillBooked, held: int, now: int
) -> Decision:
    order = filled.order
    left = _left(filled, message.fill)
    if order.side is trade.plan.entry.side:
        return _flatten_unwanted(trade, filled, message, held, now)
    if trade.close_reason is not None:
        events, effects = cover(trade, order.side, held, filled, left, now)
        return (message, *events), effects
    events, effects = _followed(trade) or resize_legs(trade, filled, left, held, now)
    # What the broker keeps it may have let grow already: whether it did is seen in time.
    if order.role is _EXIT or trade.plan.has_broker_legs or _ended(filled, message.fill) is None:
        return (message, *events), effects
    if filled is not trade.stop and filled is not trade.target:
        # Given up, it filled after all: the one in its place is there for the rest.
        return (message, *events), (*effects, Protect(trade.plan.trade_id))
    # The leg was smaller than a position that grew meanwhile: it is placed again for the rest.
    rest = held - exiting(trade, order.side)
    again = leg_again(trade, filled, rest)
    if rest > 0 and again is not None:
        placed = OrdersPlaced(again.trade_id, (again,), now)
        return (message, *events, placed), (*effects, Submit(again))
    if order.role is _STOP:
        events, effects = exit_all(trade, filled, 0, filled, held, now)
    return (message, *events), effects


def _flatten_unwanted(
    trade: Trade, filled: OrderState, message: FillBooked, held: int, now: int
) -> Decision:
    """A fill of an order that was withdrawn: it is booked, and closed at once."""
    trade_id = trade.plan.trade_id
    fill = message.fill
    events, effects = exit_all(trade, filled, _left(filled, fill), _ended(filled, fill), held, now)
    track = () if trade.entry_quantity and not trade.closed else (Track(trade_id),)
    alarm = Raise(
        trade_id, f"{filled.order.client_order_id} filled after it was withdrawn; closing {held}"
    )
    placed, cancels = _legs_withdrawn(trade, message, held, now)
    return (message, *events, *placed), (*track, *effects, *cancels, alarm)


def _legs_withdrawn(trade: Trade, message: FillBooked, held: int, now: int) -> Decision:
    """The broker's legs rest as soon as the entry fills: they are known from here, to be ended."""
    plan = trade.plan
    if not plan.has_broker_legs:
        return (), ()
    reason = "the position is being closed"
    placed: tuple[Event, ...] = ()
    if trade.stop is None:
        legs = missing_legs(trade, held, message.fill)
        placed = (OrdersPlaced(plan.trade_id, legs, now),)
        names = [leg.client_order_id for leg in legs]
    else:
        # Legs that have ended may rest again, for the part that has filled now.
        names = [
            leg.order.client_order_id
            for leg in (trade.stop, trade.target)
            if leg is not None and leg.status in TERMINAL_STATUSES
        ]
    withdrawn = (CancelSent(name, reason, now) for name in names)
    return (*placed, *withdrawn), tuple(map(Cancel, names))


def _flatten_excess(
    trade: Trade, filled: OrderState, message: FillBooked, excess: int, now: int
) -> Decision:
    """More exits filled than were held: the excess is bought back at once."""
    plan = trade.plan
    side = plan.entry.side
    fill = message.fill
    placed, effects = cover(trade, side, excess, filled, _left(filled, fill), now)
    ended = _ended(filled, fill)
    sent, cancels = cancel_all(trade, ended, "the position is closed", now, kept=side)
    # The exit of a trade that was taken over may be heard of before its entry.
    track = (Track(plan.trade_id),) if trade.closed or not trade.fills else ()
    if filled.order.side is side:
        return (message, *placed, *sent), (*track, *effects, *cancels)
    alarm = Raise(plan.trade_id, f"exits exceed the position by {excess}; flattening")
    return (message, *placed, *sent), (*track, *effects, *cancels, alarm)


def on_fill_voided(state: EngineState, message: FillVoided, now: int) -> Decision:
    """Answer that a fill is taken back: the trade is as if it had never been, and mended."""
    order_id = message.client_order_id
    known = state.orders.get(order_id)
    if known is None or message.fill_id not in known[0].fills:
        return (ReportIgnored(order_id, "FillVoided", "no such fill is known", now),), ()
    trade_id = known[0].plan.trade_id
    alarm = Raise(trade_id, f"fill {message.fill_id} was taken back: {message.reason}")
    track = (Track(trade_id),) if known[0].closed else ()
    return (message,), (*track, alarm, Protect(trade_id))


def _ended(filled: OrderState, fill: Fill) -> OrderState | None:
    """The order, if ``fill`` completes it."""
    return filled if filled.filled + fill.quantity >= filled.order.quantity else None


def _left(filled: OrderState, fill: Fill) -> int:
    """What may still fill of an order after ``fill``, as it was last asked for."""
    quantity = filled.filled + fill.quantity
    if quantity >= filled.order.quantity:
        return 0
    return max(0, (filled.requested or filled.order).quantity - quantity)
