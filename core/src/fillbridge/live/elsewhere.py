"""Positions of ours that somebody else closed: a liquidation, or a person at the broker's desk."""

from collections.abc import Iterator

from fillbridge.engine.legs import ELSEWHERE_SUFFIX
from fillbridge.engine.messages import OrdersFound
from fillbridge.engine.state import EngineState, Trade
from fillbridge.live.snapshot import BrokerSnapshot
from fillbridge_hooks import (
    TERMINAL_STATUSES,
    Fill,
    Liquidity,
    MarketView,
    Order,
    OrderRole,
    OrderStatus,
    OrderType,
    Side,
)

_UNPROVED = (OrderStatus.PENDING, OrderStatus.UNKNOWN)
_HALF = 0.5


def is_explained_by_nothing_of_ours(
    state: EngineState, snapshot: BrokerSnapshot, symbol: str
) -> bool:
    """Whether no order of ours may have traded without our knowing of it.

    The broker must show every one that could, and know no more fills of it than we do.
    """
    known = snapshot.orders()
    for trade, order_state in state.orders.values():
        if trade.plan.instrument.symbol != symbol:
            continue
        shown = known.get(order_state.order.client_order_id, ())
        may_fill = order_state.status not in TERMINAL_STATUSES
        if may_fill and (order_state.status in _UNPROVED or not shown):
            return False
        if trade.held < 0 or any(one.filled > order_state.filled for one in shown):
            return False
    return True


def closed_elsewhere(
    state: EngineState,
    snapshot: BrokerSnapshot,
    symbol: str,
    theirs: int,
    view: MarketView,
    since_ns: int,
) -> Iterator[tuple[OrdersFound, Fill]]:
    """What closes so much that no more is held than the broker says, the oldest trades first.

    The price is that of the fills that explain it, if the broker names them; else the last one
    that is known of the symbol. The time is ``since_ns``, when the broker first said so.
    """
    trades = [
        trade
        for trade in state.trades.values()
        if trade.plan.instrument.symbol == symbol and trade.held > 0
    ]
    if not trades:
        return
    sign = trades[0].plan.direction.sign
    excess = sum(trade.held for trade in trades) - max(0, theirs * sign)
    side = trades[0].plan.entry.side.opposite
    named = _named_price(state, snapshot, symbol, side, excess)
    for trade in trades:
        quantity = min(trade.held, excess)
        if quantity <= 0:
            return
        excess -= quantity
        price = named or view.last or trade.opening_price
        yield _closed(trade, quantity, price, max(since_ns, trade.entry.last_fill_ns or 0))


def _named_price(
    state: EngineState, snapshot: BrokerSnapshot, symbol: str, side: Side, quantity: int
) -> float | None:
    """The average price of others' fills, if they explain all of it."""
    others = {
        one.broker_order_id
        for orders in snapshot.orders().values()
        for one in orders
        if one.symbol == symbol and one.side is side and one.client_order_id not in state.orders
    }
    fills = [
        fill
        for fill in snapshot.fills
        if fill.broker_order_id in others and fill.client_order_id not in state.orders
    ]
    if sum(fill.quantity for fill in fills) != quantity:
        return None
    return sum(fill.price * fill.quantity for fill in fills) / quantity


def _closed(trade: Trade, quantity: int, price: float, time_ns: int) -> tuple[OrdersFound, Fill]:
    trade_id, entry = trade.plan.trade_id, trade.plan.entry
    stem = trade_id + ELSEWHERE_SUFFIX
    before = sum(one.order.client_order_id.startswith(stem) for one in trade.orders)
    order_id = stem + (str(before + 1) if before else "")
    order = Order(
        order_id,
        trade_id,
        OrderRole.EXIT,
        entry.instrument,
        entry.side.opposite,
        quantity,
        OrderType.MARKET,
        broker=entry.broker,
        arrival=entry.arrival,
        urgency=entry.urgency,
    )
    reference = round(price / entry.instrument.tick_size / _HALF) * _HALF
    fill = Fill(
        fill_id=order_id,
        client_order_id=order_id,
        broker_order_id="",
        quantity=quantity,
        cumulative_quantity=quantity,
        price=price,
        reference_ticks=reference,
        slippage=0.0,
        slippage_model="",
        liquidity=Liquidity.TAKER,
        time_ns=time_ns,
    )
    return OrdersFound(trade_id, (order,), False, time_ns), fill
