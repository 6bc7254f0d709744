"""The session against the gateway, over TLS, with what goes wrong at brokers."""

from contextlib import asynccontextmanager

import anyio.lowlevel
import msgspec
import pytest
from tests.drivers.rithmic.ground import limit_requests

from fillbridge_hooks import (
    Accepted,
    ApprovedOrder,
    Cancelled,
    CancelRejected,
    FatalError,
    Fill,
    ForcedLogout,
    NotSent,
    OrderRole,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
    Permit,
    Rejected,
    Replaced,
    Replacement,
    RetryableError,
    Sent,
    Side,
)
from fillbridge_hooks.testing.drivers.stage import BASE_TICKS, Stage
from fillbridge_rithmic import RithmicDriver, RithmicSettings
from fillbridge_rithmic.rehearsal import rehearse_at

pytestmark = pytest.mark.anyio

ACCOUNT = "REHEARSAL"
NEW_ORDER, BRACKET, MODIFY, CANCEL = 312, 330, 314, 316
SHOW_ORDERS, SHOW_HISTORY, OF_TODAY, REPLAY, POSITIONS = 320, 322, 324, 3506, 402
QUERIES = {
    "working_orders": SHOW_ORDERS,
    "orders_today": OF_TODAY,
    "fills": REPLAY,
    "positions": POSITIONS,
}


@asynccontextmanager
async def staged(**settings):
    """A stage, the gateway, and a session there."""
    async with (
        rehearse_at(RithmicDriver(), RithmicSettings(**settings)) as (rehearsal, gateway),
    ):
        yield Stage(rehearsal, "T"), gateway
        assert gateway.faults.armed == []  # what was to go wrong did


def query(session, name):
    return session.fills(0) if name == "fills" else getattr(session, name)()


def bracket(stage, quantity=3, name="B"):
    entry = stage.limit(Side.BUY, -8, quantity)
    stop = stage.order(
        Side.SELL,
        quantity,
        OrderType.STOP,
        trigger_ticks=BASE_TICKS - 40,
        role=OrderRole.STOP,
        client_order_id=f"{entry.trade_id}_SL",
        trade_id=entry.trade_id,
    )
    target = stage.order(
        Side.SELL,
        quantity,
        OrderType.LIMIT,
        limit_ticks=BASE_TICKS + 40,
        role=OrderRole.TARGET,
        client_order_id=f"{entry.trade_id}_TP",
        trade_id=entry.trade_id,
    )
    return entry, stop, target


def received(gateway, *templates):
    return [one for one in gateway.received if one.template in templates]


# R1, R3, R7, R8, R10


async def test_orders_while_the_link_is_down_never_leave():
    async with staged() as (stage, gateway):
        async with stage.session() as talk:
            await gateway.cut()
            await talk.lost()
            for _ in range(1000):
                outcome = await stage.submit(talk, stage.limit(Side.BUY, -8))
                assert isinstance(outcome, NotSent)
        async with stage.session() as talk:
            await talk.session.working_orders()
        assert received(gateway, NEW_ORDER, BRACKET) == []
        assert gateway.orders() == []


async def test_every_order_is_flagged_as_automated():
    async with staged() as (stage, gateway), stage.session() as talk:
        entry, stop, target = bracket(stage)
        await stage.send(talk, entry, legs=(stop, target))
        await stage.settle(talk)
        for one in received(gateway, NEW_ORDER, BRACKET, CANCEL):
            assert one.message.manual_or_auto == 2
        (sent,) = received(gateway, BRACKET)
        assert sent.message.stop_market_on_reject
        assert sent.message.bracket_type == 6
        assert sent.message.duration == 2
        assert (sent.message.stop_ticks, sent.message.target_ticks) == (32, 48)


async def test_another_login_ends_the_session_for_good():
    async with staged() as (stage, gateway), stage.session() as talk:
        gateway.kick()
        with pytest.raises(ForcedLogout):
            await talk.lost()
        for name in QUERIES:
            with pytest.raises(ForcedLogout):
                await query(talk.session, name)
        assert isinstance(await stage.submit(talk, stage.market(Side.BUY)), NotSent)


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("fault", ["refused", "rejected", "silence", "drop_mid_rows"])
async def test_a_query_that_fails_is_never_empty(name, fault):
    async with staged() as (stage, gateway), stage.session() as talk:
        await stage.trade(talk, Side.BUY)
        await stage.send(talk, stage.limit(Side.BUY, -8))
        gateway.faults.arm(fault, template=QUERIES[name])
        if fault == "silence":
            limit_requests(talk.session, 0.3)
        with pytest.raises(RetryableError):
            await query(talk.session, name)


