"""What a known client of Rithmic does wrong, tried on the driver over real TLS connections.

Each trap has a number by which docs/rithmic.md names it; those that need a handler that trades
stand in test_traps_of_the_handler.py.
"""

import logging
import socket
import traceback
from contextlib import suppress
from itertools import count

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import SocketAttribute
from tests.drivers.rithmic.ground import (
    ACCOUNT,
    BRACKET,
    CANCEL,
    MODIFY,
    NEW_ORDER,
    PASSWORD,
    PATIENCE_S,
    SENDS,
    footprint,
    ground,
    limit_requests,
    until,
)
from tests.drivers.rithmic.secrecy import last_frames, logged, says_password, with_locals

from fillbridge_hooks import (
    Accepted,
    DriverError,
    FatalError,
    Fill,
    ForcedLogout,
    NotSent,
    OrderRole,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
    Rejected,
    Replaced,
    Replacement,
    RetryableError,
    Secret,
    Sent,
    Side,
    TimeInForce,
)
from fillbridge_hooks.testing.drivers.stage import BASE_TICKS
from fillbridge_rithmic import RithmicDriver
from fillbridge_rithmic.wire.codes import Plant

pytestmark = pytest.mark.anyio

SHOW_ORDERS, OF_TODAY, REPLAY, POSITIONS = 320, 324, 3506, 402
QUERIES = {
    "working_orders": SHOW_ORDERS,
    "orders_today": OF_TODAY,
    "fills": REPLAY,
    "positions": POSITIONS,
}
ORDER_PLANT = 2
MANY = 1_000
FAST = 1_000_000.0
"""Orders per second that no test reaches."""


def query(session, name):
    return session.fills(0) if name == "fills" else getattr(session, name)()


def bracket(here, ticks=-8, quantity=1):
    entry = here.limit(Side.BUY, ticks, quantity)
    legs = tuple(
        here.order(
            Side.SELL,
            quantity,
            kind,
            role=role,
            client_order_id=f"{entry.trade_id}_{name}",
            trade_id=entry.trade_id,
            **prices,
        )
        for kind, role, name, prices in (
            (OrderType.STOP, OrderRole.STOP, "SL", {"trigger_ticks": BASE_TICKS - 40}),
            (OrderType.LIMIT, OrderRole.TARGET, "TP", {"limit_ticks": BASE_TICKS + 40}),
        )
    )
    return entry, legs


async def submit_any(here, talk, number):
    """An order, or every other time an entry with its legs; its id and what became of it."""
    if number % 2:
        order, legs = bracket(here)
        outcome = await here.submit(talk, order, legs=legs)
    else:
        order = here.market(Side.BUY)
        outcome = await here.submit(talk, order)
    return order.client_order_id, outcome


# R1: what is submitted while the link is down never leaves later


async def cut(here):
    await here.gateway.cut()


async def reset(here):
    await here.proxy.reset()


async def lose_up(here):
    here.proxy.up.lose = True


async def lose_both(here):
    here.proxy.up.lose = here.proxy.down.lose = True


async def half_close_up(here):
    await here.proxy.half_close("up")


async def half_close_down(here):
    here.proxy.up.lose = True
    await here.proxy.half_close("down")


async def deaf(here):
    here.gateway.half_open()


BREAKS = (cut, reset, lose_up, lose_both, half_close_up, half_close_down, deaf)


