"""What a notification says of one order: 351 and 352, read into one shape."""

from __future__ import annotations

from enum import IntEnum
from math import isfinite
from typing import Any, Final

import msgspec

from fillbridge_hooks import OrderType, Side
from fillbridge_rithmic.wire.codes import (
    Completion,
    ExchangeNotice,
    Notice,
    PriceType,
    TransactionType,
)
from fillbridge_rithmic.wire.messages import sent

BY_RITHMIC: Final = 351
BY_EXCHANGE: Final = 352

_SECOND: Final = 1_000_000_000
_MICROSECOND: Final = 1_000
_NO_PRICE: Final = -1.0
"""Stands where an order has no such price."""


class Phase(IntEnum):
    """What a notification is evidence of; the order of the values means nothing."""

    OTHER = 0
    UNDER_WAY = 1
    """The order is on its way to the exchange."""
    WORKING = 2
    CHANGED = 3
    TRIGGERED = 4
    FILLED = 5
    """A quantity filled, which need not be all of it."""
    ENDED = 6
    CHANGE_REFUSED = 7
    CANCEL_REFUSED = 8


_OF_RITHMIC: Final = {
    Notice.ORDER_RECEIVED_FROM_CLIENT: Phase.UNDER_WAY,
    Notice.OPEN_PENDING: Phase.UNDER_WAY,
    Notice.ORDER_RECEIVED_BY_EXCHANGE_GATEWAY: Phase.UNDER_WAY,
    Notice.ORDER_SENT_TO_EXCHANGE: Phase.UNDER_WAY,
    Notice.RELEASE_PENDING: Phase.UNDER_WAY,
    Notice.OPEN: Phase.WORKING,
    Notice.TRIGGER_PENDING: Phase.WORKING,
    Notice.MODIFIED: Phase.CHANGED,
    Notice.COMPLETE: Phase.ENDED,
    Notice.MODIFICATION_FAILED: Phase.CHANGE_REFUSED,
    Notice.CANCELLATION_FAILED: Phase.CANCEL_REFUSED,
}
_OF_EXCHANGE: Final = {
    ExchangeNotice.STATUS: Phase.UNDER_WAY,
    ExchangeNotice.MODIFY: Phase.CHANGED,
    ExchangeNotice.CANCEL: Phase.ENDED,
    ExchangeNotice.TRIGGER: Phase.TRIGGERED,
    ExchangeNotice.FILL: Phase.FILLED,
    ExchangeNotice.REJECT: Phase.ENDED,
    ExchangeNotice.NOT_MODIFIED: Phase.CHANGE_REFUSED,
    ExchangeNotice.NOT_CANCELLED: Phase.CANCEL_REFUSED,
}
_ENDED_BY: Final = {
    ExchangeNotice.CANCEL: Completion.CANCEL,
    ExchangeNotice.REJECT: Completion.REJECT,
}
_WORKING: Final = frozenset({"open", "partial", "trigger pending", "modified, trigger pending"})
_COMPLETE: Final = "complete"
_TYPES: Final = {
    PriceType.LIMIT: OrderType.LIMIT,
    PriceType.MARKET: OrderType.MARKET,
    PriceType.STOP_LIMIT: OrderType.STOP_LIMIT,
    PriceType.STOP_MARKET: OrderType.STOP,
}
_SIDES: Final = {
    TransactionType.BUY: Side.BUY,
    TransactionType.SELL: Side.SELL,
    TransactionType.SELL_SHORT: Side.SELL,
}


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity that filled; the price in points."""

    fill_id: str
    quantity: int
    price: float
    time_ns: int
    total: int = 0
    """Filled of the basket so far, this one included; 0 where it was not said."""


class OrderNotice(msgspec.Struct, frozen=True, kw_only=True):
    """One notification; what it does not say is ``None`` or empty, prices are points."""

    basket_id: str
    phase: Phase
    time_ns: int = 0
    is_snapshot: bool = False
    account_id: str = ""
    user_id: str = ""
    tag: str = ""
    window_name: str = ""
    parent_id: str = ""
    symbol: str = ""
    exchange: str = ""
    side: Side | None = None
    order_type: OrderType | None = None
    first_type: OrderType | None = None
    """As it was sent."""
    quantity: int = 0
    filled: int = 0
    unfilled: int | None = None
    limit: float | None = None
    trigger: float | None = None
    reason: str = ""
    """Why it ended, as a code."""
    text: str = ""
    execution: Execution | None = None


def read_notice(message: Any) -> OrderNotice:
    """Read a message of template 351 or 352; fields that it does not know it passes over."""
    phase, reason = _phase(message)
    order_type = _TYPES.get(sent(message, "price_type"))
    limit, trigger = _price(message, "price"), _price(message, "trigger_price")
    if order_type is OrderType.STOP:
        trigger, limit = limit if trigger is None else trigger, None
    elif order_type is OrderType.LIMIT:
        trigger = None
    elif order_type is OrderType.MARKET:
        limit = trigger = None
    filled = max(0, message.total_fill_size)
    unfilled = sent(message, "total_unfilled_size")
    # Rows of working orders were seen without a quantity.
    quantity = message.quantity
    if quantity <= 0 or _is_cancel_of_a_part(message):
        quantity = filled + max(0, unfilled or 0)
    return OrderNotice(
        basket_id=message.basket_id,
        phase=phase,
        time_ns=message.ssboe * _SECOND + message.usecs * _MICROSECOND,
        is_snapshot=message.is_snapshot,
        account_id=message.account_id,
        user_id=message.user_id,
        tag=message.user_tag,
        window_name=message.window_name,
        parent_id=message.original_basket_id,
        symbol=message.symbol,
        exchange=message.exchange,
        side=_SIDES.get(sent(message, "transaction_type")),
        order_type=order_type,
        first_type=_TYPES.get(sent(message, "orig_price_type")),
        quantity=quantity,
        filled=filled,
        unfilled=unfilled,
        limit=limit,
        trigger=trigger,
        reason=reason,
        text=message.text or message.report_text,
        execution=_execution(message) if phase is Phase.FILLED else None,
    )


def _phase(message: Any) -> tuple[Phase, str]:
    notify_type, status = sent(message, "notify_type"), message.status.strip().lower()
    if message.template_id == BY_RITHMIC:
        phase = _OF_RITHMIC.get(notify_type, Phase.OTHER)
        reason = message.completion_reason.strip().upper()
    else:
        phase = _OF_EXCHANGE.get(notify_type, Phase.OTHER)
        reason = _ENDED_BY.get(notify_type, "")
        if _is_cancel_of_a_part(message):
            return Phase.CHANGED, ""
    says = message.is_snapshot or message.template_id == BY_EXCHANGE
    if says and phase in (Phase.OTHER, Phase.UNDER_WAY):
        if status in _WORKING:
            phase = Phase.WORKING
        elif status == _COMPLETE:
            phase = Phase.ENDED
    return phase, reason if phase is Phase.ENDED else ""


def _is_cancel_of_a_part(message: Any) -> bool:
    """Whether a quantity was withdrawn of an order that works on with the rest."""
    return (
        message.template_id == BY_EXCHANGE
        and message.notify_type == ExchangeNotice.CANCEL
        and message.status.strip().lower() in _WORKING
        and message.total_unfilled_size > 0
    )


def _price(message: Any, field: str) -> float | None:
    value = sent(message, field)
    if value is None or not isfinite(value) or value == _NO_PRICE:
        return None
    return float(value)


def _execution(message: Any) -> Execution | None:
    quantity, price = message.fill_size, message.fill_price
    if quantity <= 0 or not isfinite(price):
        return None
    time_ns = message.ssboe * _SECOND + message.usecs * _MICROSECOND
    total = max(0, message.total_fill_size)
    fill_id = message.fill_id
    if not fill_id:
        parts = (message.basket_id, message.ssboe, message.usecs, quantity, price, total)
        fill_id = "-".join(str(part) for part in parts)
    return Execution(fill_id=fill_id, quantity=quantity, price=price, time_ns=time_ns, total=total)