@pytest.mark.parametrize("plant", [2, 4, 1])
async def test_the_loss_of_any_plant_ends_the_session(plant):
    async with staged() as (stage, gateway), stage.session() as talk:
        await gateway.cut(plant)
        await talk.lost()
        assert isinstance(await stage.submit(talk, stage.market(Side.BUY)), NotSent)
    assert received(gateway, NEW_ORDER) == []


async def test_no_market_data_needs_no_ticker_plant():
    async with staged(market_data=False) as (stage, gateway), stage.session() as talk:
        await stage.trade(talk, Side.BUY)
        assert {session.plant for session in gateway.sessions} == {2, 4}


# What is sent, and what becomes of it


async def test_an_order_that_was_taken_before_the_link_broke_is_found():
    order = None
    async with staged() as (stage, gateway):
        async with stage.session() as talk:
            gateway.faults.arm("drop_before_ack", template=NEW_ORDER)
            order = stage.limit(Side.BUY, -8)
            outcome = await stage.submit(talk, order)
            assert isinstance(outcome, Sent | OutcomeUnknown)
            await talk.lost()
        async with stage.session() as talk:
            found = await talk.order(order.client_order_id, among="working_orders")
            assert found.status is OrderStatus.SUBMITTED
        assert len(gateway.orders(order.client_order_id)) == 1


async def test_an_order_is_not_sent_again_under_its_id():
    async with staged() as (stage, gateway), stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        outcome = await talk.session.submit(ApprovedOrder(order, Permit()))
        assert isinstance(outcome, OutcomeUnknown)
        assert len(received(gateway, NEW_ORDER)) == 1


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("rejected_in_answer", {"code": "3", "text": "no margin"}),
        ("rejected_by_risk", {"text": "no margin"}),
        ("rejected_at_exchange", {"text": "no margin"}),
        ("rejected", {"code": "6", "text": "no margin"}),
        ("rejected_as_bracket", {}),
    ],
)
async def test_every_refusal_is_reported(fault, options):
    async with staged() as (stage, gateway), stage.session() as talk:
        entry, stop, target = bracket(stage)
        gateway.faults.arm(fault, **options)
        outcome = await stage.submit(talk, entry, legs=(stop, target))
        assert isinstance(outcome, Sent)
        refused = await talk.answer(entry.client_order_id, Rejected)
        assert refused.reason
        if options:
            assert "no margin" in refused.reason
        await stage.settle(talk)
        assert await talk.working() == set()


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("ack_never", {}),
        ("ack_after_notifications", {}),
        ("bare_ack", {}),
        ("bare_ack", {"basket": False}),
    ],
)
async def test_the_answer_may_be_late_bare_or_missing(fault, options):
    async with staged() as (stage, gateway), stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        gateway.faults.arm(fault, template=NEW_ORDER, **options)
        await stage.send(talk, order)
        await stage.withdraw(talk, order)


async def test_entries_beyond_the_rate_do_not_leave_and_exits_do():
    async with staged(orders_per_second=2) as (stage, _), stage.session() as talk:
        outcomes = [await stage.submit(talk, stage.limit(Side.BUY, -100)) for _ in range(5)]
        assert [type(one) for one in outcomes].count(NotSent) >= 2
        for _ in range(5):
            leaving = stage.order(
                Side.SELL, 1, OrderType.LIMIT, limit_ticks=BASE_TICKS + 100, role=OrderRole.EXIT
            )
            assert isinstance(await stage.submit(talk, leaving), Sent)


# Cancels and changes


async def test_a_change_that_overlaps_another_is_made_in_the_end():
    async with staged() as (stage, gateway), stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        gateway.faults.arm("atomic_operation", times=2)
        change = Replacement(order.client_order_id, 1, OrderType.LIMIT, BASE_TICKS - 20, None)
        assert isinstance(await talk.session.replace(change), Sent)
        await talk.answer(order.client_order_id, Replaced)
        (working,) = gateway.orders(working=True)
        assert working.limit == stage.price(-20)