@pytest.mark.parametrize("break_link", BREAKS)
async def test_r1_orders_while_the_link_is_down_never_reach_the_server(break_link):
    async with ground(heartbeat_s=0.4, orders_per_second=FAST) as here:
        outcomes = {}
        async with here.session() as talk:
            await break_link(here)
            for number in range(MANY // 2):  # before the driver can know
                name, outcomes[name] = await submit_any(here, talk, number)
            await talk.lost()
            for number in range(MANY // 2):
                name, outcomes[name] = await submit_any(here, talk, number)
                assert isinstance(outcomes[name], NotSent)
            assert len(outcomes) == MANY
            assert all(
                isinstance(one, Sent | NotSent | OutcomeUnknown) for one in outcomes.values()
            )
        here.proxy.heal()
        async with here.session() as talk:
            await here.settle(talk)
            assert await talk.working() == set()
            today = {order.client_order_id for order in await talk.session.orders_today()}
        assert not today & outcomes.keys()
        assert len(here.received(*SENDS)) == 1  # that of settle()
        assert len(here.gateway.orders()) == 1


async def test_r1_what_is_held_up_in_here_is_thrown_away_with_the_connection():
    async with ground(heartbeat_s=0.4, orders_per_second=FAST, receive_buffer=4096) as here:
        outcomes = {}
        async with here.session() as talk:
            here.proxy.up.stall()
            here.proxy.down.lose = True
            for number in range(MANY):
                name, outcomes[name] = await submit_any(here, talk, number)
            with suppress(RetryableError):
                await talk.lost()
        here.proxy.up.go_on()
        await until("the end of the old connections", lambda: not here.proxy.pairs)
        await until("nobody at the gateway", lambda: not here.gateway.sessions)
        reached = {one.user_tag for one in here.received(*SENDS)}
        left = {name for name, one in outcomes.items() if not isinstance(one, NotSent)}
        # What the network had taken was on its way; nothing can bring that back.
        assert reached <= left
        assert len(reached) < MANY / 10


async def test_r1_an_order_that_is_half_way_out_when_the_link_ends_is_in_doubt():
    async with ground(heartbeat_s=0.4, orders_per_second=FAST, receive_buffer=4096) as here:
        outcomes = []
        async with here.session() as talk:
            stream = talk.session._orders._websocket._stream
            raw = stream.extra(SocketAttribute.raw_socket)  # noqa: S610 (of anyio)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            here.proxy.up.stall()
            with anyio.fail_after(PATIENCE_S):
                while not outcomes or outcomes[-1] is not NotSent:
                    _, outcome = await submit_any(here, talk, len(outcomes))
                    outcomes.append(type(outcome))
        assert OutcomeUnknown in outcomes
        assert outcomes == sorted(outcomes, key=[Sent, OutcomeUnknown, NotSent].index)


async def test_r1_what_left_on_a_link_that_hears_nothing_is_found_once():
    async with ground(orders_per_second=FAST) as here:
        names = set()
        async with here.session() as talk:
            here.proxy.down.lose = True
            for ticks in range(50):
                order = here.limit(Side.BUY, -8 - ticks)
                names.add(order.client_order_id)
                assert isinstance(await here.submit(talk, order), Sent)
            # What the network still holds when a link is given up is thrown away with it.
            await until("the orders at the gateway", lambda: len(here.received(*SENDS)) == 50)
            await here.proxy.reset()
            await talk.lost()
        here.proxy.heal()
        async with here.session() as talk:
            found = [order.client_order_id for order in await talk.session.working_orders()]
        assert sorted(found) == sorted(names)
        assert len(here.received(*SENDS)) == 50


# R2: a reject is never a success


REJECTIONS = [
    ("rejected_in_answer", {"code": "3", "text": "no margin"}),
    ("rejected_by_risk", {"text": "no margin"}),
    ("rejected_at_exchange", {"text": "no margin"}),
    ("rejected", {"code": "6", "text": "no margin"}),
    ("rejected_as_bracket", {}),
]


@pytest.mark.parametrize("with_legs", [False, True])
@pytest.mark.parametrize(("fault", "options"), REJECTIONS)
async def test_r2_a_reject_is_said_with_its_reason(fault, options, with_legs):
    async with ground() as here, here.session() as talk:
        order, legs = bracket(here)
        here.gateway.faults.arm(fault, **options)
        approval = {"legs": legs} if with_legs else {}
        assert isinstance(await here.submit(talk, order, **approval), Sent)
        said = await talk.answer(order.client_order_id, Rejected)
        assert (options.get("text") or "bracket order management system") in said.reason
        await here.settle(talk)
        ends = [one for one in talk.about(order.client_order_id) if not isinstance(one, Accepted)]
        assert [type(one) for one in ends] == [Rejected]
        assert await talk.working() == set()
        for one in await talk.session.orders_today():
            if one.client_order_id == order.client_order_id:
                assert one.status is OrderStatus.REJECTED
        assert here.gateway.faults.happened.count(fault) == 1


# R3: a consumer that is busy when the link drops loses no fill


async def fill_pieces(here, talk, number):
    """An order that fills in so many pieces; its id."""
    order = here.limit(Side.BUY, -8, number)
    await here.send(talk, order)
    for _ in range(number):
        await here.drive(-12, 1)
    return order.client_order_id


@pytest.mark.parametrize("end", ["cut", "reset", "kick"])
async def test_r3_a_consumer_that_awaits_when_the_link_drops_loses_no_fill(end):
    async with ground() as here, here.session() as talk:
        heard, is_busy, may_go_on = [], anyio.Event(), anyio.Event()

        async def consume():
            with suppress(RetryableError, ForcedLogout):
                while True:
                    message = await talk.session.receive()
                    if not isinstance(message, Fill):
                        continue
                    if not heard:
                        is_busy.set()
                        await may_go_on.wait()
                    await anyio.lowlevel.checkpoint()
                    heard.append(message.fill_id)

        order = here.limit(Side.BUY, -8, 20)
        await here.send(talk, order)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(consume)
            for _ in range(20):
                await here.drive(-12, 1)
            await is_busy.wait()
            await talk.session.working_orders()  # all that happened is told before its answer
            if end == "kick":
                here.gateway.kick()
            else:
                await (here.gateway.cut() if end == "cut" else here.proxy.reset())

            async def is_over():
                return isinstance(await here.submit(talk, here.market(Side.BUY)), NotSent)

            with anyio.fail_after(PATIENCE_S):
                while not await is_over():  # noqa: ASYNC110  # a session has no event for it
                    await anyio.sleep(0.01)
            assert heard == []
            may_go_on.set()
        assert dict.fromkeys(heard, 1) == here.fills()
        assert len(heard) == 20


async def test_r3_what_was_said_before_another_login_is_heard_before_its_end():
    async with ground() as here, here.session() as talk:
        name = await fill_pieces(here, talk, 20)
        # At this plant alone, for what comes over two connections has no order.
        (orders,) = [one for one in here.gateway.sessions if one.plant == ORDER_PLANT]
        here.gateway.force_out(orders)
        with pytest.raises(ForcedLogout):
            await talk.lost()
        assert len(talk.fills(name)) == 20


async def test_r3_what_fills_as_another_plant_is_lost_is_heard_before_the_end():
    async with ground() as here, here.session() as talk:
        order = here.limit(Side.BUY, -8, 20)
        await here.send(talk, order)
        await here.gateway.cut(Plant.PNL)
        for _ in range(20):
            await here.drive(-12, 1)
        await talk.lost()
        assert len(talk.fills(order.client_order_id)) == 20


async def test_r3_a_consumer_that_is_cancelled_again_and_again_loses_no_fill():
    async with ground() as here, here.session() as talk:
        order = here.limit(Side.BUY, -8, 50)
        await here.send(talk, order)
        heard, rounds = [], count()
        with anyio.fail_after(PATIENCE_S):
            while len(heard) < 50:
                if len(here.fills()) < 50:
                    await here.drive(-12, 1)
                with anyio.move_on_after(0.0005 * (next(rounds) % 3)):
                    while True:
                        message = await talk.session.receive()
                        if isinstance(message, Fill):
                            heard.append(message.fill_id)
                await anyio.lowlevel.checkpoint()
        assert dict.fromkeys(heard, 1) == here.fills()
        assert len(heard) == 50


# R5: the password stands in no log, no repr and no error


async def test_r5_no_logger_says_the_password(everything):
    async with ground(heartbeat_s=0.3) as here:
        async with here.session() as talk:
            here.gateway.faults.arm("undecodable")
            await here.trade(talk, Side.BUY)
            shown = [repr(one) for one in (talk.session, vars(talk.session), here.terms)]
            await here.gateway.cut()
            await talk.lost()
        here.gateway.faults.arm("login_denied")
        with pytest.raises(FatalError):
            async with here.session():
                pass
        async with here.session() as talk:
            here.gateway.kick()
            with pytest.raises(ForcedLogout):
                await talk.lost()
        shown += [repr(RithmicDriver()), repr(here.terms.settings), str(here.terms.credentials)]
    assert "passed over" in everything.text
    assert says_password(*logged(everything), *shown) == []


async def refused_login(here, **faults):
    with pytest.raises(DriverError) as failed:
        async with RithmicDriver().connect(here.terms):
            pass
    return failed.value


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("refused", {"code": "13", "text": f"ann/{PASSWORD} is not known"}),
        ("refused", {"code": "6", "text": f"bad input: {PASSWORD}"}),
        ("rejected", {"code": "6", "text": f"bad input: {PASSWORD}"}),
        ("silence", {}),
        ("drop_before_ack", {}),
    ],
)
async def test_r5_no_error_of_a_login_says_the_password(everything, fault, options):
    async with ground(connect_timeout_s=0.5 if fault == "silence" else 10.0) as here:
        here.gateway.faults.arm(fault, template=10, **options)
        error = await refused_login(here)
        shown = [str(error), repr(error), *traceback.format_exception(error)]
        # The frames of this test hold what it tried; those of the driver must not.
        error.__traceback__ = last_frames(error.__traceback__)
        assert says_password(*shown, with_locals(error), *logged(everything)) == []


