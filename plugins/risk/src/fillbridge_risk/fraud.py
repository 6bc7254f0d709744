"""Whether an entry is what its strategy would do: its symbol, its first time, its usual kind.

What is unusual is held for a person, and not refused: it may be meant. Each is judged by what the
account itself has recorded: the last entries (``RiskContext.recent_entries``), and what the
strategy entered in this symbol on each of the last 30 days (``RiskContext.entry_days``).
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from fillbridge_hooks import (
    EntryDay,
    Exposure,
    Hold,
    MarketView,
    Order,
    OrderRole,
    Refuse,
    RiskCheck,
    RiskContext,
)

_SECOND = 1_000_000_000
_HOUR_NS = 3_600 * _SECOND
_HOURS = 24
_ENTRY = OrderRole.ENTRY

KNOWN_ENTRIES = 20
"""A strategy has habits in a symbol after so many entries."""
KNOWN_DAYS = 5
"""It has usual hours after so many days with entries."""
LARGEST_SIGMA = 3.0
_LEAST_DEVIATION = 0.5
FLIP_NS = _SECOND
BURST_NS = 60 * _SECOND
BURST_ENTRIES = 3
SILENCE_NS = 24 * _HOUR_NS


def strategy_symbols(allowed: Mapping[str, Iterable[str]]) -> RiskCheck:
    """Refuse an entry of a strategy that may not trade its symbol.

    A strategy that is not listed may trade none, and so may a proposal without one.
    """
    symbols = {strategy: frozenset(named) for strategy, named in allowed.items()}
    nothing: frozenset[str] = frozenset()

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        strategy, symbol = context.proposal.strategy, order.instrument.symbol
        if symbol in symbols.get(strategy or "", nothing):
            return None
        limit = "a strategy that may trade its symbol"
        return Refuse(check="C3 strategy_symbols", limit=limit, value=f"{strategy!r} in {symbol}")

    return check


def look_alike(seconds: float) -> RiskCheck:
    """Refuse an entry that looks like one before it: strategy, symbol and side, within this time.

    A proposal with ``scale_in`` may.
    """
    within_ns = round(seconds * _SECOND)
    rule = f"another one after {seconds} s, or scale_in"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        proposal = context.proposal
        if order.role is not _ENTRY or proposal.scale_in:
            return None
        since_ns = context.now_ns - within_ns
        symbol, side, strategy = order.instrument.symbol, order.side, proposal.strategy
        for entry in context.recent_entries:
            if entry.time_ns <= since_ns:
                return None
            if entry.strategy == strategy and entry.symbol == symbol and entry.side is side:
                ago = (context.now_ns - entry.time_ns) / _SECOND
                value = f"like proposal {entry.proposal_id} {ago:.3f} s before"
                return Refuse(check="C6 look_alike_seconds", limit=rule, value=value)
        return None

    return check


def anomalies() -> Sequence[tuple[str, RiskCheck]]:
    """The checks that hold what is unusual, by name; each holds on its own account."""
    return (
        ("anomaly_symbol", new_symbol),
        ("anomaly_size", unusual_size),
        ("anomaly_hour", unusual_hour),
        ("anomaly_burst", burst_after_silence),
        ("anomaly_flip", side_flip),
    )


def new_symbol(
    order: Order, exposure: Exposure, market: MarketView, context: RiskContext
) -> Hold | None:
    """Hold an entry in a symbol that the strategy has not entered for 30 days."""
    if order.role is not _ENTRY or context.entry_days:
        return None
    said = f"{_named(context)} has not entered {order.instrument.symbol} in 30 days"
    return Hold(check="C34 anomaly_symbol", reason=said)


def unusual_size(
    order: Order, exposure: Exposure, market: MarketView, context: RiskContext
) -> Hold | None:
    """Hold an entry larger than three standard deviations above the mean of 30 days.

    The deviation counts as at least half a contract; before 20 entries nothing is unusual.
    """
    days = context.entry_days
    if order.role is not _ENTRY or not days:
        return None
    entries, quantity, squares = _sums(days)
    if entries < KNOWN_ENTRIES:
        return None
    mean = quantity / entries
    deviation = max(math.sqrt(max(0.0, squares / entries - mean * mean)), _LEAST_DEVIATION)
    limit = mean + LARGEST_SIGMA * deviation
    if order.quantity <= limit:
        return None
    said = f"{order.quantity} contracts; {_named(context)} usually enters up to {limit:.1f}"
    return Hold(check="C34 anomaly_size", reason=said)


def unusual_hour(
    order: Order, exposure: Exposure, market: MarketView, context: RiskContext
) -> Hold | None:
    """Hold an entry in an hour (UTC) in which the strategy has not entered the symbol in 30 days.

    Before five days and 20 entries no hour is unusual.
    """
    days = context.entry_days
    if order.role is not _ENTRY or len(days) < KNOWN_DAYS:
        return None
    hours = entries = 0
    for day in days:
        hours |= day.hours
        entries += day.entries
    hour = context.now_ns // _HOUR_NS % _HOURS
    if entries < KNOWN_ENTRIES or hours >> hour & 1:
        return None
    said = f"{_named(context)} has not entered between {hour}:00 and {hour}:59 UTC in 30 days"
    return Hold(check="C34 anomaly_hour", reason=said)


def burst_after_silence(
    order: Order, exposure: Exposure, market: MarketView, context: RiskContext
) -> Hold | None:
    """Hold the third entry of a strategy within a minute that follows a day without any."""
    if order.role is not _ENTRY:
        return None
    strategy, since_ns = context.proposal.strategy, context.now_ns - BURST_NS
    first_ns, entries = context.now_ns, 1
    before_ns: int | None = None
    for entry in context.recent_entries:
        if entry.strategy != strategy:
            continue
        if entry.time_ns <= since_ns:
            before_ns = entry.time_ns
            break
        first_ns, entries = entry.time_ns, entries + 1
    if entries < BURST_ENTRIES or before_ns is None or first_ns - before_ns < SILENCE_NS:
        return None
    silent = (first_ns - before_ns) / _HOUR_NS
    said = f"entry {entries} of {_named(context)} within a minute, after {silent:.0f} silent hours"
    return Hold(check="C34 anomaly_burst", reason=said)


def side_flip(
    order: Order, exposure: Exposure, market: MarketView, context: RiskContext
) -> Hold | None:
    """Hold an entry against one of the same strategy and symbol less than a second before."""
    if order.role is not _ENTRY:
        return None
    strategy, symbol = context.proposal.strategy, order.instrument.symbol
    for entry in context.recent_entries:
        if entry.time_ns <= context.now_ns - FLIP_NS:
            return None
        if entry.strategy == strategy and entry.symbol == symbol:
            if entry.side is order.side:
                return None
            ago = (context.now_ns - entry.time_ns) / _SECOND
            said = f"{order.side.value} {ago:.3f} s after {entry.side.value}"
            return Hold(check="C34 anomaly_flip", reason=said)
    return None


def _sums(days: Sequence[EntryDay]) -> tuple[int, int, int]:
    entries = quantity = squares = 0
    for day in days:
        entries += day.entries
        quantity += day.quantity
        squares += day.squares
    return entries, quantity, squares


def _named(context: RiskContext) -> str:
    strategy = context.proposal.strategy
    return "a proposal without strategy" if strategy is None else f"strategy {strategy!r}"
