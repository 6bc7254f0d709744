"""Stops, stop-limits and trailing stops."""

import pytest

from fillbridge_hooks import ExitReason, Liquidity, OrderType

MINUTE = 60_000_000_000


# Stops


@pytest.mark.parametrize(
    ("side", "stop", "bar"),
    [("BUY", 101, (100, 101, 99, 100)), ("SELL", 99, (100, 101, 99, 100))],
)
def test_a_stop_triggers_at_equality(exchange, side, stop, bar):
    market = exchange()
    market.submit(side, stop=stop)

    market.bar(*bar)

    (fill,) = market.fills
    assert fill.price == stop
    assert fill.liquidity is Liquidity.TAKER


@pytest.mark.parametrize(
    ("side", "stop", "bar"),
    [("BUY", 101.25, (100, 101, 99, 100)), ("SELL", 98.75, (100, 101, 99, 100))],
)
def test_a_stop_one_tick_beyond_the_bar_rests(exchange, side, stop, bar):
    market = exchange()
    market.submit(side, stop=stop)

    market.bar(*bar)

    assert market.fills == []


@pytest.mark.parametrize(
    ("side", "opened", "price"), [("BUY", 103, 103.5), ("SELL", 97, 96.5), ("BUY", 101, 101.5)]
)
def test_a_stop_that_was_gapped_through_fills_at_the_open(exchange, side, opened, price):
    market = exchange(slippage=0.5)
    market.submit(side, stop=101 if side == "BUY" else 99)

    market.bar(opened, opened + 1, opened - 1, opened)

    (fill,) = market.fills
    assert (fill.price, fill.step, fill.slippage) == (price, "open", 0.5)
    assert market.instrument.to_price(fill.reference_ticks) == opened


def test_a_stop_met_inside_the_bar_fills_at_its_price_with_slippage(exchange):
    market = exchange(slippage=0.5)
    market.sell(stop=99)

    market.bar(100, 101, 98, 100)

    (fill,) = market.fills
    assert (fill.price, fill.step, fill.time_ns) == (98.5, "low", 0)


def test_a_stop_fills_at_the_trade_that_gapped_through_it(exchange):
    market = exchange()
    market.sell(stop=99)

    market.trade(99.25)
    market.trade(97, at=7)

    (fill,) = market.fills
    assert (fill.price, fill.step, fill.time_ns) == (97, "trade", 7)
    assert fill.sequence == 2


def test_the_exit_of_a_bar_is_at_its_end(backtest):
    run = backtest()
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=110)
    run.bar(100, 101, 99, 100)

    run.bar(100, 101, 97, 100)

    assert run.trade.exit_time_ns == 3 * MINUTE
    assert run.trade.duration_seconds == 120


# Stop-limits


def test_a_stop_limit_takes_the_market_within_its_limit(exchange):
    market = exchange(slippage=1)
    market.buy(stop=101, limit=101.5)

    market.bar(100, 102, 100, 102)

    (fill,) = market.fills
    assert (fill.price, fill.slippage) == (101.5, 0.5), "slippage stops at the limit"
    assert fill.liquidity is Liquidity.TAKER


@pytest.mark.parametrize(("low", "fills"), [(101.5, []), (101.25, [101.5])])
def test_a_stop_limit_that_was_gapped_over_rests_at_its_limit(exchange, low, fills):
    market = exchange(slippage=1)
    market.buy(stop=101, limit=101.5)
    market.bar(103, 104, 102, 103)
    assert market.fills == []

    market.bar(103, 104, low, 103)

    assert [fill.price for fill in market.fills] == fills, "traded through, and never slipped"


def test_a_stop_limit_does_not_fill_before_it_triggers(exchange):
    market = exchange()
    market.buy(stop=101, limit=102)

    market.bar(100, 100.75, 98, 100)

    assert market.fills == []


# Trailing stops


def test_a_trailing_stop_follows_and_never_goes_back(exchange):
    market = exchange()
    market.sell(stop=98, trail=2)
    market.bar(100, 101, 99.5, 101)  # to 99
    market.bar(101, 104, 101, 103)  # to 102
    market.bar(103, 103.5, 102.25, 103)
    assert market.fills == []

    market.bar(103, 103, 101, 101)

    (fill,) = market.fills
    assert fill.price == 102


def test_a_step_of_the_path_is_tested_before_the_stop_follows_it(exchange):
    # Low first: the stop still stands at 98 when the price is at 98.25, and follows only then.
    market = exchange(bar_path="body")
    market.sell(stop=98, trail=2)

    market.bar(100, 103, 98.25, 102)

    assert market.fills == []
    # High first: the stop has followed to 101 when the price falls.
    market = exchange(bar_path="open-high-low-close")
    market.sell(stop=98, trail=2)

    market.bar(100, 103, 98.25, 102)

    assert [(fill.price, fill.step) for fill in market.fills] == [(101, "low")]


def test_the_close_is_a_step_too(exchange):
    market = exchange(bar_path="body")
    market.sell(stop=98, trail=2)

    market.bar(100, 104, 99, 102)  # O-L-H-C, and 102 is two below the high

    assert [(fill.price, fill.step) for fill in market.fills] == [(102, "close")]


def test_a_trailing_buy_stop_follows_downwards(exchange):
    market = exchange()
    market.buy(stop=102, trail=2)
    market.bar(100, 100, 97, 97)  # to 99

    market.bar(98, 100, 98, 100)

    assert [fill.price for fill in market.fills] == [99]


def test_a_trailing_stop_that_was_gapped_through_fills_at_the_open(exchange):
    market = exchange()
    market.sell(stop=98, trail=2)
    market.bar(100, 105, 100, 105)

    market.bar(101, 102, 100, 101)

    assert [(fill.price, fill.step) for fill in market.fills] == [(101, "open")]


def test_a_trailing_stop_follows_trades(exchange):
    market = exchange()
    market.sell(stop=98, trail=2)

    for price in (100, 103, 102, 101, 100):
        market.trade(price)

    assert [fill.price for fill in market.fills] == [101]


def test_a_trade_with_a_trailing_stop(backtest):
    run = backtest(slippage=0.25)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop_loss_ticks=8, take_profit_ticks=80, trailing_stop=True)
    run.bar(100, 104, 100, 104)

    run.bar(104, 104, 101, 101)

    trade = run.trade
    assert trade.exit_reason is ExitReason.STOP_LOSS
    assert (trade.entry_price, trade.exit_price) == (100.25, 101.75)
    assert trade.max_favorable_excursion == 3.75


def test_a_trailing_stop_keeps_its_place_when_only_its_quantity_changes(exchange):
    market = exchange()
    market.sell(2, stop=98, trail=2, name="stop")
    market.bar(100, 104, 100, 103)  # to 102

    market.replace("stop", 1, OrderType.TRAILING_STOP, stop=98)
    market.bar(103, 103, 101, 101)

    assert market.traded == [("stop", 1, 102)]


def test_a_trailing_stop_that_was_made_a_stop_no_longer_follows(exchange):
    market = exchange()
    market.sell(stop=98, trail=2, name="stop")

    market.replace("stop", 1, OrderType.STOP, stop=97)
    market.bar(100, 104, 100, 103)
    market.bar(103, 103, 97.25, 98)

    assert market.fills == []