async def test_r5_the_search_finds_what_it_looks_for(everything):
    logging.getLogger("websockets.client").debug("> %s", PASSWORD.encode().hex(" "))
    assert says_password(*logged(everything))
    assert "***" in repr(Secret(PASSWORD))

    def fail(spoken):
        raise RuntimeError(len(spoken))

    with pytest.raises(RuntimeError) as failed:
        fail(PASSWORD)
    assert says_password(with_locals(failed.value))


# R6: time-outs leave nothing behind, and what arrives has a bound


async def time_out(session, times):
    """Ask in vain, every kind of question in turn."""
    limit_requests(session, 0.001)
    names = list(QUERIES)
    for number in range(times):
        with pytest.raises(RetryableError, match="no answer"):
            await query(session, names[number % len(names)])


async def test_r6_a_thousand_time_outs_leave_nothing_behind():
    async with ground() as here, here.session() as talk:
        await here.send(talk, here.limit(Side.BUY, -8))
        for template in QUERIES.values():
            here.gateway.faults.arm("silence", template=template, times=10 * MANY)
        await time_out(talk.session, 40)
        here.gateway.received.clear()
        here.gateway.faults.happened.clear()
        before = footprint()
        await time_out(talk.session, MANY)
        here.gateway.received.clear()
        here.gateway.faults.happened.clear()
        after = footprint()
        for plant in (talk.session._orders, talk.session._positions._plant):
            assert len(plant._waiters) == 0
        limit_requests(talk.session, 4.0)
        assert (after.tasks, after.descriptors) == (before.tasks, before.descriptors)
        assert after.objects - before.objects < MANY / 4
        here.gateway.faults.disarm()
        for name in QUERIES:
            await query(talk.session, name)


