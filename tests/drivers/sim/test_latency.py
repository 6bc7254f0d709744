"""The time that orders, cancels and replacements are on their way, and what happens meanwhile."""

import pytest

from fillbridge_hooks import ConfigurationError, ExitReason, OrderType
from fillbridge_sim import SampledLatency

MILLISECOND = 1_000_000
SECOND = 1000 * MILLISECOND
MINUTE = 60 * SECOND


def kinds(market):
    return [kind for kind, _ in market.story]


# Orders


@pytest.mark.parametrize(("at", "fills"), [(49 * MILLISECOND, 0), (50 * MILLISECOND, 1)])
def test_an_order_meets_the_first_trade_from_its_arrival_on(exchange, at, fills):
    market = exchange(latency_ms=50)
    market.trade(100, at=0)
    market.buy()
    assert kinds(market) == ["Accepted"]

    market.trade(101, at=at)
    assert len(market.fills) == fills

    market.trade(102, at=51 * MILLISECOND)
    assert [fill.price for fill in market.fills] == [101 if fills else 102]


def test_an_order_takes_the_quote_that_stands_when_it_arrives(exchange):
    market = exchange(latency_ms=50)
    market.quote(99.75, 100, at=0)
    market.buy()
    market.quote(100, 100.25, at=40 * MILLISECOND)

    market.quote(101, 101.25, at=60 * MILLISECOND)

    (fill,) = market.fills
    assert (fill.price, fill.time_ns) == (100.25, 50 * MILLISECOND)


def test_a_quote_at_the_very_time_of_arrival_is_the_one_that_stands(exchange):
    market = exchange(latency_ms=50)
    market.quote(99.75, 100, at=0)
    market.buy()

    market.quote(101, 101.25, at=50 * MILLISECOND)

    (fill,) = market.fills
    assert (fill.price, fill.time_ns) == (101.25, 50 * MILLISECOND)


def test_an_order_that_arrives_inside_a_bar_finds_the_price_at_its_open(exchange):
    market = exchange(latency_ms=50)
    market.bar(100, 100, 100, 100)
    market.clock.advance_to(MINUTE)
    market.buy(name="market")
    market.buy(stop=104, name="stop")

    market.bar(101, 105, 99, 102)

    assert market.traded == [("market", 1, 101), ("stop", 1, 104)]
    arrival = MINUTE + 50 * MILLISECOND
    assert [fill.time_ns for fill in market.fills] == [arrival] * 2, "not before it arrived"


def test_an_order_that_arrives_with_the_next_bar_sits_this_one_out(exchange):
    market = exchange(latency_ms=60_000)
    market.bar(100, 100, 100, 100)
    market.clock.advance_to(MINUTE)
    market.buy()

    market.bar(101, 105, 99, 102)
    assert market.fills == []

    market.bar(103, 103, 103, 103)
    assert [(fill.price, fill.time_ns) for fill in market.fills] == [(103, 2 * MINUTE)]


def test_protection_arrives_late_as_well(backtest):
    run = backtest(latency_ms=90_000)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=110)
    run.bar(100, 100, 100, 100)
    run.bar(101, 101, 101, 101)  # the entry arrives and fills

    run.bar(101, 101, 97, 97)  # its stop is still on the way
    assert run.trades == []

    run.bar(96, 96, 96, 96)
    run.bar(96, 96, 96, 96)
    assert (run.trade.exit_price, run.trade.exit_reason) == (96, ExitReason.STOP_LOSS)


# Cancels and replacements


def test_an_order_can_fill_while_its_cancel_is_on_the_way(exchange):
    market = exchange(latency_ms=50)
    market.buy(limit=99)
    market.trade(100, at=SECOND)
    market.cancel("O1")

    market.trade(98, at=SECOND + 49 * MILLISECOND)
    market.trade(98, at=SECOND + 60 * MILLISECOND)

    assert kinds(market) == ["Accepted", "Fill", "CancelRejected"]
    assert market.reports[-1].time_ns == SECOND + 50 * MILLISECOND


def test_a_cancel_that_arrived_prevents_the_fill(exchange):
    market = exchange(latency_ms=50)
    market.buy(limit=99)
    market.trade(100, at=SECOND)
    market.cancel("O1")

    market.trade(98, at=SECOND + 50 * MILLISECOND)

    assert kinds(market) == ["Accepted", "Cancelled"]


