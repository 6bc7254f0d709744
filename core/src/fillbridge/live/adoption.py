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
    for order_id, known in snapshot.orders().items():
        named = None if order_id in state.orders else _ID.fullmatch(order_id)
        if named is None:
            continue
        trade = state.trades.get(named[1]) or state.ended.get(named[1])
        if trade is None:
            continue
        # The first legs that a broker keeps for an entry follow from its fill.
        if trade.plan.has_broker_legs and trade.stop is None and named[2] + named[3] in _FIRST_LEGS:
            continue
        order = min(known, key=lambda one: one.status in TERMINAL_STATUSES)
        is_working = order.status not in TERMINAL_STATUSES
        # A trade that has ended is left alone by what came to nothing.
        if trade.closed and not is_working and not order.filled:
            continue
        made = _as_sent(trade, order, _ROLES[named[2]], snapshot.fills)
        found.setdefault(named[1], []).append((is_working, int(named[3] or 1), made))
        is_closing = made.role is OrderRole.EXIT and made.side is not trade.plan.entry.side
        if is_closing and (is_working or trade.closed):
            closing.add(named[1])
    for trade_id, orders in found.items():
        # The last one of a role is the one that counts: one that works, if any does.
        orders.sort(key=lambda one: one[:2])
        yield OrdersFound(
            trade_id, tuple(order for _, _, order in orders), trade_id in closing, now_ns
        )


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
