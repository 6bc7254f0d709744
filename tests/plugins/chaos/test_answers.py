"""Queries that are answered wrongly, and how often in a row."""

import pytest

from fillbridge_chaos import Faults
from fillbridge_hooks import OrderStatus, OrderType

pytestmark = pytest.mark.anyio


async def test_an_answer_is_empty_although_there_is_something_and_then_true(make_rig):
    rig = make_rig(Faults(empty_answer=1))
    async with rig.connected() as session:
        await session.submit(rig.order())
        await session.submit(rig.order(kind=OrderType.LIMIT))
        await rig.clock.settle()
        lie = await rig.read(session)
        truth = await rig.read(session)
        again = await rig.read(session)
    assert lie == again == ((), (), (), ())
    assert all(truth)
    assert rig.counters["empty_answer"] == 8


async def test_nothing_is_no_lie_where_there_is_nothing(make_rig):
    rig = make_rig(Faults(empty_answer=1))
    async with rig.connected() as session:
        await rig.read(session)
        await session.submit(rig.order())
        assert await rig.ask(session.positions) == ()
    assert rig.counters["empty_answer"] == 1


@pytest.mark.parametrize("most", [0, 1, 3])
async def test_lies_in_a_row_are_bounded(make_rig, most):
    rig = make_rig(Faults(empty_answer=1, max_consecutive_lies=most))
    async with rig.connected() as session:
        await session.submit(rig.order())
        answers = [bool(await rig.ask(session.positions)) for _ in range(8)]
    assert answers == (([False] * most + [True]) * 8)[:8]


async def test_a_stale_answer_is_how_things_stood_seconds_ago(make_rig):
    rig = make_rig(Faults(stale_answer=1, stale_s=5))
    async with rig.connected() as session:
        await session.submit(rig.order(kind=OrderType.LIMIT))
        before = await rig.read(session)
        await rig.clock.advance(3)
        rig.broker.fill("T1", 1)
        stale = await rig.read(session)
        truth = await rig.read(session)
    assert stale == before
    assert truth[1][0].status is OrderStatus.FILLED
    assert truth[3] == tuple(rig.broker.executions)
    assert rig.counters["stale_answer"] == 4


async def test_what_is_older_than_that_is_never_told(make_rig):
    rig = make_rig(Faults(stale_answer=1, stale_s=5))
    async with rig.connected() as session:
        await session.submit(rig.order(kind=OrderType.LIMIT))
        await rig.read(session)
        await rig.clock.advance(3)
        rig.broker.fill("T1", 1)
        await rig.clock.advance(6)
        assert (await rig.read(session))[3] == tuple(rig.broker.executions)
    assert rig.counters["stale_answer"] == 0
