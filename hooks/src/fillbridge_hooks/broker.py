"""What a broker answers when it is asked how things stand."""

import msgspec

from fillbridge_hooks.terms import OrderStatus, OrderType, Side


class BrokerOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the broker has it; prices in ticks, times ns UTC."""

    client_order_id: str
    """Empty where whoever sent it gave none."""
    broker_order_id: str
    symbol: str
    side: Side
    quantity: int
    """In total, fills included."""
    filled: int
    status: OrderStatus
    order_type: OrderType
    limit_ticks: int | None = None
    trigger_ticks: int | None = None
    reason: str = ""
    """Why it ended."""
    time_ns: int
    """Of its last change."""


class BrokerPosition(msgspec.Struct, frozen=True, kw_only=True):
    """What the account holds of one symbol."""

    symbol: str
    quantity: int
    """Signed: positive is long."""
