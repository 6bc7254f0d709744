"""Trades whose outcome the assumed path through a bar decided, and the outcome of the other one."""

import pytest

from fillbridge_hooks import ExitReason, OrderType

STOP, TARGET = ExitReason.STOP_LOSS, ExitReason.TAKE_PROFIT


def test_both_levels_in_one_bar_carry_the_other_exit(backtest):
    run = backtest(slippage=0.25, bar_path="stop-first")
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=103, size=2)

    run.bar(100, 104, 97, 101)

    trade = run.trade
    assert trade.path_dependent
    assert (trade.exit_reason, trade.exit_price) == (STOP, 97.75)
    assert (trade.other_exit_reason, trade.other_exit_price) == (TARGET, 103)
    assert trade.pnl_net == (97.75 - 100.25) * 100
    assert (trade.pnl_net_low, trade.pnl_net_high) == (trade.pnl_net, (103 - 100.25) * 100)


def test_the_other_exit_by_a_stop_has_its_slippage(backtest):
    run = backtest(slippage=0.25, bar_path="target-first")
    run.bar(100, 100, 100, 100)
    run.enter("SHORT", stop=102, target=97, size=2)

    run.bar(100, 104, 96, 101)

    trade = run.trade
    assert (trade.exit_reason, trade.exit_price) == (TARGET, 97)
    assert (trade.other_exit_reason, trade.other_exit_price) == (STOP, 102.25)
    assert (trade.pnl_net_low, trade.pnl_net_high) == ((99.75 - 102.25) * 100, trade.pnl_net)


@pytest.mark.parametrize(
    "bar",
    [
        (97, 104, 96, 101),  # opens below the stop
        (98, 104, 96, 101),  # opens at the stop
        (104, 105, 96, 101),  # opens above the target
    ],
)
@pytest.mark.parametrize("rule", ["stop-first", "target-first"])
def test_nothing_is_left_open_where_the_open_decided(backtest, rule, bar):
    run = backtest(bar_path=rule)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=103)
    run.bar(100, 100, 100, 100)

    run.bar(*bar)

    trade = run.trade
    assert trade.exit_price == bar[0]
    assert not trade.path_dependent
    assert trade.other_exit_reason is None
    assert trade.other_exit_price is None
    assert trade.pnl_net_low == trade.pnl_net == trade.pnl_net_high


@pytest.mark.parametrize(("rule", "high", "marked"), [("through", 103, 0), ("touch", 103, 1)])
def test_a_target_counts_as_reached_by_the_rule_of_limits(backtest, rule, high, marked):
    run = backtest(bar_path="stop-first", limit_fill=rule)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=103)

    run.bar(100, high, 98, 101)

    assert run.trade.exit_reason is STOP
    assert run.trade.path_dependent == bool(marked)


def test_a_bar_that_reaches_one_level_leaves_nothing_open(backtest):
    run = backtest()
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=103)

    run.bar(100, 104, 98.25, 101)

    assert not run.trade.path_dependent


def test_each_of_overlapping_trades_is_judged_by_its_own_levels(backtest):
    run = backtest(bar_path="stop-first")
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=103)
    run.enter("LONG", stop=98, target=105)
    run.enter("SHORT", stop=103, target=90)

    run.bar(100, 104, 97, 101)

    assert [trade.path_dependent for trade in run.trades] == [True, False, False]


# Entries on the way through the bar

STOP_ENTRY = {"entry_type": OrderType.STOP, "entry_trigger_price": 102}
LIMIT_ENTRY = {"entry_type": OrderType.LIMIT, "entry_limit_price": 98}


def test_an_exit_in_the_bar_of_a_later_entry_is_marked_if_the_bar_reaches_both(backtest):
    run = backtest(bar_path="body")
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=104, **STOP_ENTRY)

    run.bar(100, 105, 97, 104)  # low, entry, target; or entry, low, target

    trade = run.trade
    assert trade.exit_reason is TARGET
    assert trade.other_exit_reason is STOP


