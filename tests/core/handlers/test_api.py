"""What an operator may ask of a handler."""

import pytest

from fillbridge import ExecutionHandlerAPI, ExitReason, OrderRefused, UnknownOrder
from fillbridge_hooks import ArrivalPrice, OrderStatus

pytestmark = pytest.mark.anyio


@pytest.fixture
def desk(make, feed_of, proposal):
    """An api, its handler and feed: one position, and one entry that rests below the market."""

    async def open_both(config=None):
        handler = make(config)
        feed = feed_of(handler)
        feed.bars(4000.0)
        await handler.execute_trade(proposal())
        await handler.execute_trade(
            proposal(urgency="low", arrival=ArrivalPrice(last=3995.0), timeout_seconds=None)
        )
        feed.bars(4000.0)
        return ExecutionHandlerAPI(handler), handler, feed

    return open_both


async def test_positions_orders_and_metrics_can_be_asked_for(desk):
    api, handler, _ = await desk()
    assert {one.trade_id: one.status for one in api.get_open_positions()} == {
        "T1": "open",
        "T2": "pending",
    }
    assert api.get_order_status("T1_SL").price == 3990.0
    by_broker = api.get_order_status(api.get_order_status("T1_TP").order_id)
    assert by_broker.internal_id == "T1_TP"
    assert api.get_execution_metrics() is handler.metrics
    assert api.get_connection_status() == handler.get_connection_status()
    with pytest.raises(UnknownOrder):
        api.get_order_status("X")


async def test_all_positions_are_closed_and_entries_withdrawn(desk):
    api, handler, feed = await desk()
    assert api.close_all_positions()
    assert list(handler.open_positions) == ["T1"]
    feed.bars(4001.0)
    (result,) = handler.closed_trades
    assert (result.exit_reason, result.exit_price) == (ExitReason.MANUAL_OVERRIDE, 4001.0)


async def test_all_positions_may_be_closed_for_another_reason(desk):
    api, handler, feed = await desk()
    api.close_all_positions(ExitReason.SYSTEM_SHUTDOWN)
    feed.bars(4001.0)
    assert handler.closed_trades[0].exit_reason is ExitReason.SYSTEM_SHUTDOWN


async def test_cancelling_all_orders_leaves_stops_and_targets(desk):
    api, handler, _ = await desk()
    assert api.cancel_all_orders()
    assert list(handler.open_positions) == ["T1"]
    assert api.get_order_status("T2_ENTRY").status is OrderStatus.CANCELLED
    assert api.get_order_status("T1_SL").status is OrderStatus.SUBMITTED


async def test_an_emergency_stop_refuses_entries_withdraws_them_and_closes_positions(
    desk, proposal
):
    api, handler, feed = await desk()
    assert api.emergency_stop()
    assert api.get_connection_status()["entries"] == "stopped"
    with pytest.raises(OrderRefused, match="gate: expected open for entries, was stopped"):
        await handler.execute_trade(proposal())
    feed.bars(4001.0)
    assert len(handler.open_positions) == 0
    assert [one.exit_price for one in handler.closed_trades] == [4001.0]


async def test_an_emergency_stop_that_is_switched_off_does_nothing(desk, proposal):
    api, handler, _ = await desk({"risk_controls": {"emergency_stop_enabled": False}})
    assert not api.emergency_stop()
    assert list(handler.open_positions) == ["T1", "T2"]
    assert await handler.execute_trade(proposal()) == "T3"


async def test_what_the_api_asks_for_is_told_at_the_next_await(desk):
    api, handler, _ = await desk()
    told = []
    handler.event_bus.subscribe("ORDER_STATUS_CHANGE", lambda kind, info: told.append(info.status))
    api.cancel_all_orders()
    assert told == []
    await handler.drain()
    assert told == ["cancelled"]
