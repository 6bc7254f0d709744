"""Market data on its way into a simulation: checked, timed, and let through where it matters."""

import math
from collections.abc import Callable
from datetime import datetime
from functools import partial

import msgspec

from fillbridge.config import find_instrument
from fillbridge.shell import SimulationShell
from fillbridge.times import to_nanoseconds
from fillbridge_hooks import (
    BarData,
    Instrument,
    InvalidValue,
    PriceWatch,
    QuoteTick,
    TradeTick,
)

_SECOND = 1_000_000_000
_INFINITY = math.inf
_DISTANCES = 16
"""Distances between bars that are looked at before any bar may pass quietly: there are gaps."""


class MarketFeed:
    """Takes what a handler's quiet path could not pass over.

    :param instruments: configured contracts by symbol
    :param default_symbol: of data that names none
    :param bar_seconds: length of a bar; ``None``: the smallest distance seen between two bars,
        of the first ones and of those that were not quiet
    """

    def __init__(
        self,
        shell: SimulationShell,
        instruments: dict[str, Instrument],
        default_symbol: str,
        bar_seconds: float | None,
    ) -> None:
        self.watches: dict[str, PriceWatch] = {}
        """By symbol as the data names it: the default symbol also as the empty string."""
        self._shell = shell
        self._session = shell.session
        self._instruments = instruments
        self._default_symbol = default_symbol
        self._traded: dict[str, tuple[Instrument, PriceWatch]] = {}
        self._bar_ns = 0 if bar_seconds is None else round(bar_seconds * _SECOND)
        """Length of a bar as far as it is known, 0 before anything is."""
        self._bar_ns_is_fixed = bar_seconds is not None
        self._distances = 0

    def instrument(self, symbol: str | None) -> Instrument:
        """The contract of that symbol, opened for trading; the default one for ``None`` or "".

        :raises InvalidValue: if nothing is known of the symbol
        """
        return self._open(symbol)[0]

    def _open(self, symbol: str | None) -> tuple[Instrument, PriceWatch]:
        name = symbol or self._default_symbol
        known = self._traded.get(name)
        if known is None:
            instrument = find_instrument(name, self._instruments)
            watch = self._session.open_market(instrument)
            known = self._traded[name] = instrument, watch
            self.watches[name] = watch
            if name == self._default_symbol:
                self.watches[""] = watch
            self.rearm()
        return known

    def on_bar(self, timestamp: datetime | int, bar: BarData) -> None:
        """Take a bar.

        :raises InvalidValue: naming what is wrong with it; it is not used then
        """
        instrument, watch = self._open(bar.symbol)
        time_ns = to_nanoseconds(timestamp)
        bar = _named(bar, instrument, time_ns)
        _check_bar(bar)
        if time_ns <= watch.now:
            raise InvalidValue("timestamp", f"a bar after {watch.now}", timestamp)
        self._learn_length(watch, time_ns)
        end_ns = time_ns + self._known_bar_ns
        self._take(watch, instrument, time_ns, partial(self._session.on_bar, bar, end_ns))

    def on_trade(self, trade: TradeTick) -> None:
        """Take a trade.

        :raises InvalidValue: naming what is wrong with it; it is not used then
        """
        instrument, watch = self._open(trade.symbol)
        if trade.timestamp < watch.now:
            raise InvalidValue("timestamp", f"a trade at or after {watch.now}", trade.timestamp)
        if not 0 <= trade.size < _INFINITY:
            raise InvalidValue("size", "a finite number >= 0", trade.size)
        if trade.symbol != instrument.symbol:
            trade = msgspec.structs.replace(trade, symbol=instrument.symbol)
        self._bar_ns, self._bar_ns_is_fixed = 0, True
        self._take(watch, instrument, trade.timestamp, partial(self._session.on_trade, trade))

    def on_quote(self, quote: QuoteTick) -> None:
        """Take a quote.

        :raises InvalidValue: naming what is wrong with it; it is not used then
        """
        instrument, watch = self._open(quote.symbol)
        if quote.timestamp < watch.now:
            raise InvalidValue("timestamp", f"a quote at or after {watch.now}", quote.timestamp)
        for field in ("bid", "ask"):
            instrument.to_ticks(getattr(quote, field), field)
        if quote.symbol != instrument.symbol:
            quote = msgspec.structs.replace(quote, symbol=instrument.symbol)
        self._bar_ns, self._bar_ns_is_fixed = 0, True
        self._take(watch, instrument, quote.timestamp, partial(self._session.on_quote, quote))

    def synchronise(self) -> None:
        """Catch up with quiet data: move the clock to its end, and take in its extremes.

        :raises InvalidValue: if such an extreme is off the grid
        """
        latest = -1
        for instrument, watch in self._traded.values():
            self._shell.excursions.flush(watch, instrument)
            if watch.now > latest:
                latest = watch.now
        if latest >= 0:
            self._shell.clock.advance_to(latest + self._known_bar_ns)

    def last_price_at(self, instrument: Instrument, time_ns: int) -> float | None:
        """The last price known at ``time_ns``: of a bar still open then, its open."""
        last = self.watches[instrument.symbol].last
        if last is None:
            return None
        if isinstance(last, TradeTick):
            return last.price
        ended = last.timestamp + self._bar_ns <= time_ns
        return last.close if ended else last.open

    def rearm(self) -> None:
        """Let no data pass quietly that a timer falls due before."""
        deadline = -1
        if self._bar_ns_is_fixed or self._distances >= _DISTANCES:
            deadline = self._shell.clock.next_due_ns - self._bar_ns + 1
        for _, watch in self._traded.values():
            watch.deadline = deadline

    @property
    def _known_bar_ns(self) -> int:
        """The length of a bar where it is given, or the least of some distances, else 0.

        One distance alone may be a gap, and must not move the clock past the next bar.
        """
        return self._bar_ns if self._bar_ns_is_fixed or self._distances > 1 else 0

    def _take(
        self, watch: PriceWatch, instrument: Instrument, time_ns: int, feed: Callable[[], None]
    ) -> None:
        """Feed data of this time, after the extremes of the quiet data before it.

        What is wrong with those is no fault of what is fed, so it is said only afterwards.
        """
        complaint = None
        try:
            self._shell.excursions.flush(watch, instrument)
        except InvalidValue as error:
            complaint = error
        seen_ns, watch.now = watch.now, time_ns
        try:
            feed()
        except InvalidValue:
            watch.now = seen_ns
            raise
        self.rearm()
        if complaint is not None:
            raise complaint

    def _learn_length(self, watch: PriceWatch, time_ns: int) -> None:
        if self._bar_ns_is_fixed or watch.now < 0:
            return
        self._distances += 1
        distance = time_ns - watch.now
        if self._distances == 1 or distance < self._bar_ns:
            self._bar_ns = distance


