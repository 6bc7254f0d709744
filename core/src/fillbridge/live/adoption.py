"""Orders of our trades that the broker has and the journal does not.

A journal that fails is no reason to leave a position bare: what protects it still leaves, and
nobody records it. The next run learns of it here, before it would send the same again.
"""

import re
from collections.abc import Iterator

from fillbridge.engine.legs import EXIT_SUFFIX, STOP_SUFFIX, TARGET_SUFFIX, protective_legs
from fillbridge.engine.messages import OrdersFound, TradePlan
from fillbridge.engine.state import EngineState, Trade
from fillbridge.live.snapshot import BrokerSnapshot
from fillbridge_hooks import (
    TERMINAL_STATUSES,
    BrokerOrder,
    Fill,
    Order,
    OrderRole,
)

_ROLES = {
    STOP_SUFFIX: OrderRole.STOP,
    TARGET_SUFFIX: OrderRole.TARGET,
    EXIT_SUFFIX: OrderRole.EXIT,
}
_FIRST_LEGS = (STOP_SUFFIX, TARGET_SUFFIX)
_ID = re.compile(rf"(.+)({'|'.join(_ROLES)})(\d*)")


def unrecorded(state: EngineState, snapshot: BrokerSnapshot, now_ns: int) -> Iterator[OrdersFound]:
    """What the engine must know of before anything else that the broker answered."""
    found: dict[str, list[tuple[bool, int, Order]]] = {}
    closing: set[str] = set()
    for order_id, known in _with_legs(state, snapshot):
        trade_id, suffix, number = _named(order_id)
        trade = state.trades.get(trade_id) or state.ended[trade_id]
        order = min(known, key=lambda one: one.status in TERMINAL_STATUSES)
        is_working = order.status not in TERMINAL_STATUSES
        # A trade that has ended is left alone by what came to nothing.
        if trade.closed and not is_working and not order.filled:
            continue
        made = _as_sent(trade, order, _ROLES[suffix], snapshot.fills)
        found.setdefault(trade_id, []).append((is_working, int(number or 1), made))
        is_closing = made.role is OrderRole.EXIT and made.side is not trade.plan.entry.side
        if is_closing and (is_working or trade.closed):
            closing.add(trade_id)
    for trade_id, orders in found.items():
        # The last one of a role is the one that counts: one that works, if any does.
        orders.sort(key=lambda one: one[:2])
        yield OrdersFound(
            trade_id, tuple(order for _, _, order in orders), trade_id in closing, now_ns
        )


def _with_legs(
    state: EngineState, snapshot: BrokerSnapshot
) -> Iterator[tuple[str, list[BrokerOrder]]]:
    """Orders of trades of ours that are not known, by client order id.

    The first legs that a broker keeps for an entry follow from its fill, and are left to that;
    but not where it is taken back, or where more was sent since they were there.
    """
    legs: dict[str, dict[str, list[BrokerOrder]]] = {}
    further: set[str] = set()
    for order_id, known in snapshot.orders().items():
        trade_id, suffix, number = _named(order_id)
        trade = state.trades.get(trade_id) or state.ended.get(trade_id)
        if trade is None or order_id in state.orders:
            continue
        if trade.plan.has_broker_legs and trade.stop is None and suffix + number in _FIRST_LEGS:
            legs.setdefault(trade_id, {})[order_id] = known
            continue
        further.add(trade_id)
        yield order_id, known
    filled = {fill.client_order_id for fill in snapshot.fills}
    for trade_id, ours in legs.items():
        trade = state.trades.get(trade_id) or state.ended[trade_id]
        is_entered = trade.entry_quantity or trade.entry.order.client_order_id in filled
        is_orphaned = not is_entered and any(one.filled for known in ours.values() for one in known)
        if is_orphaned or trade_id in further:
            yield from ours.items()


def _named(order_id: str) -> tuple[str, str, str]:
    """Trade, suffix and number of an order that closes; empty for any other."""
    named = _ID.fullmatch(order_id)
    return (named[1], named[2], named[3]) if named else ("", "", "")


def _as_sent(trade: Trade, known: BrokerOrder, role: OrderRole, fills: tuple[Fill, ...]) -> Order:
    entry = trade.plan.entry
    is_trailing = role is OrderRole.STOP and trade.plan.proposal.trailing_stop
    return Order(
        known.client_order_id,
        trade.plan.trade_id,
        role,
        entry.instrument,
        known.side,
        known.quantity,
        known.order_type,
        known.limit_ticks,
        known.trigger_ticks,
        _trail_ticks(trade, fills) if is_trailing else None,
        broker=entry.broker,
        arrival=entry.arrival,
        urgency=entry.urgency,
    )


def _trail_ticks(trade: Trade, fills: tuple[Fill, ...]) -> int | None:
    plan: TradePlan = trade.plan
    entry_id = plan.entry.client_order_id
    booked = (one.fill for one in trade.fills.values())
    first = next((one for one in (*booked, *fills) if one.client_order_id == entry_id), None)
    if first is None:
        return plan.stop_distance
    return protective_legs(plan, 1, first)[0].trail_ticks
