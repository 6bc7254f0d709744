"""When and where entries fill on bars."""

import pytest

from fillbridge_hooks import ExitReason, Liquidity, OrderType

MINUTE = 60_000_000_000


def test_a_market_entry_fills_at_the_open_of_the_next_bar(exchange):
    market = exchange(slippage=0.5)
    market.bar(99, 101, 98, 100)
    market.buy(3)
    assert market.fills == []

    market.bar(102, 104, 101, 103)

    (fill,) = market.fills
    assert (fill.price, fill.reference_ticks, fill.slippage) == (102.5, 408, 0.5)
    assert (fill.quantity, fill.cumulative_quantity) == (3, 3)
    assert (fill.step, fill.time_ns, fill.slippage_model) == ("open", MINUTE, "model")
    assert fill.liquidity is Liquidity.TAKER


def test_a_short_entry_slips_downwards(exchange):
    market = exchange(slippage=0.5)
    market.sell()

    market.bar(102, 104, 101, 103)

    assert market.fills[0].price == 101.5


def test_on_close_fills_at_the_last_price_already_seen(backtest):
    run = backtest(market_entry="on_close", slippage=0.25)
    run.bar(99, 101, 98, 100)
    run.enter("LONG", stop=97, target=102.5)
    run.bar(102, 102, 97, 103 - 1)

    trade = run.trade
    assert trade.entry_price == 100.25
    assert trade.entry_time_ns == MINUTE, "the end of the bar whose close it is"
    assert trade.exit_reason is ExitReason.STOP_LOSS


def test_on_close_never_exits_in_the_bar_whose_close_it_took(backtest):
    run = backtest(market_entry="on_close")
    run.bar(99, 110, 90, 100)
    run.enter("LONG", stop=99, target=101)

    run.bar(100, 100, 100, 100)

    assert run.trades == []


def test_on_close_takes_a_marketable_limit_at_the_close_and_lets_another_rest(exchange):
    market = exchange(market_entry="on_close")
    market.bar(99, 101, 98, 100)

    market.buy(limit=100.5, name="marketable")
    market.buy(limit=99.5, name="resting")

    assert market.traded == [("marketable", 1, 100)]


def test_on_close_leaves_exits_to_the_next_open(backtest):
    run = backtest(market_entry="on_close")
    run.bar(100, 100, 100, 100)
    trade_id = run.enter("LONG", stop=90, target=110)
    run.bar(100, 101, 99, 101)
    run.handler.request_close(trade_id, ExitReason.MANUAL_OVERRIDE)
    assert run.trades == []

    run.bar(102, 103, 101, 103)

    assert run.trade.exit_price == 102


def test_nothing_fills_in_a_bar_that_was_over_when_the_order_came(exchange):
    market = exchange()
    market.bar(100, 110, 90, 100)
    market.buy(limit=95)
    market.buy(stop=105)
    market.sell(limit=105)
    market.sell(stop=95)

    market.bar(100, 101, 99, 100)

    assert market.fills == []


ENTRIES = [
    # on the way up, then down; down, then up
    ("LONG", {"entry_type": OrderType.STOP, "entry_trigger_price": 101}, 101),
    ("LONG", {"entry_type": OrderType.LIMIT, "entry_limit_price": 99}, 99),
    ("SHORT", {"entry_type": OrderType.STOP, "entry_trigger_price": 99}, 99),
    ("SHORT", {"entry_type": OrderType.LIMIT, "entry_limit_price": 101}, 101),
    (
        "LONG",
        {
            "entry_type": OrderType.STOP_LIMIT,
            "entry_trigger_price": 101,
            "entry_limit_price": 101.5,
        },
        101,
    ),
]


@pytest.mark.parametrize(("direction", "entry", "price"), ENTRIES)
def test_a_limit_or_stop_entry_fills_in_the_middle_of_the_bar(backtest, direction, entry, price):
    run = backtest()
    run.bar(100, 100, 100, 100)
    sign = 1 if direction == "LONG" else -1
    run.enter(direction, stop=price - 20 * sign, target=price + 20 * sign, **entry)

    run.bar(100, 103, 97, 100)
    run.handler.finish()

    trade = run.trade
    assert trade.entry_price == price
    assert trade.entry_time_ns == MINUTE, "the start of the bar"


def test_an_entry_on_the_way_up_is_not_stopped_by_the_low_before_it(backtest):
    run = backtest(bar_path="body")
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=110, entry_type=OrderType.STOP, entry_trigger_price=102)

    run.bar(100, 103, 97, 102.5)  # the low comes first

    assert run.trades == []
    assert run.handler.open_positions


def test_an_entry_on_the_way_up_is_stopped_by_the_low_after_it(backtest):
    run = backtest(bar_path="open-high-low-close")
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=110, entry_type=OrderType.STOP, entry_trigger_price=102)

    run.bar(100, 103, 97, 102.5)

    trade = run.trade
    assert (trade.exit_reason, trade.exit_price) == (ExitReason.STOP_LOSS, 98)
    assert (trade.entry_time_ns, trade.exit_time_ns) == (MINUTE, 2 * MINUTE)


def test_an_entry_on_the_way_down_does_not_take_the_high_before_it(backtest):
    run = backtest(bar_path="open-high-low-close")
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=90, target=102, entry_type=OrderType.LIMIT, entry_limit_price=98)

    run.bar(100, 103, 97, 101)

    assert run.trades == []
    run.bar(101, 103, 101, 103)
    assert run.trade.exit_reason is ExitReason.TAKE_PROFIT


def test_a_market_entry_sees_its_whole_bar(backtest):
    run = backtest()
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=102)

    run.bar(100, 102.25, 99, 102)

    trade = run.trade
    assert (trade.entry_price, trade.exit_price) == (100, 102)
    assert trade.exit_reason is ExitReason.TAKE_PROFIT
    assert (trade.entry_time_ns, trade.exit_time_ns) == (MINUTE, 2 * MINUTE)


def test_an_exit_at_the_open_is_timed_like_any_other(backtest):
    run = backtest()
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=110)
    run.bar(100, 101, 99, 100)

    run.bar(97, 98, 96, 97)

    assert run.trade.exit_price == 97
    assert run.trade.exit_time_ns == 3 * MINUTE


@pytest.mark.parametrize(
    ("opened", "exit_price", "reason"),
    [
        (97, 96.75, ExitReason.STOP_LOSS),
        # The target takes what is there: with slippage, but within its limit.
        (105, 104.75, ExitReason.TAKE_PROFIT),
        (102.25, 102, ExitReason.TAKE_PROFIT),
        (102, 102, ExitReason.TAKE_PROFIT),
    ],
)
def test_a_level_that_the_entry_gapped_past_acts_at_once(backtest, opened, exit_price, reason):
    run = backtest(slippage=0.25)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=102)

    run.bar(opened, opened, opened, opened)

    trade = run.trade
    assert (trade.entry_price, trade.exit_price) == (opened + 0.25, exit_price)
    assert trade.exit_reason is reason
    assert not trade.path_dependent


def test_distances_count_from_the_fill(backtest):
    run = backtest(slippage=0.5)
    run.bar(100, 100, 100, 100)
    run.enter("SHORT", stop_loss_ticks=4, take_profit_ticks=8)

    run.bar(101, 101.25, 98, 98.5)

    trade = run.trade
    assert trade.entry_price == 100.5
    assert trade.exit_price == 98.5
