"""Market data and proposals in the order in which a simulation meets them."""

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import repeat

from fillbridge.files.proposals import ProposalRow
from fillbridge_hooks import NEVER, BarData, QuoteTick, TradeTick


class EventKind(Enum):
    """What an event is."""

    BAR = "bar"
    TRADE = "trade"
    QUOTE = "quote"
    PROPOSAL = "proposal"


MarketEvent = tuple[EventKind, BarData | TradeTick | QuoteTick]
SimulationEvent = tuple[EventKind, BarData | TradeTick | QuoteTick | ProposalRow]


def merge_events(
    proposals: Iterable[ProposalRow],
    *,
    bars: Iterable[BarData] | None = None,
    trades: Iterable[TradeTick] | None = None,
    quotes: Iterable[QuoteTick] | None = None,
) -> Iterator[SimulationEvent]:
    """Put each proposal where it meets the market, all inputs being sorted by time.

    On bars, or on trades alone, that is before the first of them at or after its time. With
    quotes it is after every quote and trade up to its time, that time included; quotes come
    before trades of the same time, for they are the state at that time. Proposals after the end
    of the data come last.

    :raises TypeError: unless given either ``bars`` or ``trades``, and ``quotes`` with trades alone
    """
    if bars is not None and trades is None and quotes is None:
        return _insert(proposals, zip(repeat(EventKind.BAR), bars, strict=False), 0)
    if bars is not None or trades is None:
        raise TypeError("expected bars, or trades with or without quotes")
    if quotes is None:
        return _insert(proposals, zip(repeat(EventKind.TRADE), trades, strict=False), 0)
    return _insert(proposals, _quotes_first(quotes, trades), 1)


def _insert(
    proposals: Iterable[ProposalRow], market: Iterable[MarketEvent], delay_ns: int
) -> Iterator[SimulationEvent]:
    """Each proposal before the first event at or after its time plus ``delay_ns``."""
    waiting = iter(proposals)
    row = next(waiting, None)
    due_ns = NEVER if row is None else row.time_ns + delay_ns
    for event in market:
        time_ns = event[1].timestamp
        while row is not None and due_ns <= time_ns:
            yield EventKind.PROPOSAL, row
            row = next(waiting, None)
            due_ns = NEVER if row is None else row.time_ns + delay_ns
        yield event
    if row is not None:
        yield EventKind.PROPOSAL, row
        yield from zip(repeat(EventKind.PROPOSAL), waiting, strict=False)


def _quotes_first(
    quotes: Iterable[QuoteTick], trades: Iterable[TradeTick]
) -> Iterator[MarketEvent]:
    tape = iter(trades)
    trade = next(tape, None)
    for quote in quotes:
        while trade is not None and trade.timestamp < quote.timestamp:
            yield EventKind.TRADE, trade
            trade = next(tape, None)
        yield EventKind.QUOTE, quote
    if trade is not None:
        yield EventKind.TRADE, trade
        yield from zip(repeat(EventKind.TRADE), tape, strict=False)
