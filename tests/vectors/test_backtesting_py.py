"""Numbers that backtesting.py publishes in its own tests (AGPL-3.0; none of its code).

``backtesting/test/_test.py``, ``TestRegressions``, on the first rows of ``GOOG.csv``.
"""

import pytest

from fillbridge import ExitReason

PATHS = ("body", "nearest", "open-high-low-close", "stop-first", "target-first")


@pytest.mark.parametrize("bar_path", PATHS)
def test_sl_always_before_tp(backtest, bar_path):
    """The bar opens below the stop and reaches the target: the open decides, on every path."""
    run = backtest(bar_path=bar_path)
    run.flat(106)
    run.enter("LONG", stop=105, target=107.9)
    run.flat(106)

    run.bar(104.95, 107.95, 104.66, 107.91)

    assert run.trade.exit_reason is ExitReason.STOP_LOSS
    assert run.trade.exit_price == 104.95
    assert not run.trade.path_dependent


def test_stop_first_is_their_rule_where_the_open_does_not_decide(backtest):
    """They put stops at the front of the queue; ours is the option ``stop-first``."""
    run = backtest(bar_path="stop-first", limit_fill="touch")
    run.flat(106)
    run.enter("LONG", stop=105, target=107.9)
    run.flat(106)

    run.bar(105.5, 107.95, 104.66, 107.91)

    assert run.trade.exit_price == 105
    assert run.trade.other_exit_price == 107.9


@pytest.mark.parametrize("bar_path", PATHS)
def test_stop_entry_and_tp_in_same_bar(backtest, bar_path):
    """The price falls through the entry to the target: one leg of any path does both."""
    run = backtest(bar_path=bar_path)
    run.flat(111.24)
    run.enter("SHORT", stop=113, target=105, entry_type="stop", entry_trigger_price=108)

    run.bar(111.24, 111.6, 103.57, 104.87)

    trade = run.trade
    assert (trade.entry_price, trade.exit_price) == (108, 105)
    assert trade.duration_seconds == 3600, "it was entered and left in one bar"
    assert not trade.path_dependent


def test_sl_value_in_trades_df_when_gapped_through(backtest):
    run = backtest()
    run.flat(102)
    run.enter("LONG", stop=99.5, target=200)
    run.bar(102.70, 102.97, 99.67, 100.25)

    run.bar(99.19, 100, 98, 99)

    assert (run.trade.entry_price, run.trade.exit_price) == (102.70, 99.19)


@pytest.mark.parametrize(("market_entry", "entry"), [("next", 92), ("on_close", 101)])
def test_trade_on_close_closes_trades_on_close(backtest, market_entry, entry):
    """Two trades after the second close, one of them closed on request after the third.

    Theirs leaves at that close, 102, where it trades on closes. Ours leaves at the next open, 40,
    as it would live: ``on_close`` is a rule for entries, and the only one that looks ahead.
    """
    run = backtest(market_entry=market_entry)
    for close in (100, 101):
        run.bar(close - 10, close, close - 10, close)
    run.enter("LONG", stop=90, target=1000)
    closed = run.enter("LONG", stop=80, target=1000)
    run.bar(92, 102, 92, 102)
    run.handler.request_close(closed, ExitReason.MANUAL_OVERRIDE)

    run.bar(40, 50, 40, 50)

    trades = run.handler.closed_trades
    assert [(trade.entry_price, trade.exit_price) for trade in trades] == [(entry, 40)] * 2
    assert {trade.exit_reason for trade in trades} == {
        ExitReason.STOP_LOSS,
        ExitReason.MANUAL_OVERRIDE,
    }
