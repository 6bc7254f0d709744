"""Day orders end with the trade date; all others live until they are cancelled."""

from datetime import UTC, datetime

import pytest

from fillbridge_hooks import Expired, Instrument

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
# 17:00 in Chicago, where the trade date of ES rolls, in winter.
ROLL = int(datetime(2024, 1, 9, 23, 0, tzinfo=UTC).timestamp()) * SECOND


def test_a_day_order_ends_at_the_roll(exchange):
    market = exchange(start_ns=ROLL - 2 * MINUTE)
    market.bar(100, 100, 100, 100)
    market.buy(limit=99, time_in_force="DAY", name="day")
    market.buy(limit=99, name="gtc")
    market.bar(100, 101, 99, 100)  # the last of the trade date

    market.bar(95, 96, 94, 95)  # opens with the next one

    assert market.story == [
        ("Accepted", "day"),
        ("Accepted", "gtc"),
        ("Expired", "day"),
        ("Fill", "gtc"),
    ]


def test_a_day_order_lives_through_the_last_bar_of_its_date(exchange):
    market = exchange(start_ns=ROLL - 2 * MINUTE)
    market.bar(100, 100, 100, 100)
    market.buy(limit=99, time_in_force="DAY", name="day")

    market.bar(100, 101, 98, 100)
    market.bar(95, 96, 94, 95)

    assert market.story == [("Accepted", "day"), ("Fill", "day")]


def test_the_last_bar_of_its_date_counts_for_every_symbol(exchange):
    market = exchange(start_ns=ROLL - 2 * MINUTE)
    es, nq = market.instrument, Instrument(symbol="NQ", tick_size=0.25, point_value=20)
    market.session.open_market(nq)
    names = []
    for market.instrument in (es, nq):
        market.bar(100, 100, 100, 100, at=ROLL - 2 * MINUTE)
        names.append(market.buy(limit=99, time_in_force="DAY"))

    for market.instrument in (es, nq):
        market.bar(100, 101, 98, 100, at=ROLL - MINUTE)

    assert [name for name, _, _ in market.traded] == names


def test_a_day_order_sent_at_the_roll_belongs_to_the_new_date(exchange):
    market = exchange(start_ns=ROLL)
    market.buy(limit=99, time_in_force="DAY")

    market.trade(100, at=ROLL + 23 * 3600 * SECOND)
    assert market.story == [("Accepted", "O1")]

    market.trade(100, at=ROLL + 24 * 3600 * SECOND)
    assert isinstance(market.reports[-1], Expired)


def test_a_trade_exactly_at_the_roll_no_longer_fills_a_day_order(exchange):
    market = exchange(start_ns=ROLL - SECOND)
    market.trade(100)
    market.buy(limit=99, time_in_force="DAY", name="day")
    market.buy(limit=99, name="gtc")

    market.trade(98, at=ROLL)

    assert [name for name, _, _ in market.traded] == ["gtc"]
    (expired,) = [one for one in market.reports if isinstance(one, Expired)]
    assert (expired.client_order_id, expired.cumulative_quantity) == ("day", 0)


def test_a_day_order_that_was_cancelled_does_not_expire_as_well(exchange):
    market = exchange(start_ns=ROLL - MINUTE)
    market.buy(limit=99, time_in_force="DAY")
    market.cancel("O1")

    market.trade(100, at=ROLL + 1)

    assert market.story == [("Accepted", "O1"), ("Cancelled", "O1")]


@pytest.mark.parametrize("time_in_force", ["DAY", "GTC"])
def test_the_part_of_a_day_order_that_filled_stays(exchange, time_in_force):
    market = exchange(start_ns=ROLL - MINUTE, volume_share=1)
    market.buy(5, time_in_force=time_in_force)
    market.bar(100, 100, 100, 100, volume=2)

    market.bar(100, 100, 100, 100, volume=2)

    kinds = [kind for kind, _ in market.story]
    expected = ["Accepted", "Fill", "Expired" if time_in_force == "DAY" else "Fill"]
    assert kinds == expected


def test_quiet_bars_do_not_carry_a_day_order_past_the_roll(backtest):
    run = backtest()
    run.handler.advance_to(ROLL - 10 * MINUTE)
    start = run._next_bar = ROLL - 10 * MINUTE
    run.bar(100, 100, 100, 100)
    run.enter(
        "LONG",
        stop=80,
        target=120,
        entry_type="limit",
        entry_limit_price=90,
        time_in_force="DAY",
    )
    for _ in range(10):
        run.bar(100, 101, 99, 100)
    assert run._next_bar == start + 11 * MINUTE

    run.bar(100, 100, 85, 85)
    run.handler.finish()

    assert run.trades == []
