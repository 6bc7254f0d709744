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
