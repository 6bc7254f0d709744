"""The handler on a bus: proposals come in, and five kinds of events go out in order."""

import logging
from datetime import UTC, datetime

import pytest

from fillbridge import InProcessBus, OrderRefused, PluginError, hookimpl
from fillbridge_hooks import (
    EXECUTE_TRADE,
    EXECUTION_ERROR,
    ORDER_STATUS_CHANGE,
    POSITION_UPDATE,
    TRADE_CLOSED,
    ExitReason,
    TradeResult,
)

pytestmark = pytest.mark.anyio


class Theirs:
    """A caller's own bus: it keeps what it is given, and can hand events to the handler."""

    def __init__(self):
        self.published = []
        self.handlers = {}

    def subscribe(self, event_type, handler):
        self.handlers[event_type] = handler

    async def publish(self, event_type, payload, **meta):
        self.published.append((event_type, payload, meta))

    def of(self, event_type):
        return [payload for kind, payload, _ in self.published if kind == event_type]


@pytest.fixture
def listening(make, feed_of):
    """A handler on a bus of the caller, and its feed."""

    def listen(config=None, **arguments):
        bus = Theirs()
        handler = make(config, bus, **arguments)
        return bus, handler, feed_of(handler)

    return listen


async def test_a_proposal_on_the_bus_is_executed(make, feed_of, proposal):
    bus, closed = InProcessBus(), []
    handler = make(bus=bus)
    assert handler.event_bus is bus
    bus.subscribe(TRADE_CLOSED, lambda kind, result: closed.append(result))
    feed = feed_of(handler)
    feed.bars(4000.0)
    await bus.publish(EXECUTE_TRADE, proposal())
    feed.bars(4000.0, 4010.0, 4020.0)
    assert closed == []
    await handler.drain()
    assert closed == handler.closed_trades
    assert isinstance(closed[0], TradeResult)
    assert handler.metrics.latency_ms()["p50"] is not None


async def test_a_handler_makes_a_bus_of_its_own_where_it_gets_none(make, proposal):
    handler = make()
    await handler.event_bus.publish(EXECUTE_TRADE, proposal())
    assert list(handler.open_positions) == ["T1"]


async def test_all_five_events_of_a_trade_carry_priority_time_and_metadata(listening, proposal):
    bus, handler, feed = listening()
    feed.bars(4000.0)
    await bus.handlers[EXECUTE_TRADE](EXECUTE_TRADE, proposal(position_size=1))
    feed.bars(4000.0)
    feed.bar(4005.0, 4012.0, 4004.0)
    await handler.on_execute_trade(EXECUTE_TRADE, proposal(direction="UP"))
    kinds = [kind for kind, _, _ in bus.published]
    assert kinds[:2] == [ORDER_STATUS_CHANGE, ORDER_STATUS_CHANGE]  # pending, submitted
    assert kinds[-2:] == [TRADE_CLOSED, EXECUTION_ERROR]
    assert set(kinds) == {ORDER_STATUS_CHANGE, POSITION_UPDATE, TRADE_CLOSED, EXECUTION_ERROR}
    times = [meta["timestamp"] for _, _, meta in bus.published]
    assert all(moment.tzinfo is UTC for moment in times)
    for kind, _, meta in bus.published:
        assert set(meta) == {"priority", "timestamp", "metadata"}
        urgent = kind in (TRADE_CLOSED, EXECUTION_ERROR)
        assert meta["priority"] == ("HIGH" if urgent else "NORMAL")
    assert [one.quantity for one in bus.of(POSITION_UPDATE)] == [1, 0]


async def test_a_closed_trade_is_published_as_the_specification_has_it(listening, proposal):
    bus, handler, feed = listening({"commission": {}})
    feed.bars(4000.0)
    await handler.execute_trade(proposal(position_size=1))
    feed.bars(4000.0, 4010.0, 4020.0)
    await handler.drain()
    event_type, result, meta = bus.published[-1]
    assert event_type == "TRADE_CLOSED"
    assert meta == {
        "priority": "HIGH",
        "timestamp": result.exit_timestamp,
        "metadata": {
            "pnl_net": 992.4,  # the target was jumped over: twenty points, less 7.60
            "duration_seconds": result.duration_seconds,
            "exit_reason": "TP",
            "execution_quality": result.execution_quality_score,
        },
    }


