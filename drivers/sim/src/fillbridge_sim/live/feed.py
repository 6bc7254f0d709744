"""Where the market of the live broker comes from."""

import random
from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from fillbridge_hooks import NEVER, FatalError, Instrument, QuoteTick, TradeTick
from fillbridge_sim.live.tick_files import open_tape
from fillbridge_sim.settings import LiveMarket

_SECOND = 1_000_000_000

Tick = TradeTick | QuoteTick


class Feed(Protocol):
    """Market data in the order of time."""

    waits_for_reader: bool
    """Whether the next tick happens when somebody asks for it, whatever the time is."""

    @property
    def next_ns(self) -> int:
        """When the next tick happens; ``NEVER`` if none does, or none by itself."""

    def take(self, now_ns: int) -> Tick | None:
        """The next tick, which happens at ``next_ns``, or now where that is ``NEVER``.

        :raises FatalError: if the data behind it cannot be read
        """

    @property
    def is_over(self) -> bool:
        """Whether nothing comes any more."""

    def add(self, instrument: Instrument, now_ns: int) -> None:
        """Give data of this instrument too, from now on."""


class NoFeed:
    """No market of its own: what trades is pushed by hand."""

    waits_for_reader = False
    next_ns = NEVER
    is_over = False

    def take(self, now_ns: int) -> Tick | None:
        """Nothing."""

    def add(self, instrument: Instrument, now_ns: int) -> None:
        """Nothing to prepare."""


class ReplayFeed:
    """Recorded ticks, moved to now; those of instruments that nobody trades are passed over.

    The first tick happens at once, each further one as long after it as it did, divided by the
    speed.

    :raises ConfigurationError: if the files cannot be opened or their first rows be read
    """

    def __init__(
        self, settings: LiveMarket, instruments: Sequence[Instrument], now_ns: int
    ) -> None:
        speed = 0.0 if settings.speed == "max" else settings.speed
        self.waits_for_reader = speed == 0
        self._speed = speed
        self._start_ns = now_ns
        self._instruments = {instrument.symbol: instrument for instrument in instruments}
        default = settings.symbol or instruments[0].symbol
        self._tape: Iterator[Tick] = open_tape(settings, self._instruments, default)
        self._next: Tick | None = next(self._tape, None)
        self._first_ns = 0 if self._next is None else self._next.timestamp
        self._failure: FatalError | None = None
        """Why the row after the last one taken cannot be read."""

    @property
    def next_ns(self) -> int:
        """When the next tick happens; the beginning of time where there is a failure to raise."""
        if self._failure is not None:
            return 0
        if self._next is None or self.waits_for_reader:
            return NEVER
        passed = self._next.timestamp - self._first_ns
        if self._speed != 1:
            passed = int(passed / self._speed)
        return self._start_ns + passed

    def take(self, now_ns: int) -> Tick | None:
        """The next tick, with the time at which it happens here."""
        if self._failure is not None:
            raise self._failure
        tick = self._next
        if tick is None:
            return None
        time_ns = now_ns if self.waits_for_reader else self.next_ns
        try:
            self._next = next(self._tape, None)
        except FatalError as error:
            # The row that was read before it has yet to happen.
            self._next, self._failure = None, error
        return msgspec.structs.replace(tick, timestamp=time_ns)

    @property
    def is_over(self) -> bool:
        """Whether every tick has been taken."""
        return self._next is None and self._failure is None

    def add(self, instrument: Instrument, now_ns: int) -> None:
        """Give the rows of this instrument too."""
        self._instruments[instrument.symbol] = instrument


class SeededFeed:
    """A random walk per instrument: the same seed and instrument give the same prices.

    Quotes are one tick wide; each trade takes one side of the quote before it.
    """

    waits_for_reader = False
    is_over = False

    def __init__(
        self, settings: LiveMarket, instruments: Sequence[Instrument], now_ns: int
    ) -> None:
        self._settings = settings
        self._walks: dict[str, Iterator[Tick]] = {}
        self._next: dict[str, Tick] = {}
        for instrument in instruments:
            self.add(instrument, now_ns)

    @property
    def next_ns(self) -> int:
        """When the next tick happens."""
        return min((tick.timestamp for tick in self._next.values()), default=NEVER)

    def take(self, now_ns: int) -> Tick | None:
        """The next tick of whichever instrument comes first."""
        if not self._next:
            return None
        tick = min(self._next.values(), key=lambda tick: tick.timestamp)
        self._next[tick.symbol] = next(self._walks[tick.symbol])
        return tick

    def add(self, instrument: Instrument, now_ns: int) -> None:
        """Begin the walk of this instrument."""
        walk = _walk(self._settings, instrument, now_ns)
        self._walks[instrument.symbol] = walk
        self._next[instrument.symbol] = next(walk)


def _walk(settings: LiveMarket, instrument: Instrument, start_ns: int) -> Iterator[Tick]:
    source = random.Random(f"{settings.seed} {instrument.symbol}")  # noqa: S311  # not a secret
    symbol, to_price = instrument.symbol, instrument.to_price
    step = settings.volatility / settings.ticks_per_second**0.5
    place = settings.start_price / instrument.tick_size
    quoted, count = 0, 0
    while True:
        time_ns = start_ns + int(count * _SECOND / settings.ticks_per_second)
        bid = max(1, int(place))
        if bid != quoted:
            quoted = bid
            sizes = source.randint(5, 50), source.randint(5, 50)
            yield QuoteTick(time_ns, to_price(bid), sizes[0], to_price(bid + 1), sizes[1], symbol)
        is_bought = source.random() < 0.5
        price = to_price(bid + is_bought)
        side = "B" if is_bought else "S"
        yield TradeTick(time_ns, price, source.randint(1, 5), symbol, count, side)
        place = max(1.0, place + source.gauss(0, step))
        count += 1


def open_feed(settings: LiveMarket, instruments: Sequence[Instrument], now_ns: int) -> Feed:
    """The market that the settings describe, for these instruments, of which there is one.

    :raises ConfigurationError: if it is a file that cannot be used
    """
    if settings.ticks is not None:
        return ReplayFeed(settings, instruments, now_ns)
    if settings.market == "manual":
        return NoFeed()
    return SeededFeed(settings, instruments, now_ns)
