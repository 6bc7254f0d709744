"""Data that passes quietly: it never passes over a level, and old orders leave nothing behind."""

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge_hooks import ExitReason, Instrument

MINUTE = 60_000_000_000
INFINITY = float("inf")
TICKS = [0.1, 0.25, 1 / 32, 0.005, 0.01, 1 / 64, 1.0, 2.5]

ticks = st.sampled_from(TICKS)
noise = st.sampled_from([0.0, 1e-10, -1e-10, 1e-9, -1e-9])


def stepped(instrument, level, steps):
    """A price as a careless program makes it: by adding up ticks."""
    price = instrument.to_price(level + steps)
    for _ in range(steps):
        price -= instrument.tick_size
    return price


# A touch is a touch, whatever the floats say


@given(
    tick=ticks,
    level=st.integers(500, 1_000_000),
    steps=st.integers(0, 9),
    noise=noise,
    rule=st.sampled_from(["touch", "through"]),
)
def test_an_exact_touch_is_not_missed_by_a_rounding_error(
    exchange, tick, level, steps, noise, rule
):
    instrument = Instrument(symbol="X", tick_size=tick, point_value=1)
    market = exchange(instrument=instrument, limit_fill=rule)
    above = instrument.to_price(level + 10)
    market.bar(above, above, above, above)
    touched = stepped(instrument, level, steps) + noise
    market.sell(stop=instrument.to_price(level), name="stop")
    past = level if rule == "touch" else level + 1
    market.buy(limit=instrument.to_price(past), name="limit")

    assert not market.watch.floor < touched < market.watch.ceiling
    market.bar(above, above, touched, above)

    at = instrument.to_price
    assert sorted(market.traded) == [("limit", 1, at(past)), ("stop", 1, at(level))]


@given(tick=ticks, level=st.integers(500, 1_000_000), noise=noise)
def test_one_tick_before_a_level_is_not_a_touch(exchange, tick, level, noise):
    instrument = Instrument(symbol="X", tick_size=tick, point_value=1)
    market = exchange(instrument=instrument, limit_fill="touch")
    above, before = instrument.to_price(level + 10), instrument.to_price(level + 1) + noise
    market.bar(above, above, above, above)
    market.sell(stop=instrument.to_price(level))
    market.buy(limit=instrument.to_price(level))

    assert market.watch.floor < before < market.watch.ceiling
    market.bar(above, above, before, above)

    assert market.fills == []


@pytest.mark.parametrize("tick", TICKS)
@pytest.mark.parametrize("direction", ["LONG", "SHORT"])
def test_a_bracket_exits_in_the_very_bar_that_touches_it(backtest, tick, direction):
    instruments = {"X": {"tick_size": tick, "point_value": 1}}
    sign = 1 if direction == "LONG" else -1
    price = 100_000 * tick
    run = backtest(symbol="X", instruments=instruments, limit_fill="touch")
    run.bar(price, price, price, price)
    run.enter(direction, stop_loss_ticks=7, take_profit_ticks=9)
    run.bar(price, price, price, price)
    for step in range(1, 9):
        price += sign * tick
        run.bar(price, price, price, price)
        assert run.trades == [], f"{step} ticks are not nine"
    assert run.handler.open_positions

    price += sign * tick
    run.bar(price, price, price, price)

    trade = run.trade
    assert trade.exit_reason is ExitReason.TAKE_PROFIT
    assert trade.exit_time_ns == 11 * MINUTE
    assert abs(trade.max_favorable_excursion - 9 * tick) < 1e-6 * tick


# Where the watch stands


def test_without_orders_everything_passes(exchange):
    market = exchange()
    market.bar(100, 101, 99, 100)

    assert (market.watch.floor, market.watch.ceiling) == (-INFINITY, INFINITY)


def test_the_watch_stands_half_a_tick_inside_the_nearest_levels(exchange):
    market = exchange(limit_fill="touch")
    market.bar(100, 100, 100, 100)
    for limit, stop in ((None, 97), (98, None), (None, 96)):
        market.submit("SELL" if stop else "BUY", limit=limit, stop=stop)
    assert (market.watch.floor, market.watch.ceiling) == (98.125, INFINITY)

    market.sell(limit=103, name="target")
    market.buy(stop=105, name="stop")
    assert (market.watch.floor, market.watch.ceiling) == (98.125, 102.875)

    market.cancel("target")
    assert market.watch.ceiling == 104.875
    market.cancel("stop")
    assert market.watch.ceiling == INFINITY


