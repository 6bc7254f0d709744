"""The live handler end to end, at the simulated broker in this process."""

import anyio
import msgspec
import pytest

from fillbridge import (
    ExecutionHandlerAPI,
    InProcessBus,
    InvalidValue,
    LiveExecutionHandler,
    OrderRefused,
)
from fillbridge.journal import AccountLocked, JournalFailed
from fillbridge.runs.live import LiveRun
from fillbridge_hooks import (
    ConfigurationError,
    EntryNotSent,
    ExitReason,
    FillbridgeError,
    OrderStatus,
    OrderType,
    UnknownOrder,
)

pytestmark = pytest.mark.anyio

UNLIMITED = {"risk_controls": {"profile": "plain"}}
"""What binds in production would refuse any symbol that is not allowed."""


async def opened(here, handler, proposal, **fields):
    """A trade that holds its position; its id."""
    trade_id = await handler.execute_trade(proposal(**fields))
    await here.wait(0.05)
    await here.price(5000.0)
    assert handler.open_positions[trade_id].status == "open"
    return trade_id


# From the entry to the exit


@pytest.mark.parametrize("driver", ["sim", "sim-bracket"])
@pytest.mark.parametrize(
    ("prices", "exit_price", "reason"),
    [
        ([5005.0, 5010.25], 5010.0, ExitReason.TAKE_PROFIT),
        ([4995.0, 4990.0], 4990.0, ExitReason.STOP_LOSS),
    ],
)
async def test_a_bracket_is_filled_protected_and_ended(
    floor, proposal, driver, prices, exit_price, reason
):
    levels = {
        "stop_loss_ticks": None,
        "take_profit_ticks": None,
        "stop_loss_price": 4990.0,
        "take_profit_price": 5010.0,
    }
    here = floor(driver)
    async with here.running() as handler:
        trade_id = await opened(here, handler, proposal, **levels)
        assert here.working == {"SL": 2, "TP": 2}
        await here.price(*prices)
        await here.wait(0.5)
        assert here.working == {}
        assert here.held == {}
        assert dict(handler.open_positions) == {}
    (result,) = here.results
    assert (result.trade_id, result.exit_price) == (trade_id, exit_price)
    assert result.exit_reason is reason
    assert here.told("TRADE_CLOSED") == [result]
    assert handler.metrics.trades_closed == 1


async def test_a_short_trade_is_the_mirror_image(floor, proposal):
    here = floor()
    async with here.running() as handler:
        await opened(here, handler, proposal, direction="SHORT")
        assert here.held == {"ES": -2}
        await here.price(4989.75)
        await here.wait(0.3)
    assert here.results[0].exit_reason is ExitReason.TAKE_PROFIT
    assert here.results[0].pnl_gross == 1000.0


@pytest.mark.parametrize("driver", ["sim", "sim-bracket"])
async def test_the_stop_follows_each_part_of_an_entry(floor, proposal, driver):
    # An entry takes no more than what traded: one contract at each price.
    here = floor(driver, {"backtest_settings": {"simulation": {"volume_share": 1.0}}})
    async with here.running() as handler:
        trade_id = await handler.execute_trade(
            proposal(
                position_size=3,
                stop_loss_ticks=None,
                stop_loss_price=4990.0,
                take_profit_ticks=None,
                take_profit_price=5010.0,
            )
        )
        for filled in (1, 2, 3):
            await here.price(5000.0)
            await here.wait(0.2)
            assert handler.open_positions[trade_id].size == filled
            assert (here.working["SL"], here.working["TP"]) == (filled, filled)
        # So does a stop, and what is left of it still covers what is left of the position.
        await here.price(4990.0)
        assert handler.open_positions[trade_id].size == here.working["SL"] == 2
        await here.price(4990.0, 4990.0)
        await here.wait(0.2)
        assert here.held == {}
        assert here.working == {}


async def test_a_position_is_closed_when_its_time_is_up(floor, proposal):
    here = floor(sections={"performance": {"position_timeout_hours": 0.001}})
    async with here.running() as handler:
        await opened(here, handler, proposal)
        await here.wait(3.8)
        await here.price(5001.0)
        await here.wait(0.2)
    assert here.results[0].exit_reason is ExitReason.TIMEOUT
    assert here.held == {}