async def test_many_changes_end_with_the_newest():
    async with staged() as (stage, gateway), stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        for ticks in range(20, 40):
            change = Replacement(
                order.client_order_id, 1, OrderType.LIMIT, BASE_TICKS - ticks, None
            )
            await talk.session.replace(change)
        await talk.until(
            "the newest change",
            lambda: (
                [
                    one
                    for one in talk.about(order.client_order_id)
                    if isinstance(one, Replaced) and one.limit_ticks == BASE_TICKS - 39
                ]
                or None
            ),
        )
        (working,) = gateway.orders(working=True)
        assert working.limit == stage.price(-39)


async def test_a_fill_that_crosses_a_cancel_is_booked_before_it():
    async with staged() as (stage, gateway), stage.session() as talk:
        order = stage.limit(Side.BUY, -8, quantity=3)
        await stage.send(talk, order)
        gateway.faults.arm("fill_while_cancelling", size=1)
        await talk.session.cancel(order.client_order_id)
        await talk.answer(order.client_order_id, Cancelled)
        told = talk.about(order.client_order_id)
        assert [type(one) for one in told] == [Accepted, Fill, Cancelled]
        assert [one.cumulative_quantity for one in told[1:]] == [1, 1]
        assert await talk.position(stage.symbol) == 1


async def test_a_cancel_that_the_exchange_refuses_is_said():
    async with staged() as (stage, gateway), stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        gateway.faults.arm("not_cancelled", text="not now")
        await talk.session.cancel(order.client_order_id)
        refused = await talk.answer(order.client_order_id, CancelRejected)
        assert "not now" in refused.reason
        assert order.client_order_id in await talk.working()


# Brackets


async def test_legs_end_at_the_levels_that_were_asked_for_whatever_the_fill_was():
    async with staged() as (stage, gateway), stage.session() as talk:
        entry, stop, target = bracket(stage)
        await stage.send(talk, entry, legs=(stop, target))
        await stage.drive(-12, 1)
        await stage.drive(-16)
        await talk.filled(entry.client_order_id, 3)
        await talk.order(stop.client_order_id, among="working_orders")
        legs = [order for order in gateway.orders(working=True) if order.ticket.parent]
        assert {order.trigger_price for order in legs if order.ticket.leg == "stop"} == {
            stage.price(-40)
        }
        assert {order.limit for order in legs if order.ticket.leg == "target"} == {stage.price(40)}


async def test_a_flatten_at_once_closes_every_part_once():
    async with staged() as (stage, gateway), stage.session() as talk:
        entry, stop, target = bracket(stage)
        await stage.send(talk, entry, legs=(stop, target))
        await stage.drive(-12, 1)
        await stage.drive(-16)
        await talk.filled(entry.client_order_id, 3)
        change = Replacement(stop.client_order_id, 3, OrderType.MARKET, None, None)
        assert isinstance(await talk.session.replace(change), Sent)
        await talk.answer(stop.client_order_id, Replaced)
        await stage.settle(talk)
        await stage.drive(0)
        await talk.filled(stop.client_order_id, 3)
        await stage.drive(44)
        await stage.drive(-44)
        await stage.settle(talk)
        assert await talk.working() == set()
        assert gateway.position(ACCOUNT, stage.symbol) == 0


async def test_a_stop_that_the_exchange_refuses_leaves_nothing_bare():
    async with staged() as (stage, gateway), stage.session() as talk:
        entry, stop, target = bracket(stage)
        await stage.send(talk, entry, legs=(stop, target))
        gateway.faults.arm("stop_leg_rejected")
        await stage.drive(-12)
        await talk.filled(entry.client_order_id, 3)
        await talk.until(
            "an end of the stop",
            lambda: (
                [
                    one
                    for one in talk.about(stop.client_order_id)
                    if isinstance(one, Rejected | Cancelled | Fill)
                ]
                or None
            ),
        )


# Lists


@pytest.mark.parametrize(
    "fault", ["rows_after_end", "rows_with_blank_account", "stale_rows", "no_rows"]
)
async def test_a_list_that_is_odd_still_tells_the_truth_or_nothing(fault):
    async with staged() as (stage, gateway), stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        gateway.faults.arm(fault, template=SHOW_ORDERS)
        try:
            found = await talk.working()
        except RetryableError:
            return
        assert found == {one.ticket.user_tag for one in gateway.orders(working=True)}


