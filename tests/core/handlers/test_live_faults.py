"""The live handler where the way to the broker fails, while orders are on it or not."""

import anyio
import pytest

from fillbridge import OrderRefused
from fillbridge_hooks import ExitReason, OrderStatus, OrderType, Secret

pytestmark = pytest.mark.anyio


async def never(session, approved):
    """Nothing arrives, though nobody here can tell."""
    approved.permit.spend()


async def arrive(session, approved):
    """All of it arrives, and the answer is lost."""
    await session.submit(approved)


async def status(here, handler, order_id):
    return handler.order_status(order_id).status


# Cut while an entry is on its way


async def test_an_entry_that_arrived_as_the_line_broke_is_adopted(floor, proposal):
    here = floor()
    async with here.running() as handler:
        here.wire.before["entry"] = arrive
        trade_id = await handler.execute_trade(proposal())
        assert await status(here, handler, f"{trade_id}_ENTRY") is OrderStatus.UNKNOWN
        await here.wait(1.5)
        assert await status(here, handler, f"{trade_id}_ENTRY") is OrderStatus.SUBMITTED
        await here.price(5000.0)
        assert handler.open_positions[trade_id].size == 2
        assert here.working == {"SL": 2, "TP": 2}
        assert here.sent("_ENTRY") == 1
        assert handler.metrics.reconnects == 1


async def test_one_that_arrived_and_filled_meanwhile_is_protected(floor, proposal):
    here = floor()
    async with here.running() as handler:

        async def arrive_and_fill(session, approved):
            await session.submit(approved)
            here.broker.trade("ES", 5000.0)

        here.wire.before["entry"] = arrive_and_fill
        trade_id = await handler.execute_trade(proposal())
        await here.wait(1.5)
        assert handler.open_positions[trade_id].size == 2
        assert here.working == {"SL": 2, "TP": 2}
        assert here.is_agreed()


async def test_one_that_did_not_arrive_expires_and_is_never_sent_again(floor, proposal):
    here = floor()
    async with here.running() as handler:
        here.wire.before["entry"] = never
        trade_id = await handler.execute_trade(proposal(proposal_id="p1"))
        await here.wait(2)
        with pytest.raises(OrderRefused, match="is unknown"):
            await handler.execute_trade(proposal())
        await here.wait(3)
        assert await status(here, handler, f"{trade_id}_ENTRY") is OrderStatus.EXPIRED
        assert here.sent("_ENTRY") == 0
        await handler.execute_trade(proposal())
        assert here.sent("_ENTRY") == 1


async def test_an_entry_at_a_broker_that_says_nothing_is_found_by_asking(floor, proposal):
    here = floor()
    async with here.running() as handler:
        here.wire.is_deaf = True
        trade_id = await handler.execute_trade(proposal())
        await here.price(5000.0)
        await here.wait(6)
        assert handler.open_positions[trade_id].size == 2
        assert here.working == {"SL": 2, "TP": 2}
        assert here.sent("_SL") == 1


# Cut while a position is held


async def test_what_the_broker_did_without_us_is_booked_once(floor, proposal):
    here = floor()
    async with here.running() as handler:
        await handler.execute_trade(proposal())
        await here.price(5000.0)
        here.wire.cut()
        here.broker.trade("ES", 4990.0)
        await here.wait(2)
        assert dict(handler.open_positions) == {}
        assert here.working == {}
        assert here.held == {}
    (result,) = here.results
    assert result.exit_reason is ExitReason.STOP_LOSS


async def test_a_position_whose_stop_did_not_arrive_is_closed(floor, proposal):
    here = floor()
    async with here.running() as handler:
        here.wire.before["stop"] = never
        await handler.execute_trade(proposal())
        await here.price(5000.0)
        await here.wait(4)
        assert here.working["EXIT"] == 2
        await here.price(4999.0)
        await here.wait(2)
        assert here.held == {}
        assert here.working == {}
        assert dict(handler.open_positions) == {}
    assert here.results[0].exit_price == 4999.0


