"""The management API of a live handler."""

import pytest

from fillbridge import ExecutionHandlerAPI, ExitReason, OrderRefused, UnknownOrder
from fillbridge_hooks import OrderStatus

pytestmark = pytest.mark.anyio


async def test_positions_orders_metrics_and_the_connection_can_be_asked_for(desk):
    async with desk() as opened:
        held, resting = await opened.open_both()
        api = ExecutionHandlerAPI(opened.handler)
        assert {one.trade_id: one.status for one in api.get_open_positions()} == {
            held: "open",
            resting: "pending",
        }
        assert api.get_order_status(f"{held}_SL").status is OrderStatus.SUBMITTED
        with pytest.raises(UnknownOrder):
            api.get_order_status("X")
        assert api.get_execution_metrics() is opened.handler.metrics
        assert api.get_connection_status()["gate"] == "open"


async def test_all_positions_are_closed_and_entries_withdrawn(desk):
    async with desk() as opened:
        held, resting = await opened.open_both()
        api = ExecutionHandlerAPI(opened.handler)
        assert api.close_all_positions(ExitReason.SYSTEM_SHUTDOWN, by="ann")
        await opened.trade(5001.0)
        assert list(opened.handler.open_positions) == []
        (closed,) = opened.handler.closed_trades
        assert (closed.trade_id, closed.exit_reason) == (held, ExitReason.SYSTEM_SHUTDOWN)
        assert api.get_order_status(f"{resting}_ENTRY").status is OrderStatus.CANCELLED
        assert opened.notes("management") == [
            {"request": "close_all", "by": "ann", "reason": "SHUTDOWN"}
        ]
        # New entries may follow.
        assert await opened.propose()


async def test_cancelling_all_orders_leaves_positions_with_their_stops(desk):
    async with desk() as opened:
        held, resting = await opened.open_both()
        api = ExecutionHandlerAPI(opened.handler)
        assert api.cancel_all_orders()
        await opened.settle()
        assert list(opened.handler.open_positions) == [held]
        assert api.get_order_status(f"{resting}_ENTRY").status is OrderStatus.CANCELLED
        for leg in ("SL", "TP"):
            assert api.get_order_status(f"{held}_{leg}").status is OrderStatus.SUBMITTED


async def test_an_emergency_stop_closes_everything_and_holds_until_somebody_resumes(desk, proposal):
    async with desk() as opened:
        held, _ = await opened.open_both()
        api = ExecutionHandlerAPI(opened.handler)
        assert api.emergency_stop(reason="fire", by="ann")
        # The stop is turned into the exit, so the position is not bare for a moment.
        assert api.get_order_status(f"{held}_SL").status is OrderStatus.SUBMITTED
        with pytest.raises(OrderRefused, match=r"halted \(fire\)"):
            await opened.handler.execute_trade(proposal())
        await opened.trade(5001.0)
        assert list(opened.handler.open_positions) == []
        assert opened.broker.accounts["default"].ledger.positions() == ()
        assert opened.broker.accounts["default"].ledger.working_orders() == ()
        assert api.get_order_status(f"{held}_SL").status is OrderStatus.FILLED

    async with desk() as opened:
        assert ExecutionHandlerAPI(opened.handler).get_connection_status()["gate"] == "halted"
        await opened.trade(5001.0)
        with pytest.raises(OrderRefused, match=r"halted \(fire\)"):
            await opened.handler.execute_trade(proposal())
        opened.handler.resume("ann")
        assert await opened.propose()

    async with desk() as opened:
        assert opened.handler.get_connection_status()["entries"] == "open"


async def test_an_emergency_stop_that_is_switched_off_does_nothing(desk):
    async with desk(risk_controls={"emergency_stop_enabled": False}) as opened:
        held, resting = await opened.open_both()
        assert not ExecutionHandlerAPI(opened.handler).emergency_stop()
        await opened.trade(5001.0)
        assert list(opened.handler.open_positions) == [held, resting]
        assert opened.handler.get_connection_status()["gate"] == "open"


@pytest.mark.parametrize("request_of", ["close_all_positions", "emergency_stop"])
async def test_what_cannot_be_recorded_is_done_and_said_not_to_be_durable(
    desk, request_of, monkeypatch
):
    async with desk() as opened:
        await opened.open_both()
        opened.fill_the_disk(monkeypatch)
        assert not getattr(ExecutionHandlerAPI(opened.handler), request_of)()
        await opened.trade(5001.0)
        assert list(opened.handler.open_positions) == []
        assert opened.handler.get_connection_status()["gate"] == "halted"


async def test_orders_of_trades_that_ended_are_known_for_a_while(desk):
    async with desk() as opened:
        held, _ = await opened.open_both()
        await opened.handler.close_position(held)
        await opened.trade(5001.0)
        order = opened.handler.order_history[f"{held}_ENTRY"]
        assert order.status is OrderStatus.FILLED
        assert opened.handler.order_status(order.order_id) == order