def test_the_old_terms_hold_until_the_replacement_arrives(exchange):
    market = exchange(latency_ms=50)
    market.sell(stop=98)
    market.trade(100, at=SECOND)
    market.replace("O1", 1, OrderType.STOP, stop=90)

    market.trade(97, at=SECOND + 49 * MILLISECOND)
    market.trade(100, at=SECOND + 50 * MILLISECOND)

    assert kinds(market) == ["Accepted", "Fill", "ReplaceRejected"]


def test_messages_arrive_in_the_order_in_which_they_were_sent(exchange):
    for seed in range(20):
        market = exchange(latency_ms={"low": 1, "high": 1000, "seed": seed})
        market.trade(100, at=0)
        market.buy(limit=99)
        market.replace("O1", 2, OrderType.LIMIT, limit=98)
        market.replace("O1", 3, OrderType.LIMIT, limit=97)
        market.cancel("O1")

        for tenth in range(1, 12):
            market.trade(100, at=tenth * SECOND // 10)
            assert market.clock.now_ns == tenth * SECOND // 10
        market.trade(90, at=5 * SECOND)

        assert kinds(market) == ["Accepted", "Replaced", "Replaced", "Cancelled"]
        times = [report.time_ns for report in market.reports]
        assert times == sorted(times)
        assert times[-1] <= SECOND


def test_both_exits_of_a_trade_can_fill_when_the_cancel_comes_too_late(backtest):
    run = backtest(latency_ms=1000)
    run.tick(100, at=0)
    run.enter("LONG", stop=98, target=102)
    run.tick(100, at=2 * SECOND)
    run.tick(100, at=4 * SECOND)
    run.tick(103, at=5 * SECOND)  # the target fills, the stop is being cancelled
    run.tick(97, at=5 * SECOND + 1)  # the stop fills: one too many is sold

    run.tick(97, at=7 * SECOND)  # and bought back
    run.tick(97, at=9 * SECOND)

    assert run.handler.open_positions == {}
    trade = run.trade
    assert trade.pnl_gross == (102 - 100 + 97 - 97) * 50


# The time itself


def test_no_latency_acts_at_once(exchange):
    market = exchange(latency_ms=0)
    market.quote(99.75, 100, at=5)

    market.buy()

    assert market.fills[0].time_ns == 5


def arrivals(market):
    """When each of twenty market orders, sent a second apart, takes the quote."""
    for second in range(20):
        market.quote(99.75, 100, at=second * SECOND)
        market.buy()
    market.quote(99.75, 100, at=30 * SECOND)
    return [fill.time_ns - second * SECOND for second, fill in enumerate(market.fills)]


def test_sampled_latency_is_drawn_evenly_between_its_bounds(exchange):
    drawn = arrivals(exchange(latency_ms={"low": 10, "high": 500, "seed": 1}))

    assert len(set(drawn)) == 20
    assert min(drawn) >= 10 * MILLISECOND
    assert max(drawn) <= 500 * MILLISECOND
    assert max(drawn) - min(drawn) > 250 * MILLISECOND


def test_the_same_seed_gives_the_same_latencies(exchange):
    bounds = {"low": 10, "high": 500}

    first = arrivals(exchange(latency_ms={**bounds, "seed": 1}))

    assert arrivals(exchange(latency_ms={**bounds, "seed": 1})) == first
    assert arrivals(exchange(latency_ms={**bounds, "seed": 2})) != first


def test_bounds_that_contradict_each_other_are_refused():
    with pytest.raises(ConfigurationError, match=r"latency_ms\.high: expected at least low \(5"):
        SampledLatency(low=5, high=4)


# The end of the data


@pytest.mark.parametrize("latency", [0, 50, 100_000])
def test_what_is_on_its_way_arrives_at_the_end_of_the_data(backtest, latency):
    run = backtest(latency_ms=latency)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=90, target=110)
    for _ in range(5):
        run.bar(101, 101, 101, 101)

    run.handler.finish()

    assert (run.trade.exit_reason, run.trade.exit_price) == (ExitReason.SYSTEM_SHUTDOWN, 101)
    assert run.handler.open_positions == {}
