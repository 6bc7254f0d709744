"""How the counters of the trade date change; part of the fold."""

from fillbridge.engine.activity import begin_trade_date, count_message
from fillbridge.engine.state import RECENT_ORDERS, Counters, EngineState
from fillbridge_hooks import Instrument, Order
from fillbridge_hooks.sessions import NANOSECONDS, trade_date_end_ns

_MINUTE = 60 * NANOSECONDS


def counters_at(state: EngineState, instrument: Instrument, time_ns: int) -> Counters:
    """The counters of the trade date at a time, from nothing on a new one."""
    counters = state.counters
    if time_ns >= counters.trade_date_ends_ns:
        counters.trade_date_ends_ns = trade_date_end_ns(instrument, time_ns)
        counters.orders = counters.trades = counters.rejects = counters.realised_cents = 0
        counters.resumed_cents = counters.armed_cents = None
        state.proposed_before, state.proposed = state.proposed, {}
        begin_trade_date(state.activity)
    return counters


def count_order(state: EngineState, order: Order, time_ns: int) -> None:
    """An order is on its way."""
    counters = counters_at(state, order.instrument, time_ns)
    counters.orders += 1
    orders = counters.recent_orders
    orders.appendleft(order)
    if len(orders) > RECENT_ORDERS:
        orders.pop()
    count_request(state, time_ns)


def count_request(state: EngineState, time_ns: int) -> None:
    """A submit, cancel or replace is on its way."""
    times = state.counters.message_times
    times.append(time_ns)
    while times[0] <= time_ns - _MINUTE:
        times.popleft()
    count_message(state.activity, time_ns)
