"""Trades and quotes: ticks decide exactly."""

from fillbridge_hooks import (
    ExitReason,
    Instrument,
    Liquidity,
    QuoteTick,
    TradeTick,
)

SECOND = 1_000_000_000


# Trades


def test_a_market_order_fills_at_the_next_trade(exchange):
    market = exchange(slippage=0.25)
    market.trade(100, at=1)
    market.buy()

    market.trade(102, at=5)

    (fill,) = market.fills
    assert (fill.price, fill.reference_ticks, fill.time_ns) == (102.25, 408, 5)
    assert (fill.step, fill.sequence, fill.liquidity) == ("trade", 2, Liquidity.TAKER)


def test_each_trade_fills_what_it_reaches_and_nothing_else(exchange):
    market = exchange()
    market.trade(100)
    market.buy(limit=99, name="limit")
    market.sell(stop=98, name="stop")
    market.buy(stop=102, name="buy stop")

    seen = []
    for price in (99, 98.75, 98.25, 98, 101.75, 103):
        market.trade(price)
        seen.append((price, [name for name, _, _ in market.traded]))
        market.reports.clear()

    assert seen == [
        (99, []),
        (98.75, ["limit"]),
        (98.25, []),
        (98, ["stop"]),
        (101.75, []),
        (103, ["buy stop"]),
    ]


def test_an_exit_never_uses_the_trade_that_entered(backtest):
    run = backtest(limit_fill="touch")
    run.tick(100, at=0)
    run.enter("LONG", stop_loss_ticks=1, take_profit_ticks=1)
    run.tick(103, at=1)
    assert run.trades == []

    run.tick(103.25, at=2)

    trade = run.trade
    assert (trade.entry_price, trade.exit_price) == (103, 103.25)
    assert (trade.entry_time_ns, trade.exit_time_ns) == (1, 2)
    assert not trade.path_dependent


def test_a_trade_without_size_counts_for_prices(exchange):
    market = exchange()
    market.sell(stop=99)

    market.trade(98, size=0)

    assert [fill.price for fill in market.fills] == [98]


def test_a_slippage_model_sees_the_trade_it_fills_in(exchange):
    seen = []
    market = exchange(slippage=lambda order, view: seen.append((view.last, view.volume)) or 0)
    market.trade(100, size=1)
    market.buy()

    market.trade(102, size=7)

    assert seen == [(102, 7)]


# Quotes


def test_a_market_order_takes_the_far_side_of_the_last_quote(exchange):
    market = exchange()
    market.trade(100, at=0)
    market.quote(99.75, 100.25, at=1)

    market.buy(name="buy")
    market.sell(name="sell")

    assert market.traded == [("buy", 1, 100.25), ("sell", 1, 99.75)]
    fill = market.fills[0]
    assert (fill.step, fill.sequence, fill.time_ns) == ("quote", -1, 1)


def test_a_market_order_without_a_quote_waits_for_one_or_for_a_trade(exchange):
    market = exchange()
    market.buy(name="first")
    market.quote(99.75, 100.25)
    assert market.traded == [("first", 1, 100.25)]

    market = exchange()
    market.buy(name="first")
    market.trade(100)
    assert market.traded == [("first", 1, 100)]


def test_a_limit_takes_the_quote_if_it_can_and_rests_if_not(exchange):
    market = exchange(slippage=1)
    market.quote(99.75, 100.25)

    market.buy(limit=100.5, name="marketable")
    market.buy(limit=100, name="resting")
    assert market.traded == [("marketable", 1, 100.5)], "slipped to its limit"

    market.quote(99, 99.5)
    assert len(market.fills) == 1, "only trades fill an order that rests"
    market.trade(99.75)
    assert market.traded[1:] == [("resting", 1, 100)]


def test_a_stop_is_triggered_by_trades_not_by_quotes(exchange):
    market = exchange()
    market.quote(99.75, 100)
    market.sell(stop=99)

    market.quote(97, 97.25)
    assert market.fills == []

    market.trade(98.5)
    assert [fill.price for fill in market.fills] == [98.5]


def test_a_quote_that_passed_quietly_is_the_one_that_is_taken(backtest):
    run = backtest()
    run.tick(100, at=0)
    run.quote(99.75, 100.25, at=1)
    run.enter("LONG", stop=90, target=110)
    for time in range(2, 6):
        run.quote(99.75 + time, 100.25 + time, at=time)

    run.enter("SHORT", stop=120, target=95)

    long, short = run.handler.open_positions.values()
    assert (long.entry_price, short.entry_price) == (100.25, 104.75)


def test_an_exit_on_request_takes_the_far_side(backtest):
    run = backtest()
    run.quote(99.75, 100.25, at=1)
    trade_id = run.enter("LONG", stop=90, target=110)

    run.handler.request_close(trade_id, ExitReason.MANUAL_OVERRIDE)

    assert (run.trade.entry_price, run.trade.exit_price) == (100.25, 99.75)
    assert run.trade.exit_reason is ExitReason.MANUAL_OVERRIDE


