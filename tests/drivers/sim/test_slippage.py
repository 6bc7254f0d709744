"""What a slippage model is asked, and what happens to its answer."""

import pytest

from fillbridge_hooks import Instrument, OrderRole, PluginError

GC = Instrument(symbol="GC", tick_size=0.1, point_value=100)


def test_the_model_sees_the_order_and_the_price_it_is_matched_at(exchange):
    seen = []

    def model(order, market):
        seen.append((order.client_order_id, order.quantity, market))
        return 0.5

    market = exchange(slippage=model)
    market.buy(3, name="entry")
    market.sell(2, stop=99, name="stop", role="stop")

    market.bar(100, 102, 98, 101, volume=77)

    (_, _, at_open), (name, quantity, at_stop) = seen
    assert (at_open.symbol, at_open.last, at_open.volume, at_open.time_ns) == ("ES", 100, 77, 0)
    assert at_open.bid is None
    assert at_open.bar.high == 102
    assert (name, quantity, at_stop.last) == ("stop", 2, 99)


def test_the_model_sees_the_quote(exchange):
    seen = []
    market = exchange(slippage=lambda order, view: seen.append((view.bid, view.ask)) or 0)
    market.quote(99.75, 100.25)

    market.buy()

    assert seen == [(99.75, 100.25)]


def test_orders_that_add_liquidity_are_not_asked_about(exchange):
    asked = []
    market = exchange(slippage=lambda order, view: asked.append(order.role) or 1)
    market.bar(100, 100, 100, 100)
    market.sell(limit=101, role="target", name="target")
    market.sell(stop=98, role="stop", name="stop")

    market.bar(100, 102, 97, 100)

    assert asked == [OrderRole.STOP]


def test_the_other_outcome_asks_about_a_stop_but_not_about_a_target(exchange):
    asked = []
    market = exchange(
        slippage=lambda order, view: asked.append(order.client_order_id) or 1,
        bar_path="stop-first",
    )
    for trade_id, stop, target in (("A", 98, 102), ("B", 80, 102)):
        market.sell(stop=stop, role="stop", name=f"{trade_id} stop", trade_id=trade_id)
        market.sell(limit=target, role="target", name=f"{trade_id} target", trade_id=trade_id)

    market.bar(100, 103, 97, 100)

    assert asked == ["A stop"]
    first, *_ = market.fills
    assert (first.other.role, first.other.price, first.other.slippage) == ("target", 102, 0)


@pytest.mark.parametrize("answer", [-0.25, float("nan"), float("inf"), None, "much"])
def test_an_answer_that_is_no_slippage_names_the_model(exchange, answer):
    market = exchange(slippage=lambda order, view: answer)
    market.buy()

    with pytest.raises(PluginError, match="plugin 'model': slippage: "):
        market.bar(100, 100, 100, 100)


def test_a_model_that_fails_is_named(exchange):
    def model(order, view):
        raise ZeroDivisionError("no volume")

    market = exchange(slippage=model)
    market.buy()

    with pytest.raises(PluginError, match="'model': slippage: ZeroDivisionError: no volume"):
        market.bar(100, 100, 100, 100)


@pytest.mark.parametrize("slippage", [0.1, 0.3, 0.7, 1.1])
@pytest.mark.parametrize("opened", [1300.1, 1300.2, 1300.3, 1300.7, 1299.9])
def test_slippage_of_whole_ticks_leaves_the_price_on_the_grid(exchange, slippage, opened):
    market = exchange(slippage=slippage, instrument=GC)
    market.buy()
    market.sell()

    market.bar(opened, opened, opened, opened)

    ticks = GC.to_ticks(slippage)
    bought, sold = market.fills
    assert bought.price == GC.to_price(GC.to_ticks(opened) + ticks)
    assert sold.price == GC.to_price(GC.to_ticks(opened) - ticks)


def test_slippage_may_leave_the_price_between_ticks(exchange):
    market = exchange(slippage=0.1)
    market.sell()

    market.bar(100, 100, 100, 100)

    assert market.fills[0].price == 99.9


def test_both_sides_of_a_trade_pay_and_the_target_does_not(backtest):
    run = backtest(slippage=0.25, commission=3.8)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=103, size=2)
    run.enter("LONG", stop=99, target=104, size=2)

    run.bar(100, 103.25, 100, 103.25)
    run.bar(103.25, 103.25, 97, 97)

    reached, stopped = run.trades
    assert (reached.entry_price, reached.exit_price) == (100.25, 103)
    assert (reached.slippage, reached.commission) == (0.25 * 2 * 50, 4 * 3.8)
    assert reached.pnl_gross == 3 * 2 * 50
    assert reached.pnl_net == pytest.approx(300 - 25 - 15.2, abs=1e-9)
    assert (stopped.entry_price, stopped.exit_price) == (100.25, 98.75)
    assert stopped.slippage == 0.5 * 2 * 50
    assert stopped.pnl_gross == -1 * 2 * 50
