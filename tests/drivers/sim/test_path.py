"""Which extreme of a bar comes first, seen in which of two levels a trade leaves at."""

import pytest

from fillbridge_hooks import ExitReason, OrderType

STOP, TARGET = ExitReason.STOP_LOSS, ExitReason.TAKE_PROFIT

# A bar opens, reaches 103 and 97, and closes: (path rule, open, close, does the low come first?)
PATHS = [
    ("body", 100, 101, True),
    ("body", 100, 100, True),
    ("body", 100, 99, False),
    ("nearest", 99.75, 101, True),
    ("nearest", 100, 101, True),
    ("nearest", 100, 99, True),
    ("nearest", 100.25, 99, False),
    ("open-high-low-close", 100, 101, False),
    ("open-high-low-close", 99, 97, False),
]


@pytest.mark.parametrize(("rule", "opened", "closed", "low_first"), PATHS)
def test_the_first_extreme_decides_for_longs_and_shorts(backtest, rule, opened, closed, low_first):
    run = backtest(bar_path=rule)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=102)
    run.enter("SHORT", stop=102, target=98)

    run.bar(opened, 103, 97, closed)

    reasons = {trade.direction: trade.exit_reason for trade in run.trades}
    assert reasons == (
        {"LONG": STOP, "SHORT": TARGET} if low_first else {"LONG": TARGET, "SHORT": STOP}
    )


@pytest.mark.parametrize(("rule", "reason"), [("stop-first", STOP), ("target-first", TARGET)])
@pytest.mark.parametrize("closed", [99, 101])
def test_overlapping_longs_and_shorts_each_see_their_own_path(backtest, rule, reason, closed):
    run = backtest(bar_path=rule)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=102)
    run.enter("SHORT", stop=102, target=98)
    run.enter("LONG", stop=97, target=101)
    run.enter("SHORT", stop=101.5, target=97.5)

    run.bar(100, 103, 97, closed)

    assert [trade.exit_reason for trade in run.trades] == [reason] * 4
    assert {trade.direction for trade in run.trades} == {"LONG", "SHORT"}


def test_levels_on_the_way_are_met_in_the_order_of_the_path(exchange):
    market = exchange(bar_path="open-high-low-close", limit_fill="touch")
    market.buy(stop=102, name="buy stop 102")
    market.sell(limit=101, name="sell limit 101")
    market.sell(stop=98, name="sell stop 98")
    market.buy(limit=99, name="buy limit 99")
    market.buy(stop=99.5, limit=99.5, name="buy stop-limit 99.5")

    market.bar(99.25, 102, 97, 98)

    assert [(fill.client_order_id, fill.step) for fill in market.fills] == [
        ("buy stop-limit 99.5", "high"),
        ("sell limit 101", "high"),
        ("buy stop 102", "high"),
        ("buy limit 99", "low"),
        ("sell stop 98", "low"),
    ]


def test_the_way_to_the_close_is_walked_as_well(backtest):
    run = backtest(bar_path="open-high-low-close", limit_fill="touch")
    run.bar(100, 100, 100, 100)
    # It triggers on the way to the low and fills on the way to the close.
    run.enter(
        "SHORT",
        stop=120,
        target=80,
        entry_type=OrderType.STOP_LIMIT,
        entry_trigger_price=99,
        entry_limit_price=99.5,
    )

    run.bar(100, 101, 98, 101)
    run.handler.finish()

    assert run.trade.entry_price == 99.5
    assert run.trade.max_adverse_excursion == -1.5, "the close came after the entry"


def test_orders_of_one_level_fill_in_the_order_in_which_they_came(exchange):
    market = exchange()
    names = [market.buy(stop=101) for _ in range(5)]

    market.bar(100, 102, 100, 102)

    assert [name for name, _, _ in market.traded] == names


def test_the_listener_is_told_every_step_of_the_path(exchange):
    market = exchange()

    market.bar(100, 103, 97, 101)
    market.bar(101, 104, 98, 99)

    assert market.prices == [100, 97, 103, 101, 101, 104, 98, 99]
