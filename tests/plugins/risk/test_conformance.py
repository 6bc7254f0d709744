"""The risk checks that Fillbridge comes with, held to what is demanded of all."""

import msgspec

from fillbridge_hooks import (
    EntryDay,
    Exposure,
    Instrument,
    MarketView,
    Order,
    OrderRole,
    OrderType,
    RecentEntry,
    RiskContext,
    RiskProposal,
    Side,
)
from fillbridge_hooks.testing import RiskCase, RiskCheckConformance
from fillbridge_risk import RiskSettings, checks
from fillbridge_risk.fraud import (
    burst_after_silence,
    look_alike,
    new_symbol,
    side_flip,
    strategy_symbols,
    unusual_hour,
    unusual_size,
)

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
NOW = 5 * DAY + 5 * 3_600 * SECOND
ES = Instrument(symbol="ES", tick_size=0.25, point_value=50)


def entry(ago_ns, side=Side.BUY):
    return RecentEntry(None, "ES", side, 1, NOW - ago_ns, None)


def case(*, entries=(), days=(), quantity=1):
    """An entry with this behind it."""
    proposal = RiskProposal(position_size=quantity, direction="LONG")
    return RiskCase(
        order=Order("T9", "T9", OrderRole.ENTRY, ES, Side.BUY, quantity, OrderType.MARKET),
        exposure=Exposure("ES", 0, 0, 0, 0, 0, 0, 0, 0),
        market=MarketView("ES", None, None, None, None, None, None),
        context=RiskContext(
            NOW, proposal, 0, 0, 0, 0.0, None, 0, (), recent_entries=entries, entry_days=days
        ),
    )


class TestStrategySymbols(RiskCheckConformance):
    def check(self):
        return strategy_symbols({"a strategy": ["ES"]})


class TestLookAlike(RiskCheckConformance):
    def check(self):
        return look_alike(2.0)

    def refused(self):
        return case(entries=(entry(SECOND),))


class TestNewSymbol(RiskCheckConformance):
    def check(self):
        return new_symbol


class TestUnusualSize(RiskCheckConformance):
    def check(self):
        return unusual_size

    def refused(self):
        return case(days=(EntryDay(0, 50, 50, 50, 1, 0),), quantity=9)


class TestUnusualHour(RiskCheckConformance):
    def check(self):
        return unusual_hour

    def refused(self):
        return case(days=tuple(EntryDay(day, 5, 5, 5, 1, 0) for day in range(5)))


class TestBurstAfterSilence(RiskCheckConformance):
    def check(self):
        return burst_after_silence

    def refused(self):
        return case(entries=(entry(SECOND), entry(2 * SECOND), entry(3 * DAY)))


class TestSideFlip(RiskCheckConformance):
    def check(self):
        return side_flip

    def refused(self):
        return case(entries=(entry(1, Side.SELL),))


ELSEWHERE = case()
ELSEWHERE = msgspec.structs.replace(
    ELSEWHERE,
    order=msgspec.structs.replace(
        ELSEWHERE.order, instrument=msgspec.structs.replace(ES, exchange="EUREX")
    ),
)
EXAMPLES = {"exchanges": ELSEWHERE}
"""Where nothing that the kit tries is refused."""
CHAIN = dict(checks(RiskSettings(profile="live")))
FRAUD = {"strategy_symbols", "look_alike_seconds", *(n for n in CHAIN if n.startswith("anomaly"))}


def suite(name):
    """The suite of a control of the live profile, as a class that pytest collects."""

    def check(self):
        return CHAIN[name]

    def refused(self):
        return EXAMPLES.get(name)

    parts = {"check": check, "refused": refused}
    return type(f"Test_{name}", (RiskCheckConformance,), parts)


# Those of fraud have examples of their own above.
globals().update({f"Test_{name}": suite(name) for name in CHAIN if name not in FRAUD})
