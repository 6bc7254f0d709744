"""What the account holds of each symbol, and how each event changes it."""

from typing import Any

import msgspec

from fillbridge.engine import EngineState, fold
from fillbridge.engine.messages import Event, FillBooked
from fillbridge.engine.state import OrderState, Trade
from fillbridge.journal.records import PositionChanged
from fillbridge_hooks import FillVoided, OrderRole

_VOID = "void"


class Holding(msgspec.Struct, frozen=True):
    """Contracts of a symbol, positive is long, and their average price in points."""

    quantity: int
    average_price: float


_FLAT = Holding(0, 0.0)


def position_change(
    state: EngineState, holdings: dict[str, Holding], event: Event | FillVoided, now_ns: int
) -> PositionChanged | None:
    """Fold an event into ``state``; the change of a position that it makes.

    ``holdings`` stay as they are: :func:`held_after` applies the change.
    """
    if isinstance(event, FillBooked):
        order_id, fill_id = event.fill.client_order_id, event.fill.fill_id
    elif isinstance(event, FillVoided):
        order_id, fill_id = event.client_order_id, event.fill_id
    else:
        fold(state, event)
        return None
    trade, order = state.orders[order_id]
    held, filled, value = trade.held, order.filled, order.filled_value
    folded: Any = event
    fold(state, folded)
    delta = (trade.held - held) * trade.plan.direction.sign
    if not delta:
        return None
    if isinstance(event, FillBooked):
        price, time_ns, cause = event.fill.price, event.fill.time_ns, _cause(trade, order)
    else:
        price, time_ns = (order.filled_value - value) / (order.filled - filled), event.time_ns
        cause = _VOID
    symbol = order.order.instrument.symbol
    before = holdings.get(symbol, _FLAT)
    if cause is _VOID:
        after = _undone(before, delta, price, trade, order)
    else:
        after = _after(before, delta, price)
    return PositionChanged(
        symbol=symbol,
        before=before.quantity,
        delta=delta,
        after=after.quantity,
        price=price,
        average_price=after.average_price if after.quantity else None,
        fill_id=fill_id,
        client_order_id=order_id,
        trade_id=trade.plan.trade_id,
        cause=cause,
        time_ns=time_ns,
        recorded_ns=now_ns,
    )


def held_after(holdings: dict[str, Holding], change: PositionChanged) -> None:
    """Apply a change; what is flat is forgotten."""
    if change.average_price is None:
        holdings.pop(change.symbol, None)
    else:
        holdings[change.symbol] = Holding(change.after, change.average_price)


def _cause(trade: Trade, order: OrderState) -> str:
    if order.order.role is OrderRole.ENTRY or trade.exit_reason is None:
        return order.order.role.value
    return trade.exit_reason.value


def _after(before: Holding, delta: int, price: float) -> Holding:
    quantity = before.quantity + delta
    if quantity == 0:
        return _FLAT
    if before.quantity * delta >= 0:
        value = before.average_price * before.quantity + price * delta
        return Holding(quantity, value / quantity)
    turned = before.quantity * quantity < 0
    return Holding(quantity, price if turned else before.average_price)


def _undone(before: Holding, delta: int, price: float, trade: Trade, order: OrderState) -> Holding:
    """What is held as if the fill had never been."""
    quantity = before.quantity + delta
    if quantity == 0:
        return _FLAT
    if order.order.side is trade.plan.entry.side:
        value = before.average_price * before.quantity + price * delta
        return Holding(quantity, value / quantity)
    if before.quantity:
        return Holding(quantity, before.average_price)
    if not trade.entry_quantity:
        return Holding(quantity, price)
    return Holding(quantity, trade.entry_value / trade.entry_quantity)