# Whatever refuses a proposal


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"direction": "UP"}, "direction: expected LONG or SHORT, was 'UP'"),
        ({"position_size": 0}, "position_size: expected an integer >= 1, was 0"),
        (
            {"position_size": 9},
            "C9 max_position_size: expected <= 5 contracts, was 9",
        ),
        (
            {"stop_loss_ticks": None, "stop_loss_price": float("nan")},
            "stop_loss_price: expected a finite price, was nan",
        ),
    ],
)
async def test_a_proposal_that_is_refused_is_published_with_a_sentence_and_leaves_nothing(
    listening, proposal, fields, error
):
    bus, handler, feed = listening({"risk_controls": {"max_position_size": 5}})
    feed.bars(4000.0)
    wrong = proposal(**fields)
    await handler.on_execute_trade(EXECUTE_TRADE, wrong)
    ((event_type, payload, meta),) = bus.published
    assert event_type == EXECUTION_ERROR
    assert payload["error"] == error
    assert payload["proposal"] is wrong
    assert payload["timestamp"] == meta["timestamp"] == datetime(2023, 11, 14, 22, 16, tzinfo=UTC)
    assert handler.metrics.execution_errors == 1
    assert len(handler.open_positions) == 0
    assert handler.order_history == {}


@pytest.mark.parametrize("payload", [None, "BUY", {"position_size": 1}])
async def test_a_payload_that_is_no_proposal_is_published_as_an_error(listening, payload):
    bus, handler, _ = listening()
    await handler.on_execute_trade(EXECUTE_TRADE, payload)
    (error,) = bus.of(EXECUTION_ERROR)
    assert error["error"] == f"payload: expected a RiskProposal, was {payload!r}"


async def test_what_nobody_foresaw_is_published_as_an_error_and_logged(listening, proposal, caplog):
    bus, handler, feed = listening()
    feed.bars(4000.0)
    with caplog.at_level(logging.ERROR):
        await handler.on_execute_trade(EXECUTE_TRADE, proposal(proposal_id=[]))
    (error,) = bus.of(EXECUTION_ERROR)
    assert error["error"].startswith("TypeError: ")
    assert "a proposal could not be executed" in caplog.text


async def test_an_entry_that_comes_to_nothing_is_published_with_its_reason(listening, proposal):
    bus, handler, feed = listening()
    feed.bars(4000.0)
    wanted = proposal(urgency="low", timeout_seconds=30)
    await handler.execute_trade(wanted)
    feed.bars(4001.0, 4001.0)
    await handler.drain()
    (error,) = bus.of(EXECUTION_ERROR)
    assert error["error"] == "trade T1: not filled within timeout_seconds (30)"
    assert error["proposal"] is wanted


async def test_a_repeated_proposal_on_the_bus_is_no_error(listening, proposal):
    bus, handler, feed = listening()
    feed.bars(4000.0)
    wanted = proposal(
        proposal_id="P1",
        stop_loss_ticks=None,
        stop_loss_price=3990.0,
        take_profit_ticks=None,
        take_profit_price=4100.0,
    )
    await handler.on_execute_trade(EXECUTE_TRADE, wanted)
    feed.bars(4000.0)
    feed.bar(3985.0)  # by now its stop would be on the wrong side
    await handler.on_execute_trade(EXECUTE_TRADE, wanted)
    assert bus.of(EXECUTION_ERROR) == []


async def test_after_an_emergency_stop_a_proposal_is_published_as_an_error(listening, proposal):
    bus, handler, _ = listening()
    handler.stop_entries()
    await handler.on_execute_trade(EXECUTE_TRADE, proposal())
    (error,) = bus.of(EXECUTION_ERROR)
    assert error["error"] == "gate: expected open for entries, was stopped"
    with pytest.raises(OrderRefused):
        await handler.execute_trade(proposal())


# When events are delivered


async def test_events_are_delivered_at_the_next_await_in_the_order_in_which_they_happened(
    make, feed_of, proposal
):
    bus, seen = InProcessBus(), []

    async def note(kind, payload):
        seen.append((kind, getattr(payload, "internal_id", "")))

    for kind in (TRADE_CLOSED, POSITION_UPDATE, ORDER_STATUS_CHANGE):
        bus.subscribe(kind, note)
    handler = make(bus=bus)
    feed = feed_of(handler)
    feed.bars(4000.0)
    handler.propose(proposal())
    feed.bars(4000.0, 4020.0)
    assert seen == []
    await handler.close_position(await handler.execute_trade(proposal()))
    kinds = [kind for kind, _ in seen]
    assert kinds.index(POSITION_UPDATE) < kinds.index(TRADE_CLOSED)
    assert seen[-1] == (ORDER_STATUS_CHANGE, "T2_ENTRY")


async def test_a_subscriber_may_trade_on_what_it_hears(make, feed_of, proposal):
    bus, order = InProcessBus(), []
    handler = make(bus=bus)

    async def next_trade(kind, result):
        order.append(f"{result.trade_id} heard")
        if len(order) < 6:
            order.append(f"{await handler.execute_trade(proposal())} sent")

    bus.subscribe(TRADE_CLOSED, next_trade)
    feed = feed_of(handler)
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    price = 4000.0
    for _ in range(4):
        feed.bars(price, price + 20)
        price += 20
        await handler.drain()
    assert order[:4] == ["T1 heard", "T2 sent", "T2 heard", "T3 sent"]