def test_a_stop_before_the_entry_is_remembered_until_the_trade_ends(backtest):
    run = backtest(bar_path="body", slippage=0.25)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=110, **STOP_ENTRY)
    run.bar(100, 103, 97, 102.5)  # assumed: low, entry; on the other path: entry, stop
    run.bar(105, 106, 104, 105)

    run.bar(109, 111, 109, 111)

    trade = run.trade
    assert (trade.exit_reason, trade.exit_price) == (TARGET, 110)
    assert trade.path_dependent
    assert (trade.other_exit_reason, trade.other_exit_price) == (STOP, 97.75)
    assert trade.pnl_net_low == (97.75 - 102.25) * 50
    assert trade.pnl_net_high == trade.pnl_net == (110 - 102.25) * 50


def test_a_target_before_the_entry_is_remembered_until_the_trade_ends(backtest):
    run = backtest(bar_path="open-high-low-close")
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=90, target=103, **LIMIT_ENTRY)
    run.bar(100, 104, 97, 99)  # assumed: high, entry; on the other path: entry, target

    run.bar(95, 95, 89, 89)

    trade = run.trade
    assert trade.exit_reason is STOP
    assert (trade.other_exit_reason, trade.other_exit_price) == (TARGET, 103)


def test_where_both_paths_end_alike_nothing_is_marked(backtest):
    run = backtest(bar_path="body")
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=110, **STOP_ENTRY)
    run.bar(100, 103, 97, 102.5)

    run.bar(100, 100, 97, 97)

    assert run.trade.exit_reason is STOP
    assert not run.trade.path_dependent


def test_a_remembered_exit_marks_a_trade_that_was_closed_on_request(backtest):
    run = backtest(bar_path="body")
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=110, **STOP_ENTRY)
    run.bar(100, 103, 97, 102.5)

    run.handler.finish()

    trade = run.trade
    assert trade.exit_reason is ExitReason.SYSTEM_SHUTDOWN
    assert (trade.other_exit_reason, trade.other_exit_price) == (STOP, 98)


def test_an_exit_that_leaves_the_bar_twice_has_its_own_bar_as_the_other_path(backtest):
    run = backtest(bar_path="body", slippage=0.25)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=110, **STOP_ENTRY)
    run.bar(100, 103, 97, 102.5)

    run.bar(105, 111, 97, 100)  # high first: the target, and the stop on the other path

    trade = run.trade
    assert trade.exit_reason is TARGET
    assert (trade.other_exit_reason, trade.other_exit_price) == (STOP, 97.75)


def test_where_the_bar_reaches_both_before_the_entry_the_stop_is_remembered(backtest):
    run = backtest(bar_path="body")
    run.bar(100, 100, 100, 100)
    run.enter(
        "LONG",
        stop=98,
        target=102.5,
        entry_type=OrderType.STOP_LIMIT,
        entry_trigger_price=102,
        entry_limit_price=101.5,
    )
    run.bar(100, 103, 97, 101)  # low, high with the trigger, and the entry on the way to the close

    run.bar(101, 103, 101, 103)

    assert run.trade.exit_reason is TARGET
    assert run.trade.other_exit_reason is STOP


def test_levels_met_before_the_protection_arrived_are_not_remembered(backtest):
    run = backtest(latency_ms=60_000)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=110)
    run.bar(100, 100, 100, 100)
    run.bar(100, 101, 97, 100)  # the entry arrives with this bar, its stop with the next

    run.bar(100, 111, 100, 111)
    run.handler.finish()

    assert run.trade.exit_reason is TARGET
    assert not run.trade.path_dependent


def test_trades_entered_at_an_open_or_later_remember_nothing(backtest):
    run = backtest(bar_path="body")
    run.bar(100, 103, 97, 102.5)
    run.enter("LONG", stop=98, target=110)
    run.bar(102, 103, 101, 102.5)

    run.bar(109, 111, 109, 111)

    assert not run.trade.path_dependent


def test_a_trailing_stop_is_not_remembered(backtest):
    # Where it would have stood on the other path is not known.
    run = backtest(bar_path="body")
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop_loss_ticks=16, take_profit_ticks=32, trailing_stop=True, **STOP_ENTRY)
    run.bar(100, 103, 97, 102.5)

    run.bar(109, 111, 109, 111)

    assert run.trade.exit_reason is TARGET
    assert not run.trade.path_dependent