def hold_answers(here, monkeypatch, *templates):
    """Keep back the next answer to each of these; the list of what says them."""
    held = []
    monkeypatch.setattr(here.gateway, "later", lambda _, action: held.append(action))
    for template in templates:
        here.gateway.faults.arm("ack_delayed", template=template)
    return held


async def test_r6_answers_that_come_too_late_are_nobodys(monkeypatch):
    async with ground() as here, here.session() as talk:
        order = here.limit(Side.BUY, -8)
        await here.send(talk, order)
        held = hold_answers(here, monkeypatch, *QUERIES.values())
        for name in QUERIES:
            limit_requests(talk.session, 0.1)
            with pytest.raises(RetryableError, match="no answer"):
                await query(talk.session, name)
        limit_requests(talk.session, 4.0)
        assert await talk.working() == {order.client_order_id}
        assert len(held) == len(QUERIES)
        for answer in held:
            answer()
        assert await talk.working() == {order.client_order_id}
        assert len(talk.session._orders._waiters) == 0


async def test_r6_whoever_receives_nothing_loses_the_session_not_the_memory(monkeypatch):
    monkeypatch.setattr("fillbridge_rithmic.inbox.LIMIT", 100)
    async with ground() as here, here.session() as talk:
        for number in range(300):
            await here.drive(number % 8)
        await until("the end of the session", lambda: talk.session._inbox.end_reason is not None)
        assert isinstance(await here.submit(talk, here.market(Side.BUY)), NotSent)
        assert len(talk.session._inbox._messages) <= 101
        await talk.lost()
        with pytest.raises(RetryableError, match="not received"):
            await talk.session.receive()


# R7: a forced logout is one, at whichever plant; see also the handler's tests


@pytest.mark.parametrize("plant", [1, 2, 4])
async def test_r7_another_login_at_any_plant_is_no_fault_of_the_network(plant):
    async with ground() as here, here.session() as talk:
        (session,) = [one for one in here.gateway.sessions if one.plant == plant]
        here.gateway.force_out(session)
        with pytest.raises(ForcedLogout):
            await talk.lost()
        for name in QUERIES:
            with pytest.raises(ForcedLogout):
                await query(talk.session, name)
        assert isinstance(await here.submit(talk, here.market(Side.BUY)), NotSent)
        assert len(here.received(10)) == 3


async def test_r7_a_second_session_takes_the_first_ones_place_for_good():
    async with ground() as here, here.session() as first, here.session() as second:
        with pytest.raises(ForcedLogout):
            await first.lost()
        await here.settle(second)
        assert len(here.received(10)) == 6


# R8: every order says that a program sent it