async def test_a_stop_that_arrived_as_the_line_broke_is_not_sent_twice(floor, proposal):
    here = floor()
    async with here.running() as handler:
        here.wire.before["stop"] = arrive
        await handler.execute_trade(proposal())
        await here.price(5000.0)
        await here.wait(3)
        assert here.working["SL"] == 2
        assert here.sent("_SL") == 1
        assert here.sent("_SL2") == 0


async def test_while_there_is_no_line_entries_are_refused_at_once(floor, proposal):
    here = floor(reconnect_first=5.0)
    async with here.running() as handler:
        await here.wait(0.1)
        here.wire.cut()
        await here.clock.settle()
        with pytest.raises(OrderRefused, match="recovering"):
            await handler.execute_trade(proposal())
        await here.wait(1.5)
        await handler.execute_trade(proposal())
        assert here.sent("_ENTRY") == 1


async def test_many_cuts_change_nothing(floor, proposal):
    here = floor(reconnect_lasting=0.5)
    async with here.running() as handler:
        trade_id = await handler.execute_trade(proposal())
        await here.price(5000.0)
        for _ in range(5):
            here.wire.cut()
            await here.wait(1.3)
        assert handler.open_positions[trade_id].size == 2
        assert here.working == {"SL": 2, "TP": 2}
        assert here.sent("_SL") == here.sent("_TP") == 1
        assert handler.metrics.reconnects == 5


# Another login


async def test_another_login_is_a_standby_with_stops_in_place_until_resumed(floor, proposal):
    here = floor()
    async with here.running() as handler:
        await handler.execute_trade(proposal())
        await here.price(5000.0)
        async with here.driver.connect(handler._terms()):
            await here.wait(10)
            assert handler.get_connection_status()["gate"] == "standby"
            assert handler.get_connection_status()["status"] == "disconnected"
            assert here.working == {"SL": 2, "TP": 2}
        await here.wait(10)
        assert handler.get_connection_status()["gate"] == "standby"
        handler.resume()
        await here.wait(1.5)
        assert handler.get_connection_status()["gate"] == "open"
    assert any("another login took the session" in alarm for alarm in here.alarms)


# Legs at the broker


LEVELS = {
    "stop_loss_ticks": None,
    "take_profit_ticks": None,
    "stop_loss_price": 4990.0,
    "take_profit_price": 5010.0,
}


async def test_legs_at_the_broker_protect_while_there_is_no_line(floor, proposal):
    here = floor("sim-bracket")
    async with here.running() as handler:
        here.wire.before["entry"] = arrive
        trade_id = await handler.execute_trade(proposal(**LEVELS))
        here.broker.trade("ES", 5000.0)
        # Nobody here knows of the position yet, and it is protected.
        assert here.working == {"SL": 2, "TP": 2}
        await here.wait(2)
        assert handler.open_positions[trade_id].size == 2
        assert await status(here, handler, f"{trade_id}_SL") is OrderStatus.SUBMITTED
        assert here.sent("_SL") == 1
        here.wire.cut()
        here.broker.trade("ES", 5010.25)
        await here.wait(2)
        assert dict(handler.open_positions) == {}
    (result,) = here.results
    assert result.exit_reason is ExitReason.TAKE_PROFIT
    assert here.held == {}
    assert here.working == {}


async def test_a_bracket_is_closed_by_its_stop_on_request(floor, proposal):
    here = floor("sim-bracket")
    async with here.running() as handler:
        trade_id = await handler.execute_trade(proposal(**LEVELS))
        await here.price(5000.0)
        await handler.close_position(trade_id)
        await here.wait(0.2)
        await here.price(5001.0)
        await here.wait(1)
        assert here.held == {}
        assert here.working == {}
    assert here.results[0].exit_reason is ExitReason.MANUAL_OVERRIDE


