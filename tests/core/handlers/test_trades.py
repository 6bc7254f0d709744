"""Trades as the specification's code makes them: proposed, filled, closed, and on their own."""

import pytest

from fillbridge import (
    BacktestExecutionHandler,
    BarData,
    ExitReason,
    FillbridgeError,
    InvalidValue,
    OrderRefused,
    Risk_Proposal,
    TradeTick,
    UnknownOrder,
    hookimpl,
)
from fillbridge_hooks import (
    ArrivalPrice,
    OrderStatus,
    OrderType,
    QuoteTick,
    Refuse,
    TimeInForce,
)

pytestmark = pytest.mark.anyio

SECOND = 1_000_000_000
MINUTE = 60 * SECOND

# Proposed and filled


async def test_a_proposal_of_the_specification_becomes_a_bracket(handler, feed):
    feed.bars(4000.0)
    proposal = Risk_Proposal(
        position_size=2, stop_loss_price=3990.0, take_profit_price=4010.0, direction="LONG"
    )
    trade_id = await handler.execute_trade(proposal)
    assert trade_id == "T1"
    entry = handler.order_status("T1_ENTRY")
    assert (entry.order_type, entry.price) == (OrderType.LIMIT, 4000.5)  # max_slippage is 0.5
    feed.bar(4000.25)
    position = handler.open_positions["T1"]
    assert (position.entry_price, position.size, position.status) == (4000.25, 2, "open")
    assert [order.price for order in position.bracket_orders] == [3990.0, 4010.0]
    feed.bar(4005.0, 4012.0, 4004.0, 4011.0)
    (result,) = handler.closed_trades
    assert (result.exit_reason, result.exit_price) == (ExitReason.TAKE_PROFIT, 4010.0)
    assert result.pnl_gross == 9.75 * 2 * 50


async def test_a_proposal_made_after_a_bar_fills_at_the_open_of_the_next(handler, feed, proposal):
    feed.bar(4000.0, 4001.0, 3999.0, 4000.5)
    await handler.execute_trade(proposal())
    assert handler.open_positions["T1"].status == "pending"
    feed.bar(4002.0, 4003.0, 4001.0)
    assert handler.open_positions["T1"].entry_price == 4002.0


async def test_short_trades_earn_when_prices_fall(handler, feed, proposal):
    feed.bars(4000.0)
    await handler.execute_trade(proposal(direction="SHORT"))
    feed.bars(4000.0)
    feed.bar(3995.0, 3996.0, 3985.0)
    (result,) = handler.closed_trades
    assert (result.exit_reason, result.pnl_net) == (ExitReason.TAKE_PROFIT, 1000.0)


async def test_overlapping_brackets_are_independent(handler, feed, proposal):
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    await handler.execute_trade(proposal(direction="SHORT"))
    feed.bars(4000.0)
    assert len(handler.open_positions) == 2
    feed.bar(4000.0, 4015.0, 4000.0)
    assert {one.direction: one.exit_reason for one in handler.closed_trades} == {
        "LONG": ExitReason.TAKE_PROFIT,
        "SHORT": ExitReason.STOP_LOSS,
    }


async def test_netting_refuses_an_opposite_bracket_of_the_same_symbol(make, feed_of, proposal):
    handler = make({"account": "netting"})
    feed = feed_of(handler)
    feed.bars(4000.0)
    feed.bars(2000.0, symbol="GC")
    await handler.execute_trade(proposal())
    with pytest.raises(OrderRefused, match=r"no bracket against T1 \(netting\), was SHORT"):
        await handler.execute_trade(proposal(direction="SHORT"))
    await handler.execute_trade(proposal())
    await handler.execute_trade(proposal(direction="SHORT", symbol="GC"))
    assert list(handler.open_positions) == ["T1", "T2", "T3"]


async def test_a_proposal_id_is_executed_once(handler, feed, proposal):
    feed.bars(4000.0)
    first = await handler.execute_trade(proposal(proposal_id="P1"))
    assert await handler.execute_trade(proposal(proposal_id="P1")) == first
    feed.bar(4000.0)
    feed.bar(4020.0)  # its levels would be wrong by now, were it planned again
    assert await handler.execute_trade(proposal(proposal_id="P1")) == first
    assert await handler.execute_trade(proposal(proposal_id="P2")) == "T2"
    assert handler.metrics.execution_errors == 0