async def test_r8_every_request_on_an_order_says_that_a_program_sent_it():
    async with ground() as here, here.session() as talk:
        entry, legs = bracket(here, quantity=2)
        await here.send(talk, entry, legs=legs)
        await here.drive(-12)
        await talk.filled(entry.client_order_id, 2)
        await talk.order(legs[0].client_order_id, among="working_orders")
        change = Replacement(legs[0].client_order_id, 2, OrderType.MARKET, None, None)
        assert isinstance(await talk.session.replace(change), Sent)
        await talk.answer(legs[0].client_order_id, Replaced)
        await here.drive(-12)
        await talk.filled(legs[0].client_order_id, 2)
        for order in (
            here.limit(Side.BUY, -30),
            here.stop(Side.BUY, 30),
            here.order(
                Side.BUY, 1, OrderType.STOP_LIMIT, trigger_ticks=BASE_TICKS + 30,
                limit_ticks=BASE_TICKS + 32,
            ),
            here.order(
                Side.BUY, 1, OrderType.LIMIT, limit_ticks=BASE_TICKS - 30,
                time_in_force=TimeInForce.DAY,
            ),
            here.order(
                Side.SELL, 1, OrderType.LIMIT, limit_ticks=BASE_TICKS + 30, role=OrderRole.EXIT
            ),
        ):  # fmt: skip
            await here.send(talk, order)
            change = Replacement(
                order.client_order_id,
                2,
                order.order_type,
                None if order.limit_ticks is None else order.limit_ticks + 1,
                None if order.trigger_ticks is None else order.trigger_ticks + 1,
            )
            await talk.session.replace(change)
            await here.withdraw(talk, order)
        await here.trade(talk, Side.SELL)
        for tif in (TimeInForce.IOC, TimeInForce.FOK):
            await here.submit(talk, here.order(Side.BUY, 1, OrderType.MARKET, time_in_force=tif))
        await here.settle(talk)
    flagged = {}
    for one in here.gateway.received:
        if "manual_or_auto" in one.message.DESCRIPTOR.fields_by_name:
            flagged.setdefault(one.template, set()).add(one.message.manual_or_auto)
    assert set().union(*flagged.values()) == {2}
    assert flagged.keys() >= {NEW_ORDER, BRACKET, MODIFY, CANCEL}
    assert {order.ticket.manual_or_auto for order in here.gateway.orders()} == {2}


# R10: what was missed is made up for, nothing is not an error, and answers never cross


async def test_r10_fills_that_were_missed_are_found_after_the_reconnect():
    async with ground() as here:
        async with here.session() as talk:
            name = await fill_pieces(here, talk, 3)
            partly = here.limit(Side.BUY, -20, 5)
            missed = here.limit(Side.BUY, -20, 2)
            for order in (partly, missed):
                await here.send(talk, order)
            await talk.filled(name, 3)
            await here.gateway.cut()
            await talk.lost()
        since_ns = here.terms.clock.now_ns
        await here.drive(-24, 4)
        await here.drive(-24, 1)
        async with here.session() as talk:
            fills = await talk.session.fills(0)
            assert {one.fill_id: one.quantity for one in fills} == here.fills()
            assert len(fills) == len(here.fills())
            recent = [one.fill_id for one in await talk.session.fills(since_ns)]
            assert recent == [one.fill_id for one in fills[3:]]
            assert sum(one.quantity for one in fills[3:]) == 5
            today = {one.client_order_id: one for one in await talk.session.orders_today()}
            assert today[name].status is OrderStatus.FILLED
            assert today[name].filled == 3
            working = {one.client_order_id: one for one in await talk.session.working_orders()}
            at_gateway = {one.ticket.user_tag: one for one in here.gateway.orders(working=True)}
            assert working.keys() == at_gateway.keys()
            for tag, order in working.items():
                assert order.filled == at_gateway[tag].filled
            assert await talk.position(here.symbol) == here.gateway.position(ACCOUNT, here.symbol)


@pytest.mark.parametrize("name", QUERIES)
async def test_r10_nothing_is_nothing_and_an_error_is_an_error(name):
    async with ground() as here, here.session() as talk:
        faults, template = here.gateway.faults, QUERIES[name]
        assert await query(talk.session, name) == ()
        faults.arm("no_data", template=template)
        assert await query(talk.session, name) == ()
        for fault, options in (
            ("refused", {"code": "7", "text": "an error occurred while parsing data."}),
            ("refused", {"code": "6", "text": "bad input"}),
            ("refused", {"code": "1039", "text": "FCM Id field is not received."}),
            ("rejected", {"code": "6", "text": "bad input"}),
            ("silence", {}),
        ):
            faults.arm(fault, template=template, **options)
            limit_requests(talk.session, 0.3 if fault == "silence" else 4.0)
            with pytest.raises(RetryableError):
                await query(talk.session, name)
        limit_requests(talk.session, 4.0)
        assert await query(talk.session, name) == ()


