"""Market data that is wrong is refused by field, value and rule, however quiet it is."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from fillbridge import BarData, ExitReason, InvalidValue, QuoteTick, TradeTick

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
START = datetime(2024, 1, 10, 14, 30, tzinfo=UTC)


def bar(minute, price=4000.0, **fields):
    values = {"open": price, "high": price, "low": price, "close": price, "volume": 10, **fields}
    return BarData(
        minute * MINUTE,
        values["open"],
        values["high"],
        values["low"],
        values["close"],
        values["volume"],
        values.get("symbol", "ES"),
    )


def feed_bar(handler, one):
    handler.update_market_data(one.timestamp, one)


def refusal(handler, one, timestamp=None):
    with pytest.raises(InvalidValue) as caught:
        handler.update_market_data(one.timestamp if timestamp is None else timestamp, one)
    return str(caught.value)


@pytest.fixture(params=["quiet", "awake"])
def fed(request, handler, proposal):
    """A handler that has seen bars 1 to 3: with nothing to do, or with an entry that waits."""
    for minute in (1, 2, 3):
        feed_bar(handler, bar(minute))
    if request.param == "awake":
        handler.propose(proposal())
    return handler


# Times


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-6))])
def test_a_bar_may_come_with_an_aware_datetime(handler, proposal, zone):
    for minute in range(3):
        moment = (START + timedelta(minutes=minute)).astimezone(zone)
        made = BarData(moment, 4000.0, 4000.0, 4000.0, 4000.0, 10, "ES")
        handler.update_market_data(moment, made)
        if not minute:
            handler.propose(proposal())
    assert handler.open_positions["T1"].entry_timestamp == START + timedelta(minutes=1)
    assert handler.current_time == int((START + timedelta(minutes=3)).timestamp()) * SECOND


def test_datetimes_and_integers_may_alternate(handler):
    for minute in range(4):
        moment = START + timedelta(minutes=minute)
        time_ns = int(moment.timestamp()) * SECOND
        made = BarData(time_ns, 4000.0, 4000.0, 4000.0, 4000.0, 10, "ES")
        handler.update_market_data(moment if minute % 2 else time_ns, made)
    assert handler.current_time == time_ns + MINUTE


def test_a_naive_datetime_is_refused(fed):
    naive = START.replace(tzinfo=None)
    assert refusal(fed, bar(9), naive) == (
        "timestamp: expected an aware datetime or integer nanoseconds UTC, was "
        "datetime.datetime(2024, 1, 10, 14, 30)"
    )


def test_a_time_that_is_neither_is_refused(fed):
    assert refusal(fed, bar(9), "now").startswith("timestamp: expected an aware datetime")


@pytest.mark.parametrize("minute", [1, 2, 3])
def test_a_bar_that_repeats_or_goes_back_is_refused(fed, minute):
    assert refusal(fed, bar(minute)) == (
        f"timestamp: expected a bar after {3 * MINUTE}, was {minute * MINUTE}"
    )


def test_a_bar_under_another_time_than_its_own_is_refused(handler):
    assert refusal(handler, bar(1), 2 * MINUTE) == (
        f"timestamp: expected the start of the bar ({MINUTE}), was {2 * MINUTE}"
    )


# Prices


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"high": 3999.0, "low": 4001.0}, "high: expected at least the low (4001.0), was 3999.0"),
        ({"low": math.nan}, "low: expected a finite number, was nan"),
        ({"high": math.nan}, "high: expected a finite number, was nan"),
        ({"high": math.inf}, "high: expected a finite number, was inf"),
        ({"low": -math.inf}, "low: expected a finite number, was -inf"),
    ],
)
def test_extremes_that_make_no_sense_are_refused(fed, fields, sentence):
    assert refusal(fed, bar(4, **fields)) == sentence
    feed_bar(fed, bar(4))  # the time is not used up


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"open": math.nan}, "open: expected a finite number, was nan"),
        ({"close": math.nan}, "close: expected a finite number, was nan"),
        ({"open": 4001.0}, "open: expected a price from 4000.0 to 4000.0, was 4001.0"),
        ({"close": 3999.0}, "close: expected a price from 4000.0 to 4000.0, was 3999.0"),
        ({"volume": -1}, "volume: expected a number >= 0, was -1"),
        ({"volume": math.nan}, "volume: expected a finite number, was nan"),
        ({"high": 4000.1}, "high: expected a multiple of the tick size 0.25, was 4000.1"),
        ({"symbol": "NOPE"}, "symbol: expected one of the built-in contracts"),
    ],
)
def test_a_bar_that_something_waits_for_is_checked_in_full(handler, proposal, fields, sentence):
    feed_bar(handler, bar(1))
    handler.propose(proposal())
    assert refusal(handler, bar(2, **fields)).startswith(sentence)
    assert len(handler.open_positions) == 1
    feed_bar(handler, bar(2))
    assert handler.open_positions["T1"].entry_price == 4000.0


def test_a_quiet_price_off_the_grid_is_said_once_and_later_data_is_taken(handler, proposal):
    for minute in (1, 2, 3):
        feed_bar(handler, bar(minute))
    feed_bar(handler, bar(4, high=4000.1))  # nothing looked at it
    with pytest.raises(InvalidValue, match=r"high: expected a multiple .+, was 4000\.1"):
        handler.propose(proposal())
    handler.propose(proposal())
    feed_bar(handler, bar(5))
    assert handler.open_positions["T1"].entry_price == 4000.0


# What quiet data leaves behind


def test_quiet_bars_count_for_excursions_and_the_last_price(handler, proposal):
    feed_bar(handler, bar(1))
    handler.propose(proposal())
    feed_bar(handler, bar(2))
    feed_bar(handler, bar(3, high=4004.0, low=3997.0))
    position = handler.open_positions["T1"]
    assert (position.mfe, position.mae) == (4.0, -3.0)
    feed_bar(handler, bar(4, 4001.0, high=4005.0, low=3998.0))
    handler.finish()
    (result,) = handler.closed_trades
    assert (result.exit_reason, result.exit_price) == (ExitReason.SYSTEM_SHUTDOWN, 4001.0)
    assert (result.max_favorable_excursion, result.max_adverse_excursion) == (5.0, -3.0)


def test_what_happened_before_the_entry_is_no_excursion(handler, proposal):
    feed_bar(handler, bar(1))
    feed_bar(handler, bar(2))
    feed_bar(handler, bar(3, high=4009.0, low=3991.0))  # quiet
    handler.propose(proposal())
    feed_bar(handler, bar(4))
    position = handler.open_positions["T1"]
    assert (position.mfe, position.mae) == (0.0, 0.0)


def test_the_length_of_a_bar_is_learnt_from_the_smallest_distance(make):
    handler = make({"bar_seconds": None})
    for minute in (1, 4, 5, 7):
        feed_bar(handler, bar(minute))
    assert handler.current_time == 8 * MINUTE


# Trades


def tick(seconds, price=4000.0, size=1):
    return TradeTick(seconds * SECOND, price, size, "ES")


@pytest.fixture(params=["quiet", "awake"])
def taped(request, handler, proposal):
    """A handler that has seen a trade at second 5: with nothing to do, or with a waiting entry."""
    handler.update_trade(tick(5))
    if request.param == "awake":
        handler.propose(proposal())
    return handler


@pytest.mark.parametrize(
    ("trade", "sentence"),
    [
        (tick(4), f"timestamp: expected a trade at or after {5 * SECOND}, was {4 * SECOND}"),
        (tick(6, math.nan), "price: expected a finite price, was nan"),
        (tick(6, math.inf), "price: expected a finite price, was inf"),
    ],
)
def test_a_wrong_trade_is_refused(taped, trade, sentence):
    with pytest.raises(InvalidValue) as caught:
        taped.update_trade(trade)
    assert str(caught.value) == sentence
    taped.update_trade(tick(6))


@pytest.mark.parametrize(
    ("trade", "sentence"),
    [
        (tick(6, 4000.1), "price: expected a multiple of the tick size 0.25, was 4000.1"),
        (tick(6, size=math.nan), "size: expected a finite number >= 0, was nan"),
        (tick(6, size=-1), "size: expected a finite number >= 0, was -1"),
    ],
)
def test_a_trade_that_something_waits_for_is_checked_in_full(handler, proposal, trade, sentence):
    handler.update_trade(tick(5))
    handler.propose(proposal())
    with pytest.raises(InvalidValue) as caught:
        handler.update_trade(trade)
    assert str(caught.value) == sentence
    handler.update_trade(tick(6))
    assert handler.open_positions["T1"].size == 2


def test_trades_may_share_their_time(handler, proposal):
    handler.update_trade(tick(5))
    handler.propose(proposal())
    handler.update_trade(tick(5, 4001.0))
    assert handler.open_positions["T1"].entry_price == 4001.0


def test_quiet_trades_count_for_excursions(handler, proposal):
    handler.update_trade(tick(1))
    handler.propose(proposal())
    for second, price in enumerate((4000.0, 4003.0, 3998.0, 4001.0), start=2):
        handler.update_trade(tick(second, price))
    position = handler.open_positions["T1"]
    assert (position.mfe, position.mae) == (3.0, -2.0)


# Quotes


def quote(seconds, bid=3999.75, ask=4000.25):
    return QuoteTick(seconds * SECOND, bid, 10, ask, 10, "ES")


@pytest.fixture(params=["quiet", "awake"])
def quoted(request, handler, proposal):
    """A handler that has seen a quote at second 5: with nothing to do, or with a position."""
    handler.update_quote(quote(5))
    if request.param == "awake":
        handler.propose(proposal())
    return handler


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (quote(4), f"timestamp: expected a quote at or after {5 * SECOND}, was {4 * SECOND}"),
        (quote(6, bid=math.nan), "bid: expected a finite price, was nan"),
        (quote(6, ask=math.nan), "ask: expected a finite price, was nan"),
    ],
)
def test_a_wrong_quote_is_refused(quoted, wrong, sentence):
    with pytest.raises(InvalidValue) as caught:
        quoted.update_quote(wrong)
    assert str(caught.value) == sentence
    quoted.update_quote(quote(6))


def test_a_crossed_quote_is_taken_as_it_is(handler, proposal):
    handler.update_quote(quote(5, bid=4000.5, ask=4000.0))
    handler.propose(proposal())
    assert handler.open_positions["T1"].entry_price == 4000.0


def test_an_entry_takes_the_far_side_of_the_quote_at_once(handler, proposal):
    handler.update_quote(quote(5))
    handler.propose(proposal())
    handler.propose(proposal(direction="SHORT"))
    assert {one.direction: one.entry_price for one in handler.open_positions.values()} == {
        "LONG": 4000.25,
        "SHORT": 3999.75,
    }