async def test_without_a_proposal_id_nothing_is_the_same(handler, feed, proposal):
    feed.bars(4000.0)
    assert await handler.execute_trade(proposal()) == "T1"
    assert await handler.execute_trade(proposal()) == "T2"


async def test_a_refused_proposal_can_be_proposed_again(make, feed_of, proposal):
    handler = make({"performance": {"max_open_positions": 1}})
    feed = feed_of(handler)
    feed.bars(4000.0)
    await handler.execute_trade(proposal(proposal_id="P1"))
    with pytest.raises(OrderRefused, match="max_open_positions"):
        await handler.execute_trade(proposal(proposal_id="P2"))
    feed.bars(4000.0, 4020.0)
    assert await handler.execute_trade(proposal(proposal_id="P2")) == "T2"


async def test_a_sink_that_proposes_the_failed_proposal_again_is_answered_with_its_trade(
    make, feed_of, proposal
):
    answers = []
    handler = make(failed_entry_sink=lambda one, why: answers.append(handler.propose(one)))
    feed_of(handler).bars(4000.0)
    handler.update_quote(QuoteTick(handler.current_time, 3999.75, 10, 4000.0, 10, "ES"))
    limit = proposal(
        proposal_id="P1",
        stop_loss_ticks=40,
        entry_type=OrderType.LIMIT,
        entry_limit_price=3990.0,
        time_in_force=TimeInForce.IOC,
    )
    assert await handler.execute_trade(limit) == "T1"
    assert answers == ["T1"]


async def test_a_sink_may_propose_the_next_trade(make, feed_of, proposal):
    results = []

    def sink(result):
        results.append((result.trade_id, len(handler.open_positions)))
        if len(results) < 3:
            handler.propose(proposal())

    handler = make({"performance": {"max_open_positions": 1}}, trade_sink=sink)
    feed = feed_of(handler)
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    feed.bars(4000.0, 4020.0, 4020.0, 4040.0, 4060.0, 4080.0)
    assert [trade_id for trade_id, _ in results] == ["T1", "T2", "T3"]
    assert {count for _, count in results} == {0}


# Refused


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"direction": "UP"}, "direction: expected LONG or SHORT, was 'UP'"),
        ({"position_size": 0}, "position_size: expected an integer >= 1, was 0"),
        ({"symbol": "NOPE"}, "symbol: expected one of the built-in contracts"),
        ({"decided_at_ns": 1.5}, "decided_at_ns: expected integer nanoseconds UTC, was 1.5"),
        (
            {"stop_loss_ticks": None, "stop_loss_price": 4000.25},
            "stop_loss_price: expected a price below 4000.0, was 4000.25",
        ),
    ],
)
async def test_a_proposal_that_breaks_a_rule_is_refused_and_leaves_nothing(
    handler, feed, proposal, fields, sentence
):
    feed.bars(4000.0)
    with pytest.raises(InvalidValue) as caught:
        handler._validate_proposal(proposal(**fields))
    assert str(caught.value).startswith(sentence)
    with pytest.raises(InvalidValue):
        await handler.execute_trade(proposal(**fields))
    assert len(handler.open_positions) == 0
    assert handler.order_history == {}
    assert handler.metrics.execution_errors == 1
    assert await handler.execute_trade(proposal()) == "T1"


async def test_a_valid_proposal_passes_validation_and_is_not_sent(handler, feed, proposal):
    feed.bars(4000.0)
    handler._validate_proposal(proposal())
    assert len(handler.open_positions) == 0


async def test_before_any_data_only_a_market_order_without_levels_can_be_planned(handler, proposal):
    with pytest.raises(InvalidValue, match="arrival: expected a known price"):
        await handler.execute_trade(proposal(urgency="normal"))
    assert await handler.execute_trade(proposal()) == "T1"