# Strangers


async def test_orders_of_others_block_entries_and_are_never_touched(floor, proposal):
    here = floor()
    async with here.running() as handler:
        stranger = here.strange_order("manual-1", limit_ticks=21_000)
        await here.wait(6)
        with pytest.raises(OrderRefused, match="order manual-1 is not ours"):
            await handler.execute_trade(proposal())
        assert here.ledger.find_working("manual-1") is not None
        here.broker.accounts["default"].cancel(stranger.client_order_id)
        await here.wait(6)
        await handler.execute_trade(proposal())


async def test_a_lost_line_while_closing_still_closes(floor, proposal):
    here = floor()
    async with here.running() as handler:
        trade_id = await handler.execute_trade(proposal())
        await here.price(5000.0)
        here.wire.before["exit"] = never
        await handler.cancel_order(f"{trade_id}_TP")
        await handler.close_position(trade_id)
        here.wire.cut()
        await here.wait(4)
        await here.price(5001.0)
        await here.wait(4)
        await here.price(5001.0)
        await here.wait(1)
        assert here.held == {}
        assert here.working == {}
        assert dict(handler.open_positions) == {}


async def test_a_limit_entry_outlives_a_cut(floor, proposal):
    here = floor()
    async with here.running() as handler:
        limit = {"entry_type": OrderType.LIMIT, "entry_limit_price": 4995.0}
        trade_id = await handler.execute_trade(proposal(**limit))
        await here.wait(0.2)
        here.wire.cut()
        await here.wait(1.5)
        await here.price(4994.75)
        await here.wait(0.2)
        assert handler.open_positions[trade_id].size == 2
        assert here.working == {"SL": 2, "TP": 2}


# A subscriber that never returns


async def test_a_subscriber_that_hangs_holds_up_neither_orders_nor_results(
    floor, proposal, monkeypatch
):
    monkeypatch.setattr("fillbridge.handlers.live._PATIENCE_S", 0.0)
    here = floor()

    async def hangs(kind, payload):
        await anyio.sleep_forever()

    async with here.running() as handler:
        handler.event_bus.subscribe("ORDER_STATUS_CHANGE", hangs)
        await handler.execute_trade(proposal())
        await here.price(5000.0)
        await here.price(5010.0, 5010.25)
        assert len(here.results) == 1
        assert not handler._events.is_pending


# Defects of our own


async def test_a_look_that_breaks_ends_nothing_but_entries(floor, proposal, monkeypatch, caplog):
    here = floor()
    async with here.running() as handler:
        trade_id = await handler.execute_trade(proposal())

        def breaks():
            raise ZeroDivisionError("ours")

        monkeypatch.setattr(handler._trading, "look", breaks)
        await here.price(5000.0)
        await here.wait(2)
        assert handler.get_connection_status()["gate"] == "halted"
        assert handler.open_positions[trade_id].size == 2
        assert here.working == {"SL": 2, "TP": 2}
        with pytest.raises(OrderRefused, match="a defect: ZeroDivisionError: ours"):
            await handler.execute_trade(proposal())
        assert handler.metrics.defects > 5
        assert caplog.text.count("Traceback") == 1
        monkeypatch.undo()
        handler.resume()
        await handler.execute_trade(proposal())


async def test_what_breaks_in_a_call_of_the_clock_tells_no_secret(floor, caplog):
    here = floor()
    async with here.running() as handler:
        secret = "-".join(["hunter2"] * 2)  # a traceback quotes the line that raises
        handler.redactor.learn(Secret(secret))
        with handler._guard():
            raise ValueError(f"login {secret} refused")
        await here.wait(0.5)
        assert handler.get_connection_status()["gate"] == "halted"
        assert "login *** refused" in caplog.text
        assert secret not in caplog.text
    assert here.alarms
    assert secret not in repr(here.events)