async def test_an_entry_that_does_not_fill_in_time_is_withdrawn(floor, proposal):
    here = floor()
    async with here.running() as handler:
        limit = {"entry_type": OrderType.LIMIT, "entry_limit_price": 4995.0}
        trade_id = await handler.execute_trade(proposal(timeout_seconds=2, **limit))
        assert handler.open_positions[trade_id].status == "pending"
        await here.wait(2.5)
        assert dict(handler.open_positions) == {}
        assert here.working == {}
    assert any("timeout_seconds" in alarm for alarm in here.alarms)


async def test_the_sum_of_what_happened_is_told_in_its_order(floor, proposal):
    here = floor()
    async with here.running() as handler:
        await opened(here, handler, proposal)
        await here.price(5010.25)
        await here.wait(0.3)
    statuses = [
        (info.internal_id.rpartition("_")[2], info.status.value)
        for info in here.told("ORDER_STATUS_CHANGE")
    ]
    assert [status for leg, status in statuses if leg == "ENTRY"] == [
        "pending",
        "submitted",
        "filled",
    ]
    assert [status for leg, status in statuses if leg == "SL"] == [
        "pending",
        "submitted",
        "cancelled",
    ]
    assert [one.quantity for one in here.told("POSITION_UPDATE")] == [2, 0]


async def test_nothing_is_told_before_it_is_kept(floor, proposal):
    here = floor()
    kept = []

    async def look(event_type, payload):
        kept.append(not handler._journal._pending)

    async with here.running() as handler:
        for event_type in ("ORDER_STATUS_CHANGE", "TRADE_CLOSED", "POSITION_UPDATE"):
            handler.event_bus.subscribe(event_type, look)
        await opened(here, handler, proposal)
        await here.price(5010.25)
        await here.wait(0.3)
    assert len(kept) > 8
    assert all(kept)


async def test_a_subscriber_that_takes_its_time_holds_up_no_order(floor, proposal):
    here = floor()
    async with here.running() as handler:
        never = anyio.Event()

        async def dawdle(event_type, payload):
            await never.wait()

        handler.event_bus.subscribe("ORDER_STATUS_CHANGE", dawdle)
        trade_id = await handler.execute_trade(proposal())
        await here.price(5000.0)
        await here.wait(0.1)
        assert handler.open_positions[trade_id].size == 2
        assert here.working == {"SL": 2, "TP": 2}
        never.set()
        await here.wait(0.1)


# Proposals


async def test_proposals_come_through_the_bus_too(floor, proposal):
    here = floor()
    async with here.running() as handler:
        await handler.event_bus.publish("EXECUTE_TRADE", proposal())
        await here.price(5000.0)
        assert len(handler.open_positions) == 1
        await handler.event_bus.publish("EXECUTE_TRADE", proposal(position_size=0))
        await handler.event_bus.publish("EXECUTE_TRADE", "buy")
        await here.wait(0.1)
    assert any("position_size" in alarm for alarm in here.alarms)
    assert any("payload: expected a RiskProposal" in alarm for alarm in here.alarms)


async def test_a_proposal_with_an_id_makes_one_trade_however_often_it_comes(floor, proposal):
    here = floor()
    found = []
    async with here.running() as handler:

        async def execute():
            found.append(await handler.execute_trade(proposal(proposal_id="p1")))

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(execute)
        await here.price(5000.0)
        await execute()
        assert len(set(found)) == 1
        assert len(found) == 6
        assert here.sent("_ENTRY") == 1


async def test_in_production_a_proposal_needs_an_id(floor, proposal):
    here = floor(sections=UNLIMITED, environment="prod")
    async with here.running() as handler:
        with pytest.raises(InvalidValue, match="proposal_id"):
            await handler.execute_trade(proposal())
        await handler.execute_trade(proposal(proposal_id="p1"))


async def test_before_the_broker_was_asked_a_proposal_is_refused(floor, proposal):
    here = floor()
    async with LiveExecutionHandler(
        {"execution_handler": here.config}, plugins=here.plugins, clock=here.clock
    ) as handler:
        assert not handler._is_ready_for_execution()
        with pytest.raises(OrderRefused, match="not connected"):
            await handler.execute_trade(proposal())


async def test_an_entry_that_cannot_leave_is_an_error_and_published(floor, proposal):
    here = floor()
    async with here.running() as handler:
        handler._pump.session = None
        for _ in range(2):  # the second answer is the first one
            with pytest.raises(EntryNotSent, match="not connected"):
                await handler.execute_trade(proposal(proposal_id="p1"))
        await handler.event_bus.publish("EXECUTE_TRADE", proposal())
        await here.wait(0.1)
    assert sum("not connected" in alarm for alarm in here.alarms) == 2
    assert here.held == {}


