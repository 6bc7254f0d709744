"""The broker's orders and fills: the truth that everything is judged by."""

from typing import Any

import msgspec

from fillbridge_hooks import Instrument, Order, OrderRole, OrderStatus, OrderType

ENDED = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED)
_MARKET = OrderType.MARKET
_LIMIT = OrderType.LIMIT


class Working(msgspec.Struct, eq=False):
    """An order as the broker has it; ``sign`` is +1 for a buy, prices are ticks."""

    client_order_id: str
    broker_order_id: str
    trade_id: str
    role: OrderRole | None
    """``None``: of somebody else."""
    instrument: Instrument
    sign: int
    quantity: int
    order_type: OrderType
    limit: int | None
    trigger: int | None
    time_ns: int
    legs: tuple[Order, ...] = ()
    filled: int = 0
    status: OrderStatus = OrderStatus.SUBMITTED
    reason: str = ""
    is_triggered: bool = False
    is_leg: bool = False

    @property
    def left(self) -> int:
        """What may still fill."""
        return 0 if self.status in ENDED else self.quantity - self.filled


class Executed(msgspec.Struct, eq=False):
    """One fill."""

    fill: Any
    order: Working
    is_void: bool = False


class TradeTruth(msgspec.Struct, eq=False):
    """What the broker knows of one of our trades; contracts."""

    trade_id: str
    symbol: str
    sign: int = 0
    """+1 where the entry buys; 0 until the entry is known."""
    orders: list[Working] = []
    position: int = 0
    """Signed."""
    entered: int = 0
    exited: int = 0
    q_bracket: int = 0
    """Filled by the entry and not exited by the broker's own legs."""

    def resting(self, sign: int, *roles: OrderRole) -> int:
        """What may still fill on a side, of orders of these roles."""
        return sum(
            order.quantity - order.filled
            for order in self.orders
            if order.sign == sign and order.role in roles and order.status not in ENDED
        )


def fills_at(order: Working, last: int) -> int | None:
    """The price at which an order trades now, ``None`` if it does not; it may trigger."""
    kind = order.order_type
    if kind is _MARKET:
        return last
    if order.trigger is not None and not order.is_triggered:
        if order.sign * (last - order.trigger) < 0:
            return None
        order.is_triggered = True
    if order.limit is None:
        return last
    return order.limit if order.sign * (order.limit - last) >= 0 else None


_ROLES = {"E": OrderRole.ENTRY, "S": OrderRole.STOP, "T": OrderRole.TARGET}


def role_of(client_order_id: str) -> OrderRole:
    """What an order is for, by its id."""
    suffix = client_order_id.rsplit("_", 1)[1]
    return OrderRole.EXIT if suffix.startswith("EXIT") else _ROLES[suffix[0]]


def trade_of(client_order_id: str) -> str:
    """The trade of an order, by its id."""
    return client_order_id.rsplit("_", 1)[0]
