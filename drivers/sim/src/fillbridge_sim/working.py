"""An order as the simulated broker works it."""

from fillbridge_hooks import Direction, Order, OrderRole, OrderType, Side

Terms = tuple[OrderType, int | None, int | None]
"""Order type, limit and trigger."""


class WorkingOrder:
    """Terms and progress of one order; prices in ticks.

    ``version`` rises whenever the order leaves its place in the book, so that entries of earlier
    versions in the book's heaps are void.
    """

    __slots__ = (
        "broker_order_id",
        "direction",
        "filled",
        "fresh",
        "is_active",
        "limit",
        "order",
        "order_type",
        "quantity",
        "sequence",
        "sign",
        "since_ns",
        "terms",
        "trail",
        "trigger",
        "version",
    )

    def __init__(self, order: Order, broker_order_id: str, sequence: int) -> None:
        self.order = order
        self.broker_order_id = broker_order_id
        self.sequence = sequence
        self.sign = 1 if order.side is Side.BUY else -1
        is_entry = order.role is OrderRole.ENTRY
        self.direction = Direction.LONG if (self.sign > 0) == is_entry else Direction.SHORT
        self.order_type = order.order_type
        self.limit = order.limit_ticks
        self.trigger = order.trigger_ticks
        self.trail = order.trail_ticks
        self.terms: Terms = (order.order_type, order.limit_ticks, order.trigger_ticks)
        """As they were last asked for; it may have triggered or trailed since."""
        self.since_ns = 0
        """When it reached the market after some latency."""
        self.quantity = order.quantity
        self.filled = 0
        self.version = 0
        self.is_active = True
        self.fresh = True
        """Has not yet met the market: what it takes on arrival, it takes as a taker."""

    def change_terms(self, terms: Terms) -> None:
        """Work with these terms from now on; a stop-limit that triggered stays a limit order."""
        has_triggered = self.order_type is not self.terms[0]
        self.terms = terms
        self.order_type, self.limit, self.trigger = terms
        if has_triggered and self.order_type is OrderType.STOP_LIMIT:
            self.order_type, self.trigger = OrderType.LIMIT, None

    @property
    def takes_market(self) -> bool:
        """Whether it takes the price as it is now."""
        return self.order_type is OrderType.MARKET
