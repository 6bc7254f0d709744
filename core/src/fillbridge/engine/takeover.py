"""What an earlier run did and could not record is taken over, before anything follows from it.

What was filled meanwhile comes as many fills at once. Each of them alone would call for an answer,
which that run gave: they are booked first, and what is still missing is then sent.
"""

from fillbridge.engine.assumed import taken_back
from fillbridge.engine.messages import (
    CloseRequested,
    Decision,
    Effect,
    Event,
    FillFound,
    OrdersFound,
    OrdersPlaced,
    Raise,
    SetTimer,
    TimerKind,
    Track,
)
from fillbridge.engine.state import EngineState
from fillbridge_hooks import ExitReason

_NOTHING: Decision = ((), ())


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


def on_fill_found(state: EngineState, message: FillFound, now: int) -> Decision:
    """Answer a fill of a trade whose orders were found: it is booked, and nothing else yet."""
    booked = message.booked
    fill = booked.fill
    known = state.orders.get(fill.client_order_id)
    if known is None or fill.fill_id in known[0].fills:
        return _NOTHING
    trade, order_state = known
    plan = trade.plan
    instead: tuple[Event, ...] = ()
    if order_state.order.side is not plan.entry.side and trade.held < fill.quantity:
        instead = taken_back(trade, fill, fill.quantity - trade.held, now) or ()
    effects: list[Effect] = []
    if trade.closed or not trade.fills:
        effects.append(Track(plan.trade_id))
    if order_state is trade.entry and trade.entry.first_fill_ns is None:
        life_ns = plan.position_life_ns
        if life_ns is not None:
            ends_ns = fill.time_ns + life_ns
            effects.append(SetTimer(plan.trade_id, TimerKind.POSITION, ends_ns))
    return (*instead, booked), tuple(effects)