@pytest.mark.parametrize("failing", ["append", "commit"])
async def test_an_entry_that_cannot_be_kept_is_an_error(floor, proposal, failing, monkeypatch):
    def fail(*arguments, **how):
        raise JournalFailed("the disk is full")

    here = floor()
    async with here.running() as handler:
        monkeypatch.setattr(handler._journal, failing, fail)
        with pytest.raises(EntryNotSent, match="the disk is full"):
            await handler.execute_trade(proposal())
        await here.wait(0.2)
        assert here.sent("_ENTRY") == 0
        assert handler.get_connection_status()["gate"] == "halted"


async def test_a_caller_who_is_cancelled_while_waiting_does_not_stop_the_order(floor, proposal):
    here = floor()
    async with here.running() as handler:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await handler.execute_trade(proposal())
        await here.wait(0.05)
        await here.price(5000.0)
        assert here.held == {"ES": 2}


async def test_an_execution_that_takes_too_long_is_told(floor, proposal):
    here = floor(sections={"performance": {"max_execution_latency_ms": 100}})
    async with here.running() as handler:

        async def slow(session, approved):
            here.clock._move_to(here.clock.now_ns + 150_000_000)
            await session.submit(approved)

        here.wire.before["entry"] = slow
        await handler.execute_trade(proposal())
        await here.wait(0.1)
    assert handler.metrics.slow_executions == 1
    assert any("an execution took 150.0 ms" in alarm for alarm in here.alarms)


# Requests


async def test_a_position_is_closed_at_the_market_on_request(floor, proposal):
    here = floor()
    async with here.running() as handler:
        trade_id = await opened(here, handler, proposal)
        assert await handler.close_position(trade_id)
        assert not await handler.close_position(trade_id)
        await here.wait(0.1)
        await here.price(5002.0)
        await here.wait(0.2)
        assert here.held == {}
        assert here.working == {}
        with pytest.raises(UnknownOrder):
            await handler.close_position(trade_id)
    assert here.results[0].exit_reason is ExitReason.MANUAL_OVERRIDE
    assert here.results[0].exit_price == 5002.0


async def test_an_entry_is_cancelled_on_request(floor, proposal):
    here = floor()
    async with here.running() as handler:
        limit = {"entry_type": OrderType.LIMIT, "entry_limit_price": 4995.0}
        trade_id = await handler.execute_trade(proposal(**limit))
        await here.wait(0.1)
        assert await handler.cancel_order(f"{trade_id}_ENTRY")
        await here.wait(0.1)
        assert here.working == {}
        assert handler.order_status(f"{trade_id}_ENTRY").status is OrderStatus.CANCELLED
        assert not await handler.cancel_order(f"{trade_id}_ENTRY")


async def test_a_stop_is_not_cancelled_and_a_target_is(floor, proposal):
    here = floor()
    async with here.running() as handler:
        trade_id = await opened(here, handler, proposal)
        with pytest.raises(InvalidValue, match="neither protects"):
            await handler.cancel_order(f"{trade_id}_SL")
        assert await handler.cancel_order(f"{trade_id}_TP")
        await here.wait(0.1)
        assert here.working == {"SL": 2}
        with pytest.raises(UnknownOrder):
            await handler.cancel_order("nothing")


@pytest.mark.parametrize("driver", ["sim", "sim-bracket"])
async def test_levels_are_moved_on_request(floor, proposal, driver):
    here = floor(driver)
    async with here.running() as handler:
        trade_id = await opened(
            here,
            handler,
            proposal,
            stop_loss_ticks=None,
            stop_loss_price=4990.0,
            take_profit_ticks=None,
            take_profit_price=5010.0,
        )
        assert await handler.modify_order(f"{trade_id}_SL", trigger_price=4995.0)
        assert await handler.modify_order(f"{trade_id}_TP", limit_price=5020.0)
        await here.wait(0.1)
        position = handler.open_positions[trade_id]
        assert (position.stop_loss_price, position.take_profit_price) == (4995.0, 5020.0)
        with pytest.raises(InvalidValue, match="trigger_price"):
            await handler.modify_order(f"{trade_id}_SL", trigger_price=5001.0)
        await here.price(4995.0)
        await here.wait(0.3)
    assert here.results[0].exit_price == 4995.0


