"""Market data as it enters, and the view of it that plugins receive."""

import msgspec


class BarData(msgspec.Struct, frozen=True, gc=False):
    """One bar. Made per bar, so by position.

    ``timestamp`` is the start of the bar, ns UTC; prices are points; ``symbol`` may stay empty
    where the handler trades one instrument.
    """

    timestamp: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    symbol: str = ""


class TradeTick(msgspec.Struct, frozen=True, gc=False):
    """One trade of the tape. Made per tick, so by position."""

    timestamp: int
    price: float
    size: float
    symbol: str = ""
    sequence: int = -1
    side: str = ""


class QuoteTick(msgspec.Struct, frozen=True, gc=False):
    """The best bid and offer after a change. Made per tick, so by position."""

    timestamp: int
    bid: float
    bid_size: float
    ask: float
    ask_size: float
    symbol: str = ""


class MarketView(msgspec.Struct, frozen=True, gc=False):
    """What is known of a symbol's market; prices in points, ``None`` where unknown.

    Made for every order and every simulated fill, so by position.
    """

    symbol: str
    bar: BarData | None
    bid: float | None
    ask: float | None
    last: float | None
    volume: float | None
    time_ns: int | None
    quote_ns: int | None = None
    """When the quote was made, ns UTC; ``None`` without one."""
    connected_ns: int | None = None
    """When the session began that the prices come from; ``None`` where there is none to lose."""
    status: str | None = None
    """``open``, ``halted`` or whatever else the exchange says; no driver tells so far."""
    limit_low: float | None = None
    limit_high: float | None = None
    """The day's price limits, points; no driver tells so far."""


class PriceWatch:
    """The prices and times up to which nothing can happen to a symbol's orders.

    A simulation session keeps ``floor`` and ``ceiling`` (points) half a tick inside the nearest
    order and the handler keeps ``deadline`` (ns), so that a bar or trade between them costs a few
    comparisons: it only moves ``last``, ``now`` and the running extremes ``high`` and ``low``.
    """

    __slots__ = ("ceiling", "deadline", "floor", "high", "last", "low", "now", "quote")

    def __init__(self) -> None:
        self.floor = float("-inf")
        self.ceiling = float("inf")
        self.deadline = 0
        self.now = -1
        self.high = float("-inf")
        self.low = float("inf")
        self.last: BarData | TradeTick | None = None
        self.quote: QuoteTick | None = None