async def test_r10_no_data_where_there_must_be_some_is_no_proof_of_absence():
    async with ground() as here, here.session() as talk:
        order = here.limit(Side.BUY, -8)
        await here.send(talk, order)
        here.gateway.faults.arm("no_data", template=SHOW_ORDERS, times=2)
        try:
            found = await talk.working()
        except RetryableError:
            return
        assert found == {order.client_order_id}


async def test_r10_a_list_of_open_orders_is_not_all_that_is_known_of_today():
    async with ground() as here, here.session() as talk:
        filled = here.limit(Side.BUY, -8)
        await here.send(talk, filled)
        await here.drive(-12)
        await talk.filled(filled.client_order_id, 1)
        cancelled, open_ = here.limit(Side.BUY, -30), here.limit(Side.BUY, -40)
        for order in (cancelled, open_):
            await here.send(talk, order)
        await here.withdraw(talk, cancelled)
        await here.gateway.cut()
        await talk.lost()
        async with here.session() as again:
            today = {one.client_order_id: one.status for one in await again.session.orders_today()}
            assert await again.working() == {open_.client_order_id}
    assert today == {
        filled.client_order_id: OrderStatus.FILLED,
        cancelled.client_order_id: OrderStatus.CANCELLED,
        open_.client_order_id: OrderStatus.SUBMITTED,
    }


async def test_r10_questions_at_the_same_time_get_each_its_own_answer():
    async with ground() as here:
        clock = here.terms.clock
        async with here.session() as talk:
            for _ in range(2):
                await here.trade(talk, Side.BUY, 2)
            open_ = here.limit(Side.BUY, -30)
            await here.send(talk, open_)
            since_ns = clock.now_ns + 1
            await here.trade(talk, Side.BUY, 3)
            late = {one.fill_id for one in await talk.session.fills(since_ns)}
        expected = {
            "working": {open_.client_order_id},
            "today": {one.ticket.user_tag for one in here.gateway.orders()},
            "positions": [(here.symbol, 7)],
            "all": set(here.fills()),
            "late": late,
        }
        assert [len(expected[name]) for name in ("today", "all", "late")] == [4, 3, 1]
        # A session that knows nothing by itself.
        async with here.session() as talk:
            for number, template in enumerate((*QUERIES.values(), SHOW_ORDERS, REPLAY)):
                here.gateway.faults.arm(
                    "ack_delayed", template=template, delay_s=0.02 * (number % 3), after=number % 2
                )
            answers = []
            async with anyio.create_task_group() as tasks:
                for name in [*expected, *reversed(expected)] * 3:
                    tasks.start_soon(answer_of, talk, name, since_ns, answers)
        assert len(answers) == 30
        for name, said in answers:
            assert said == expected[name], name


async def answer_of(talk, name, since_ns, answers):
    """Ask, and keep what was asked with what was said."""
    session = talk.session
    if name == "working":
        said = await talk.working()
    elif name == "today":
        said = {one.client_order_id for one in await session.orders_today()}
    elif name == "positions":
        said = [(one.symbol, one.quantity) for one in await session.positions()]
    else:
        since = 0 if name == "all" else since_ns
        said = {one.fill_id for one in await session.fills(since)}
    answers.append((name, said))


async def test_r10_a_late_answer_is_not_that_of_the_next_question(monkeypatch):
    async with ground() as here, here.session() as talk:
        order = here.limit(Side.BUY, -8)
        await here.send(talk, order)
        held = hold_answers(here, monkeypatch, SHOW_ORDERS)
        limit_requests(talk.session, 0.1)
        with pytest.raises(RetryableError):
            await talk.working()
        limit_requests(talk.session, 1.0)
        here.gateway.faults.arm("silence", template=SHOW_ORDERS)

        async def answer_late():
            await until("the second question", lambda: "silence" in here.gateway.faults.happened)
            for answer in held:
                answer()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(answer_late)
            with pytest.raises(RetryableError):
                await talk.working()
        assert len(held) == 1
        limit_requests(talk.session, 4.0)
        assert await talk.working() == {order.client_order_id}
