"""What the book keeps of an order."""

from typing import Any, Literal

import msgspec

from fillbridge_rithmic.gateway.codes import LIMITED, REJECTED, STOPS, BracketType, PriceType, Side


class Bracket(msgspec.Struct, kw_only=True):
    """What follows the fills of an entry; ticks from its fill price, ``None``: no such leg."""

    bracket_type: int
    target_ticks: int | None = None
    stop_ticks: int | None = None
    trails_after_ticks: int | None = None
    """The stop follows the market once it has gone so far; ``None``: it stays where it is."""
    market_on_reject: bool = False
    """Whether a stop that is rejected becomes a market order."""
    released: int = 0
    """Contracts that have legs of their own by now."""

    @property
    def is_static(self) -> bool:
        """Whether the stop stays where it is."""
        return self.bracket_type >= BracketType.STOP_ONLY_STATIC or self.trails_after_ticks is None


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for."""

    account: str
    user: str
    symbol: str
    exchange: str
    side: Side
    quantity: int
    price_type: PriceType
    duration: int
    price: float | None = None
    trigger_price: float | None = None
    user_tag: str | None = None
    window_name: str | None = None
    trade_route: str | None = None
    manual_or_auto: int | None = None
    cancel_after_s: int | None = None
    trail_ticks: int | None = None
    bracket: Bracket | None = None
    parent: str | None = None
    """Basket id of the entry whose leg this is."""
    leg: Literal["stop", "target"] | None = None


class Order(msgspec.Struct, kw_only=True):
    """An order in the book; changed by the book alone."""

    basket_id: str
    ticket: Ticket
    """As it was asked for; what can be modified stands beside it."""
    quantity: int
    """In all, what is filled included."""
    price_type: PriceType
    price: float | None
    trigger_price: float | None
    placed_ns: int
    changed_ns: int
    siblings: list[str] = []
    """Basket ids of what is filled instead of this."""
    filled: int = 0
    value: float = 0.0
    """Sum of price times size of its fills."""
    cancelled: int = 0
    is_triggered: bool = False
    rests: bool = True
    """Whether it waited for its price, so that it fills there and not where the market is."""
    best_price: float | None = None
    """The best that the market has been while a trailing stop worked."""
    reason: str | None = None
    """Why it is complete; ``None``: it works."""
    text: str | None = None
    history: list[Any] = []
    """All that was told of it, in order."""

    @property
    def works(self) -> bool:
        """Whether it can still fill."""
        return self.reason is None

    @property
    def left(self) -> int:
        """Contracts that can still fill."""
        return self.quantity - self.filled if self.works else 0

    @property
    def average(self) -> float | None:
        """Price of its fills, points."""
        return self.value / self.filled if self.filled else None

    @property
    def waits_for_trigger(self) -> bool:
        """Whether it is a stop that has not been reached."""
        return self.works and self.price_type in STOPS and not self.is_triggered

    @property
    def limit(self) -> float | None:
        """The worst price it takes; ``None``: any."""
        return self.price if self.price_type in LIMITED else None

    @property
    def sign(self) -> int:
        """1 if it buys, -1 if it sells."""
        return 1 if self.ticket.side == Side.BUY else -1

    def takes(self, price: float) -> bool:
        """Whether it would trade at this price."""
        return self.limit is None or self.sign * (self.limit - price) >= 0

    def is_reached(self, price: float) -> bool:
        """Whether a trade at this price triggers it."""
        return self.trigger_price is not None and self.sign * (price - self.trigger_price) >= 0


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """Why an order that was accepted does not work."""

    text: str
    reason: str = REJECTED
    is_by_exchange: bool = False
    """Or else by the risk management, before it got there."""


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One trade of one order."""

    fill_id: str
    basket_id: str
    account: str
    symbol: str
    exchange: str
    side: Side
    size: int
    price: float
    user_tag: str | None
    time_ns: int
    total: int
    """Contracts of the order that are filled by now."""
    left: int
    average: float