def test_a_stale_quote_neither_triggers_nor_rejects_the_next_bracket(backtest):
    # After the stop-out at 90 the quote still says 100: the next trade's stop and target lie on
    # either side of where it enters, and both must work.
    run = backtest(limit_fill="touch")
    run.quote(99.75, 100.25, at=1)
    run.enter("LONG", stop=98, target=102)
    run.tick(90, at=2)
    assert run.trade.exit_price == 90

    run.enter("LONG", stop_loss_ticks=8, take_profit_ticks=8)
    (position,) = run.handler.open_positions.values()
    assert position.entry_price == 100.25, "the last quote there is"
    run.tick(91, at=3)  # through its stop at 98.25

    assert len(run.trades) == 2
    assert run.trades[1].exit_price == 91
    assert run.trades[1].exit_reason is ExitReason.STOP_LOSS


def test_one_trade_after_the_other(backtest):
    run = backtest(limit_fill="touch")
    run.tick(100, at=0)
    for number in range(50):
        direction, sign = ("LONG", 1) if number % 2 else ("SHORT", -1)
        run.enter(direction, stop_loss_ticks=4, take_profit_ticks=4)
        run.tick(100, at=3 * number + 1)
        run.tick(100 + sign, at=3 * number + 2)
        assert len(run.trades) == number + 1, "it exits at once, and the next is not held back"
        run.tick(100, at=3 * number + 3)

    assert {trade.exit_reason for trade in run.trades} == {ExitReason.TAKE_PROFIT}
    assert {trade.pnl_net for trade in run.trades} == {50}


def test_an_order_that_waits_can_be_cancelled_by_the_one_before_it(exchange):
    market = exchange(volume_share=1)
    market.trade(100, size=0)
    market.buy(name="first")
    market.buy(limit=110, name="second")
    market.reaction = lambda report: (
        market.cancel("second") if market.story[-1] == ("Fill", "first") else None
    )

    market.quote(99.75, 100.25, ask_size=1)
    market.trade(99, size=9)

    assert market.traded == [("first", 1, 100.25)]


# Several symbols


def test_each_symbol_sees_only_its_own_data(exchange):
    market = exchange()
    es, nq = market.instrument, Instrument(symbol="NQ", tick_size=0.25, point_value=20)
    market.session.open_market(nq)
    market.buy(name="ES")
    market.instrument = nq
    market.buy(name="NQ")
    market.buy(limit=150, name="NQ limit")

    market.session.on_trade(TradeTick(1, 200, 1, "NQ"))
    assert market.traded == [("NQ", 1, 200)]
    market.session.on_quote(QuoteTick(2, 99.75, 1, 100, 1, "ES"))
    assert market.traded[1:] == [("ES", 1, 100)]
    market.session.on_trade(TradeTick(3, 140, 1, "ES"))
    assert len(market.fills) == 2

    assert market.session.market("NQ").last == 200
    assert market.session.market("ES").last == 140
    assert market.session.open_market(es) is market.watch
    assert market.session.market("NQ").bid is None


def test_fill_and_order_ids_are_unique_across_symbols(exchange):
    market = exchange()
    market.buy(name="ES")
    market.instrument = Instrument(symbol="NQ", tick_size=0.25, point_value=20)
    market.session.open_market(market.instrument)
    market.buy(name="NQ")
    for symbol in ("ES", "NQ"):
        market.session.on_trade(TradeTick(1, 200, 1, symbol))

    assert len({fill.fill_id for fill in market.fills}) == 2
    assert len({fill.broker_order_id for fill in market.fills}) == 2


# The end of the data


def test_settling_fills_what_takes_the_market_at_the_last_price(exchange):
    market = exchange(slippage=0.25, volume_share=0.5)
    market.bar(100, 102, 99, 101, volume=1)
    market.buy(5, name="market")
    market.buy(limit=103, name="limit")
    market.sell(stop=99, name="stop")

    market.session.settle()

    assert market.traded == [("market", 5, 101.25)]
    assert market.fills[0].step == "close"
    market.cancel("limit")
    assert market.story[-1] == ("Cancelled", "limit")


def test_settling_without_any_price_leaves_the_order_working(exchange):
    market = exchange()
    market.buy()

    market.session.settle()

    assert market.fills == []
    market.trade(100)
    assert len(market.fills) == 1


def test_settling_covers_every_symbol_and_what_follows_from_the_fills(exchange):
    market = exchange()
    nq = Instrument(symbol="NQ", tick_size=0.25, point_value=20)
    market.session.open_market(nq)
    market.session.on_trade(TradeTick(1, 200, 1, "NQ"))
    market.trade(100, at=1)
    market.reaction = lambda report: (
        market.sell(name="exit") if market.story[-1] == ("Fill", "ES") else None
    )
    market.buy(name="ES")
    es, market.instrument = market.instrument, nq
    market.sell(name="NQ")
    market.instrument = es

    market.session.settle()

    assert market.traded == [("ES", 1, 100), ("exit", 1, 100), ("NQ", 1, 200)]


def test_settling_after_quiet_data_uses_its_last_price(backtest):
    run = backtest()
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=90, target=110)
    run.bar(100, 100, 100, 100)
    for price in (101, 102, 103.5):
        run.bar(price, price, price, price)

    run.handler.finish()

    trade = run.trade
    assert (trade.exit_price, trade.exit_reason) == (103.5, ExitReason.SYSTEM_SHUTDOWN)
    assert trade.exit_time_ns == 5 * 60 * SECOND
    assert trade.max_favorable_excursion == 3.5
    assert not trade.path_dependent