async def test_a_subscriber_that_raises_stops_neither_orders_nor_others(
    make, feed_of, proposal, caplog
):
    bus, closed = InProcessBus(), []

    def breaks(kind, payload):
        raise RuntimeError("broken")

    bus.subscribe(TRADE_CLOSED, breaks)
    bus.subscribe(TRADE_CLOSED, lambda kind, result: closed.append(result.exit_reason))
    handler = make(bus=bus)
    feed = feed_of(handler)
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    feed.bars(4000.0, 4020.0)
    with caplog.at_level(logging.ERROR):
        await handler.drain()
    assert closed == [ExitReason.TAKE_PROFIT]
    assert "publishing TRADE_CLOSED failed" in caplog.text


# Plugins


async def test_plugins_observe_events_and_fills_and_one_that_raises_stops_nobody(
    make, feed_of, proposal, caplog
):
    seen = []

    class Breaks:
        @hookimpl
        def fillbridge_handle_event(self, event):
            raise RuntimeError("broken")

        @hookimpl
        def fillbridge_handle_fill(self, fill):
            raise RuntimeError("broken")

    class Watches:
        @hookimpl
        def fillbridge_handle_event(self, event):
            seen.append(event.event_type)

        @hookimpl
        def fillbridge_handle_fill(self, position, fill):
            seen.append((fill.quantity, position.quantity))

    handler = make(extra={"breaks": Breaks(), "watches": Watches()})
    feed = feed_of(handler)
    feed.bars(4000.0)
    with caplog.at_level(logging.ERROR):
        await handler.execute_trade(proposal(direction="SHORT"))
        feed.bars(4000.0, 3980.0)
        await handler.drain()
    assert [one for one in seen if isinstance(one, tuple)] == [(2, -2), (2, 0)]
    assert seen[-1] == TRADE_CLOSED
    assert len(handler.closed_trades) == 1
    assert "plugin breaks failed on fill" in caplog.text
    assert "observer breaks failed on TRADE_CLOSED" in caplog.text


async def test_a_plugin_scores_executions(make, feed_of, proposal):
    class Scores:
        @hookimpl
        def fillbridge_score_execution(self, trade):
            return trade.filled_quantity / 10

    handler = make(extra={"scores": Scores()})
    feed = feed_of(handler)
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    feed.bars(4000.0, 4020.0)
    assert handler.closed_trades[0].execution_quality_score == 0.2


async def test_a_plugin_prepares_entries(make, feed_of, proposal):
    class Halves:
        @hookimpl
        def fillbridge_prepare_order(self, order):
            return type(order)(
                **{
                    field: getattr(order, field) if field != "quantity" else order.quantity // 2
                    for field in order.__struct_fields__
                }
            )

    handler = make(extra={"halves": Halves()})
    feed = feed_of(handler)
    feed.bars(4000.0)
    await handler.execute_trade(proposal(position_size=6))
    feed.bars(4000.0)
    assert handler.open_positions["T1"].size == 3


async def test_a_risk_check_of_a_stranger_can_refuse(make, proposal):
    class Careful:
        @hookimpl
        def fillbridge_check_risk(self, context):
            raise RuntimeError(f"{context.trades_today} trades today")

    handler = make(extra={"careful": Careful()})
    with pytest.raises(
        OrderRefused, match="careful: expected an answer, was RuntimeError: 0 trades today"
    ):
        await handler.execute_trade(proposal())


async def test_a_commission_model_that_fails_leaves_the_trade_and_alarms(listening, proposal):
    class Broken:
        @hookimpl
        def fillbridge_commission(self, fill):
            raise ValueError("no tariff")

    bus, handler, feed = listening({"commission": {"type": "broken"}}, extra={"broken": Broken()})
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    feed.bars(4000.0, 4020.0)
    await handler.drain()
    (result,) = handler.closed_trades
    assert (result.commission, result.cost_complete) == (0.0, False)
    errors = [error["error"] for error in bus.of(EXECUTION_ERROR)]
    assert len(errors) == 2
    assert errors[0].startswith("commission model 'broken' failed on fill F1, its cost is unknown")


@pytest.mark.parametrize("answer", [-0.25, float("nan"), float("inf")])
async def test_a_slippage_model_that_breaks_its_contract_stops_the_simulation(
    make, feed_of, proposal, answer
):
    class Broken:
        @hookimpl
        def fillbridge_slippage(self):
            return answer

    handler = make({"slippage": {"type": "broken"}}, extra={"broken": Broken()})
    feed = feed_of(handler)
    feed.bars(4000.0)
    await handler.execute_trade(proposal())
    with pytest.raises(PluginError, match="plugin 'broken': slippage"):
        feed.bars(4000.0)