async def test_an_order_is_found_by_its_own_id_and_by_the_brokers(floor, proposal):
    here = floor()
    async with here.running() as handler:
        trade_id = await opened(here, handler, proposal)
        info = handler.order_status(f"{trade_id}_SL")
        assert handler.order_status(info.order_id) == info
        assert handler.order_history[f"{trade_id}_SL"] == info


async def test_a_position_knows_how_far_the_price_went(floor, proposal):
    here = floor()
    async with here.running() as handler:
        trade_id = await opened(here, handler, proposal)
        await here.price(5003.0, 4998.0)
        position = handler.open_positions[trade_id]
        assert (position.mfe, position.mae) == (3.0, -2.0)


# Management


async def test_the_emergency_stop_ends_everything_until_somebody_resumes(floor, proposal):
    here = floor()
    async with here.running() as handler:
        api = ExecutionHandlerAPI(handler)
        await opened(here, handler, proposal)
        limit = {"entry_type": OrderType.LIMIT, "entry_limit_price": 4995.0}
        await handler.execute_trade(proposal(**limit))
        await here.wait(0.1)
        assert api.emergency_stop()
        await here.wait(0.1)
        await here.price(4999.0)
        await here.wait(0.2)
        assert here.held == {}
        assert here.working == {}
        with pytest.raises(OrderRefused, match="emergency stop"):
            await handler.execute_trade(proposal())
        assert handler.get_connection_status()["entries"] == "stopped"
        handler.resume()
        await handler.execute_trade(proposal())


async def test_entries_alone_are_cancelled(floor, proposal):
    here = floor()
    async with here.running() as handler:
        await opened(here, handler, proposal)
        limit = {"entry_type": OrderType.LIMIT, "entry_limit_price": 4995.0}
        await handler.execute_trade(proposal(**limit))
        await here.wait(0.1)
        ExecutionHandlerAPI(handler).cancel_all_orders()
        await here.wait(0.1)
        assert here.working == {"SL": 2, "TP": 2}


async def test_the_status_tells_how_it_stands(floor, proposal):
    here = floor()
    async with here.running() as handler:
        status = handler.get_connection_status()
        assert status["status"] == "connected"
        assert (status["mode"], status["driver"], status["account"]) == ("live", "sim", "default")
        assert (status["gate"], status["entries"], status["reasons"]) == ("open", "open", [])
        assert status["epoch"] == 1
        assert status["open_positions"] == 0
        assert status["time_ns"] == here.clock.now_ns


async def test_a_second_handler_of_the_account_is_refused(floor):
    here = floor()
    async with here.running():
        second = LiveExecutionHandler(
            {"execution_handler": here.config}, plugins=here.plugins, clock=here.clock
        )
        with pytest.raises(AccountLocked):
            await second.initialize()


async def test_it_is_initialised_and_shut_down_without_a_context_too(floor, proposal):
    here = floor()
    handler = LiveExecutionHandler(
        {"execution_handler": here.config}, plugins=here.plugins, clock=here.clock
    )
    await handler.initialize()
    await here.wait(1.5)
    await here.price(5000.0)
    await handler.execute_trade(proposal())
    await handler.shutdown()
    assert here.sent("_ENTRY") == 1


class Theirs:
    """A caller's own bus, which nobody can leave."""

    def __init__(self):
        self.listeners = []

    def subscribe(self, event_type, handler):
        if event_type == "EXECUTE_TRADE":
            self.listeners.append(handler)

    async def publish(self, event_type, payload, **meta):
        for handler in self.listeners if event_type == "EXECUTE_TRADE" else ():
            await handler(event_type, payload)


@pytest.mark.parametrize("bus", [InProcessBus, Theirs])
async def test_a_handler_that_has_ended_leaves_proposals_to_the_next(floor, proposal, bus):
    here, bus = floor(), bus()
    config = {"execution_handler": here.config}

    def make():
        return LiveExecutionHandler(config, bus, plugins=here.plugins, clock=here.clock)

    first, second = make(), make()
    async with first:
        locked_out = make()
        with pytest.raises(AccountLocked):
            await locked_out.initialize()
    async with second:
        await here.wait(1.5)
        await here.price(5000.0)
        await bus.publish("EXECUTE_TRADE", proposal())
        assert here.sent("_ENTRY") == 1
    for one in (first, locked_out):
        assert one.metrics.execution_errors == 0
        assert not one._events.is_pending


