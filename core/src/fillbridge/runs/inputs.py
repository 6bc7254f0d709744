"""The files that a backtest runs on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from fillbridge.files import (
    ProposalRow,
    SimulationEvent,
    bar_length_ns,
    merge_events,
    read_bars,
    read_quotes,
    read_ticks,
)
from fillbridge_hooks import ConfigurationError, Instrument

InstrumentOf = Callable[[str], Instrument]


class MarketFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Market data: either bars, or ticks with or without quotes.

    :raises ConfigurationError: for another combination
    """

    bars: Path | None = None
    ticks: Path | None = None
    quotes: Path | None = None

    def __post_init__(self) -> None:
        if (self.bars is None) == (self.ticks is None):
            given = "neither" if self.bars is None else "both"
            raise ConfigurationError(f"bars, ticks: expected one of them, was {given}")
        if self.quotes is not None and self.ticks is None:
            raise ConfigurationError("quotes: expected together with ticks, was with bars")

    @property
    def main(self) -> Path:
        """The file whose reading tells how far a run is."""
        return self.bars or self.ticks or Path()

    def bar_seconds(self) -> float | None:
        """Length of the bars, from their times; ``None`` for ticks or fewer than two bars.

        :raises BadFile: if the file cannot be read
        """
        length_ns = None if self.bars is None else bar_length_ns(self.bars)
        return None if length_ns is None else length_ns / 1_000_000_000

    def events(
        self,
        proposals: list[ProposalRow],
        instrument_of: InstrumentOf,
        default_symbol: str,
        on_bytes: Callable[[int], None] | None,
    ) -> Iterator[SimulationEvent]:
        """Market data and proposals, in the order of the simulation."""
        if self.bars is not None:
            bars = read_bars(self.bars, instrument_of, default_symbol, on_bytes)
            return merge_events(proposals, bars=bars)
        trades = read_ticks(self.main, instrument_of, default_symbol, on_bytes)
        if self.quotes is None:
            return merge_events(proposals, trades=trades)
        quotes = read_quotes(self.quotes, instrument_of, default_symbol)
        return merge_events(proposals, trades=trades, quotes=quotes)