async def test_the_configured_limits_are_enforced_and_named(make, feed_of, proposal):
    handler = make(
        {
            "performance": {"max_open_positions": 3},
            "risk_controls": {"max_position_size": 4, "max_daily_trades": 2},
        }
    )
    feed_of(handler).bars(4000.0)
    with pytest.raises(OrderRefused, match="C9 max_position_size: expected <= 4 contracts, was 5"):
        await handler.execute_trade(proposal(position_size=5))
    await handler.execute_trade(proposal())
    await handler.execute_trade(proposal(direction="SHORT"))
    with pytest.raises(OrderRefused) as caught:
        await handler.execute_trade(proposal(position_size=3))
    assert [refusal.check for refusal in caught.value.refusals] == [
        "C9 max_position_size",
        "C21 max_daily_trades",
    ]


# The arrival price


async def test_the_arrival_price_is_the_last_known_unless_the_proposal_gives_one(
    handler, feed, proposal
):
    feed.bar(4000.0, 4002.0, 3999.0, 4001.0)
    await handler.execute_trade(proposal(urgency="low"))
    assert handler.order_status("T1_ENTRY").price == 4001.0
    await handler.execute_trade(proposal(urgency="low", arrival=ArrivalPrice(last=3995.0)))
    assert handler.order_status("T2_ENTRY").price == 3995.0


async def test_a_quote_is_the_arrival_price_where_there_is_one(handler, proposal):
    handler.update_quote(QuoteTick(5 * SECOND, 3999.5, 10, 4000.5, 10, "ES"))
    await handler.execute_trade(proposal(urgency="low"))
    assert handler.order_status("T1_ENTRY").price == 4000.0


async def test_of_a_bar_that_was_still_open_only_its_open_was_known(handler, feed, proposal):
    bar = feed.bar(4000.0, 4002.0, 3999.0, 4001.0)
    await handler.execute_trade(proposal(urgency="low", decided_at_ns=bar.timestamp + 30 * SECOND))
    assert handler.order_status("T1_ENTRY").price == 4000.0


# Cancelling, moving and closing


async def test_an_entry_is_cancelled_by_its_id_or_the_brokers(handler, feed, proposal):
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    await handler.execute_trade(proposal())
    assert await handler.cancel_order("T1_ENTRY")
    broker_id = handler.order_status("T2_ENTRY").order_id
    assert broker_id != "T2_ENTRY"
    assert await handler.cancel_order(broker_id)
    assert len(handler.open_positions) == 0
    assert not await handler.cancel_order("T1_ENTRY")
    assert handler.order_status("T1_ENTRY").status is OrderStatus.CANCELLED
    assert handler.order_history["T2_ENTRY"].broker_response == {"reason": "cancelled on request"}


async def test_a_target_can_be_cancelled(handler, feed, proposal):
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    feed.bars(4000.0)
    assert await handler.cancel_order("T1_TP")
    feed.bar(4000.0, 4020.0, 4000.0)
    assert handler.closed_trades == []
    feed.bars(3980.0)
    assert handler.closed_trades[0].exit_reason is ExitReason.STOP_LOSS


async def test_the_stop_of_a_position_cannot_be_cancelled(handler, feed, proposal):
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    feed.bars(4000.0)
    with pytest.raises(
        InvalidValue, match="expected an order that neither protects nor closes a position"
    ):
        await handler.cancel_order("T1_SL")
    assert handler.order_status("T1_SL").status is OrderStatus.SUBMITTED


async def test_an_order_that_nobody_knows_is_said_to_be_unknown(handler):
    with pytest.raises(UnknownOrder, match="no order with id 'X' is known here"):
        await handler.cancel_order("X")
    with pytest.raises(UnknownOrder):
        await handler.modify_order("X", limit_price=1.0)
    with pytest.raises(UnknownOrder):
        handler.order_status("X")
    with pytest.raises(UnknownOrder, match="no open trade with id 'T9'"):
        await handler.close_position("T9")


async def test_levels_can_be_moved(handler, feed, proposal):
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    feed.bars(4000.0)
    assert await handler.modify_order("T1_SL", trigger_price=3999.0)
    assert await handler.modify_order("T1_TP", limit_price=4002.0)
    assert handler.order_status("T1_SL").price == 3999.0
    feed.bar(4000.0, 4003.0, 4000.0)
    assert handler.closed_trades[0].exit_price == 4002.0
    assert not await handler.modify_order("T1_TP", limit_price=4005.0)


