"""Events reach the bus and observers in order, and nothing they do reaches the orders."""

import logging
from datetime import UTC, datetime
from typing import get_origin

import anyio
import msgspec
import pytest

import fillbridge_hooks
from fillbridge.bus import InProcessBus
from fillbridge.plugins import Plugins
from fillbridge.publishing import Publisher
from fillbridge_hooks import (
    EXECUTION_ERROR,
    ORDER_STATUS_CHANGE,
    POSITION_UPDATE,
    TRADE_CLOSED,
    OrderInfo,
    OrderStatus,
    OrderType,
    PositionView,
    Rejected,
    TradeResult,
    hookimpl,
)

pytestmark = pytest.mark.anyio

PUBLISHED = (TRADE_CLOSED, EXECUTION_ERROR, POSITION_UPDATE, ORDER_STATUS_CHANGE)


class Theirs:
    """A caller's own bus: it keeps what it is given."""

    def __init__(self):
        self.published = []

    def subscribe(self, event_type, handler): ...

    async def publish(self, event_type, payload, **meta):
        self.published.append((event_type, payload, meta))


async def test_a_trade_is_told_from_its_first_order_to_its_end(account):
    made = account(bus=Theirs())
    made.trade()
    await made.publisher.drain()
    told = []
    for event_type, payload, meta in made.bus.published:
        if event_type == ORDER_STATUS_CHANGE:
            assert isinstance(payload, OrderInfo)
            assert meta["metadata"] == {"trade_id": "T1", "status": payload.status.value}
            told.append(f"{payload.internal_id} {payload.status.value}")
        elif event_type == POSITION_UPDATE:
            assert isinstance(payload, PositionView)
            assert meta["metadata"] == {"trade_id": "T1", "quantity": payload.quantity}
            told.append(f"position {payload.quantity}")
        else:
            told.append(event_type)
    assert told == [
        "T1_ENTRY pending",
        "T1_ENTRY submitted",
        "T1_ENTRY filled",
        "position 2",
        "T1_SL pending",
        "T1_TP pending",
        "T1_SL submitted",
        "T1_TP submitted",
        "T1_TP filled",
        "position 0",
        "T1_SL cancelled",
        "TRADE_CLOSED",
    ]


async def test_a_closed_trade_is_published_with_what_a_listener_needs(account):
    made = account(bus=Theirs())
    result = made.trade(direction="SHORT", exit_at=3990.0)
    await made.publisher.drain()
    event_type, payload, meta = made.bus.published[-1]
    assert (event_type, payload) == (TRADE_CLOSED, result)
    assert isinstance(payload, TradeResult)
    assert meta == {
        "priority": "HIGH",
        "timestamp": result.exit_timestamp,
        "metadata": {
            "pnl_net": 1000.0,
            "duration_seconds": 0.0,
            "exit_reason": "TP",
            "execution_quality": 1.0,
        },
    }


async def test_an_entry_that_comes_to_nothing_is_published_with_its_proposal(account):
    made = account(bus=Theirs())
    made.open(size=3)
    made.broker.report(Rejected("T1_ENTRY", "no margin", made.broker.now))
    await made.publisher.drain()
    event_type, payload, meta = made.bus.published[-1]
    assert event_type == EXECUTION_ERROR
    assert payload["error"] == "trade T1: no margin"
    assert payload["proposal"].position_size == 3
    assert payload["timestamp"] == meta["timestamp"]
    assert meta["timestamp"] == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert (meta["priority"], meta["metadata"]) == ("HIGH", {})


async def test_an_alarm_names_its_trade_and_has_no_proposal(account, caplog):
    made = account(bus=Theirs())
    made.open()
    made.broker.fill("T1_ENTRY", 4000.0)
    with caplog.at_level(logging.ERROR):
        made.broker.report(Rejected("T1_TP", "no margin", made.broker.now))
    await made.publisher.drain()
    event_type, payload, _ = made.bus.published[-1]
    assert event_type == EXECUTION_ERROR
    assert payload["error"] == "trade T1: T1_TP was lost: no margin"
    assert payload["proposal"] is None
    assert "T1_TP was lost" in caplog.text


async def test_only_what_somebody_wants_is_made(account):
    made, closed = account(), []
    made.bus.subscribe(TRADE_CLOSED, lambda kind, payload: closed.append(payload))
    made.trade()
    await made.publisher.drain()
    assert closed == made.closed
    assert [made.publisher.wants(kind) for kind in PUBLISHED] == [True, False, False, False]


async def test_without_a_listener_nothing_waits(account):
    made = account()
    made.trade()
    assert not made.publisher.is_pending


