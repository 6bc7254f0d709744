"""Limit orders: when they fill, and never at a worse price than theirs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge_hooks import Instrument, Liquidity

MINUTE = 60_000_000_000


@pytest.mark.parametrize(
    ("rule", "beyond", "fills"),
    [("through", 0, False), ("through", 0.25, True), ("touch", 0, True), ("touch", -0.25, False)],
)
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_limit_fills_when_traded_through_or_touched(exchange, rule, beyond, fills, side):
    market = exchange(limit_fill=rule)
    market.bar(100, 100, 100, 100)
    market.submit(side, limit=99 if side == "BUY" else 101)

    market.bar(100, 101 + beyond, 99 - beyond, 100)

    assert [fill.price for fill in market.fills] == ([99 if side == "BUY" else 101] * fills)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_resting_limit_is_a_maker_and_never_slips(exchange, side):
    market = exchange(slippage=2)
    market.bar(100, 100, 100, 100)
    market.submit(side, limit=99 if side == "BUY" else 101)

    market.bar(100, 105, 95, 100)

    (fill,) = market.fills
    assert (fill.price, fill.slippage, fill.slippage_model) == (
        99 if side == "BUY" else 101,
        0,
        "",
    )
    assert fill.liquidity is Liquidity.MAKER


@pytest.mark.parametrize("rule", ["through", "touch"])
@pytest.mark.parametrize(("side", "limit", "opened"), [("BUY", 99, 97), ("SELL", 101, 103)])
def test_a_limit_that_was_gapped_over_fills_at_the_better_open(exchange, rule, side, limit, opened):
    market = exchange(slippage=2, limit_fill=rule)
    market.bar(100, 100, 100, 100)
    market.submit(side, limit=limit)

    market.bar(opened, opened + 1, opened - 1, opened)

    (fill,) = market.fills
    assert (fill.price, fill.slippage, fill.step) == (opened, 0, "open")


@pytest.mark.parametrize(("rule", "fills"), [("through", []), ("touch", [99])])
def test_an_open_exactly_at_a_resting_limit_only_touches_it(exchange, rule, fills):
    market = exchange(limit_fill=rule)
    market.bar(100, 100, 100, 100)
    market.buy(limit=99)

    market.bar(99, 100, 99, 100)

    assert [fill.price for fill in market.fills] == fills


def test_a_trade_beyond_a_resting_limit_fills_it_at_its_price(exchange):
    market = exchange(slippage=1)
    market.trade(100)
    market.buy(limit=99)

    market.trade(97)

    (fill,) = market.fills
    assert (fill.price, fill.slippage) == (99, 0), "the seller met the limit on the way"


def test_a_marketable_limit_takes_liquidity_and_slips_up_to_its_limit(exchange):
    market = exchange(slippage=1)
    market.bar(100, 100, 100, 100)
    market.buy(limit=100.5, name="within")
    market.buy(limit=103, name="far")

    market.bar(100.25, 101, 100, 101)

    within, far = market.fills
    assert (within.price, within.slippage) == (100.5, 0.25)
    assert (far.price, far.slippage) == (101.25, 1)
    assert within.liquidity is Liquidity.TAKER


def test_a_marketable_limit_that_the_open_left_behind_rests(exchange):
    market = exchange(slippage=1)
    market.bar(100, 100, 100, 100)
    market.buy(limit=100.5)

    market.bar(102, 103, 100.25, 102)

    (fill,) = market.fills
    assert (fill.price, fill.step, fill.slippage) == (100.5, "low", 0)
    assert fill.liquidity is Liquidity.MAKER


@pytest.mark.parametrize(("urgency", "fills"), [("normal", [100]), ("low", [])])
def test_at_its_price_an_order_takes_unless_it_wants_to_rest(exchange, urgency, fills):
    market = exchange()
    market.bar(100, 100, 100, 100)
    market.buy(limit=100, urgency=urgency)

    market.bar(100, 101, 100, 101)

    assert [fill.price for fill in market.fills] == fills


@given(
    base=st.integers(1, 200_000),
    room=st.integers(0, 40),
    slippage=st.floats(0, 3),
    tick=st.sampled_from([0.1, 0.25, 0.03125, 0.005, 0.01, 1.0]),
    is_buy=st.booleans(),
)
def test_no_limit_fills_worse_than_its_price_by_any_fraction(
    exchange, base, room, slippage, tick, is_buy
):
    instrument = Instrument(symbol="X", tick_size=tick, point_value=1)
    market = exchange(slippage=slippage, instrument=instrument)
    sign = 1 if is_buy else -1
    opened, limit = instrument.to_price(base), instrument.to_price(base + sign * room)
    market.submit("BUY" if is_buy else "SELL", limit=limit)

    market.bar(opened, opened, opened, opened)

    (fill,) = market.fills
    assert sign * (limit - fill.price) >= 0
    assert sign * (fill.price - opened) >= 0
    assert fill.price == pytest.approx(opened + sign * fill.slippage, abs=1e-9 * tick)
    assert fill.slippage == pytest.approx(min(slippage, room * tick), abs=1e-9 * tick)


def test_the_entry_and_its_target_can_meet_in_one_bar(backtest):
    run = backtest(limit_fill="touch", bar_path="body")
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=97, target=102, entry_type="limit", entry_limit_price=99)

    run.bar(100, 102, 98, 101)

    trade = run.trade
    assert (trade.entry_price, trade.exit_price) == (99, 102)
    assert (trade.entry_time_ns, trade.exit_time_ns) == (MINUTE, 2 * MINUTE)