async def test_to_initialise_it_once_more_changes_nothing(floor, proposal):
    here = floor()
    async with here.running() as handler:
        await here.wait(1.5)
        await here.price(5000.0)
        with pytest.raises(AccountLocked):
            await handler.initialize()
        await handler.event_bus.publish("EXECUTE_TRADE", proposal())
        assert here.sent("_ENTRY") == 1


async def test_it_can_begin_again_on_its_bus(floor, proposal):
    here = floor()
    handler = LiveExecutionHandler(
        {"execution_handler": here.config}, plugins=here.plugins, clock=here.clock
    )
    for entries in (1, 2):
        async with handler:
            await here.wait(1.5)
            await here.price(5000.0)
            await handler.event_bus.publish("EXECUTE_TRADE", proposal())
            assert here.sent("_ENTRY") == entries


async def test_leaving_drains_and_keeps_stops_at_the_broker(floor, proposal):
    here = floor()
    async with here.running() as handler:
        trade_id = await opened(here, handler, proposal)
        last = await handler.execute_trade(proposal())
    assert here.working["SL"] == 2
    assert here.sent("_ENTRY") == 2
    # It is told what happened until the end.
    told = {info.internal_id for info in here.told("ORDER_STATUS_CHANGE")}
    assert {f"{trade_id}_SL", f"{last}_ENTRY"} <= told
    async with here.running() as handler:
        assert handler._journal.recovery.status == "clean"


@pytest.mark.parametrize(("driver", "left"), [("sim", {}), ("sim-bracket", {"ENTRY": 2})])
async def test_leaving_withdraws_entries_whose_stop_is_not_at_the_broker(
    floor, proposal, driver, left
):
    here = floor(driver)
    levels = {
        "stop_loss_ticks": None,
        "take_profit_ticks": None,
        "stop_loss_price": 4990.0,
        "take_profit_price": 5010.0,
    }
    async with here.running() as handler:
        await handler.execute_trade(proposal(urgency="low", **levels))
        await here.wait(0.2)
    assert here.working == left
    assert here.held == {}
    async with here.running() as handler:
        assert len(handler.open_positions) == len(left)


async def test_an_entry_that_fills_while_it_is_withdrawn_at_the_end_is_protected(floor, proposal):
    here = floor()
    async with here.running() as handler:
        await handler.execute_trade(proposal(urgency="low"))
        await here.wait(0.2)
        (wired,) = here.wire.sessions
        ask = wired._session.cancel

        async def fill_first(client_order_id):
            here.broker.trade("ES", 4990.0)
            return await ask(client_order_id)

        wired.cancel = fill_first
    assert here.held == {"ES": 2}
    assert here.working == {"SL": 2, "TP": 2}


async def test_without_a_connection_nobody_waits_for_entries_at_the_end(floor, proposal):
    here = floor()
    async with here.running() as handler:
        await handler.execute_trade(proposal(urgency="low"))
        await here.wait(0.2)
        async with here.driver.connect(handler._terms()):
            await here.wait(1)
        assert handler.get_connection_status()["gate"] == "standby"
    assert here.working == {"ENTRY": 2}
    async with here.running() as handler:
        await here.wait(2)
        assert here.working == {}, "the cancel was recorded, and repeated"


async def test_an_orderly_end_waits_for_the_event_that_is_being_told(floor, proposal):
    here = floor()
    async with here.running() as handler:
        told, going_on = [], anyio.Event()

        async def take_time(kind, payload):
            await going_on.wait()

        handler.event_bus.subscribe("ORDER_STATUS_CHANGE", take_time)
        handler.event_bus.subscribe("TRADE_CLOSED", lambda kind, result: told.append(result))
        await handler.execute_trade(proposal())
        await here.price(5000.0, 5010.25)
        assert not told
        going_on.set()
    assert told == here.results
    assert len(told) == 1


async def test_what_the_body_raises_goes_through(floor):
    here = floor()
    with pytest.raises(BaseException) as caught:  # noqa: PT011  # a group, or as it is
        async with here.running():
            raise KeyError("mine")
    error = caught.value
    while isinstance(error, BaseExceptionGroup):
        (error,) = error.exceptions
    assert type(error) is KeyError
    async with here.running() as handler:
        assert handler._journal.recovery.status == "recovered"


def test_a_provider_that_is_no_way_to_a_broker_is_named(floor):
    here = floor()
    here.config["live_settings"]["provider"] = "nobody"
    with pytest.raises(ConfigurationError, match="nobody"):
        LiveExecutionHandler({"execution_handler": here.config}, plugins=here.plugins)


