"""Numbers that QuantConnect LEAN publishes in its own tests (Apache-2.0).

Fill models: ``Tests/Common/Orders/Fills/EquityFillModelTests*.cs``; excursions:
``Tests/Common/Statistics/TradeBuilderTests.cs``.
"""

import pytest

from fillbridge import ExitReason

FAR = {"LONG": (1, 1000), "SHORT": (1000, 1)}


def entry_of(run, direction, **terms):
    stop, target = FAR[direction]
    run.enter(direction, stop, target, **terms)


STOP_MARKET = [
    ("LONG", 101.5, (101, 102.5, 101, 102), 101.5),
    ("LONG", 101.5, (102.5, 103, 102, 103), 102.5),  # opened one above the stop
    ("SHORT", 101.5, (102, 102, 100.5, 101), 101.5),
    ("SHORT", 101.5, (100.5, 101, 100, 100), 100.5),  # opened one below it
]


@pytest.mark.parametrize(("direction", "stop", "bar", "price"), STOP_MARKET)
def test_stop_market_fill(backtest, direction, stop, bar, price):
    run = backtest()
    run.flat(101 if direction == "LONG" else 102)
    entry_of(run, direction, entry_type="stop", entry_trigger_price=stop)

    run.bar(*bar)

    assert run.fills == [(1, price)]


LIMIT = [
    ("LONG", 101.5, (102, 103, 101.5, 102), None),  # LEAN: strictly below the limit
    ("LONG", 101.5, (102, 103, 101.49, 102), 101.5),
    ("LONG", 101.5, (101, 102, 100.5, 102), 101),  # a better open
    ("SHORT", 101.5, (101, 101.5, 100, 101), None),
    ("SHORT", 101.5, (101, 101.51, 100, 101), 101.5),
    ("SHORT", 101.5, (102, 103, 101, 102), 102),
]


@pytest.mark.parametrize(("direction", "limit", "bar", "price"), LIMIT)
def test_limit_fill(backtest, direction, limit, bar, price):
    run = backtest(slippage=lambda order, market: 0.05)
    run.flat(103 if direction == "LONG" else 100)
    entry_of(run, direction, entry_type="limit", entry_limit_price=limit)

    run.bar(*bar)

    assert run.fills == ([] if price is None else [(1, price)])


@pytest.mark.parametrize(("market_entry", "price"), [("next", 100.0), ("on_close", 102.3)])
def test_market_fill_before_and_after_a_bar(backtest, market_entry, price):
    """A market order that rests before a bar fills at its open, one after it at its close."""
    run = backtest(market_entry=market_entry)
    bar = (100.0, 103.0, 99.0, 102.3)
    if market_entry == "next":
        run.flat(99)
        entry_of(run, "LONG")
    run.bar(*bar)
    if market_entry == "on_close":
        entry_of(run, "LONG")

    assert run.fills == [(1, price)]


@pytest.mark.parametrize(
    ("direction", "adverse", "favourable", "profit"), [("LONG", -5, 20, 10), ("SHORT", -20, 5, -10)]
)
def test_mae_and_mfe_of_one_trade(backtest, direction, adverse, favourable, profit):
    """1000 at 1.08, prices 1.075 and 1.10, exit at 1.09; LEAN gives money, we give points."""
    run = backtest(tick_size=0.005)
    trade_id = run.enter(direction, *((1, 2) if direction == "LONG" else (2, 1)), size=1000)
    run.tick(1.08, at=1)
    run.tick(1.075, at=2)
    run.tick(1.10, at=3)
    run.handler.request_close(trade_id, ExitReason.MANUAL_OVERRIDE)
    run.tick(1.09, at=4)

    trade = run.trade
    assert trade.pnl_net == profit
    assert trade.max_adverse_excursion * 1000 == pytest.approx(adverse)
    assert trade.max_favorable_excursion * 1000 == pytest.approx(favourable)


def test_a_future_s_stop_is_not_filled_at_the_worst_of_stop_and_close(backtest):
    """LEAN's base and futures models fill a buy stop at max(stop, close): pessimistic.

    We fill at the stop, where the order was triggered, since nothing says that it waited.
    """
    run = backtest()
    run.flat(101)
    entry_of(run, "LONG", entry_type="stop", entry_trigger_price=101.5)

    run.bar(101, 102.5, 101, 102)

    assert run.fills == [(1, 101.5)]
