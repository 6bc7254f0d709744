"""What a broker answers when it is asked how things stand, and what it lets an account do."""

from collections.abc import Mapping

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


class BrokerMargin(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker still lets the account do; money in account currency.

    A session tells it as a message, each time the broker does.
    """

    available: float
    """Buying power that is left."""
    needed: Mapping[str, float] = msgspec.field(default_factory=dict)
    """By symbol: what one contract takes of it, where the broker says so."""
    max_order_quantity: Mapping[str, int] = msgspec.field(default_factory=dict)
    """By symbol: the largest order, where the broker limits it."""
    loss_limit: float | None = None
    """The loss of a trade date, >= 0, at which the broker stops the account."""
    time_ns: int
    """When it was heard of, ns UTC."""
