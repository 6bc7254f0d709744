"""A handler that was killed, and the next one on the same journal and at the same broker."""

import pytest

from fillbridge import ExecutionHandlerAPI, OrderRefused
from fillbridge_hooks import ExitReason, OrderStatus, OrderType

pytestmark = pytest.mark.anyio

DRIVERS = pytest.mark.parametrize("driver", ["sim", "sim-bracket"])
LEVELS = {
    "stop_loss_ticks": None,
    "take_profit_ticks": None,
    "stop_loss_price": 4990.0,
    "take_profit_price": 5010.0,
}


async def hold(here, handler, proposal, **fields):
    """A trade that holds its position and is protected; its id."""
    trade_id = await handler.execute_trade(proposal(**LEVELS, **fields))
    await here.price(5000.0)
    await here.wait(0.1)
    assert here.working == {"SL": 2, "TP": 2}
    return trade_id


@DRIVERS
async def test_a_position_is_taken_up_as_it_is(floor, proposal, driver):
    here = floor(driver)
    async with here.running() as handler:
        trade_id = await hold(here, handler, proposal)
        here.kill()
    async with here.running() as handler:
        assert handler._journal.recovery.status == "recovered"
        assert handler.open_positions[trade_id].size == 2
        assert handler.get_connection_status()["epoch"] == 2
        assert here.working == {"SL": 2, "TP": 2}
        assert here.sent("_SL") == 1
        await here.price(5010.25)
        await here.wait(0.3)
    (result,) = here.results
    assert (result.trade_id, result.exit_reason) == (trade_id, ExitReason.TAKE_PROFIT)
    assert here.held == {}


@DRIVERS
async def test_an_entry_that_worked_is_adopted_and_fills(floor, proposal, driver):
    here = floor(driver)
    limit = {"entry_type": OrderType.LIMIT, "entry_limit_price": 4995.0}
    async with here.running() as handler:
        trade_id = await handler.execute_trade(proposal(**LEVELS, **limit))
        await here.wait(0.1)
        here.kill()
    async with here.running() as handler:
        await here.price(4994.75)
        await here.wait(0.3)
        assert handler.open_positions[trade_id].size == 2
        assert here.working == {"SL": 2, "TP": 2}
        assert here.sent("_ENTRY") == 1


@DRIVERS
async def test_an_entry_whose_answer_was_not_heard_is_adopted(floor, proposal, driver):
    here = floor(driver)
    async with here.running() as handler:

        async def arrive_and_die(session, approved):
            await session.submit(approved)
            here.kill()

        here.wire.before["entry"] = arrive_and_die
        await handler.execute_trade(proposal(**LEVELS, proposal_id="p1"))
    async with here.running() as handler:
        await here.wait(0.5)
        (trade_id,) = handler.open_positions
        assert await handler.execute_trade(proposal(**LEVELS, proposal_id="p1")) == trade_id
        await here.price(5000.0)
        await here.wait(0.2)
        assert here.sent("_ENTRY") == 1
        assert handler.open_positions[trade_id].size == 2
        assert here.working == {"SL": 2, "TP": 2}


@DRIVERS
async def test_an_entry_that_was_recorded_and_never_left_expires(floor, proposal, driver):
    here = floor(driver)
    async with here.running() as handler:
        handler._trading.propose(proposal(**LEVELS, proposal_id="p1"))
        here.kill()
    async with here.running() as handler:
        (trade_id,) = handler.open_positions
        status = handler.order_status(f"{trade_id}_ENTRY").status
        assert status is OrderStatus.UNKNOWN
        with pytest.raises(OrderRefused, match="is unknown"):
            await handler.execute_trade(proposal(**LEVELS))
        await here.wait(4)
        assert dict(handler.open_positions) == {}
        assert handler.order_status(f"{trade_id}_ENTRY").status is OrderStatus.EXPIRED
        assert here.sent("_ENTRY") == 0
        await handler.execute_trade(proposal(**LEVELS))
        assert here.sent("_ENTRY") == 1


