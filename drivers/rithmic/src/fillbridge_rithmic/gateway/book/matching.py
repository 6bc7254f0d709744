"""Which orders a trade fills, in which order and at which price."""

from collections.abc import Iterable

from fillbridge_rithmic.gateway.book.order import Order
from fillbridge_rithmic.gateway.codes import Side


class Market:
    """What is known of the market of one symbol, points."""

    def __init__(self) -> None:
        self.last: float | None = None
        self.bid: float | None = None
        self.ask: float | None = None
        self.volume = 0
        self.rose = True
        """Whether the last trade was at the price before it, or above."""

    def price_for(self, side: Side) -> float | None:
        """What a market order would trade at; ``None``: not known."""
        quoted = self.ask if side == Side.BUY else self.bid
        return self.last if quoted is None else quoted

    def traded(self, price: float, size: int) -> None:
        """Remember a trade; a quote that it has left behind is forgotten."""
        self.rose = self.last is None or price >= self.last
        self.last = price
        self.volume += size
        if self.bid is not None and self.ask is not None and not self.bid <= price <= self.ask:
            self.bid = self.ask = None


def in_priority(orders: Iterable[Order]) -> list[Order]:
    """Those without a limit first, then the better limit, then the older."""

    def rank(order: Order) -> tuple[bool, float, int]:
        limit = order.limit
        return limit is not None, -order.sign * (limit or 0.0), int(order.basket_id)

    return sorted(orders, key=rank)


def fill_price(order: Order, traded: float) -> float:
    """What an order gets of a trade: a limit that waited trades where it waited."""
    limit = order.limit
    return limit if limit is not None and order.rests else traded