def test_a_limit_that_must_be_traded_through_is_one_tick_farther(exchange):
    market = exchange(limit_fill="through")
    market.bar(100, 100, 100, 100)
    market.buy(limit=98)
    market.sell(limit=103)

    assert (market.watch.floor, market.watch.ceiling) == (97.875, 103.125)


@pytest.mark.parametrize("terms", [{}, {"limit": 101}, {"limit": 90, "time_in_force": "IOC"}])
def test_nothing_passes_an_order_that_waits_for_the_next_price(exchange, terms):
    market = exchange()
    market.bar(100, 100, 100, 100)

    market.buy(**terms)

    assert market.watch.floor == INFINITY


def test_nothing_passes_a_trailing_stop(exchange):
    market = exchange()
    market.bar(100, 100, 100, 100)

    market.sell(stop=90, trail=10)

    assert market.watch.floor == INFINITY


def test_the_watch_of_a_market_is_always_the_same_object(exchange):
    market = exchange()

    assert market.session.open_market(market.instrument) is market.watch


def test_a_quiet_price_is_the_last_price(exchange):
    market = exchange(market_entry="on_close")
    market.bar(100, 100, 100, 100)
    market.watch.last = type(market.watch.last)(MINUTE, 101, 102, 101, 102, 5)

    market.buy()

    assert [fill.price for fill in market.fills] == [102]


# Memory


def test_a_trailing_stop_that_moves_often_stays_small(exchange):
    market = exchange()
    market.sell(stop=90, trail=10)
    market.bar(100, 100, 100, 100)
    gc.collect()
    before = len(gc.get_objects())

    for step in range(2000):
        price = 100 + step / 4
        market.bar(price, price, price, price)

    gc.collect()
    assert len(gc.get_objects()) - before < 500


class Name(str):
    """An id that tells whether anyone still holds it."""

    __slots__ = ("__weakref__",)


def test_orders_far_from_the_market_are_forgotten_when_they_are_cancelled(exchange):
    market = exchange()
    market.bar(100, 100, 100, 100)
    market.sell(stop=99)  # the nearest level always works
    market.buy(stop=101)
    held = []
    for number in range(1000):
        name = Name(f"far {number}")
        held.append(weakref.ref(name))
        market.submit("BUY" if number % 2 else "SELL", stop=150 if number % 2 else 50, name=name)
        market.cancel(name)
        del name
        market.reports.clear()
        market.bar(100, 100, 100, 100)
    gc.collect()

    assert sum(reference() is not None for reference in held) < 200


def test_a_trade_that_is_over_leaves_nothing_behind(exchange):
    market = exchange(bar_path="body")
    trade_id = Name("trade")
    over = weakref.ref(trade_id)
    market.bar(100, 100, 100, 100)

    def protect(report):
        kind, name = market.story[-1]
        if (kind, name) == ("Fill", "entry"):
            market.sell(stop=98, role="stop", name="stop", trade_id=alive(over))
            market.sell(limit=110, role="target", name="target", trade_id=alive(over))
        elif (kind, name) == ("Fill", "target"):
            market.cancel("stop")

    market.reaction = protect
    market.buy(stop=102, name="entry", trade_id=trade_id)
    market.bar(100, 103, 97, 102.5)
    market.bar(109, 111, 109, 111)
    assert market.story[-1] == ("Cancelled", "stop")
    assert market.fills[-1].other.price == 98, "the stop was remembered while the trade lived"

    market.buy(limit=1)  # while any order works, the price is walked through the book
    market.bar(111, 111, 50, 50)
    del trade_id
    gc.collect()

    assert over() is None


def alive(reference):
    """The object behind a weak reference that must still be alive."""
    held = reference()
    assert held is not None
    return held


def test_forgetting_keeps_what_works(exchange):
    market = exchange()
    market.bar(100, 100, 100, 100)
    kept = []
    for number in range(300):
        name = market.sell(stop=50 + number % 7, name=f"{number}")
        if number % 3:
            market.cancel(name)
        else:
            kept.append((50 + number % 7, number, name))

    market.bar(100, 100, 40, 40)

    assert [name for name, _, _ in market.traded] == [
        name for _, _, name in sorted(kept, key=lambda order: (-order[0], order[1]))
    ]