@pytest.mark.parametrize(
    ("order_id", "levels", "sentence"),
    [
        ("T1_SL", {"limit_price": 3999.0}, "limit_price: expected absent for a stop order"),
        ("T1_TP", {"trigger_price": 3999.0}, "trigger_price: expected absent for a limit order"),
        ("T1_SL", {"trigger_price": 3999.1}, "trigger_price: expected a multiple of the tick"),
        ("T1_TP", {"limit_price": float("nan")}, "limit_price: expected a finite price"),
    ],
)
async def test_a_level_that_an_order_does_not_have_is_refused(
    handler, feed, proposal, order_id, levels, sentence
):
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    feed.bars(4000.0)
    with pytest.raises(InvalidValue) as caught:
        await handler.modify_order(order_id, **levels)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("reason", [ExitReason.MANUAL_OVERRIDE, ExitReason.TIMEOUT])
async def test_a_position_is_closed_at_the_next_price_with_the_reason(
    handler, feed, proposal, reason
):
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    feed.bars(4000.0)
    assert await handler.close_position("T1", reason)
    assert not await handler.close_position("T1", reason)
    with pytest.raises(InvalidValue):
        await handler.cancel_order("T1_SL")  # it closes the position by now
    feed.bars(4003.0)
    (result,) = handler.closed_trades
    assert (result.exit_reason, result.exit_price) == (reason, 4003.0)


async def test_a_pending_trade_is_closed_without_a_fill(handler, feed, proposal):
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    assert await handler.close_position("T1")
    feed.bars(4000.0)
    assert handler.closed_trades == []
    assert handler.order_status("T1_ENTRY").status is OrderStatus.CANCELLED


# Deadlines


async def test_an_entry_that_is_not_filled_in_time_is_withdrawn(make, feed_of, proposal):
    failed = []
    handler = make(failed_entry_sink=lambda one, reason: failed.append((one, reason)))
    feed = feed_of(handler)
    feed.bars(4000.0)
    low = proposal(urgency="low", timeout_seconds=90, arrival=ArrivalPrice(last=3999.0))
    await handler.execute_trade(low)
    feed.bars(4000.0)
    assert failed == []
    feed.bars(4000.0)
    assert failed == [(low, "not filled within timeout_seconds (90)")]
    assert handler.metrics.execution_errors == 1


async def test_a_market_beyond_max_slippage_fills_nothing_and_it_is_said(make, feed_of, proposal):
    failed = []
    handler = make(failed_entry_sink=lambda one, reason: failed.append(reason))
    feed = feed_of(handler)
    feed.bars(4000.0)
    await handler.execute_trade(proposal(urgency="normal", max_slippage=0.5))
    feed.bar(4001.0, 4002.0, 4001.0)
    feed.bars(4001.0)
    assert len(failed) == 1
    assert "offered within max_slippage (0.5) of the arrival price" in failed[0]
    assert handler.closed_trades == []


async def test_a_position_is_closed_after_its_hours(make, feed_of, proposal):
    handler = make({"performance": {"position_timeout_hours": 0.05}})  # three minutes
    feed = feed_of(handler)
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    feed.bars(4000.0, 4001.0, 4002.0)
    assert handler.closed_trades == []
    feed.bars(4003.0)
    (result,) = handler.closed_trades
    assert (result.exit_reason, result.exit_price) == (ExitReason.TIMEOUT, 4003.0)
    assert result.duration_seconds >= 180


# The end of the data


@pytest.mark.parametrize("latency", [0, 250])
async def test_at_the_end_positions_are_closed_at_the_last_price(make, feed_of, proposal, latency):
    failed = []
    handler = make(
        {"simulation": {"latency_ms": latency}},
        failed_entry_sink=lambda one, reason: failed.append(reason),
    )
    feed = feed_of(handler)
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    feed.bars(4000.0, 4001.0, 4003.0)
    await handler.execute_trade(proposal())
    handler.finish()
    (result,) = handler.closed_trades
    assert (result.exit_reason, result.exit_price) == (ExitReason.SYSTEM_SHUTDOWN, 4003.0)
    assert failed == ["not filled before the end of the data"]
    assert len(handler.open_positions) == 0