async def test_an_end_that_was_never_told_is_found_when_it_is_asked_for():
    async with staged() as (stage, gateway), stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        gateway.faults.arm("lost", template=352, notify_type=5)
        gateway.faults.arm("lost", template=351, notify_type=15)
        await stage.drive(-12)
        assert await talk.working() == set()
        found = await talk.order(order.client_order_id)
        assert (found.status, found.filled) == (OrderStatus.FILLED, 1)
        (fill,) = await talk.session.fills(0)
        assert fill.client_order_id == order.client_order_id
        # What was sent in this session is reported however it became known.
        await talk.filled(order.client_order_id, 1)


async def test_a_list_that_leaves_out_what_works_is_no_answer():
    async with staged() as (stage, gateway), stage.session() as talk:
        await stage.send(talk, stage.limit(Side.BUY, -8))
        await stage.settle(talk)
        gateway.faults.arm("no_rows", template=SHOW_ORDERS, times=2)
        with pytest.raises(RetryableError, match="not among the working orders"):
            await talk.working()
        assert len(await talk.working()) == 1


async def test_a_session_begins_though_a_leg_is_nobodys_and_says_so_when_asked():
    async with staged() as (stage, gateway):
        entry, stop, target = bracket(stage)
        async with stage.session() as talk:
            await stage.send(talk, entry, legs=(stop, target))
            await stage.drive(-12)
            await talk.filled(entry.client_order_id, 3)
            await talk.order(stop.client_order_id, among="working_orders")
        # Histories say nothing of the entry any more.
        gateway.faults.arm("no_data", template=SHOW_HISTORY, times=2)
        async with stage.session() as talk:
            with pytest.raises(RetryableError, match="cannot be told which legs"):
                await talk.working()
            assert stop.client_order_id in await talk.working()


async def test_rows_of_another_account_are_left_out():
    async with staged() as (stage, gateway):
        async with stage.session() as talk:
            await stage.send(talk, stage.limit(Side.BUY, -8))
        gateway.faults.arm("rows_of_other_account", template=SHOW_ORDERS)
        async with stage.session() as talk:
            assert await talk.session.orders_today() != ()


# Before anything


async def test_an_account_that_is_not_there_is_said_in_one_sentence():
    async with staged() as (stage, _):
        terms = msgspec.structs.replace(stage.rehearsal.terms, account="NOBODY")
        words = "account: expected one of REHEARSAL, was 'NOBODY'"
        with pytest.raises(FatalError, match=words):
            async with RithmicDriver().connect(terms):
                pass


async def test_an_account_without_a_route_is_said_in_one_sentence():
    async with staged() as (stage, _):
        elsewhere = msgspec.structs.replace(stage.instrument, exchange="EUREX")
        terms = msgspec.structs.replace(stage.rehearsal.terms, instruments=(elsewhere,))
        with pytest.raises(FatalError, match="expected a trade route for EUREX, has none"):
            async with RithmicDriver().connect(terms):
                pass


async def test_a_route_that_is_down_may_come_back():
    async with staged() as (stage, gateway):
        gateway.faults.arm("route_down")
        with pytest.raises(RetryableError, match="trade route"):
            async with RithmicDriver().connect(stage.rehearsal.terms):
                pass


# Everything at once


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_the_stream_does_each_fill_counts_once(seed):
    async with staged() as (stage, gateway), stage.session() as talk:
        gateway.faults.seed(seed, 0.3)
        entries = []
        for _ in range(6):
            entry, stop, target = bracket(stage)
            entries.append((entry, stop, target))
            await stage.submit(talk, entry, legs=(stop, target))
            await anyio.lowlevel.checkpoint()
        await stage.drive(-12, 4)
        await stage.drive(-12)
        await stage.drive(44, 5)
        await stage.drive(-44)
        await stage.drive(-44)
        assert gateway.faults.happened
        gateway.faults.disarm()
        expected = {fill.fill_id: fill.size for fill in gateway.fills(ACCOUNT)}

        def all_heard():
            heard = {one.fill_id for one in talk.reports if isinstance(one, Fill)}
            return True if heard == expected.keys() else None

        await talk.until("every fill", all_heard)
        fills = [one for one in talk.reports if isinstance(one, Fill)]
        assert len(fills) == len(expected)
        answer = await talk.session.fills(0)
        assert {one.fill_id: one.quantity for one in answer} == expected
        names = {one.client_order_id for trade in entries for one in trade}
        assert {one.client_order_id for one in fills} <= names
        assert await talk.position(stage.symbol) == gateway.position(ACCOUNT, stage.symbol)
