"""What a market does, one thing at a time."""

import msgspec


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody traded."""

    time_ns: int
    symbol: str
    price: float
    size: int


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """The best bid and offer changed."""

    time_ns: int
    symbol: str
    bid: float
    ask: float


Tick = Trade | Quote
"""Times only say how far apart ticks are."""
