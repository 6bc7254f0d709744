"""Duplicates and order of events: each thing that happened counts once."""

from fillbridge_hooks.orders import Fill
from fillbridge_hooks.reports import Cancelled, Expired, Rejected
from fillbridge_hooks.terms import Side
from fillbridge_hooks.testing.drivers.stage import FAR, Stage
from fillbridge_hooks.testing.drivers.table import TABLE
from fillbridge_hooks.testing.requirements import demand, demand_equal

GROUP = "duplicates and order of events"


@TABLE.add(1010, GROUP)
async def an_execution_has_one_id(stage: Stage) -> None:
    """What is reported and what ``fills`` answers are the same fills, under the same ids.

    If this fails, use the exchange's execution id. An id that the driver makes up differs when
    the broker repeats itself, and the fill then counts twice.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8, quantity=2)
        await stage.send(talk, order)
        await stage.drive(-12)
        await talk.filled(order.client_order_id, 2)
        await stage.settle(talk)
        heard = {fill.fill_id: fill.quantity for fill in talk.fills(order.client_order_id)}
        demand_equal("filled, each id once", sum(heard.values()), 2)
        answer = await talk.session.fills(0)
        demand_equal("ids in fills(0)", len({fill.fill_id for fill in answer}), len(answer))
        demand_equal("fills(0)", {fill.fill_id: fill.quantity for fill in answer}, heard)


@TABLE.add(1020, GROUP)
async def reports_are_of_orders_that_were_sent(stage: Stage) -> None:
    """No report names a client order id that was not sent.

    If this fails, map every report to the id it was sent with, through the broker's order id
    where it gives no other.
    """
    async with stage.session() as talk:
        filled, gone = stage.market(Side.BUY, 2), stage.limit(Side.BUY, -8)
        await stage.send(talk, filled)
        await stage.drive(0)
        await talk.filled(filled.client_order_id, 2)
        await stage.send(talk, gone)
        await stage.withdraw(talk, gone)
        probe = stage.limit(Side.BUY, -FAR)
        await stage.send(talk, probe)
        sent = {order.client_order_id for order in (filled, gone, probe)}
        strange = {report.client_order_id for report in talk.reports} - sent
        demand_equal("orders that nobody sent", strange, set())


@TABLE.add(1030, GROUP)
async def cumulative_quantities_add_up(stage: Stage) -> None:
    """``cumulative_quantity`` is the sum of the order's own fills, and of no other order's.

    If this fails, count by order, and read whether the broker states this fill or all of them.
    """
    async with stage.session() as talk:
        await stage.trade(talk, Side.BUY, 2)
        fills = await stage.trade(talk, Side.BUY, 3)
        await stage.settle(talk)
        total = 0
        for fill in sorted(fills, key=lambda fill: fill.cumulative_quantity):
            total += fill.quantity
            demand_equal(f"{fill.fill_id}.cumulative_quantity", fill.cumulative_quantity, total)
        demand_equal("filled", total, 3)


@TABLE.add(1040, GROUP)
async def the_position_is_the_sum_of_the_fills(stage: Stage) -> None:
    """After trades on both sides the position is what the fills add up to.

    If this fails, compare both with the broker's own screen to see which of them is wrong.
    """
    async with stage.session() as talk:
        held = 0
        for side, quantity in ((Side.BUY, 3), (Side.SELL, 1), (Side.SELL, 4), (Side.BUY, 1)):
            fills = await stage.trade(talk, side, quantity)
            held += side.sign * sum(fill.quantity for fill in fills)
            demand_equal("position", await talk.position(stage.symbol), held)
        demand_equal("position", held, -1)


@TABLE.add(1050, GROUP)
async def a_filled_order_does_not_end_in_another_way(stage: Stage) -> None:
    """An order that filled is reported neither as cancelled nor as rejected nor as expired.

    If this fails, look for a broker's closing message ("complete") that is read as a cancel.
    """
    async with stage.session() as talk:
        (fill,) = await stage.trade(talk, Side.BUY)
        await stage.settle(talk)
        ended = [
            type(report).__name__
            for report in talk.about(fill.client_order_id)
            if isinstance(report, Cancelled | Rejected | Expired)
        ]
        demand_equal("ends of a filled order", ended, [])


@TABLE.add(1060, GROUP)
async def a_fill_that_is_repeated_is_the_same(stage: Stage) -> None:
    """Reports of one ``fill_id``, and what ``fills`` answers for it, agree in quantity and price.

    If this fails, an id stands for more than one execution: use the exchange's.
    """
    async with stage.session() as talk:
        for quantity in (1, 2):
            await stage.trade(talk, Side.BUY, quantity)
        await stage.settle(talk)
        said: dict[str, set[tuple[str, int, float]]] = {}
        heard = [report for report in talk.reports if isinstance(report, Fill)]
        for fill in (*heard, *await talk.session.fills(0)):
            facts = (fill.client_order_id, fill.quantity, fill.price)
            said.setdefault(fill.fill_id, set()).add(facts)
        for fill_id, facts_said in said.items():
            demand(len(facts_said) == 1, f"{fill_id}: expected one fill, was {facts_said}")


@TABLE.add(1070, GROUP)
async def a_fill_keeps_its_id(stage: Stage) -> None:
    """A fill has the same id in a later session, so that it is known again.

    If this fails, use the exchange's execution id rather than a number counted by the session.
    """
    async with stage.session() as talk:
        (first,) = await stage.trade(talk, Side.BUY)
        await stage.lose(talk)
    async with stage.session() as talk:
        (second,) = await stage.trade(talk, Side.BUY)
        demand(first.fill_id != second.fill_id, f"fill_id: expected a new one, was {first.fill_id}")
        ids = [fill.fill_id for fill in await talk.session.fills(0)]
        demand_equal("fills(0)", ids, [first.fill_id, second.fill_id])