@DRIVERS
async def test_a_fill_that_happened_meanwhile_is_booked_once_and_protected(floor, proposal, driver):
    here = floor(driver)
    async with here.running() as handler:
        trade_id = await handler.execute_trade(proposal(**LEVELS))
        await here.clock.settle()
        here.kill()
    here.broker.trade("ES", 5000.0)
    async with here.running() as handler:
        assert handler.open_positions[trade_id].size == 2
        assert here.is_agreed()
        assert here.working == {"SL": 2, "TP": 2}
        assert here.sent("_SL") == 1


@DRIVERS
async def test_a_stop_that_filled_meanwhile_closes_the_trade(floor, proposal, driver):
    here = floor(driver)
    async with here.running() as handler:
        trade_id = await hold(here, handler, proposal)
        here.kill()
    here.broker.trade("ES", 4990.0)
    async with here.running() as handler:
        await here.wait(0.5)
        assert dict(handler.open_positions) == {}
        assert here.held == {}
        assert here.working == {}
    (result,) = here.results
    assert (result.trade_id, result.exit_reason) == (trade_id, ExitReason.STOP_LOSS)
    async with here.running() as handler:
        assert dict(handler.open_positions) == {}
    assert len(here.results) == 1


async def test_a_naked_position_is_protected_before_the_gate_opens(floor, proposal):
    here = floor()
    async with here.running() as handler:
        trade_id = await handler.execute_trade(proposal(**LEVELS))

        async def die(session, approved):
            here.kill()
            approved.permit.spend()

        here.wire.before["stop"] = die
        await here.price(5000.0)
        assert here.held == {"ES": 2}
        assert "SL" not in here.working
    async with here.running() as handler:
        assert trade_id in handler.open_positions
        assert handler.get_connection_status()["gate"] == "recovering"
        await here.wait(1)
        assert handler.get_connection_status()["gate"] == "recovering"
        await here.wait(3)
        # Once it is sure that the stop of before did not arrive, there is another one.
        assert here.working == {"SL2": 2, "TP2": 2}
        assert handler.get_connection_status()["gate"] == "open"
        assert here.sent("_SL") == 0


async def test_a_stop_that_the_broker_ended_meanwhile_is_placed_again(floor, proposal):
    here = floor()
    async with here.running() as handler:
        trade_id = await hold(here, handler, proposal)
        here.kill()
    here.broker.accounts["default"].cancel(f"{trade_id}_SL")
    async with here.running() as handler:
        await here.wait(0.5)
        assert here.held == {"ES": 2}
        assert here.working == {"SL2": 2, "TP": 2}


async def test_the_stop_of_a_position_that_is_flat_is_cancelled(floor, proposal):
    here = floor()
    async with here.running() as handler:
        await hold(here, handler, proposal)
        here.kill()
    here.broker.trade("ES", 5010.25)
    assert here.working == {"SL": 2}
    async with here.running() as handler:
        await here.wait(0.5)
        assert here.working == {}
        assert here.held == {}
        assert dict(handler.open_positions) == {}
    assert here.results[0].exit_reason is ExitReason.TAKE_PROFIT


async def test_both_legs_filled_meanwhile_is_bought_back(floor, proposal):
    here = floor()
    async with here.running() as handler:
        await hold(here, handler, proposal)
        here.kill()
    here.broker.trade("ES", 5010.25)
    here.broker.trade("ES", 4990.0)
    assert here.held == {"ES": -2}
    async with here.running() as handler:
        await here.wait(0.5)
        await here.price(4990.0)
        await here.wait(1)
        assert here.held == {}
        assert here.working == {}
        assert dict(handler.open_positions) == {}


async def test_a_cancel_that_was_recorded_and_never_left_is_repeated(floor, proposal):
    here = floor()
    limit = {"entry_type": OrderType.LIMIT, "entry_limit_price": 4995.0}
    async with here.running() as handler:
        trade_id = await handler.execute_trade(proposal(**LEVELS, **limit))
        await here.wait(0.1)
        handler._pump.session = None
        await handler.cancel_order(f"{trade_id}_ENTRY")
        here.kill()
    assert here.working == {"ENTRY": 2}
    async with here.running() as handler:
        await here.wait(2)
        assert here.working == {}
        assert dict(handler.open_positions) == {}


