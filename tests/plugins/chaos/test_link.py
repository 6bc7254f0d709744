"""What may happen to requests and to the link itself."""

import pytest

from fillbridge_chaos import Faults, Latency
from fillbridge_hooks import (
    Accepted,
    CancelRejected,
    Fill,
    ForcedLogout,
    NotSent,
    OrderType,
    OutcomeUnknown,
    PermitSpent,
    Rejected,
    Replacement,
    ReplaceRejected,
    RetryableError,
    Sent,
)

pytestmark = pytest.mark.anyio
LIMIT = OrderType.LIMIT


async def test_a_permit_is_spent_once_whatever_happens(make_rig):
    for faults in (Faults(), Faults(lost_request=1), Faults(disconnect_before_send=1)):
        rig = make_rig(faults)
        async with rig.connected() as session:
            order = rig.order()
            await session.submit(order)
            assert order.permit.is_spent
            with pytest.raises(PermitSpent):
                await session.submit(order)


async def test_a_lost_request_looks_sent(make_rig):
    rig = make_rig(Faults(lost_request=1))
    async with rig.connected() as session:
        assert await session.submit(rig.order()) == Sent("T1")
        await rig.clock.advance(60)
    assert rig.broker.orders == {}
    assert rig.heard == []
    assert rig.counters["lost_request"] == 1


async def test_a_request_is_refused_with_the_code(make_rig):
    rig = make_rig(Faults(reject=1, reject_code="77"))
    async with rig.connected() as session:
        assert await session.submit(rig.order()) == Sent("T1")
        await session.cancel("X")
        await session.replace(Replacement("Y", 1, LIMIT, 1, None))
        await rig.clock.settle()
    assert [type(message) for message in rig.messages] == [
        Rejected,
        CancelRejected,
        ReplaceRejected,
    ]
    assert all(message.reason.startswith("77") for message in rig.messages)
    assert rig.broker.orders == {}
    assert rig.counters["reject"] == 3


async def test_disconnect_before_the_send(make_rig):
    rig = make_rig(Faults(disconnect_before_send=1))
    async with rig.connected() as session:
        outcome = await session.submit(rig.order())
        await rig.clock.settle()
        assert isinstance(outcome, NotSent)
        assert isinstance(rig.error, RetryableError)
        assert isinstance(await session.cancel("T1"), NotSent)
        with pytest.raises(RetryableError):
            await rig.ask(session.positions)
    assert rig.broker.orders == {}
    assert rig.counters["disconnect_before_send"] == 1, "a link breaks once"


async def test_disconnect_after_the_send(make_rig):
    arrived = set()
    for seed in range(20):
        rig = make_rig(Faults(disconnect_after_send=1), seed)
        async with rig.connected() as session:
            assert isinstance(await session.submit(rig.order()), OutcomeUnknown)
            await rig.clock.settle()
            assert isinstance(rig.error, RetryableError)
        assert rig.heard == []
        assert rig.counters["disconnect_after_send"] == 1
        assert rig.counters["lost_request"] == 1 - len(rig.broker.orders)
        arrived.add(len(rig.broker.orders))
    assert arrived == {0, 1}


async def test_what_is_under_way_when_the_link_breaks_arrives_up_to_a_point(make_rig):
    arrived = set()
    for seed in range(30):
        rig = make_rig(Faults(request_latency=Latency(fixed_ms=100)), seed)
        async with rig.connected() as session:
            for _ in range(4):
                await session.submit(rig.order())
            session._wire.link._rates["disconnect_before_send"] = 1
            await session.cancel("T1")
        names = list(rig.broker.orders)
        assert names == ["T1", "T2", "T3", "T4"][: len(names)]
        arrived.add(len(names))
    assert arrived == {0, 1, 2, 3, 4}


