"""Partial: what is filled and what still works add up."""

from fillbridge_hooks.orders import Fill
from fillbridge_hooks.reports import Cancelled
from fillbridge_hooks.terms import OrderStatus, Side
from fillbridge_hooks.testing.drivers.stage import Stage, expect_terms
from fillbridge_hooks.testing.drivers.table import TABLE
from fillbridge_hooks.testing.requirements import demand, demand_equal

GROUP = "partial"


@TABLE.add(310, GROUP, "partial_fills")
async def an_order_fills_in_parts(stage: Stage) -> None:
    """Each part of an order is a fill of its own, with its id, its quantity and the sum so far.

    If this fails, check that ``quantity`` is of this fill and ``cumulative_quantity`` of all.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8, quantity=3)
        await stage.send(talk, order)
        await stage.drive(-12, 1)
        first = await talk.filled(order.client_order_id, 1)
        demand_equal("after 1 of 3", _parts(first), [(1, 1)])
        await stage.drive(-12, 2)
        fills = await talk.filled(order.client_order_id, 3)
        demand_equal("after 3 of 3", sum(fill.quantity for fill in fills), 3)
        demand_equal("cumulative_quantity", max(fill.cumulative_quantity for fill in fills), 3)
        demand(len(fills) > 1, "fill_id: expected one for each part, was the same for both")


@TABLE.add(320, GROUP, "partial_fills")
async def a_partly_filled_order_works_on(stage: Stage) -> None:
    """A partly filled order is in ``working_orders`` with its total and what is filled of it.

    If this fails, check how the broker's status is read: what is left may still fill.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8, quantity=3)
        await stage.send(talk, order)
        await stage.drive(-12, 1)
        await talk.filled(order.client_order_id, 1)
        found = await talk.order(order.client_order_id, among="working_orders")
        expect_terms(found, order)
        demand_equal("filled", found.filled, 1)
        demand_equal("status", found.status, OrderStatus.PARTIAL_FILLED)


@TABLE.add(330, GROUP, "partial_fills")
async def a_part_that_filled_is_a_position(stage: Stage) -> None:
    """The position holds what is filled, not what was ordered.

    If this fails, ask the broker for its position rather than counting orders.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.SELL, 8, quantity=3)
        await stage.send(talk, order)
        await stage.drive(12, 2)
        await talk.filled(order.client_order_id, 2)
        demand_equal("position", await talk.position(stage.symbol), -2)


@TABLE.add(340, GROUP, "partial_fills")
async def what_is_left_of_a_partly_filled_order_is_cancelled(stage: Stage) -> None:
    """A cancel withdraws what is left; what was filled stays filled, and nothing more does.

    If this fails, read the filled quantity of a cancelled order as the broker states it. In
    ``Cancelled`` it is ``cumulative_quantity``, or ``None`` where the broker does not say.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8, quantity=3)
        await stage.send(talk, order)
        await stage.drive(-12, 1)
        await talk.filled(order.client_order_id, 1)
        await stage.withdraw(talk, order)
        await stage.drive(-12)
        await stage.settle(talk)
        for report in talk.about(order.client_order_id):
            if isinstance(report, Cancelled) and report.cumulative_quantity is not None:
                demand_equal("Cancelled.cumulative_quantity", report.cumulative_quantity, 1)
        found = await talk.order(order.client_order_id)
        demand_equal("status", found.status, OrderStatus.CANCELLED)
        demand_equal("filled", found.filled, 1)
        demand_equal("parts", _parts(talk.fills(order.client_order_id)), [(1, 1)])
        demand_equal("position", await talk.position(stage.symbol), 1)


@TABLE.add(350, GROUP)
async def nothing_fills_beyond_the_quantity(stage: Stage) -> None:
    """An order fills for its quantity and never for more, however much trades.

    If this fails, look for fills that are counted twice, or reported under two ids.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8, quantity=2)
        await stage.send(talk, order)
        for _ in range(3):
            await stage.drive(-12)
        await talk.filled(order.client_order_id, 2)
        await stage.settle(talk)
        fills = talk.fills(order.client_order_id)
        demand_equal("filled", sum(fill.quantity for fill in fills), 2)
        demand_equal("position", await talk.position(stage.symbol), 2)


def _parts(fills: list[Fill]) -> list[tuple[int, int]]:
    return [(fill.quantity, fill.cumulative_quantity) for fill in fills]