async def test_a_position_that_was_being_closed_is_closed(floor, proposal):
    here = floor()
    async with here.running() as handler:
        trade_id = await hold(here, handler, proposal)
        handler._pump.session = None
        await handler.close_position(trade_id)
        here.kill()
    async with here.running() as handler:
        await here.wait(3)
        await here.price(5001.0)
        await here.wait(2)
        assert here.held == {}
        assert here.working == {}
        assert dict(handler.open_positions) == {}


async def test_an_emergency_stop_is_in_force_until_somebody_resumes(floor, proposal):
    here = floor()
    async with here.running() as handler:
        handler.stop_entries()
        here.kill()
    async with here.running() as handler:
        assert handler.get_connection_status()["gate"] == "halted"
        with pytest.raises(OrderRefused, match="emergency stop"):
            await handler.execute_trade(proposal(**LEVELS))
        handler.resume()
        await handler.execute_trade(proposal(**LEVELS))
        here.kill()
    async with here.running() as handler:
        assert "emergency" not in str(handler.get_connection_status()["reasons"])


async def test_trade_ids_never_come_twice(floor, proposal):
    here = floor()
    ids = set()
    for _ in range(3):
        async with here.running() as handler:
            await here.wait(1.5)
            ids.add(await handler.execute_trade(proposal(**LEVELS)))
            here.kill()
    assert len(ids) == 3


async def test_deadlines_go_on(floor, proposal):
    here = floor(sections={"performance": {"position_timeout_hours": 0.001}})
    async with here.running() as handler:
        await hold(here, handler, proposal)
        here.kill()
    async with here.running() as handler:
        await here.wait(2.5)
        await here.price(5001.0)
        await here.wait(0.5)
        assert here.held == {}
        assert dict(handler.open_positions) == {}
    assert here.results[0].exit_reason is ExitReason.TIMEOUT


async def test_an_order_with_our_tag_that_the_journal_does_not_know_halts_entries(floor, proposal):
    """Rows 31 and 42: the journal is lost, or a second handler trades the account."""
    here = floor()
    async with here.running() as handler:
        trade_id = await hold(here, handler, proposal)
    here.config["live_settings"]["journal"] += "-another"
    async with here.running() as handler:
        await here.wait(6)
        status = handler.get_connection_status()
        assert status["gate"] == "halted"
        assert f"{trade_id}_SL" in str(status["reasons"])
        assert here.working == {"SL": 2, "TP": 2}


@pytest.mark.parametrize("request_name", ["cancel_all", "close_all"])
async def test_a_request_from_which_nothing_follows_is_kept_all_the_same(floor, request_name):
    here = floor()
    async with here.running() as handler:
        api = ExecutionHandlerAPI(handler)
        ask = {"cancel_all": api.cancel_all_orders, "close_all": api.close_all_positions}
        assert ask[request_name](by="ann")
        here.kill()
    async with here.running() as handler:
        (note,) = handler._journal.notes("management")
        assert (note.payload["request"], note.payload["by"]) == (request_name, "ann")


def database(here):
    (found,) = here.folder.rglob("journal.db")
    return found


async def test_a_lost_journal_lets_no_entry_out_until_somebody_resumes(floor, proposal):
    here = floor()
    async with here.running() as handler:
        await handler.execute_trade(proposal(proposal_id="p1"))
        await here.price(5000.0, 5010.25)
        handler.stop_entries("news", by="ann")
    database(here).unlink()
    async with here.running() as handler:
        assert handler.recovery.status == "lost"
        with pytest.raises(OrderRefused, match=r"halted .the journal was lost"):
            await handler.execute_trade(proposal(proposal_id="p1"))
        here.kill()
    async with here.running() as handler:
        assert handler.get_connection_status()["gate"] == "halted"
        handler.resume(by="ann")
        await handler.execute_trade(proposal(proposal_id="p2"))
    assert here.sent("_ENTRY") == 2


async def test_a_damaged_journal_lets_no_entry_out_and_nobody_can_resume(floor, proposal):
    here = floor()
    async with here.running():
        pass
    database(here).write_bytes(b"no database")
    async with here.running() as handler:
        assert handler.recovery.status == "quarantined"
        handler.resume(by="ann")
        with pytest.raises(OrderRefused, match=r"halted .the journal failed"):
            await handler.execute_trade(proposal())
    assert here.sent("_ENTRY") == 0
