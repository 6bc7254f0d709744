"""Watches over a live account: silent within their limits, and beyond them one demand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge_hooks import (
    AccountView,
    Alarm,
    FlattenAll,
    Pause,
    ReduceOnly,
    StrategyCounters,
    Suspend,
)
from fillbridge_risk import watches

SECOND = 1_000_000_000


def view(**changes):
    fields = {
        "now_ns": 1_000 * SECOND,
        "realised_pnl": 0.0,
        "open_pnl": 0.0,
        "rejects": (),
        "messages_10m": 0,
        "fills_10m": 0,
        "moves": {},
        "strategies": {},
    }
    return AccountView(**{**fields, **changes})


@given(limit=st.integers(1, 500), excess=st.integers(-5, 5))
def test_a_fast_market_pauses_its_symbol(limit, excess):
    watch = watches.max_move_ticks(limit, 30)
    answer = watch(view(moves={"ES": limit + excess, "NQ": None, "YM": 0}))
    if excess <= 0:
        assert answer is None
        return
    assert answer == Pause(
        watch="C12 max_move_ticks",
        reason=f"expected <= {limit} ticks within 10 s, was ES {limit + excess}",
        symbol="ES",
        for_ns=30 * SECOND,
    )


def test_several_fast_markets_pause_everything():
    answer = watches.max_move_ticks(40, 30)(view(moves={"NQ": 90, "ES": 41}))
    assert (answer.symbol, answer.reason) == (
        None,
        "expected <= 40 ticks within 10 s, was ES 41, NQ 90",
    )


@given(realised=st.integers(-300_000, 300_000), open_cents=st.integers(-300_000, 300_000))
def test_a_loss_is_told_then_stops_entries_then_closes_everything(realised, open_cents):
    watch = watches.daily_loss(1_000, 2_000, 2_500)
    answer = watch(view(realised_pnl=realised / 100, open_pnl=open_cents / 100))
    lost = -(realised + open_cents)
    if lost >= 250_000:
        assert isinstance(answer, FlattenAll)
    elif lost >= 200_000:
        assert isinstance(answer, ReduceOnly)
    elif lost >= 100_000:
        assert isinstance(answer, Alarm)
    else:
        assert answer is None


def test_the_same_alarm_has_the_same_reason_and_a_demand_says_the_loss():
    watch = watches.daily_loss(1_000, 2_000, 2_500)
    assert watch(view(realised_pnl=-1_000.0)) == watch(view(realised_pnl=-1_500.0))
    assert watch(view(realised_pnl=-2_600.0)).reason == (
        "expected a loss of the day < 2500.00, was 2600.00"
    )


@given(
    lost=st.integers(0, 6_000),
    resumed=st.none() | st.integers(0, 5_000),
    armed=st.none() | st.integers(0, 5_000),
)
def test_what_a_person_knew_of_stops_it_again_a_fifth_further(lost, resumed, armed):
    watch = watches.daily_loss(None, 2_000, 2_500)
    pnl = {
        "resumed_pnl": None if resumed is None else -float(resumed),
        "armed_pnl": None if armed is None else -float(armed),
    }
    answer = watch(view(realised_pnl=-float(lost), **pnl))
    # What one operator lets go on does not move the limit that takes two.
    flatten = 2_500 if armed is None or armed < 2_500 else armed + 500
    reduce_only = 2_000 if resumed is None or resumed < 2_000 else resumed + 400
    if lost >= flatten:
        assert isinstance(answer, FlattenAll)
    elif lost >= reduce_only:
        assert isinstance(answer, ReduceOnly)
    else:
        assert answer is None


def test_an_open_position_without_a_price_closes_nothing():
    watch = watches.daily_loss(None, None, 2_500)
    assert watch(view(realised_pnl=-2_499.99, open_pnl=None)) is None
    assert watch(view(realised_pnl=-2_500.0, open_pnl=None)) is not None


@given(limit=st.integers(1, 20), excess=st.integers(-3, 3))
def test_rejects_stop_entries(limit, excess):
    rejects = tuple((n, f"reason {n}") for n in range(max(0, limit + excess)))
    answer = watches.max_rejects(limit, None)(view(rejects=rejects))
    assert (answer is None) is (len(rejects) < limit)


def test_rejects_of_one_kind_stop_entries_sooner():
    watch = watches.max_rejects(3, 2)
    assert watch(view(rejects=((1, "margin"), (2, "price")))) is None
    assert watch(view(rejects=((1, "margin"), (2, "margin")))) == ReduceOnly(
        watch="C20 max_same_rejects",
        reason="expected < 2 like rejects within 60 s, was 2: margin",
    )
    assert watch(view()) is None


@pytest.mark.parametrize("place", range(3))
@given(limit=st.integers(1, 50), excess=st.integers(-3, 3))
def test_a_strategy_is_suspended_when_it_reaches_a_limit(place, limit, excess):
    limits: list[int | None] = [None, None, None]
    counts = [1_000, 1_000, 1_000]
    limits[place], counts[place] = limit, limit + excess
    strategies = {"idle": StrategyCounters(0, 0, 0), "calm": StrategyCounters(*counts)}
    answer = watches.strategy_throttle(*limits)(view(strategies=strategies))
    if excess < 0:
        assert answer is None
    else:
        assert isinstance(answer, Suspend)
        assert answer.strategy == "calm"
        assert str(limit) in answer.reason
        assert str(limit + excess) in answer.reason


@given(limit=st.integers(1, 50), fills=st.integers(0, 20), excess=st.integers(-3, 3))
def test_many_messages_for_a_fill_are_told(limit, fills, excess):
    messages = limit * max(1, fills) + excess
    answer = watches.max_messages_per_fill(limit)(view(messages_10m=messages, fills_10m=fills))
    assert (answer is None) is (excess <= 0)
    assert answer is None or isinstance(answer, Alarm)