async def test_without_a_sink_closed_trades_are_published_alone(floor, proposal):
    here = floor()
    async with here.running() as handler:
        handler._trade_sink = None
        await opened(here, handler, proposal)
        await here.price(5010.25)
        await here.wait(0.3)
    assert here.results == []
    assert len(here.told("TRADE_CLOSED")) == 1


async def test_a_position_that_filled_before_a_start_has_no_excursion_until_it_is_watched(
    floor, proposal
):
    here = floor()
    async with here.running() as handler:
        trade_id = await opened(here, handler, proposal)
        handler._trading.excursions.pop("ES", trade_id)
        assert (handler.open_positions[trade_id].mfe, handler.open_positions[trade_id].mae) == (
            0,
            0,
        )


# Waiting


async def test_a_trade_is_waited_for_until_it_opens_and_until_it_closes(floor, proposal):
    here = floor()
    heard = []

    async def wait(handler, trade_id):
        await handler.wait_open(trade_id)
        heard.append("open")
        heard.append(await handler.wait_closed(trade_id))

    async with here.running() as handler:
        await handler.wait_ready()
        trade_id = await handler.execute_trade(proposal())
        async with anyio.create_task_group() as group:
            group.start_soon(wait, handler, trade_id)
            await here.wait(0.05)
            assert heard == []
            await here.price(5000.0)
            await here.wait(0.2)
            assert heard == ["open"]
            await here.price(5010.25)
            await here.wait(0.5)
        assert heard == ["open", *here.results]
        assert await handler.wait_closed(trade_id) is here.results[0]


async def test_a_trade_that_never_opens_is_not_waited_for(floor, proposal):
    here = floor()
    async with here.running() as handler:
        trade_id = await handler.execute_trade(proposal())
        await handler.cancel_order(f"{trade_id}_ENTRY")
        await here.wait(0.2)
        for wait in (handler.wait_open, handler.wait_closed):
            with pytest.raises(FillbridgeError, match="ended without a fill"):
                await wait(trade_id)
            with pytest.raises(UnknownOrder):
                await wait("T0")


async def test_an_entry_that_has_not_left_when_it_stops_never_leaves_and_that_is_told(
    floor, proposal
):
    here = floor()
    async with here.running() as handler:
        handler._trading.propose(proposal())
    assert here.sent("_ENTRY") == 0
    assert any("the handler is stopping" in alarm for alarm in here.alarms)


async def test_a_trade_that_closes_twice_stands_once_in_what_is_told(floor, proposal):
    here = floor()
    told = []
    async with here.running() as handler:
        run = LiveRun(handler, told.append)
        for _ in range(2):
            await opened(here, handler, proposal)
            await here.price(5010.25)
        first, other = handler.closed_trades
        second = msgspec.structs.replace(first, pnl_net=-1_000.0, exit_price=4990.0)
        handler._trade_closed(None, second)
        handler._events.trade_closed(second, corrects=True)
        await handler.drain()
        assert handler.closed_trades == (second, other)
        assert await handler.wait_closed(first.trade_id) == second
    trades = [event for event in told if event["event"] == "trade"]
    assert ["corrects" in event for event in trades] == [False, False, True]
    assert run._summary.trades == 2
    assert run._summary.pnl_net == second.pnl_net + other.pnl_net


# Trailing stops


async def test_a_trailing_stop_rests_as_a_plain_one_that_is_moved(floor, proposal):
    here = floor()
    async with here.running() as handler:
        trade_id = await handler.execute_trade(proposal(trailing_stop=True, take_profit_ticks=400))
        await here.price(5000.0)
        stop = here.ledger.find_working(f"{trade_id}_SL").state
        assert (stop.order_type, stop.trigger_ticks) == (OrderType.STOP, 4 * 4990)
        for price in (5005.0, 5003.0, 5008.0, 5004.0):
            await here.price(price)
            await here.wait(1.2)
        assert here.ledger.find_working(f"{trade_id}_SL").state.trigger_ticks == 4 * 4998
        assert handler.open_positions[trade_id].stop_loss_price == 4998.0
        await here.price(4997.0)
        await here.wait(0.5)
    (result,) = here.results
    assert result.exit_reason is ExitReason.STOP_LOSS
    assert here.working == {}
    assert here.held == {}
    assert result.exit_price == 4997.0  # it is gapped through