async def test_an_end_without_data_is_no_error(handler, proposal):
    handler.finish()
    await handler.execute_trade(proposal())
    handler.finish()
    assert len(handler.open_positions) == 0


# One trade on its own


def bars_of(*prices):
    return [
        BarData(index * MINUTE, price, price + 1, price - 1, price, 100, "ES")
        for index, price in enumerate(prices, start=1)
    ]


async def test_a_trade_is_simulated_on_its_own_data_and_leaves_the_handler_alone(make, proposal):
    handler = make({"slippage": {"type": "fixed"}, "commission": {}})
    result = handler.simulate_trade(proposal(), bars_of(4000.0, 4003.0, 4008.0, 4012.0))
    assert (result.exit_reason, result.entry_price) == (ExitReason.TAKE_PROFIT, 4000.25)
    assert (result.slippage, result.commission) == (25.0, 15.2)
    assert handler.closed_trades == []
    assert handler.metrics.trades_closed == 0


async def test_a_simulated_trade_with_defaults_takes_the_open_as_its_arrival_price(handler):
    wanted = Risk_Proposal(
        position_size=1, stop_loss_price=3990.0, take_profit_price=4010.0, direction="LONG"
    )
    result = handler.simulate_trade(wanted, bars_of(4000.0, 4009.5))
    assert (result.entry_price, result.exit_price) == (4000.0, 4010.0)


async def test_a_simulated_trade_waits_for_its_decision(handler, proposal):
    decided = proposal(decided_at_ns=2 * MINUTE + 1)
    result = handler.simulate_trade(decided, bars_of(4000.0, 4003.0, 4008.0, 4020.0))
    assert result.entry_price == 4008.0


async def test_a_simulated_trade_can_run_on_the_tape(handler, proposal):
    tape = [TradeTick(index, 4000.0 + index, 1, "ES") for index in range(1, 15)]
    result = handler.simulate_trade(proposal(), tape)
    assert (result.entry_price, result.exit_price) == (4001.0, 4011.0)


async def test_a_simulated_trade_that_never_exits_is_closed_at_the_end(handler, proposal):
    result = handler.simulate_trade(proposal(), bars_of(4000.0, 4001.0, 4002.0))
    assert (result.exit_reason, result.exit_price) == (ExitReason.SYSTEM_SHUTDOWN, 4002.0)


@pytest.mark.parametrize(
    ("fields", "prices", "error", "said"),
    [
        ({"decided_at_ns": 99 * MINUTE}, (4000.0,), FillbridgeError, "no market data"),
        ({}, (), FillbridgeError, "no market data"),
        ({"direction": "UP"}, (4000.0,), InvalidValue, "direction"),
        (
            {"entry_type": OrderType.LIMIT, "entry_limit_price": 3000.0},
            (4000.0, 4000.0),
            FillbridgeError,
            "the trade was not entered: not filled before the end of the data",
        ),
    ],
)
async def test_a_simulated_trade_that_is_not_entered_raises(
    handler, proposal, fields, prices, error, said
):
    with pytest.raises(error, match=said):
        handler.simulate_trade(proposal(**fields), bars_of(*prices))


async def test_a_simulated_trade_is_judged_like_any_other(make, proposal):
    handler = make({"risk_controls": {"max_position_size": 1}})
    with pytest.raises(OrderRefused, match="max_position_size"):
        handler.simulate_trade(proposal(), bars_of(4000.0))


# Several symbols