async def test_events_wait_until_they_are_drained_and_are_delivered_once(account):
    made, closed = account(), []
    made.bus.subscribe(TRADE_CLOSED, lambda kind, payload: closed.append(payload.trade_id))
    made.trade()
    made.trade()
    assert (closed, made.publisher.is_pending) == ([], True)
    await made.publisher.drain()
    await made.publisher.drain()
    assert closed == ["T1", "T2"]


async def test_observers_see_every_event_though_nobody_subscribed(account):
    seen = []
    made = account(observers=[lambda event: seen.append((event.event_type, event.timestamp_ns))])
    made.trade()
    await made.publisher.drain()
    assert len(seen) == 12
    assert seen[-1] == (TRADE_CLOSED, made.closed[0].exit_time_ns)


async def test_an_observer_or_a_subscriber_that_raises_is_logged_and_stops_nobody(account, caplog):
    seen, closed = [], []

    def breaks(event):
        raise RuntimeError("broken")

    def watches(event):
        seen.append(event.event_type)

    def refuses(kind, payload):
        raise ValueError("no")

    made = account(observers=[breaks, watches])
    made.bus.subscribe(TRADE_CLOSED, refuses)
    made.bus.subscribe(TRADE_CLOSED, lambda kind, payload: closed.append(payload))
    made.trade()
    with caplog.at_level(logging.ERROR):
        await made.publisher.drain()
    assert seen[-1] == TRADE_CLOSED
    assert closed == made.closed
    assert "observer breaks failed on TRADE_CLOSED" in caplog.text
    assert "publishing TRADE_CLOSED failed" in caplog.text


async def test_a_subscriber_that_drains_does_not_overtake_the_others(account):
    made, seen = account(), []

    async def first(kind, payload):
        seen.append(("first", payload.trade_id))
        await made.publisher.drain()

    made.bus.subscribe(TRADE_CLOSED, first)
    made.bus.subscribe(
        TRADE_CLOSED, lambda kind, payload: seen.append(("second", payload.trade_id))
    )
    made.trade()
    made.trade()
    await made.publisher.drain()
    assert seen == [("first", "T1"), ("second", "T1"), ("first", "T2"), ("second", "T2")]


async def test_two_tasks_that_drain_keep_the_order(account):
    made, seen = account(), []

    async def slow(kind, payload):
        await anyio.lowlevel.checkpoint()
        seen.append(payload.trade_id)

    made.bus.subscribe(TRADE_CLOSED, slow)
    for _ in range(4):
        made.trade()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.publisher.drain)
        tasks.start_soon(made.publisher.drain)
    assert seen == ["T1", "T2", "T3", "T4"]


async def test_a_delivery_that_is_cancelled_does_not_block_the_next(account):
    made, seen = account(), []

    async def waits_for_ever(kind, payload):
        seen.append(payload.trade_id)
        if payload.trade_id == "T1":
            await anyio.sleep_forever()

    made.bus.subscribe(TRADE_CLOSED, waits_for_ever)
    made.trade()
    made.trade()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(made.publisher.drain)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    await made.publisher.drain()
    assert seen == ["T1", "T2"]


async def test_an_in_process_bus_may_be_shared(account):
    bus, closed = InProcessBus(), []
    bus.subscribe(TRADE_CLOSED, lambda kind, payload: closed.append(payload.symbol))
    first, second = account(bus=bus), account(bus=bus)
    first.trade()
    second.trade(symbol="GC", entry=2000.0, exit_at=2004.0)
    await first.publisher.drain()
    await second.publisher.drain()
    assert closed == ["ES", "GC"]


async def test_a_call_that_raises_is_logged_and_stops_nobody(account, caplog):
    made, called = account(), []

    def breaks():
        raise OSError("the disk is full")

    made.publisher.call_later(breaks)
    made.publisher.call_later(lambda: called.append(1))
    await made.publisher.drain()
    assert called == [1]
    assert "the disk is full" in caplog.text


# Live: nobody's subscriber may fill the memory


async def test_publishing_that_takes_too_long_is_given_up(account, caplog):
    made, seen = account(patience_s=0.0), []

    async def hangs(kind, payload):
        seen.append(payload.trade_id)
        await anyio.sleep_forever()

    made.bus.subscribe(TRADE_CLOSED, hangs)
    made.trade()
    made.trade()
    await made.publisher.drain()
    assert seen == ["T1", "T2"]
    assert not made.publisher.is_pending
    assert caplog.text.count("publishing TRADE_CLOSED took longer than 0.0 s: it is given up") == 2