def _named(bar: BarData, instrument: Instrument, time_ns: int) -> BarData:
    """The bar under its instrument's symbol, with its start as an integer."""
    started = bar.timestamp
    if type(started) is not int:
        started = to_nanoseconds(started, "bar.timestamp")
    if started != time_ns:
        raise InvalidValue("timestamp", f"the start of the bar ({started})", time_ns)
    if started is bar.timestamp and bar.symbol == instrument.symbol:
        return bar
    return msgspec.structs.replace(bar, symbol=instrument.symbol, timestamp=time_ns)


def _check_bar(bar: BarData) -> None:
    low, high = bar.low, bar.high
    is_whole = -_INFINITY < low <= bar.open <= high < _INFINITY and low <= bar.close <= high
    if is_whole and bar.volume >= 0:
        return
    for field in ("open", "high", "low", "close", "volume"):
        value = getattr(bar, field)
        if not math.isfinite(value):
            raise InvalidValue(field, "a finite number", value)
    if high < low:
        raise InvalidValue("high", f"at least the low ({low})", high)
    for field in ("open", "close"):
        value = getattr(bar, field)
        if not low <= value <= high:
            raise InvalidValue(field, f"a price from {low} to {high}", value)
    raise InvalidValue("volume", "a number >= 0", bar.volume)