async def test_bars_of_several_symbols_are_kept_apart(make, feed_of, proposal):
    instruments = {"X": {"tick_size": 0.5, "point_value": 10}}
    handler = make({"instruments": instruments})
    feed = feed_of(handler)
    for symbol, price in (("ES", 4000.0), ("GCZ4", 2000.0), ("X", 100.0)):
        feed.bars(price, symbol=symbol)
        await handler.execute_trade(proposal(symbol=symbol, position_size=1))
    for symbol, price in (("ES", 4000.0), ("GCZ4", 2000.0), ("X", 100.0)):
        feed.bars(price, symbol=symbol)
    feed.bars(2005.0, symbol="GCZ4")
    feed.bars(80.0, symbol="X")
    feed.bars(4001.0)
    assert {one.symbol: one.pnl_net for one in handler.closed_trades} == {
        "GCZ4": 500.0,  # the target was jumped over: the open is better
        "X": -200.0,
    }
    assert [one.entry_order.symbol for one in handler.open_positions.values()] == ["ES"]


async def test_data_that_names_no_symbol_is_of_the_configured_one(make, proposal):
    handler = make({"symbol": "NQ"})
    for index in range(3):
        handler.update_market_data(index, BarData(index, 15_000.0, 15_000.0, 15_000.0, 15_000.0, 1))
        if not index:
            await handler.execute_trade(proposal())
    assert [one.entry_order.symbol for one in handler.open_positions.values()] == ["NQ"]


# Memory


async def test_closed_trades_go_to_the_sink_and_are_not_kept(make, feed_of, proposal):
    results = []
    handler = make(trade_sink=results.append)
    feed = feed_of(handler)
    feed.bars(4000.0)
    for _ in range(20):
        await handler.execute_trade(proposal())
        feed.bars(4000.0, 4020.0, 4000.0)
    assert len(results) == 20
    assert handler.closed_trades == []
    assert handler.order_history == {}
    assert len(handler.open_positions) == 0
    assert handler._shell.state.trades == {}
    assert len(handler._shell.state.ended) < 10
    with pytest.raises(UnknownOrder):
        handler.order_status("T1_ENTRY")


async def test_without_a_sink_closed_trades_and_their_orders_are_kept(handler, feed, proposal):
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    feed.bars(4000.0, 4020.0)
    assert [one.trade_id for one in handler.closed_trades] == ["T1"]
    assert {one.internal_id: one.status for one in handler.order_history.values()} == {
        "T1_ENTRY": OrderStatus.FILLED,
        "T1_SL": OrderStatus.CANCELLED,
        "T1_TP": OrderStatus.FILLED,
    }


# How it stands


async def test_the_connection_status_says_what_a_backtest_is(handler, feed, proposal):
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    status = handler.get_connection_status()
    assert status == {
        "status": "connected",
        "mode": "backtest",
        "driver": "sim",
        "time_ns": handler.current_time,
        "open_positions": 1,
        "entries": "open",
    }


async def test_the_time_is_the_end_of_the_last_bar(handler, feed):
    assert handler.current_time == 0
    bar = feed.bar(4000.0)
    assert handler.current_time == bar.timestamp + MINUTE
    handler.advance_to(bar.timestamp + 2 * MINUTE)
    assert handler.current_time == bar.timestamp + 2 * MINUTE


async def test_a_handler_starts_without_any_configuration():
    handler = BacktestExecutionHandler()
    assert handler.settings.backtest_settings.symbol == "ES"
    assert handler.get_connection_status()["status"] == "connected"


async def test_execution_times_are_measured(handler, feed, proposal):
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    latency = handler.metrics.latency_ms()
    assert 0 < latency["p50"] <= latency["max"]


async def test_an_entry_is_moved_as_if_it_was_proposed_there(make, feed_of, proposal):
    class Below:
        @hookimpl
        def fillbridge_check_risk(self, order):
            if order.limit_ticks >= 16_000:
                return Refuse(check="below", limit="< 16000", value=str(order.limit_ticks))
            return None

    handler = make(extra={"below": Below()})
    feed_of(handler).bars(4000.0)
    limit = {"entry_type": OrderType.LIMIT, "entry_limit_price": 3990.0}
    await handler.execute_trade(proposal(**limit))
    assert await handler.modify_order("T1_ENTRY", limit_price=3995.0)
    with pytest.raises(OrderRefused, match="expected < 16000, was 16000"):
        await handler.modify_order("T1_ENTRY", limit_price=4000.0)
    assert handler.order_status("T1_ENTRY").price == 3995.0