async def test_a_half_open_link_swallows_everything_and_says_nothing(make_rig):
    rig = make_rig(Faults(half_open=1, half_open_s=60, query_timeout_s=2))
    async with rig.connected() as session:
        assert await session.submit(rig.order()) == Sent("T1")
        assert await session.cancel("T1") == Sent("T1")
        rig.broker.say(Accepted("other", "B", 1))
        start = rig.clock.now_ns
        with pytest.raises(RetryableError, match="no answer"):
            await rig.ask(session.working_orders)
        assert rig.clock.now_ns - start == 2_000_000_000
        await rig.clock.advance(57)
        assert rig.error is None
        assert rig.heard == []
        await rig.clock.advance(2)
        assert isinstance(rig.error, RetryableError)
        assert isinstance(await session.submit(rig.order()), NotSent)
    assert rig.broker.orders == {}
    assert rig.counters["half_open"] == 1


async def test_a_query_on_its_way_dies_with_the_link(make_rig):
    rig = make_rig(Faults(half_open=1, request_latency=Latency(fixed_ms=10)))
    async with rig.connected() as session:
        with pytest.raises(RetryableError, match="no answer"):
            await rig.ask(session.positions)


async def test_a_forced_logout_says_so_everywhere(make_rig):
    rig = make_rig(Faults(forced_logout=1))
    async with rig.connected() as session:
        assert isinstance(await session.submit(rig.order()), NotSent)
        await rig.clock.settle()
        assert isinstance(rig.error, ForcedLogout)
        with pytest.raises(ForcedLogout):
            await rig.ask(session.orders_today)
    assert rig.counters["forced_logout"] == 1
    async with rig.connected():
        assert rig.error is None


async def test_a_connection_is_refused_for_a_while_and_then_let_in(make_rig):
    rig = make_rig(Faults(connect_refused=1, refused_s=3))
    for _ in range(3):
        with pytest.raises(RetryableError, match="refused"):
            async with rig.connected():
                pass
        await rig.clock.advance(0.9)
    await rig.clock.advance(1)
    async with rig.connected():
        assert rig.error is None
    assert rig.counters["connect_refused"] == 3


@pytest.mark.parametrize("error", [RetryableError("gone"), ForcedLogout("other")])
async def test_what_ends_the_session_inside_ends_this_one(make_rig, error):
    rig = make_rig()
    async with rig.connected() as session:
        rig.broker.session.fail(error)
        await rig.clock.settle()
        assert type(rig.error) is type(error)
        assert str(rig.error) == str(error)
        assert isinstance(await session.cancel("X"), NotSent)


async def test_a_defect_inside_is_not_taken_for_a_lost_link(make_rig):
    rig = make_rig()
    async with rig.driver.connect(rig.terms) as session:
        rig.broker.session.fail(ZeroDivisionError("a defect"))
        with pytest.raises(ZeroDivisionError):
            await session.receive()


async def test_an_order_that_the_driver_did_not_send_after_all_is_unknown(make_rig):
    rig = make_rig(Faults(request_latency=Latency(fixed_ms=10)))
    async with rig.connected() as session:
        rig.broker.session.refuses = True
        assert await session.submit(rig.order()) == Sent("T1")
        await session.cancel("T1")
        await rig.clock.advance(1)
    assert [type(message) for message in rig.messages] == [OutcomeUnknown]
    assert rig.messages[0].reason == "the pipe is full"


async def test_without_latency_the_outcome_is_the_drivers(make_rig):
    rig = make_rig()
    async with rig.connected() as session:
        rig.broker.session.refuses = True
        assert isinstance(await session.submit(rig.order()), NotSent)


async def test_capabilities_are_those_of_the_driver(make_rig):
    rig = make_rig()
    assert rig.driver.capabilities is rig.driver._driver.capabilities


async def test_the_trace_names_fault_time_and_order(make_rig):
    rig = make_rig(Faults(lost_request=1, request_latency=Latency(fixed_ms=1)))
    async with rig.connected() as session:
        await session.submit(rig.order())
    (event,) = rig.driver.trace
    assert (event.time_ns, event.fault, event.client_order_id) == (
        rig.clock.now_ns,
        "lost_request",
        "T1",
    )
    assert rig.of(Fill) == []
