"""An order as the simulated broker works it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fillbridge_hooks import Order, OrderType, Side

if TYPE_CHECKING:
    from fillbridge_sim.book import Book

Terms = tuple[OrderType, int | None, int | None]
"""Order type, limit and trigger."""

_BUY = Side.BUY
_LIMIT = OrderType.LIMIT
_STOP_LIMIT = OrderType.STOP_LIMIT
_WITH_LIMIT = frozenset({_LIMIT, _STOP_LIMIT})
_WITH_TRIGGER = frozenset({OrderType.STOP, _STOP_LIMIT, OrderType.TRAILING_STOP})


def missing_price(terms: Terms, trail: int | None) -> str:
    """What an order of this type cannot do without, as a sentence; ``""`` if nothing lacks."""
    kind, limit, trigger = terms
    if limit is None and kind in _WITH_LIMIT:
        return f"limit_ticks: expected ticks for a {kind} order, was None"
    if trigger is None and kind in _WITH_TRIGGER:
        return f"trigger_ticks: expected ticks for a {kind} order, was None"
    if trail is None and kind is OrderType.TRAILING_STOP:
        return f"trail_ticks: expected ticks for a {kind} order, was None"
    return ""


class WorkingOrder:
    """Terms and progress of one order; prices in ticks, 0 where its type has no such price.

    ``version`` rises whenever the order leaves its place in the book, so that entries of earlier
    versions in the book's heaps are void.
    """

    __slots__ = (
        "book",
        "broker_order_id",
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
        "trigger",
        "version",
    )

    def __init__(self, order: Order, broker_order_id: str, sequence: int) -> None:
        self.book: Book
        """The book that works it, once it is admitted."""
        self.order = order
        self.broker_order_id = broker_order_id
        self.sequence = sequence
        self.sign = 1 if order.side is _BUY else -1
        self.order_type = kind = order.order_type
        limit, trigger = order.limit_ticks, order.trigger_ticks
        self.limit = limit or 0
        self.trigger = trigger or 0
        self.terms: Terms = (kind, limit, trigger)
        """As they were last asked for; it may have triggered or trailed since."""
        self.quantity = order.quantity
        self.filled = 0
        self.version = 0
        self.is_active = True
        self.fresh = True
        """Has not yet met the market: what it takes on arrival, it takes as a taker."""
        self.since_ns = 0
        """When it reached the market."""

    def change_terms(self, terms: Terms) -> None:
        """Work with these terms from now on; a stop-limit that triggered stays a limit order."""
        has_triggered = self.order_type is not self.terms[0]
        self.terms = terms
        kind, limit, trigger = terms
        self.order_type = _LIMIT if has_triggered and kind is _STOP_LIMIT else kind
        self.limit, self.trigger = limit or 0, trigger or 0
