"""Each numeric control: accepted at its limit and below, refused beyond, with limit and value."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plugins.risk.ground import (
    NOON,
    PRICE,
    SECOND,
    case,
    context,
    exposure,
    market,
    order,
    price,
    proposal,
)

from fillbridge_hooks import (
    ArrivalPrice,
    OrderRole,
    OrderType,
    RecentEntry,
    Refuse,
    RiskCheck,
    Side,
)
from fillbridge_risk import brackets, losses, prices, rates, sizes


class Limit(NamedTuple):
    """A control, and a situation that is so far beyond its limit; within it where that is <= 0."""

    make: Callable[[int], RiskCheck]
    beyond: Callable[[int, int, Side], Any]
    least: int = 1
    most: int = 1_000
    check: str = ""


def worst(limit: int, excess: int, side: Side):
    """One contract that makes the worst case of its side ``limit + excess``."""
    stake = limit + excess - 1
    sides = (stake, 0) if side is Side.BUY else (0, stake)
    return exposure(
        worst_long=sides[0], worst_short=sides[1], account_worst=stake, account_open_brackets=stake
    )


def limit_order(ticks: int, side: Side):
    return order(side=side, order_type=OrderType.LIMIT, limit_ticks=ticks)


def quote_at(ticks: int):
    """A market of one tick whose mid is half a tick above ``ticks``."""
    return market(bid=price(ticks), ask=price(ticks + 1), last=price(ticks))


def legs(side: Side, **distances: int):
    """A limit entry, with stop and target so many ticks away, as prices."""
    sign = side.sign
    stop, target = distances.get("stop", 20), distances.get("target", 40)
    asked = proposal(
        direction="LONG" if sign > 0 else "SHORT",
        stop_loss_ticks=None,
        take_profit_ticks=None,
        stop_loss_price=price(PRICE - sign * stop),
        take_profit_price=price(PRICE + sign * target),
    )
    return case(order=limit_order(PRICE, side), context=context(proposal=asked))


def entries(count: int, strategy: str = "calm"):
    return tuple(
        RecentEntry(strategy, "ESZ5", Side.BUY, 1, NOON - (1 + n) * SECOND, f"P{n}")
        for n in range(count)
    )


LIMITS = {
    "C7 max_order_quantity": Limit(
        sizes.max_order_quantity,
        lambda limit, excess, side: case(order=order(side=side, quantity=limit + excess)),
        least=6,
        most=20,
    ),
    "C9 max_position_size": Limit(
        sizes.max_position_size,
        lambda limit, excess, side: case(
            order=order(side=side), exposure=worst(limit, excess, side)
        ),
        least=6,
    ),
    "C9 max_gross_position": Limit(
        sizes.max_gross_position,
        lambda limit, excess, side: case(
            order=order(side=side), exposure=worst(limit, excess, side)
        ),
        least=6,
    ),
    "C10 max_open_positions": Limit(
        sizes.max_open_positions,
        lambda limit, excess, side: case(
            order=order(side=side), exposure=worst(limit, excess, side)
        ),
        least=6,
    ),
    "C10 max_brackets_per_strategy": Limit(
        sizes.max_brackets_per_strategy,
        lambda limit, excess, side: case(exposure=exposure(strategy_brackets=limit + excess - 1)),
        least=6,
    ),
    "C11 max_entry_drift_ticks": Limit(
        prices.max_entry_drift_ticks,
        lambda limit, excess, side: case(market=quote_at(PRICE + side.sign * (limit + excess))),
        least=6,
    ),
    "C11 max_price_distance_ticks": Limit(
        prices.max_price_distance_ticks,
        lambda limit, excess, side: case(
            order=limit_order(PRICE + side.sign * (limit + excess), side),
            market=market(bid=None, ask=None),
        ),
        least=6,
    ),
    "C13 max_spread_ticks": Limit(
        prices.max_spread_ticks,
        lambda limit, excess, side: case(market=market(ask=price(PRICE + limit + excess))),
        least=6,
    ),
    "C14 max_quote_age_s": Limit(
        lambda limit: prices.max_quote_age_s(limit, None),
        lambda limit, excess, side: case(
            market=market(quote_ns=NOON - limit * SECOND - excess),
        ),
    ),
    "C15 stop_distance_ticks": Limit(
        lambda limit: brackets.stop_distance_ticks(1, limit),
        lambda limit, excess, side: legs(side, stop=limit + excess),
        least=6,
    ),
    "C15 target_distance_ticks": Limit(
        lambda limit: brackets.target_distance_ticks(1, limit),
        lambda limit, excess, side: legs(side, target=limit + excess),
        least=6,
    ),
    "C15 stop_distance_ticks: nearest": Limit(
        lambda limit: brackets.stop_distance_ticks(limit, None),
        lambda limit, excess, side: legs(side, stop=limit - excess),
    ),
    "C15 target_distance_ticks: nearest": Limit(
        lambda limit: brackets.target_distance_ticks(limit, None),
        lambda limit, excess, side: legs(side, target=limit - excess),
    ),
    "C16 max_trade_risk": Limit(
        lambda limit: brackets.max_trade_risk(limit * 12.5),
        lambda limit, excess, side: legs(side, stop=limit + excess),
        least=6,
    ),
    "C17 daily_loss_reduce_only": Limit(
        lambda limit: losses.daily_loss_reduce_only(limit + 1.0),
        lambda limit, excess, side: case(
            context=context(
                realised_pnl=1.0 * side.sign, open_pnl=-limit - excess - 1.0 * side.sign
            )
        ),
    ),
    "C19 messages_per_minute": Limit(
        rates.messages_per_minute,
        lambda limit, excess, side: case(context=context(messages_last_minute=limit + excess - 1)),
        least=6,
    ),
    "C21 max_daily_trades": Limit(
        rates.max_daily_trades,
        lambda limit, excess, side: case(context=context(trades_today=limit + excess - 1)),
        least=6,
    ),
    "C21 strategy_entries_per_day": Limit(
        rates.strategy_entries_per_day,
        lambda limit, excess, side: case(context=context(strategy_trades_today=limit + excess - 1)),
        least=6,
    ),
    "C21 strategy_entries_10m": Limit(
        rates.strategy_entries_10m,
        lambda limit, excess, side: case(
            context=context(
                recent_entries=(
                    *entries(limit + excess - 1),
                    # Ten minutes ago, and of another strategy.
                    RecentEntry("calm", "ESZ5", side, 1, NOON - 600 * SECOND, "old"),
                    RecentEntry("wild", "ESZ5", side, 1, NOON - 601 * SECOND, "other"),
                )
            )
        ),
        least=6,
        most=58,
    ),
}


@pytest.mark.parametrize("name", LIMITS)
@given(data=st.data(), side=st.sampled_from(Side))
def test_a_control_lets_its_limit_pass_and_nothing_beyond(name, data, side):
    limit = LIMITS[name]
    value = data.draw(st.integers(limit.least, limit.most), label="limit")
    excess = data.draw(st.integers(-5, 5), label="excess")
    answer = limit.make(value)(*limit.beyond(value, excess, side))
    if excess <= 0:
        assert answer is None
    else:
        assert isinstance(answer, Refuse)
        assert answer.check == name.split(":")[0]
        assert any(character.isdigit() for character in answer.value)


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("role", [OrderRole.STOP, OrderRole.TARGET, OrderRole.EXIT])
def test_no_control_holds_up_what_reduces(name, role):
    judged, *rest = LIMITS[name].beyond(10, 1, Side.BUY)
    exit_order = order(role=role, side=judged.side, quantity=judged.quantity)
    answer = LIMITS[name].make(10)(exit_order, *rest)
    if name == "C9 max_position_size":
        assert answer is not None  # it bounds a position; the core never asks it about an exit
    else:
        assert answer is None


# What counts, and what is unknown


@given(
    limit=st.integers(1, 10_000_000),
    quantity=st.integers(1, 20),
    ticks=st.integers(-40_000, 40_000),
    side=st.sampled_from(Side),
)
def test_the_value_of_an_order_is_quantity_times_point_value_times_price(
    limit, quantity, ticks, side
):
    judged = order(
        side=side, quantity=quantity, order_type=OrderType.LIMIT, limit_ticks=ticks, arrival=None
    )
    nothing = market(bid=None, ask=None, last=None)
    answer = sizes.max_order_value(float(limit))(*case(order=judged, market=nothing))
    assert (answer is None) is (quantity * 50 * abs(ticks) * 0.25 <= limit)


def test_an_order_is_valued_at_the_highest_price_that_is_known_of_it():
    check = sizes.max_order_value(250_000.0)
    at_5000 = {"bid": None, "ask": None, "last": 5000.0}
    arrival = ArrivalPrice(last=5000.0)
    assert check(*case(order=order(arrival=arrival), market=market(**at_5000))) is None
    late = ArrivalPrice(last=5000.25)
    assert str(check(*case(order=order(arrival=late), market=market(**at_5000)))) == (
        "C8 max_order_value: expected <= 250000.00, was 250012.50 (1 at 5000.25)"
    )
    moved = market(bid=None, ask=None, last=5000.25)
    assert check(*case(order=order(arrival=arrival), market=moved)) is not None


def test_gross_position_counts_the_larger_side_of_each_symbol():
    # Three long and five short here, four elsewhere: nine in the worst case.
    held = exposure(worst_long=3, worst_short=5, account_worst=9)
    check = sizes.max_gross_position(9)
    assert check(*case(order=order(quantity=2), exposure=held)) is None
    refusal = check(*case(order=order(quantity=3), exposure=held))
    assert str(refusal) == (
        "C9 max_gross_position: expected <= 9 contracts over all symbols, was 10"
    )
    assert check(*case(order=order(side=Side.SELL), exposure=held)) is not None


@pytest.mark.parametrize(
    "check",
    [
        prices.max_entry_drift_ticks(8),
        prices.max_spread_ticks(4),
        prices.max_quote_age_s(1, 5),
        sizes.max_order_value(1e7),
        brackets.stop_distance_ticks(4, 80),
        brackets.max_trade_risk(1000),
    ],
)
def test_what_must_know_the_market_refuses_without_one(check):
    asked = proposal(
        stop_loss_ticks=None,
        stop_loss_price=4990.0,
        take_profit_ticks=None,
        take_profit_price=5010.0,
    )
    judged = order(arrival=None)
    known = case(order=order(), context=context(proposal=asked))
    assert check(*known) is None
    nothing = market(bid=None, ask=None, last=None, quote_ns=None)
    assert check(*case(order=judged, market=nothing, context=context(proposal=asked))) is not None


def test_a_price_needs_a_market_to_be_far_from():
    check = prices.max_price_distance_ticks(48)
    nothing = market(bid=None, ask=None, last=None)
    refusal = check(*case(order=limit_order(PRICE, Side.BUY), market=nothing))
    assert str(refusal) == ("C11 max_price_distance_ticks: expected a known market, was unknown")
    assert check(*case(market=nothing)) is None


@pytest.mark.parametrize(
    "quotes",
    [{"bid": None}, {"ask": None}, {"bid": 5000.25}, {"bid": 5000.5}, {"ask": 5000.1}],
)
def test_a_book_has_both_sides_bid_below_ask_on_the_grid(quotes):
    assert prices.max_spread_ticks(4)(*case(market=market(**quotes))) is not None


def test_an_open_position_without_a_price_leaves_the_loss_unknown():
    refusal = losses.daily_loss_reduce_only(2_000.0)(*case(context=context(open_pnl=None)))
    assert str(refusal) == (
        "C17 daily_loss_reduce_only: expected a loss of the day < 2000.00, "
        "was unknown: 0.00 realised, open positions without a price"
    )


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("leg", ["stop", "target"])
def test_a_leg_on_the_wrong_side_is_refused(side, leg):
    checks = {
        "stop": brackets.stop_distance_ticks(None, 80),
        "target": brackets.target_distance_ticks(None, 400),
    }
    assert checks[leg](*legs(side, **{leg: 1})) is None
    assert checks[leg](*legs(side, **{leg: 0})) is not None
    assert checks[leg](*legs(side, **{leg: -9})) is not None


def test_a_stop_is_mandatory_and_on_the_grid():
    check = brackets.stop_distance_ticks(4, 80)
    for stop in (None, 4990.1):
        asked = proposal(stop_loss_ticks=None, stop_loss_price=stop)
        assert check(*case(context=context(proposal=asked))) is not None
        assert brackets.max_trade_risk(1e6)(*case(context=context(proposal=asked))) is not None


def test_risk_is_counted_from_the_worst_price_that_the_entry_may_fill_at():
    # Bought at 5000.00 by trigger, at 5002.00 at worst: 10 points to the stop, 500.
    judged = order(
        order_type=OrderType.STOP_LIMIT, trigger_ticks=PRICE, limit_ticks=PRICE + 8, quantity=2
    )
    asked = proposal(stop_loss_ticks=None, stop_loss_price=4992.0)
    there = case(order=judged, context=context(proposal=asked))
    assert brackets.max_trade_risk(1_000.0)(*there) is None
    assert str(brackets.max_trade_risk(999.99)(*there)) == (
        "C16 max_trade_risk: expected <= 999.99 lost at the stop, was 1000.00 (2 x 40 ticks)"
    )


# Messages


@given(
    rate=st.integers(1, 20),
    burst=st.integers(1, 20),
    ages=st.lists(st.integers(0, 10_000), max_size=60).map(sorted),
)
def test_messages_keep_to_every_window_that_a_bucket_allows(rate, burst, ages):
    times = tuple(NOON - age * 1_000_000 for age in ages)
    answer = rates.messages_per_second(rate, burst)(*case(context=context(recent_messages=times)))
    allowed = all(
        number + 1 <= burst or (number + 1 - burst) * 1_000 <= rate * age
        for number, age in enumerate(ages, start=1)
    )
    assert (answer is None) is allowed


def test_a_burst_is_let_through_and_named_when_it_is_too_large():
    check = rates.messages_per_second(5, 10)
    assert check(*case(context=context(recent_messages=(NOON,) * 9))) is None
    assert str(check(*case(context=context(recent_messages=(NOON - SECOND // 10,) * 10)))) == (
        "C19 messages_per_second: expected <= 10 messages and 5 more each second, was 11 in 0.100 s"
    )
    later = (NOON - SECOND // 5,) * 10
    assert check(*case(context=context(recent_messages=later))) is None


def test_what_cannot_be_counted_any_more_is_refused():
    # 64 entries of others within ten minutes: nobody knows how many of ours were before.
    others = entries(64, strategy="wild")
    refusal = rates.strategy_entries_10m(6)(*case(context=context(recent_entries=others)))
    assert str(refusal).endswith("was 64 or more of all strategies")
    assert rates.strategy_entries_10m(6)(*case(context=context(recent_entries=others[1:]))) is None


# Age of quotes


@pytest.mark.parametrize(
    ("utc", "limit"),
    [
        ("2025-12-03 14:29", 5),  # 09:29 in New York
        ("2025-12-03 14:30", 1),
        ("2025-12-03 20:59", 1),
        ("2025-12-03 21:00", 5),
        ("2025-12-06 16:00", 5),  # a Saturday
        ("2025-07-02 13:30", 1),  # summer
        ("2025-07-02 13:29", 5),
    ],
)
def test_quotes_may_be_older_while_the_stock_exchanges_are_shut(utc, limit):
    from datetime import UTC, datetime

    now = int(datetime.strptime(utc, "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp()) * SECOND
    check = prices.max_quote_age_s(1, 5)
    inside = market(quote_ns=now - limit * SECOND)
    outside = market(quote_ns=now - limit * SECOND - 1)
    assert check(*case(market=inside, context=context(now_ns=now))) is None
    refusal = check(*case(market=outside, context=context(now_ns=now)))
    assert refusal is not None
    assert refusal.limit == f"a quote <= {limit} s old"


def test_a_quote_from_the_future_is_no_fresher():
    check = prices.max_quote_age_s(1, 5)
    assert check(*case(market=market(quote_ns=NOON + SECOND))) is None
    assert check(*case(market=market(quote_ns=NOON + SECOND + 1))) is not None


# After a connection


@given(seconds=st.integers(1, 600), limit=st.integers(1, 20), age=st.integers(-5, 5))
def test_entries_are_half_as_large_after_a_connection(seconds, limit, age):
    check = sizes.cooling_off(seconds, limit)
    half = max(1, limit // 2)
    there = market(connected_ns=NOON - seconds * SECOND - age)
    assert check(*case(order=order(quantity=half), market=there)) is None
    assert (check(*case(order=order(quantity=half + 1), market=there)) is None) is (age >= 0)
    nowhere = market(connected_ns=None)
    assert check(*case(order=order(quantity=half + 1), market=nowhere)) is None


def test_how_long_the_connection_lasts_is_named():
    refusal = sizes.cooling_off(60, 5)(
        *case(order=order(quantity=3), market=market(connected_ns=NOON - 2 * SECOND))
    )
    assert str(refusal) == (
        "C36 cooling_off_s: expected <= 2 contracts within 60 s of a connection, "
        "was 3 after 2.000 s"
    )