async def test_what_is_published_in_time_is_not_given_up(account, caplog):
    made, closed = account(patience_s=3600.0), []

    async def waits(kind, payload):
        await anyio.lowlevel.checkpoint()
        closed.append(payload)

    made.bus.subscribe(TRADE_CLOSED, waits)
    made.trade()
    await made.publisher.drain()
    assert closed == made.closed
    assert caplog.text == ""


async def test_of_too_many_events_the_oldest_are_dropped_and_counted(account, caplog):
    made, closed = account(max_waiting=3), []
    made.bus.subscribe(TRADE_CLOSED, lambda kind, payload: closed.append(payload.trade_id))
    for _ in range(8):
        made.trade()
    assert made.publisher.dropped == 5
    assert caplog.text.count("more than 3 events wait: the oldest are dropped") == 2
    await made.publisher.drain()
    assert closed == ["T6", "T7", "T8"]


async def test_calls_are_never_dropped_and_keep_their_order(account):
    made, made_calls = account(max_waiting=2), []
    made.bus.subscribe(TRADE_CLOSED, lambda kind, payload: made_calls.append(payload.trade_id))
    for number in range(4):
        made.trade()
        made.publisher.call_later(lambda number=number: made_calls.append(number))
    assert made.publisher.is_pending
    await made.publisher.drain()
    assert made_calls == [0, 1, 2, "T4", 3]
    assert not made.publisher.is_pending


async def test_in_a_backtest_every_event_waits(account):
    made, closed = account(), []
    made.bus.subscribe(TRADE_CLOSED, lambda kind, payload: closed.append(payload))
    for _ in range(50):
        made.trade()
    await made.publisher.drain()
    assert closed == made.closed


async def test_whoever_waits_until_all_is_told_waits_for_what_is_being_told(account):
    going_on, told = anyio.Event(), []

    class Slow(Theirs):
        async def publish(self, event_type, payload, **meta):
            await going_on.wait()
            told.append(event_type)

    made = account(bus=Slow())
    made.trade()
    async with anyio.create_task_group() as group:
        group.start_soon(made.publisher.drain)
        await anyio.wait_all_tasks_blocked()
        await made.publisher.drain()
        assert not told
        group.start_soon(made.publisher.wait_idle)
        await anyio.wait_all_tasks_blocked()
        going_on.set()
        await made.publisher.wait_idle()
        assert len(told) == 12
    assert not made.publisher.is_pending


# Copies


class Changing:
    """An observer that changes whatever it can."""

    def __init__(self):
        self.seen = []

    @hookimpl
    def fillbridge_handle_event(self, event):
        self.seen.append(dict(event.metadata))
        event.metadata.clear()
        event.metadata["forged"] = True
        if isinstance(event.payload, dict):
            event.payload["error"] = "forged"
        elif event.payload.broker_response:
            event.payload.broker_response["reason"] = "forged"


async def test_what_an_observer_changes_nobody_else_sees():
    plugins = Plugins()
    first, second = Changing(), Changing()
    plugins.register(first, "a")
    plugins.register(second, "b")
    bus = InProcessBus()
    told = []
    for kind in (EXECUTION_ERROR, ORDER_STATUS_CHANGE):
        bus.subscribe(kind, lambda kind, payload: told.append(payload))
    publisher = Publisher(bus, plugins.resolve("fillbridge_handle_event"))
    publisher.execution_error("true", None, 0)
    info = OrderInfo(
        order_id="1",
        internal_id="2",
        order_type=OrderType.MARKET,
        status=OrderStatus.REJECTED,
        symbol="ES",
        size=1,
        direction="LONG",
        broker_response={"reason": "true"},
    )
    publisher._add(ORDER_STATUS_CHANGE, info, "NORMAL", 0, {"trade_id": "t"})
    await publisher.drain()
    assert told[0]["error"] == "true"
    assert told[1].broker_response == {"reason": "true"}
    assert second.seen == [{}, {"trade_id": "t"}]


async def test_whatever_else_is_handed_to_a_plugin_holds_nothing_that_can_be_changed():
    """A field of a mutable type in a message would be shared with the core: copy it, then."""
    copied = {"Event", "OrderInfo", "RunFiles", "ConnectionTerms"}
    mutable = [
        f"{kind.__name__}.{field.name}"
        for kind in vars(fillbridge_hooks).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        if kind.__name__ not in copied
        for field in msgspec.structs.fields(kind)
        if get_origin(field.type) in (dict, list, set) or not kind.__struct_config__.frozen
    ]
    assert mutable == []
