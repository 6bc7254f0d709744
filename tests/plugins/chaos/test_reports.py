"""What may happen to reports on their way."""

import pytest

from fillbridge_chaos import Faults, Latency
from fillbridge_hooks import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    FillVoided,
    OrderStatus,
    OrderType,
    Replaced,
    Replacement,
    TradeTick,
)

pytestmark = pytest.mark.anyio
SECOND = 1_000_000_000
LIMIT = OrderType.LIMIT


async def test_without_faults_all_passes_as_it_is(make_rig):
    rig = make_rig()
    async with rig.connected() as session:
        await session.submit(rig.order())
        limit = rig.order(kind=LIMIT)
        await session.submit(limit)
        await session.replace(Replacement("T2", 3, LIMIT, 20004, None))
        await session.cancel("T2")
        rig.broker.say(TradeTick(1, 5000.0, 1.0, "ES"))
        await rig.clock.settle()
        kinds = [type(message) for message in rig.messages]
        assert kinds == [Accepted, Fill, Accepted, Replaced, Cancelled, TradeTick]
        read = await rig.read(session)
    assert read == (
        (),
        tuple(rig.broker.orders.values()),
        rig.broker.positions(),
        tuple(rig.broker.executions),
    )
    assert not any(rig.counters.values())
    assert limit.permit.is_spent


async def test_latency_delays_both_directions_and_keeps_the_order(make_rig):
    slow = Latency(fixed_ms=100)
    rig = make_rig(Faults(request_latency=slow, report_latency=slow))
    async with rig.connected() as session:
        start = rig.clock.now_ns
        await session.submit(rig.order())
        await session.cancel("T1")
        await rig.clock.advance(0.099)
        assert rig.broker.orders == {}
        await rig.clock.advance(0.002)
        assert rig.broker.orders["T1"].status is OrderStatus.FILLED
        await rig.clock.advance(1)
    assert [type(message) for message in rig.messages] == [Accepted, Fill, CancelRejected]
    times = [(time - start) / SECOND for time, _ in rig.heard]
    assert times == pytest.approx([0.2, 0.2, 0.2])
    assert rig.counters["latency"] == 5


async def test_an_answer_waits_behind_the_requests_before_the_query(make_rig):
    rig = make_rig(Faults(cancel_cross=1, cross_ms=500))
    async with rig.connected() as session:
        await session.submit(rig.order(kind=LIMIT))
        start = rig.clock.now_ns
        await session.cancel("T1")
        (order,) = await rig.ask(session.orders_today)
        assert order.status is OrderStatus.CANCELLED
        assert rig.clock.now_ns - start == SECOND // 2 + 1


async def test_requests_never_overtake(make_rig):
    rig = make_rig(Faults(request_latency=Latency(median_ms=50, sigma=2)))
    async with rig.connected() as session:
        for _ in range(30):
            await session.submit(rig.order(kind=LIMIT))
            await rig.clock.advance(0.01)
        await rig.clock.advance(60)
    assert list(rig.broker.orders) == [f"T{number}" for number in range(1, 31)]


async def test_a_spike_delays_and_is_counted(make_rig):
    rig = make_rig(Faults(report_latency=Latency(spike=1, spike_ms=700)))
    async with rig.connected() as session:
        await session.submit(rig.order(kind=LIMIT))
        await rig.clock.advance(0.699)
        assert rig.heard == []
        await rig.clock.advance(0.002)
        assert len(rig.heard) == 1
    assert rig.counters["spike"] == 1


async def test_log_normal_latency_varies_around_its_median(make_rig):
    rig = make_rig(Faults(report_latency=Latency(median_ms=50, sigma=0.5)))
    delays = []
    async with rig.connected() as session:
        for _ in range(60):
            start = rig.clock.now_ns
            await session.submit(rig.order(kind=LIMIT))
            await rig.clock.advance(2)
            delays.append((rig.heard[-1][0] - start) / 1_000_000)
    assert 35 < sorted(delays)[30] < 70
    assert min(delays) < 35 < 70 < max(delays)


async def test_a_lost_report_never_arrives_and_a_query_finds_it(make_rig):
    rig = make_rig(Faults(lost_report=1))
    async with rig.connected() as session:
        await session.submit(rig.order())
        await rig.clock.advance(60)
        assert rig.heard == []
        assert await rig.ask(session.fills, 0) == tuple(rig.broker.executions)
        assert len(await rig.ask(session.positions)) == 1
    assert rig.counters["lost_report"] == 2


async def test_a_report_is_repeated_as_it_was(make_rig):
    rig = make_rig(Faults(duplicate=1, reorder_window_ms=50))
    async with rig.connected() as session:
        await session.submit(rig.order())
        await rig.clock.advance(1)
    assert rig.of(Fill) == rig.broker.executions * 2
    assert len(rig.of(Accepted)) == 2
    assert len(rig.broker.orders) == 1
    assert rig.counters["duplicate"] == 2


async def test_reports_overtake_one_another_within_the_window(make_rig):
    rig = make_rig(Faults(reorder=0.5, reorder_window_ms=300))
    async with rig.connected() as session:
        for _ in range(20):
            await session.submit(rig.order(kind=LIMIT))
        await rig.clock.advance(0.301)
    names = [report.client_order_id for report in rig.of(Accepted)]
    assert sorted(names) == sorted(rig.broker.orders)
    assert names != list(rig.broker.orders)
    assert 0 < rig.counters["reorder"] < 20


