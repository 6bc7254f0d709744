"""Whose an entry is, whether it came twice, and whether it is like those before it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge_hooks import (
    EntryDay,
    Exposure,
    Hold,
    Instrument,
    MarketView,
    Order,
    OrderRole,
    OrderType,
    RecentEntry,
    Refuse,
    RiskContext,
    RiskProposal,
    Side,
)
from fillbridge_risk.fraud import (
    KNOWN_DAYS,
    KNOWN_ENTRIES,
    anomalies,
    burst_after_silence,
    look_alike,
    new_symbol,
    side_flip,
    strategy_symbols,
    unusual_hour,
    unusual_size,
)

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
NOW = 20_000 * DAY + 15 * HOUR
SYMBOLS = {
    name: Instrument(symbol=name, tick_size=0.25, point_value=50) for name in ("ES", "NQ", "CL")
}
MARKET = MarketView("ES", None, None, None, None, None, None)
EXPOSURE = Exposure("ES", 0, 0, 0, 0, 0, 0, 0, 0)
EVERY = (strategy_symbols({}), look_alike(2.0), *(check for _, check in anomalies()))


def order(quantity=1, side=Side.BUY, symbol="ES", role=OrderRole.ENTRY):
    return Order("T9-entry", "T9", role, SYMBOLS[symbol], side, quantity, OrderType.MARKET)


def entry(ago_ns, side=Side.BUY, strategy="s1", symbol="ES", name="p1"):
    return RecentEntry(strategy, symbol, side, 1, NOW - ago_ns, name)


def day(ago=0, entries=1, size=1, hours=1 << 15):
    last_ns = NOW - ago * DAY
    return EntryDay(
        NOW // DAY - ago, entries, entries * size, entries * size * size, hours, last_ns
    )


def judged(check, made=None, *, strategy="s1", entries=(), days=(), **fields):
    proposal = RiskProposal(position_size=1, direction="LONG", strategy=strategy, **fields)
    context = RiskContext(
        NOW, proposal, 0, 0, 0, 0.0, None, 0, (), recent_entries=entries, entry_days=days
    )
    return check(made or order(), EXPOSURE, MARKET, context)


@pytest.mark.parametrize("role", [role for role in OrderRole if role is not OrderRole.ENTRY])
@pytest.mark.parametrize("check", EVERY)
def test_what_reduces_a_position_is_left_alone(check, role):
    entries = tuple(entry(ago, side) for ago in (1, 2, 3) for side in Side)

    assert judged(check, order(99, role=role), entries=entries) is None


# Strategies and symbols


@pytest.mark.parametrize(
    ("strategy", "symbol", "passes"),
    [("s1", "ES", True), ("s1", "NQ", False), ("s2", "ES", False), (None, "ES", False)],
)
def test_a_strategy_enters_only_what_it_may(strategy, symbol, passes):
    check = strategy_symbols({"s1": ["ES"], "s2": []})

    verdict = judged(check, order(symbol=symbol), strategy=strategy)
    assert (verdict is None) == passes
    if not passes:
        value = f"{strategy!r} in {symbol}"
        assert str(verdict) == (
            f"C3 strategy_symbols: expected a strategy that may trade its symbol, was {value}"
        )


# Look-alikes


@given(seconds=st.floats(0.001, 3_600), side=st.sampled_from(Side))
def test_the_same_again_is_refused_within_the_time_and_not_at_its_end(seconds, side):
    check, within_ns = look_alike(seconds), round(seconds * SECOND)

    assert judged(check, order(side=side), entries=(entry(within_ns, side),)) is None
    refusal = judged(check, order(side=side), entries=(entry(within_ns - 1, side),))
    assert isinstance(refusal, Refuse)
    assert refusal.check == "C6 look_alike_seconds"


@pytest.mark.parametrize("other", [{"side": Side.SELL}, {"strategy": "s2"}, {"symbol": "NQ"}])
def test_what_differs_is_no_look_alike_and_hides_none(other):
    check = look_alike(2.0)

    assert judged(check, entries=(entry(1, **other),)) is None
    assert judged(check, entries=(entry(1, **other), entry(2))) is not None


def test_adding_on_purpose_is_no_look_alike():
    assert judged(look_alike(2.0), entries=(entry(1),)) is not None
    assert judged(look_alike(2.0), entries=(entry(1),), scale_in=True) is None


def test_strategies_without_a_name_are_one():
    assert judged(look_alike(2.0), strategy=None, entries=(entry(1, strategy=None),)) is not None


# What is unusual


def test_a_symbol_that_was_not_entered_in_30_days_is_held():
    assert judged(new_symbol, days=(day(29),)) is None
    assert judged(new_symbol) == Hold(
        check="C34 anomaly_symbol", reason="strategy 's1' has not entered ES in 30 days"
    )


@given(st.lists(st.integers(1, 50), min_size=KNOWN_ENTRIES, max_size=60))
def test_a_size_is_held_above_three_deviations(sizes):
    days = tuple(EntryDay(place, 1, size, size * size, 1, 0) for place, size in enumerate(sizes))
    mean = sum(sizes) / len(sizes)
    deviation = (sum((size - mean) ** 2 for size in sizes) / len(sizes)) ** 0.5
    limit = mean + 3 * max(deviation, 0.5)

    assert judged(unusual_size, order(int(limit - 1e-6)), days=days) is None
    assert judged(unusual_size, order(int(limit) + 1), days=days) is not None


def test_no_size_is_unusual_before_there_are_habits():
    days = (day(entries=KNOWN_ENTRIES - 1),)

    assert judged(unusual_size, order(99), days=days) is None
    assert judged(unusual_size, order(99), days=(day(entries=KNOWN_ENTRIES),)) is not None


def test_an_hour_without_entries_is_held_once_there_are_usual_ones():
    other, this = 1 << 14, 1 << 15
    days = tuple(day(ago, 10, hours=other) for ago in range(KNOWN_DAYS, 0, -1))

    assert judged(unusual_hour, days=days) == Hold(
        check="C34 anomaly_hour",
        reason="strategy 's1' has not entered between 15:00 and 15:59 UTC in 30 days",
    )
    assert judged(unusual_hour, days=days[1:]) is None
    assert judged(unusual_hour, days=(*days[1:], day(0, 10, hours=this))) is None
    few = tuple(msgspec.structs.replace(one, entries=1) for one in days)
    assert judged(unusual_hour, days=few) is None


def test_the_third_entry_of_a_minute_after_a_silent_day_is_held():
    silence = (entry(30 * SECOND + DAY), entry(30 * SECOND + 2 * DAY))

    assert judged(burst_after_silence, entries=(entry(30 * SECOND), *silence)) is None
    burst = (entry(10 * SECOND), entry(30 * SECOND))
    hold = judged(burst_after_silence, entries=(*burst, *silence))
    assert hold == Hold(
        check="C34 anomaly_burst",
        reason="entry 3 of strategy 's1' within a minute, after 24 silent hours",
    )
    assert judged(burst_after_silence, entries=(*burst, entry(29 * SECOND + DAY))) is None
    assert judged(burst_after_silence, entries=burst) is None
    others = tuple(entry(ago, strategy="s2") for ago in (10, 20))
    assert judged(burst_after_silence, entries=(*others, *silence)) is None


def test_a_side_flip_within_a_second_is_held():
    assert judged(side_flip, entries=(entry(SECOND - 1, Side.SELL),)) == Hold(
        check="C34 anomaly_flip", reason="BUY 1.000 s after SELL"
    )
    assert judged(side_flip, entries=(entry(SECOND, Side.SELL),)) is None
    assert judged(side_flip, entries=(entry(1), entry(2, Side.SELL))) is None
    assert judged(side_flip, entries=(entry(1, Side.SELL, symbol="NQ"),)) is None
    assert judged(side_flip, entries=(entry(1, Side.SELL, strategy="s2"),)) is None
