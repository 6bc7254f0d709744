"""The rules of the simulation, each a switch."""

from typing import Annotated, Literal

import msgspec

from fillbridge_hooks import ConfigurationError

BarPath = Literal["body", "nearest", "open-high-low-close", "stop-first", "target-first"]


class SampledLatency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A latency drawn evenly between two bounds, the same sequence for the same seed."""

    low: Annotated[float, msgspec.Meta(ge=0)]
    high: Annotated[float, msgspec.Meta(ge=0)]
    seed: int = 0

    def __post_init__(self) -> None:
        if self.high < self.low:
            raise ConfigurationError(
                f"latency_ms.high: expected at least low ({self.low}), was {self.high}"
            )


class LiveMarket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``live_settings.simulation``: the market of the simulated broker when it is traded live."""

    market: Literal["seeded", "manual"] = "seeded"
    """Where no ``ticks`` are named. ``seeded``: a random walk; ``manual``: none but what is
    pushed by hand."""
    ticks: str | None = None
    """File of trades to replay, ``.csv`` or ``.csv.gz``."""
    quotes: str | None = None
    """File of quotes that belong to them."""
    symbol: str | None = None
    """Of rows that name none; ``None``: the first instrument that is traded."""
    speed: Annotated[float, msgspec.Meta(ge=0)] | Literal["max"] = 1.0
    """How many times faster than it was the data is replayed; 0 and ``max``: the next trade
    happens as soon as everything before it was received."""
    seed: int = 0
    """Of the random walk: the same seed gives the same prices."""
    start_price: Annotated[float, msgspec.Meta(gt=0)] = 5000.0
    """Where the random walk begins, points."""
    volatility: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    """Standard deviation of how far the random walk goes in a second, ticks."""
    ticks_per_second: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 4.0
    """Trades of the random walk, per symbol."""

    def __post_init__(self) -> None:
        if self.quotes is not None and self.ticks is None:
            raise ConfigurationError("quotes: expected ticks to go with them, was none")


class SimulationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``backtest_settings.simulation``: how orders meet the market."""

    bar_path: BarPath = "body"
    """Order of a bar's extremes. ``body``: low first if close >= open, else high first;
    ``nearest``: the extreme nearer to the open first, the low if both are as near;
    ``open-high-low-close``; ``stop-first`` and ``target-first``: against, or for, each trade."""
    market_entry: Literal["next", "on_close"] = "next"
    """``next``: at the next open or trade, or at once where a quote is known; ``on_close``: at
    the last price already seen, which looks ahead."""
    limit_fill: Literal["through", "touch"] = "through"
    """Whether a resting limit fills only when traded through, or already when touched."""
    volume_share: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    """Share of a bar's or a trade's volume, or of a quote's size, that all orders together may
    take; ``None`` fills every order in full."""
    latency_ms: Annotated[float, msgspec.Meta(ge=0)] | SampledLatency = 0.0
    """Time from submit, cancel or replace until it takes effect; none overtakes another."""
    live: LiveMarket = msgspec.field(default_factory=LiveMarket)
    """The market of live trading; no backtest reads it. Read from ``live_settings.simulation``."""