async def test_of_an_order_in_limbo_nothing_is_heard_for_long(make_rig):
    rig = make_rig(Faults(limbo=1, limbo_ms=3000))
    async with rig.connected() as session:
        await session.submit(rig.order())
        assert rig.broker.orders["T1"].status is OrderStatus.FILLED
        await rig.clock.advance(2.9)
        assert rig.heard == []
        assert len(await rig.ask(session.orders_today)) == 1
        await rig.clock.advance(0.2)
        assert [type(message) for message in rig.messages] == [Accepted, Fill]
    assert rig.counters["limbo"] == 1


async def test_a_fill_is_told_in_parts_that_add_up_and_queries_tell_the_same(make_rig):
    rig = make_rig(Faults(partial=1, partial_parts=4))
    async with rig.connected() as session:
        await session.submit(rig.order(quantity=1))
        await session.submit(rig.order(quantity=6, kind=LIMIT))
        rig.broker.fill("T2", 2)
        rig.broker.fill("T2", 4)
        await rig.clock.settle()
        fills = rig.of(Fill)
        assert tuple(fills) == await rig.ask(session.fills, 0)
    assert rig.counters["partial"] == 2
    assert len({fill.fill_id for fill in fills}) == len(fills) > 3
    parts = [fill for fill in fills if fill.client_order_id == "T2"]
    total = 0
    for part in parts:
        total += part.quantity
        assert part.quantity > 0
        assert part.cumulative_quantity == total
    assert total == 6
    assert fills[0] == rig.broker.executions[0], "one contract cannot be split"


async def test_a_fill_comes_before_the_acknowledgement(make_rig):
    rig = make_rig(Faults(fill_before_ack=1))
    async with rig.connected() as session:
        await session.submit(rig.order())
        await rig.clock.advance(1)
    assert [type(message) for message in rig.messages] == [Fill, Accepted]
    assert rig.counters["fill_before_ack"] == 1


async def test_an_acknowledgement_without_a_fill_comes_after_a_while(make_rig):
    rig = make_rig(Faults(fill_before_ack=1, hold_ms=500))
    async with rig.connected() as session:
        await session.submit(rig.order(kind=LIMIT))
        await rig.clock.advance(0.49)
        assert rig.heard == []
        await rig.clock.advance(0.02)
        assert len(rig.of(Accepted)) == 1
        rig.broker.fill("T1", 1)
        await rig.clock.advance(1)
    assert [type(message) for message in rig.messages] == [Accepted, Fill]
    assert rig.counters["fill_before_ack"] == 0


@pytest.mark.parametrize(("filled", "answer"), [(1, Cancelled), (2, CancelRejected)])
async def test_a_fill_that_crosses_a_cancel_is_told_after_its_answer(make_rig, filled, answer):
    rig = make_rig(Faults(cancel_cross=1, cross_ms=150))
    async with rig.connected() as session:
        await session.submit(rig.order(quantity=2, kind=LIMIT))
        await session.cancel("T1")
        await rig.clock.advance(0.1)
        fill = rig.broker.fill("T1", filled)
        await rig.clock.advance(2)
    assert [type(message) for message in rig.messages] == [Accepted, answer, Fill]
    assert rig.of(Fill) == [fill]
    assert rig.counters["cancel_cross"] == 1


async def test_a_cancel_that_nothing_crosses_is_only_late(make_rig):
    rig = make_rig(Faults(cancel_cross=1, cross_ms=150))
    async with rig.connected() as session:
        await session.submit(rig.order(kind=LIMIT))
        await session.cancel("T1")
        await rig.clock.advance(0.149)
        assert rig.of(Cancelled) == []
        await rig.clock.advance(0.002)
        assert len(rig.of(Cancelled)) == 1
    assert rig.counters["cancel_cross"] == 0


async def test_a_busted_fill_is_gone_from_every_answer(make_rig):
    rig = make_rig(Faults(bust=1, bust_after_s=10))
    async with rig.connected() as session:
        await session.submit(rig.order(quantity=3, kind=LIMIT))
        rig.broker.fill("T1", 1)
        rig.broker.fill("T1", 2)
        await rig.clock.advance(4)
        assert len(await rig.ask(session.fills, 0)) == 2
        await rig.clock.advance(12)
        (voided,) = rig.of(FillVoided)
        assert voided.fill_id == "F2", "only the fill that completes an order is taken back"
        working, (order,), (position,), (fill,) = await rig.read(session)
    assert working == ()
    assert fill.fill_id == "F1"
    assert position.quantity == 1
    assert (order.status, order.filled, order.quantity) == (OrderStatus.CANCELLED, 1, 3)
    assert rig.counters["bust"] == 1


async def test_a_bust_outlives_the_connection_and_the_process(make_rig):
    faults = Faults(bust=1, bust_after_s=1)
    rig = make_rig(faults)
    async with rig.connected() as session:
        await session.submit(rig.order())
        await rig.clock.advance(5)
        assert await rig.ask(session.positions) == ()
    other = make_rig(faults)
    other.broker.orders, other.broker.executions = rig.broker.orders, rig.broker.executions
    await other.clock.advance(5)
    async with other.connected() as session:
        assert await other.ask(session.positions) == ()
        assert await other.ask(session.fills, 0) == ()
    assert rig.broker.positions() != ()


async def test_many_calls_lose_no_message(make_rig):
    rig = make_rig(Faults(report_latency=Latency(median_ms=5, sigma=1)))
    async with rig.connected() as session:
        for number in range(200):
            await session.submit(rig.order())
            if number % 3 == 0:
                await rig.clock.advance(0.001)
        await rig.clock.advance(60)
    assert rig.of(Fill) == rig.broker.executions
    assert len(rig.of(Accepted)) == 200
